"""`gitlab`, `bitbucket`, `bitbucketserver` and `gerrit`: the headers, and the JSON body as it was sent."""

from collections.abc import Iterable, Mapping
from typing import Any

from eventflow.model.document import dumps
from eventflow.sources.payloads import keys, verify
from eventflow.sources.payloads.request import Answer, Received, Refused, Request, Surroundings, envelope, json_text


def _taken(request: Request, config: Mapping[str, Any], bodies: Iterable[str], key: str | None) -> Answer:
    texts = list(bodies)
    events = [
        Received(
            envelope(request, "headers", text, config.get("metadata")),
            f"{key}:{index}" if key and len(texts) > 1 else key,
        )
        for index, text in enumerate(texts)
    ]
    return Answer(200, "success", tuple(events))


def gitlab(request: Request, config: Mapping[str, Any], around: Surroundings, _parameters: Mapping[str, str]) -> Answer:
    """GitLab. A `secretToken` is always checked, also when the hooks are not managed. Raises Refused(400)."""
    token = around.read(config.get("secretToken"))
    if token and not verify.same(request.header("X-Gitlab-Token"), token):
        raise Refused(400, "token mismatch")
    _, text = json_text(request.body, "invalid event")
    return _taken(request, config, [text], keys.of_headers(request, "Idempotency-Key", "X-Gitlab-Event-UUID"))


def bitbucket(
    request: Request, config: Mapping[str, Any], around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Bitbucket Cloud. `webhookSecret` (ours) checks its signature. Raises Refused."""
    secret = around.read(config.get("webhookSecret"))
    if secret:
        _hub_signature(request, secret)
    _, text = json_text(request.body, "invalid event")
    return _taken(request, config, [text], keys.of_headers(request, "X-Request-UUID"))


def bitbucket_server(
    request: Request, config: Mapping[str, Any], around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Bitbucket Data Center. With `oneEventPerChange` a push gives an event for each ref it changed."""
    secret = around.read(config.get("webhookSecret"))
    if secret:
        _hub_signature(request, secret)
    value, text = json_text(request.body, "invalid event")
    key = keys.of_headers(request, "X-Request-Id")
    if request.header("X-Event-Key") != "repo:refs_changed":
        return _taken(request, config, [text], key)
    if not isinstance(value, dict):
        raise Refused(400, "decoding repo:refs_changed webhook: not an object")
    changes = value.get("changes")
    if not config.get("oneEventPerChange") or not isinstance(changes, list):
        return _taken(request, config, [text], key)
    return _taken(request, config, [dumps({**value, "changes": [change]}) for change in changes], key)


def _hub_signature(request: Request, secret: str) -> None:
    signature = request.header("X-Hub-Signature")
    if not signature:
        raise Refused(400, "missing signature header")
    if not verify.github_signature(signature, [secret], request.body):
        raise Refused(400, "hmac verification failed")


def gerrit(
    request: Request, config: Mapping[str, Any], _around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Gerrit's webhooks plug-in. Raises Refused(400)."""
    _, text = json_text(request.body, "invalid event")
    return _taken(request, config, [text], None)
