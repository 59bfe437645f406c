"""Judge of events/conditions: when a trigger fires, and with which events.

The event log in front of the sensor is played by `_Log`: it takes an event once, by its source and id. Events that come
while the sensor is stopped wait in the log.
"""

import itertools
from dataclasses import dataclass, field
from typing import Any

from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document
from eventflow.sensors import conditions, join
from eventflow.sensors.match import Matcher
from tests.conformance.tables.filters import scripts

TABLE = "events/conditions"


def judge(case: dict[str, Any]) -> str | None:
    """Return None where the case holds or ours is the documented answer to a defect, else what differs."""
    try:
        fired, condition = _play(case)
    except conditions.BadCondition as error:
        if error.reason == case.get("error_class") or case.get("defect"):
            return None
        return f"refused with {error.reason} ({error}), expected {case.get('error_class') or case['outcome']}"
    if case.get("error"):
        return f"fired {fired}, expected {case['error_class']}: {case['error_text']}"
    if case.get("defect"):
        return None if _documented(case, fired) else f"fired {fired}"
    expected = case["outcome"]
    if fired != expected["fired"]:
        return f"fired {fired}, expected {expected['fired']}"
    if "expression" in expected and not _equivalent(condition, expected["expression"], _names(case)):
        return f"understood {condition}, expected {expected['expression']}"
    return None


def _documented(case: dict[str, Any], fired: list[dict[str, Any]]) -> bool:
    """One event fires once, with all dependencies it fits; an edit loses nothing, so at least as much fires."""
    recorded = case["outcome"]["fired"]
    once = {firing["after"] for firing in fired}
    return len(once) == len(fired) and once >= {firing["after"] for firing in recorded}


def _names(case: dict[str, Any]) -> list[str]:
    return [dependency["name"] for dependency in case["dependencies"]]


def _equivalent(condition: conditions.Condition, text: str, names: list[str]) -> bool:
    other = conditions.parse(text, names)
    subsets = itertools.chain.from_iterable(itertools.combinations(names, count) for count in range(len(names) + 1))
    return all(condition.holds(set(subset)) == other.holds(set(subset)) for subset in subsets)


@dataclass
class _Sensor:
    dependencies: list[dict[str, Any]]
    condition: conditions.Condition
    state: join.JoinState = join.EMPTY
    running: bool = True
    waiting: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    fired: list[dict[str, Any]] = field(default_factory=list)

    def take(self, number: int, given: dict[str, Any]) -> None:
        matched = frozenset(
            dependency["name"]
            for dependency in self.dependencies
            if (dependency["eventSourceName"], dependency["eventName"]) == (given["source"], given["event"])
            and Matcher.parse(dependency, scripts().evaluators()).decide(_event(given)).matched
        )
        arrival = join.Arrival(matched, given["id"], float(number))
        stored = join.JoinState.load(self.state.dump())
        self.state, firings = join.Join(self.condition).advance(stored, arrival)
        self.fired += [{"after": number, "events": dict(firing)} for firing in firings]

    def start(self, number: int, given: dict[str, Any]) -> None:
        if given.get("reset_before_start"):
            self.state = join.reset(self.state, before=float(number))
        if given.get("conditions") is not None:
            names = [dependency["name"] for dependency in self.dependencies]
            self.condition = conditions.parse(given["conditions"], names)
            self.state = join.adapt(self.state, set(names))
        self.running = True
        waiting, self.waiting = self.waiting, []
        for _, event in waiting:
            self.take(number, event)


def _event(given: dict[str, Any]) -> CloudEvent:
    data = Document.of(given["data"]) if "data" in given else Document("{}")
    return CloudEvent(given["id"], given["source"], subject=given["event"], data=data)


def _play(case: dict[str, Any]) -> tuple[list[dict[str, Any]], conditions.Condition]:
    sensor = _Sensor(case["dependencies"], conditions.parse(case["conditions"], _names(case)))
    taken: set[tuple[str, str]] = set()
    for number, given in enumerate(case["arrivals"], 1):
        if given.get("reset"):
            sensor.state = join.reset(sensor.state)
        elif given.get("stop"):
            sensor.running = False
        elif given.get("start"):
            sensor.start(number, given)
        elif (given["source"], given["id"]) not in taken:
            taken.add((given["source"], given["id"]))
            if sensor.running:
                sensor.take(number, given)
            else:
                sensor.waiting.append((number, given))
    return sensor.fired, sensor.condition
