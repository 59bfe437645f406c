"""What a sensor makes of one event, before any state: each dependency's decision, and an account of it for people.

The account is what `eventflow explain` shows. It is kept with every delivery, so it is bounded: at most `FINDINGS`
parts of a CEL expression, each value at most `VALUE` characters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from eventflow.expressions.cel import engine, explain
from eventflow.expressions.cel.errors import CelError
from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import dumps
from eventflow.model.event import Event
from eventflow.sensors import filters_cel
from eventflow.sensors.decision import Decision, FilterError
from eventflow.sensors.load import Dependency, Sensor

FINDINGS = 16
VALUE = 160
DETAIL = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decisions by dependency, and the account of them (JSON)."""

    decisions: Mapping[str, Decision]
    account: list[dict[str, Any]]

    @property
    def matched(self) -> frozenset[str]:
        """The dependencies that take the event."""
        return frozenset(name for name, decision in self.decisions.items() if decision.matched)

    @property
    def reason(self) -> tuple[Literal["filtered", "errored"], str]:
        """Why nothing takes the event: (outcome of the delivery, word for counting)."""
        refused = list(self.decisions.values())
        if not refused:
            return "filtered", "no-dependency"
        first = next((each for each in refused if each.kind == "error"), refused[0])
        return ("errored" if first.kind == "error" else "filtered"), first.reason


def decide(sensor: Sensor, event: Event) -> Verdict:
    """Ask every dependency on the event's source. Pure, unless the sensor is `scripted`. Never raises."""
    view = CloudEvent.of(event)
    asked = sensor.at((event.source_name, event.event_name))
    decisions = {each.name: each.matcher.decide(view) for each in asked}
    return Verdict(decisions, [_account(each, decisions[each.name]) for each in asked])


def _account(dependency: Dependency, decision: Decision) -> dict[str, Any]:
    told: dict[str, Any] = {
        "dependency": dependency.name,
        "matched": decision.matched,
        "detail": decision.detail[:DETAIL],
    }
    if decision.reason:
        told["reason"] = decision.reason
    if dependency.cel is not None and not decision.matched and decision.event is not None:
        told["cel"] = _parts(dependency, decision.event)
    return told


def _parts(dependency: Dependency, event: CloudEvent) -> list[dict[str, Any]]:
    assert dependency.cel is not None
    try:
        values = filters_cel.variables(event)
    except FilterError:
        return []
    return [_part(finding) for finding in dependency.cel.explain(values)[:FINDINGS]]


def _part(finding: explain.Finding) -> dict[str, Any]:
    part: dict[str, Any] = {"source": finding.source[:VALUE], "line": finding.line, "column": finding.column}
    if finding.error is not None:
        return {**part, "error": finding.error[:VALUE]}
    try:
        text = dumps(engine.to_json(finding.value))
    except CelError as error:  # a value that cannot be shown is no reason not to decide
        text = f"({error})"
    return {**part, "value": text if len(text) <= VALUE else text[: VALUE - 1] + "…"}
