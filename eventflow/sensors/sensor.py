"""A sensor at work: it decides about events, and settles deliveries with all that follows from the decision (T2).

One transaction holds the delivery's outcome and reason, the join's state, the firing, and the workflow or the outbox
entry. So after a crash at any point either all of it is there or none, and deciding again gives the same firing.
"""

from collections.abc import Iterable, Mapping

from eventflow.errors import UserError
from eventflow.model.cloudevent import CloudEvent
from eventflow.model.event import Event
from eventflow.sensors import verdict as verdicts
from eventflow.sensors.evaluators import Evaluators
from eventflow.sensors.firing import plan
from eventflow.sensors.load import Sensor, load
from eventflow.sensors.settlement import Settled, Settlement
from eventflow.sensors.verdict import Verdict
from eventflow.store import deliveries
from eventflow.store.contract import Work
from eventflow.store.deliveries import Delivery
from eventflow.store.objects import Object
from eventflow.store.outbox import Entry
from eventflow.triggers.contract import Action, Firing, Triggers

Address = tuple[str, str | None]


class SensorListener:
    """A sensor that listens to the event log."""

    def __init__(self, sensor: Sensor, triggers: Triggers) -> None:
        self.sensor = sensor
        self._triggers = triggers
        self._joining = [each for each in sensor.triggers if each.join.condition.joins]

    @classmethod
    def load(cls, stored: Object, triggers: Triggers, evaluators: Evaluators) -> "SensorListener":
        """Return the listener of a stored Sensor. Raises UserError."""
        return cls(load(stored, evaluators), triggers)

    @property
    def id(self) -> str:
        return self.sensor.id

    @property
    def scripted(self) -> bool:
        """Whether deciding runs scripts, and belongs on a thread."""
        return self.sensor.scripted

    def addresses(self) -> Iterable[Address]:
        """Where the events come from."""
        return self.sensor.addresses()

    def decide(self, event: Event) -> Verdict:
        """Return what the sensor makes of an event. Never raises."""
        return verdicts.decide(self.sensor, event)

    def settle(self, delivery: Delivery, verdict: Verdict, now: float) -> Work[Settled]:
        """Return the transaction that records a decision and does what follows. Raises LostClaim."""
        if not verdict.matched:
            outcome, reason = verdict.reason
            detail = {"revision": self.sensor.revision, "dependencies": verdict.account}
            yield from deliveries.settle(delivery, outcome, reason, detail, now)
            return Settled(outcome, reason)
        return (yield from Settlement(self.sensor, self._joining, self._triggers, delivery, verdict, now).work())

    def replan(self, entry: Entry, positions: Mapping[str, int], stored: Mapping[int, Event], at: float) -> Action:
        """Return the plan of an outbox entry, made anew with the sensor as it is now. Raises UserError."""
        trigger = next((each for each in self.sensor.triggers if each.name == entry.trigger), None)
        if trigger is not None and entry.id != entry.firing:
            trigger = trigger.dlq
        if trigger is None:
            raise UserError(f"sensor {self.id} has no trigger {entry.trigger!r} any more", hint="apply it again")
        seen = {}
        for name, seq in positions.items():
            if seq not in stored or name not in self.sensor.dependencies:
                raise UserError(f"the event of dependency {name!r} is gone")
            decision = self.sensor.dependencies[name].matcher.decide(CloudEvent.of(stored[seq]))
            seen[name] = decision.event or CloudEvent.of(stored[seq])
        firing = Firing(entry.firing, self.id, entry.trigger, self.sensor.namespace, at)
        return plan(trigger, self._triggers, seen, firing)
