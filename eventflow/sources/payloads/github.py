"""`github` (and Gitea, which sends the same headers): argo-events pkg/eventsources/sources/github/start.go."""

from collections.abc import Mapping
from typing import Any

from eventflow.model.document import dumps
from eventflow.sources.payloads import keys, verify
from eventflow.sources.payloads.request import (
    Answer,
    Received,
    Refused,
    Request,
    Surroundings,
    envelope,
    form,
    json_text,
)
from eventflow.sources.payloads.webhook import FORM

_INJECTED = ("X-GitHub-Event", "X-GitHub-Delivery")


def receive(
    request: Request, config: Mapping[str, Any], around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Take a delivery: JSON, or the member `payload` of a form. The event and delivery headers join the body.

    Raises Refused(400) for a signature that is missing or wrong when `webhookSecret` is set, for other content types,
    and for a payload that is no JSON object.
    """
    body = _payload(request)
    secret = around.read(config.get("webhookSecret"))
    if secret:
        _signed(request, secret)
    value, _ = json_text(body)
    if not isinstance(value, dict):
        raise Refused(400, "the payload is not a JSON object")
    merged = {**value, **{name: request.header(name) for name in _INJECTED}}
    key = keys.of_headers(request, "X-GitHub-Delivery", "X-Gitea-Delivery")
    return Answer(200, "success", (Received(envelope(request, "headers", dumps(merged), config.get("metadata")), key),))


def _payload(request: Request) -> bytes:
    kind = request.media_type
    if kind == "application/json":
        return request.body
    if kind == FORM:
        return (form(request.body.decode("utf-8", "replace")).get("payload") or [""])[0].encode()
    if not kind:
        raise Refused(400, "mime: no media type")
    raise Refused(
        400, f"webhook request has unsupported Content-Type {kind!r}", hint="choose application/json in GitHub"
    )


def _signed(request: Request, secret: str) -> None:
    signature = request.header("X-Hub-Signature-256") or request.header("X-Hub-Signature")
    if not signature:
        raise Refused(400, "missing signature")
    if not verify.github_signature(signature, [secret], request.body):
        raise Refused(400, "payload signature check failed")
