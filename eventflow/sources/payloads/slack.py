"""`slack`: the Events API, interactions and slash commands (argo-events pkg/eventsources/sources/slack/start.go)."""

import functools
import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

from eventflow.model.document import InvalidJson, dumps, loads
from eventflow.sources.payloads import verify
from eventflow.sources.payloads.members import fill
from eventflow.sources.payloads.request import Answer, Received, Refused, Request, Surroundings, form
from eventflow.sources.payloads.webhook import FORM


@functools.cache
def _members() -> dict[str, Any]:
    text = resources.files("eventflow.sources.payloads").joinpath("slack_members.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def receive(
    request: Request, config: Mapping[str, Any], around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Take what Slack sends; only the inner event, the interaction or the command becomes the event's data.

    With `signingSecret` the v0 signature is checked, with `token` the older verification token. Raises Refused: 401
    for these, 500 for what can not be read, so that Slack tries again.
    """
    signing = around.read(config.get("signingSecret"))
    if signing:
        problem = verify.slack_problem(request, [signing], around.now)
        if problem:
            raise Refused(401, f"the request is not signed by Slack: {problem}")
    if request.media_type == FORM:
        return _form(form(request.body.decode("utf-8", "replace")))
    return _event(request, around.read(config.get("token")))


def _form(fields: Mapping[str, list[str]]) -> Answer:
    if fields.get("payload", [""])[0]:
        return _interaction(fields["payload"][0])
    if fields.get("command", [""])[0]:
        return _command({name: values[0] for name, values in fields.items()})
    raise Refused(500, "could not determine slack type from form parameters")


def _event(request: Request, token: str) -> Answer:
    outer = _object(request.body, "failed to extract event")
    if token and not verify.same(str(outer.get("token") or ""), token):
        raise Refused(401, "invalid verification token")
    kind = outer.get("type")
    if kind == "url_verification":
        return Answer(200, str(outer.get("challenge") or ""))
    if kind != "event_callback":
        return Answer(200, "success")
    inner = outer.get("event")
    if not isinstance(inner, dict) or not isinstance(inner.get("type"), str):
        raise Refused(500, "failed to extract event, the callback has no inner event")
    data = {"type": inner["type"], "Data": _inner(inner)}
    identity = outer.get("event_id")
    return Answer(200, "success", (Received(dumps(data), f"slack:{identity}" if identity else None),))


def _inner(inner: dict[str, Any]) -> dict[str, Any]:
    shape = _members()["events"].get(inner["type"])
    if shape is None:
        return inner
    filled = fill(inner, shape)
    if inner["type"] == "message" and "message" not in filled:
        filled["message"] = fill(inner, _members()["message"])
    return filled


def _interaction(payload: str) -> Answer:
    given = _object(payload.encode(), "failed to parse interaction event")
    data = fill(given, _members()["interaction"])
    data["actions"] = [_action(action) for action in _list(given.get("actions")) if isinstance(action, dict)]
    if given.get("type") == "block_actions":
        data["state"] = _state(given.get("state")) or {}
    data["view"]["state"] = _state(data["view"].get("state"))
    return Answer(200, "success", (Received(dumps(data), _trigger(given)),))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _state(state: Any) -> Any:
    """Return the values that a form holds, each an action with all its members."""
    values = state.get("values") if isinstance(state, dict) else None
    if not isinstance(values, dict):
        return state
    return {
        "values": {
            block: {name: fill(action, _members()["block_action"]) for name, action in actions.items()}
            for block, actions in values.items()
            if isinstance(actions, dict)
        }
    }


def _action(action: dict[str, Any]) -> dict[str, Any]:
    return fill(action, _members()["block_action" if isinstance(action.get("block_id"), str) else "attachment_action"])


def _command(given: dict[str, str]) -> Answer:
    data = fill(given, _members()["command"])
    data["is_enterprise_install"] = given.get("is_enterprise_install") == "true"
    return Answer(200, "success", (Received(dumps(data), _trigger(given)),))


def _trigger(given: Mapping[str, Any]) -> str | None:
    return f"slack:{given['trigger_id']}" if given.get("trigger_id") else None


def _object(text: bytes, message: str) -> dict[str, Any]:
    try:
        value = loads(text)
    except InvalidJson as error:
        raise Refused(500, f"{message}, {error.message}") from error
    if not isinstance(value, dict):
        raise Refused(500, f"{message}, not a JSON object")
    return value
