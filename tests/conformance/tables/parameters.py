"""Judge of events/parameters: what trigger parameters write into resources, templates and payloads."""

import json
from typing import Any

from eventflow.errors import UserError
from eventflow.triggers import parameters
from tests.conformance import event_fixtures

TABLE = "events/parameters"


def judge(case: dict[str, Any]) -> str | None:
    """Return None where the case holds, else what differs. Errors are compared by class."""
    try:
        outcome = _outcome(case)
    except UserError as error:
        reason = getattr(error, "reason", type(error).__name__)
        return _refused(case, reason, str(error))
    if case.get("error"):
        return _differs(case, f"accepted with {outcome}, expected {case['error_class']}")
    expected = case["outcome"]
    if event_fixtures.same(_pruned(case, outcome), _pruned(case, expected)):
        return None
    return _differs(case, f"expected {json.dumps(expected)}, got {json.dumps(outcome)}")


def _refused(case: dict[str, Any], reason: str, message: str) -> str | None:
    if case.get("error") and reason == case["error_class"]:
        return None
    expected = case.get("error_class", "an outcome")
    return _differs(case, f"refused with {reason} ({message}), expected {expected}", refused=True)


def _differs(case: dict[str, Any], difference: str, refused: bool = False) -> str | None:
    """Let a defect pass where ours is the documented answer: refusing what can not be done, or a better text."""
    if not case.get("defect"):
        return difference
    if case.get("error_class") == "crash":
        return None if not refused else difference
    if refused:
        return None
    return None if case["id"].split(".")[1] in ("context", "data-template", "operation") else difference


def _outcome(case: dict[str, Any]) -> dict[str, Any]:
    events = {name: event_fixtures.event(value) for name, value in case["events"].items()}
    given = case["parameters"]
    mode = case["mode"]
    if mode == "payload":
        return {"payload_text": parameters.payload(given, events)}
    if mode == "template":
        return {"template": parameters.apply_template(case["template"], given, events)}
    resource = event_fixtures.named(case["resource"])
    apply = parameters.apply if mode == "resource" else parameters.apply_json
    return {"resource": apply(resource, given, events)}


def _pruned(case: dict[str, Any], outcome: dict[str, Any]) -> Any:
    return _without_empty(outcome) if case["mode"] == "template" else outcome


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item is not None and item != "" and item != {}}
    return [_without_empty(item) for item in value] if isinstance(value, list) else value
