"""Settling one delivery that a sensor takes: joins, firings, and what becomes of events that waited."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document
from eventflow.sensors.firing import Fired, Round, fire
from eventflow.sensors.gathering import Gathering
from eventflow.sensors.join import Arrival
from eventflow.sensors.load import Sensor, SensorTrigger
from eventflow.sensors.verdict import Verdict
from eventflow.store import deliveries, events, joins
from eventflow.store.contract import Work
from eventflow.store.deliveries import Delivery
from eventflow.store.workflows import Header
from eventflow.triggers.contract import Triggers

JOIN_KEY = ""


@dataclass(slots=True)
class Settled:
    """What followed from a delivery: workflows to wake, triggers carried out, whether the outbox has work."""

    outcome: str
    reason: str = ""
    started: list[Header] = field(default_factory=list)
    posted: bool = False
    acted: list[str] = field(default_factory=list)


class Settlement:
    """The settling of one delivery that at least one dependency takes."""

    def __init__(
        self,
        sensor: Sensor,
        joining: list[SensorTrigger],
        triggers: Triggers,
        delivery: Delivery,
        verdict: Verdict,
        now: float,
    ) -> None:
        self._sensor = sensor
        self._joining = joining
        self._triggers = triggers
        self._delivery = delivery
        self._verdict = verdict
        self._now = now
        event = delivery.event
        self._arrival = Arrival(verdict.matched, str(event.seq), event.received_at)
        self._fired: list[Fired] = []
        self._waiting: list[str] = []
        self._left: dict[int, tuple[str, dict[str, Any]]] = {}

    def work(self) -> Work[Settled]:
        for trigger in self._sensor.triggers:
            if trigger.join.condition.names & self._arrival.dependencies:
                yield from self._advance(trigger)
        outcome: deliveries.Outcome = "held" if self._waiting else "matched"
        detail: dict[str, Any] = {
            "revision": self._sensor.revision,
            "dependencies": self._verdict.account,
            "firings": [each.told for each in self._fired],
        }
        if self._waiting:
            detail["waiting"] = self._waiting
        reason = "condition" if self._waiting else ""
        yield from deliveries.settle(self._delivery, outcome, reason, detail, self._now)
        yield from self._release()
        started = [each.started for each in self._fired if each.started is not None]
        acted = [str(each.told["trigger"]) for each in self._fired if each.started is not None]
        return Settled(outcome, reason, started, any(each.posted for each in self._fired), acted)

    def _advance(self, trigger: SensorTrigger) -> Work[None]:
        if trigger in self._joining:
            yield from self._gather(trigger)
            return
        taking = trigger.join.condition.names & self._arrival.dependencies
        yield from self._fire(trigger, dict.fromkeys(taking, self._delivery.event.seq), {})

    def _gather(self, trigger: SensorTrigger) -> Work[None]:
        place = self._sensor.id, trigger.name, JOIN_KEY
        stored = yield from joins.lock(*place)
        before = Gathering.load(stored).current(self._sensor, trigger, self._now)
        after, firing = before.advance(self._sensor, trigger, self._arrival, self._transformed())
        for seq, why in after.lost.items():
            self._left[seq] = (why, {})
        if after.positions:
            yield from joins.put(*place, after.dump(), trigger.join.deadline(after.state), self._now)
        else:
            yield from joins.clear(*place)
        if firing is None:
            self._waiting.append(trigger.name)
            return
        yield from self._fire(trigger, {name: int(key) for name, key in firing.items()}, before.transformed)

    def _transformed(self) -> dict[str, str]:
        found = {}
        for name in self._arrival.dependencies:
            event = self._verdict.decisions[name].event
            if self._sensor.dependencies[name].transforms and event is not None and event.data is not None:
                found[name] = event.data.text
        return found

    def _fire(self, trigger: SensorTrigger, positions: Mapping[str, int], transformed: Mapping[str, str]) -> Work[None]:
        others = sorted({seq for seq in positions.values() if seq != self._delivery.event.seq})
        loaded = (yield from events.some(others)) if others else {}
        seen: dict[str, CloudEvent] = {}
        for name, seq in sorted(positions.items()):
            if seq == self._delivery.event.seq:
                event = self._verdict.decisions[name].event
                seen[name] = event or CloudEvent.of(self._delivery.event)
            elif seq in loaded:
                seen[name] = _as_seen(CloudEvent.of(loaded[seq]), transformed.get(name))
        fired = yield from fire(self._sensor, trigger, self._triggers, Round(seen, positions), self._now)
        self._fired.append(fired)
        for seq in others:
            self._left[seq] = ("", fired.told)

    def _release(self) -> Work[None]:
        """Decide the deliveries that were held and that nothing waits for any more."""
        if not self._left:
            return
        waiting: set[int] = set()
        if len(self._joining) > 1:
            for row in (yield from joins.of_sensor(self._sensor.id)):
                waiting |= Gathering.load(row.state).positions
        for seq, (why, told) in self._left.items():
            if seq in waiting or seq == self._delivery.event.seq:
                continue
            detail = yield from self._extended(seq, told)
            if detail.get("firings"):
                yield from deliveries.resolve([seq], self._sensor.id, "matched", "", detail, self._now)
            else:
                yield from deliveries.resolve([seq], self._sensor.id, "dropped", why, detail, self._now)

    def _extended(self, seq: int, told: dict[str, Any]) -> Work[dict[str, Any]]:
        """Return a held delivery's account with what became of it."""
        found = yield from deliveries.of_event(seq)
        own = next((each.detail for each in found if each.sensor == self._sensor.id), None)
        detail: dict[str, Any] = dict(own or {})
        detail.pop("waiting", None)
        if told:
            detail["firings"] = [*detail.get("firings", ()), told]
        return detail


def _as_seen(event: CloudEvent, transformed: str | None) -> CloudEvent:
    return event if transformed is None else event.with_data(Document(transformed).value)
