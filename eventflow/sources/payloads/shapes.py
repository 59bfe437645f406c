"""The registry of webhook-like sources, and the way of every request: authorise, verify, check, read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from eventflow.errors import UserError
from eventflow.sources.payloads import forges, github, slack, sns, storagegrid, stripe, verify, webhook
from eventflow.sources.payloads.request import Answer, Refused, Request, Surroundings, cleaned

MAX_BODY = 1024 * 1024
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}]+))?\}")

Receive = Callable[[Request, Mapping[str, Any], Surroundings, Mapping[str, str]], Answer]


@dataclass(frozen=True, slots=True)
class Shape:
    """One type of source. `nested` says whether the web context is the member `webhook` of its configuration.

    `methods` are those it takes; None = what the configuration says, POST without any.
    """

    name: str
    receive: Receive
    nested: bool = True
    methods: tuple[str, ...] | None = ("POST", "GET")

    def context(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the web context: endpoint, method, authSecret, maxPayloadSize, and ours: methods, verify."""
        context = config.get("webhook") if self.nested else config
        return context if isinstance(context, Mapping) else {}

    def accepted(self, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the HTTP methods the endpoint takes."""
        if self.methods is not None:
            return self.methods
        context = self.context(config)
        named = context.get("methods") or [context.get("method") or "POST"]
        return tuple(str(method).upper() for method in named)


SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("webhook", webhook.receive, nested=False, methods=None),
        Shape("github", github.receive),
        Shape("gitlab", forges.gitlab),
        Shape("bitbucket", forges.bitbucket),
        Shape("bitbucketserver", forges.bitbucket_server),
        Shape("gerrit", forges.gerrit),
        Shape("slack", slack.receive),
        Shape("stripe", stripe.receive),
        Shape("sns", sns.receive),
        Shape("storageGrid", storagegrid.receive, methods=("POST", "GET", "HEAD")),
    )
}


def respond(type_: str, config: Mapping[str, Any], request: Request, around: Surroundings) -> Answer:
    """Answer a request to a port that serves one source: its endpoint, `/health`, else 404. Raises UserError.

    UserError is for a configuration that is no good; what is wrong with the request becomes an answer.
    """
    shape = SHAPES[type_]
    if request.path != cleaned(request.path):
        return Answer(301, "", headers={"Location": quote(cleaned(request.path))})
    parameters = match(str(shape.context(config).get("endpoint") or "/"), request.path)
    if parameters is not None:
        return receive(type_, config, request, around, parameters)
    return Answer(200, "OK") if request.path == "/health" else Answer(404, "404 page not found\n")


def receive(
    type_: str,
    config: Mapping[str, Any],
    request: Request,
    around: Surroundings,
    parameters: Mapping[str, str] | None = None,
) -> Answer:
    """Answer a request to a source's endpoint. `parameters` are the variables of the endpoint's path.

    The events of the answer must be stored before it is given; if that fails, answer `request.NOT_RECORDED`.
    """
    shape = SHAPES[type_]
    context = shape.context(config)
    try:
        _authorise(request, context, around)
        _check_method(request, shape.accepted(config))
        _check_size(request, context.get("maxPayloadSize"))
        if context.get("verify") or config.get("verify"):
            verify.check(request, context.get("verify") or config["verify"], around)
        return shape.receive(request, config, around, parameters or {})
    except Refused as refusal:
        allow = {"Allow": ", ".join(shape.accepted(config))} if refusal.status == 405 else {}
        return Answer(refusal.status, refusal.message, headers=allow)


def _authorise(request: Request, context: Mapping[str, Any], around: Surroundings) -> None:
    if not context.get("authSecret"):
        return
    try:
        token = around.read(context["authSecret"])
    except Refused as missing:
        raise Refused(500, "Error loading auth token") from missing
    given = request.header("Authorization")
    if not given.startswith("Bearer "):
        raise Refused(401, "Invalid Authorization Header")
    if not token or not verify.same(given.removeprefix("Bearer "), token):
        raise Refused(401, "Invalid Auth token")


def _check_method(request: Request, accepted: tuple[str, ...]) -> None:
    if request.method not in accepted:
        raise Refused(405, f"method {request.method} is not accepted here", hint="use " + " or ".join(accepted))


def _check_size(request: Request, limit: int | None) -> None:
    """Check the body against `maxPayloadSize` in bytes: 1 MiB without one, nothing at all with 0."""
    if len(request.body) > (MAX_BODY if limit is None else int(limit)):
        raise Refused(413, "the body is too large", hint="raise maxPayloadSize")


def match(endpoint: str, path: str) -> dict[str, str] | None:
    """Return the variables of a path that fits an endpoint such as `/hook/{id}` or `/hook/{id:[0-9]+}`, else None.

    An endpoint without a leading slash gets one. Raises UserError for a pattern that is none.
    """
    endpoint = endpoint if endpoint.startswith("/") else "/" + endpoint
    pattern, last = "", 0
    names: list[str] = []
    for variable in _VARIABLE.finditer(endpoint):
        names.append(variable.group(1))
        pattern += re.escape(endpoint[last : variable.start()]) + f"({variable.group(2) or '[^/]+'})"
        last = variable.end()
    try:
        found = re.fullmatch(pattern + re.escape(endpoint[last:]), path)
    except re.error as error:
        raise UserError(f"endpoint {endpoint!r} has a bad pattern: {error}") from error
    return dict(zip(names, found.groups(), strict=False)) if found else None
