"""`stripe` (argo-events pkg/eventsources/sources/stripe/start.go, stripe-go v70 Event)."""

from collections.abc import Mapping
from typing import Any

from eventflow.model.document import dumps
from eventflow.sources.payloads.members import fill
from eventflow.sources.payloads.request import Answer, Received, Refused, Request, Surroundings, json_text

_EVENT = {
    "account": "",
    "created": 0,
    "data": None,
    "id": "",
    "livemode": False,
    "pending_webhooks": 0,
    "request": None,
    "type": "",
}


def receive(
    request: Request, config: Mapping[str, Any], _around: Surroundings, _parameters: Mapping[str, str]
) -> Answer:
    """Take an event of a type in `eventFilter`, of any type without one. Signatures: `verify: {scheme: stripe}`.

    Raises Refused(400).
    """
    value, _ = json_text(request.body, "failed to parse the event")
    if not isinstance(value, dict):
        raise Refused(400, "failed to parse the event")
    event = fill(value, _EVENT)
    wanted = config.get("eventFilter")
    if wanted is not None and event["type"] not in wanted:
        raise Refused(400, "invalid event")
    if isinstance(event["data"], dict):
        data = event["data"]
        event["data"] = {"previous_attributes": data.get("previous_attributes"), "object": data.get("object")}
    event["request"] = _caller(event["request"])
    members: dict[str, Any] = {"event": event}
    if config.get("metadata"):
        members["metadata"] = config["metadata"]
    identity = event["id"]
    return Answer(200, "success", (Received(dumps(members), f"stripe:{identity}" if identity else None),))


def _caller(value: Any) -> dict[str, Any] | None:
    """Return who caused the event; older API versions give only the request's id."""
    if value is None:
        return None
    if isinstance(value, str):
        return {"id": value, "idempotency_key": ""}
    return fill(value, {"id": "", "idempotency_key": ""})
