"""One dependency's view of an event: transform it, then filter it. Pure: what runs scripts is handed in.

Follows argo-events pkg/sensors/dependencies (transform.go, filter.go); deliberate differences are listed in
docs/differences-events.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from eventflow.expressions.cel import engine
from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document, InvalidJson
from eventflow.sensors import filters_cel, filters_data, filters_expr, filters_time
from eventflow.sensors.decision import Decision, FilterError
from eventflow.sensors.evaluators import NONE, NOTHING, Evaluators

_COMPARED = ("type", "subject", "source", "datacontenttype")


@dataclass(frozen=True, slots=True)
class Matcher:
    """A dependency as the manifest has it, its filters compiled."""

    transform: Mapping[str, Any]
    tests: tuple[tuple[str, Callable[[CloudEvent], bool]], ...]
    any_kind: bool
    evaluators: Evaluators

    @classmethod
    def parse(cls, dependency: Mapping[str, Any], evaluators: Evaluators = NONE) -> "Matcher":
        """Compile `transform`, `filters` and `filtersLogicalOperator`.

        Raises UserError for CEL that can not be used. What else is wrong in a filter (a bad pattern, an unknown type)
        is an error decision on every event, as with Argo; lint finds it earlier.
        """
        filters = dependency.get("filters") or {}
        tests = _tests(filters, evaluators)
        any_kind = dependency.get("filtersLogicalOperator") == "or"
        return cls(dependency.get("transform") or {}, tests, any_kind, evaluators)

    def decide(self, event: CloudEvent) -> Decision:
        """Return whether the event matches, why not otherwise, and what the transform made of it. Never raises."""
        try:
            event = _transformed(event, self.transform, self.evaluators)
        except FilterError as error:
            return Decision(False, error.reason, "error", str(error), None)
        return self._judge(event)

    def _judge(self, event: CloudEvent) -> Decision:
        """Ask every kind of filter. With `or` one that holds is enough, whatever the others say."""
        failed: list[FilterError] = []
        refused: list[str] = []
        for kind, holds in self.tests:
            try:
                if not holds(event):
                    refused.append(kind)
                elif self.any_kind:
                    return Decision(True, "", "matched", f"filters.{kind} holds", event)
            except FilterError as error:
                failed.append(error)
        if failed:
            return Decision(False, failed[0].reason, "error", " / ".join(map(str, failed)), event)
        if refused:
            said = " and ".join(f"filters.{kind}" for kind in refused)
            return Decision(False, refused[0], "filtered", f"{said} did not hold", event)
        return Decision(True, "", "matched", "every filter holds" if self.tests else "no filters", event)


def _tests(filters: Mapping[str, Any], evaluators: Evaluators) -> tuple[tuple[str, Callable[[CloudEvent], bool]], ...]:
    tests: list[tuple[str, Callable[[CloudEvent], bool]]] = []
    if (exprs := filters.get("exprs")) is not None:
        tests.append(("exprs", _exprs(exprs, filters.get("exprLogicalOperator") == "or")))
    if (data := filters.get("data")) is not None:
        tests.append(("data", _data(data, filters.get("dataLogicalOperator") == "or")))
    if (context := filters.get("context")) is not None:
        tests.append(("context", lambda event: _context(context, event)))
    if (window := filters.get("time")) is not None:
        tests.append(("time", lambda event: filters_time.holds(window, event.time)))
    if script := filters.get("script"):
        tests.append(("script", lambda event: evaluators.lua(script, _object(event)) is True))
    if source := filters.get("cel"):
        tests.append(("cel", _cel(filters_cel.compile_filter(source))))
    return tuple(tests)


def _cel(program: engine.Program) -> Callable[[CloudEvent], bool]:
    return lambda event: filters_cel.holds(program, filters_cel.variables(event))


def _exprs(entries: list[Mapping[str, Any]], any_entry: bool) -> Callable[[CloudEvent], bool]:
    parsed = filters_expr.parse(entries)
    return lambda event: _entries([entry.holds for entry in parsed], any_entry, _document(event))


def _data(entries: list[Mapping[str, Any]], any_entry: bool) -> Callable[[CloudEvent], bool]:
    parsed = filters_data.parse(entries)
    return lambda event: not parsed or _entries([entry.holds for entry in parsed], any_entry, _document(event))


def _entries(tests: list[Callable[[Document], bool]], any_entry: bool, document: Document) -> bool:
    """Combine the entries of one kind: with `or` an error counts only when no entry holds."""
    if not any_entry:
        return all(test(document) for test in tests)
    failed: FilterError | None = None
    for test in tests:
        try:
            if test(document):
                return True
        except FilterError as error:
            failed = failed or error
    if failed is not None:
        raise failed
    return not tests


def _document(event: CloudEvent) -> Document:
    if event.data is None:
        raise FilterError("no-data", "the event has no data to filter on")
    if not event.data.valid:
        raise FilterError("not-json", "the event's data is not JSON")
    return event.data


def _object(event: CloudEvent) -> dict[str, Any]:
    """Return the data as a script sees it: an object, empty for null."""
    value = _document(event).value
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FilterError("not-an-object", "a script needs data that is a JSON object")
    return value


def _context(wanted: Mapping[str, Any], event: CloudEvent) -> bool:
    """Whether the attributes asked for are the event's; id, time and specversion are not compared, "" means any."""
    return all(not wanted.get(name) or wanted[name] == getattr(event, name) for name in _COMPARED)


def _transformed(event: CloudEvent, transform: Mapping[str, Any], evaluators: Evaluators) -> CloudEvent:
    program, script = transform.get("jq"), transform.get("script")
    if event.data is None or not (program or script):
        return event
    if program:
        value = _plain(event)
        made = evaluators.jq(program, value)
        if made is NOTHING:
            raise FilterError("transform", "the jq transform gives no output", hint="use a filter to drop events")
        if not isinstance(made, dict) and not (made is None and value is None):
            raise FilterError("transform", "the output of the jq transform is not a JSON object")
    else:
        made = evaluators.lua(str(script), _object(event))
        if not isinstance(made, dict | list):
            raise FilterError("transform", "the script of the transform does not return a table")
    changed = event.with_data(made)
    return replace(changed, datacontenttype="application/json")


def _plain(event: CloudEvent) -> Any:
    try:
        value = event.data.value if event.data is not None else None
    except InvalidJson as error:
        raise FilterError("not-json", error.message) from error
    if value is not None and not isinstance(value, dict):
        raise FilterError("not-an-object", "a transform needs data that is a JSON object")
    return value
