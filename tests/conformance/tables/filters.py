"""Judge of events/filters: what a dependency's transform and filters make of an event."""

import atexit
import functools
from typing import Any

from eventflow.model.cloudevent import CloudEvent
from eventflow.sensors.decision import Decision
from eventflow.sensors.match import Matcher
from eventflow.sensors.scripting import Scripts
from tests.conformance import event_fixtures

TABLE = "events/filters"

# Reasons of ours where the peer accepts a filter and then does something else than is written.
_DECIDED = frozenset({"comparator", "type-mismatch", "no-data", "expression", "data", "exprs", "time"})


@functools.cache
def scripts() -> Scripts:
    """Return the process that runs jq and Lua, ended with this one."""
    running = Scripts()
    atexit.register(running.close)
    return running


def judge(case: dict[str, Any]) -> str | None:
    """Return None where the case holds or ours is the documented answer, else what differs."""
    event = event_fixtures.event(case["event"])
    decision = Matcher.parse(case["dependency"], scripts().evaluators()).decide(event)
    difference = _difference(case, decision)
    if difference is None or (case.get("defect") and _documented(case, decision)):
        return None
    return difference


def _difference(case: dict[str, Any], decision: Decision) -> str | None:
    if case.get("error"):
        if decision.kind == "error" and decision.reason == case["error_class"]:
            return None
        return f"{decision.kind} {decision.reason} ({decision.detail}), expected {case['error_class']}"
    expected = case["outcome"]
    if decision.kind == "error" or decision.matched is not expected["passed"]:
        return f"{decision.kind} {decision.reason} ({decision.detail}), expected passed={expected['passed']}"
    if "data" in expected and not event_fixtures.same(_data(decision.event), expected["data"]):
        return f"data {_data(decision.event)}, expected {expected['data']}"
    return None


def _data(event: CloudEvent | None) -> Any:
    return event.data.value if event is not None and event.data is not None else None


def _documented(case: dict[str, Any], decision: Decision) -> bool:
    """Whether a defect is answered by what docs/differences-events.md says."""
    group = case["id"].split(".")[1]
    if group in ("logic", "no-filter"):
        return decision.matched
    if group in ("transform-lua", "script"):
        return decision.kind != "error" or decision.reason == "script"
    if group in ("transform-jq", "data-template", "data-path"):
        return decision.kind != "error"
    return decision.reason in _DECIDED or (group == "exprs" and decision.matched)
