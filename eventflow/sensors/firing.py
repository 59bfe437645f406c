"""Firing a trigger, inside the transaction that settles the delivery (T2).

The firing's row is unique, so a decision made twice acts once. What the store itself can do (a workflow) is done here;
the rest, and what failed for now, goes to the outbox in the same transaction. A trigger that fails is not the
delivery's failure: its siblings go on, and it is tried again by its own strategy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from eventflow.errors import UserError
from eventflow.model import identity
from eventflow.sensors.load import Sensor, SensorTrigger
from eventflow.store import firings, sources
from eventflow.store import outbox as entries
from eventflow.store.contract import Work
from eventflow.store.outbox import Entry
from eventflow.store.workflows import Header
from eventflow.triggers import outbox, parameters
from eventflow.triggers.contract import Action, Events, Firing, Triggers


@dataclass(slots=True)
class Fired:
    """What came of one firing: for the account of the delivery, and for waking those who go on with it."""

    told: dict[str, Any]
    started: Header | None = None
    posted: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """The events of one firing: as the trigger sees them, and their positions, both by dependency."""

    events: Events
    positions: Mapping[str, int]
    keys: tuple[str, ...] = field(default=())


def plan(trigger: SensorTrigger, triggers: Triggers, events: Events, firing: Firing) -> Action:
    """Return what a trigger is to do. Pure. Raises UserError."""
    template = parameters.apply_template(trigger.template, trigger.parameters, events)
    return triggers.of(trigger.kind).plan(template[trigger.kind], trigger.policy, events, firing)


def fire(sensor: Sensor, trigger: SensorTrigger, triggers: Triggers, round_: Round, now: float) -> Work[Fired]:
    """Fire a trigger for a set of events, unless that was done before."""
    keys = sorted({event.key for event in round_.events.values()})
    id_ = identity.firing_id(sensor.uid, trigger.name, keys)
    told: dict[str, Any] = {"trigger": trigger.name, "firing": id_}
    if not (yield from firings.insert(id_, sensor.id, trigger.name, keys, now)):
        return Fired({**told, "note": "fired before"})
    firing = Firing(id_, sensor.id, trigger.name, sensor.namespace, now)
    payload = {**_payload(sensor, trigger, round_, now), "dlq": _fallback(sensor, trigger, triggers, round_, firing)}
    try:
        payload["action"] = plan(trigger, triggers, round_.events, firing)
    except UserError as error:
        return (yield from _dead(trigger, firing, payload, str(error), told))
    due = now
    if trigger.interval:
        due = yield from _slot(sensor, trigger, now)
    if due <= now:
        fired = yield from _enact(trigger, triggers, firing, payload, told)
        if fired is not None:
            return fired
    yield from entries.put(_entry(trigger, firing, payload), due)
    return Fired(told, posted=True)


def _payload(sensor: Sensor, trigger: SensorTrigger, round_: Round, now: float) -> dict[str, Any]:
    return {
        "action": None,
        "events": dict(round_.positions),
        "retry": trigger.retry.to_json(),
        "namespace": sensor.namespace,
        "at": now,
        "dlq": None,
    }


def _fallback(
    sensor: Sensor, trigger: SensorTrigger, triggers: Triggers, round_: Round, firing: Firing
) -> dict[str, Any] | None:
    """Return the entry of a `dlqTrigger`, made now so that it does not depend on what is there when it is needed."""
    if trigger.dlq is None:
        return None
    payload = {**_payload(sensor, trigger.dlq, round_, firing.at), "kind": trigger.dlq.kind}
    try:
        payload["action"] = plan(trigger.dlq, triggers, round_.events, firing)
    except UserError:
        return payload
    return payload


def _enact(
    trigger: SensorTrigger, triggers: Triggers, firing: Firing, payload: Mapping[str, Any], told: dict[str, Any]
) -> Work[Fired | None]:
    """Do what the store can do by itself; None when it is for the outbox."""
    work = triggers.of(trigger.kind).enact(payload["action"], firing)
    if work is None:
        return None
    try:
        done = yield from work
    except UserError as error:
        return (yield from _later(trigger, firing, payload, str(error), told))
    yield from firings.complete(firing.id, done.outcome, done.detail, firing.at)
    return Fired({**told, "outcome": done.outcome, **done.detail}, done.started)


def _later(
    trigger: SensorTrigger, firing: Firing, payload: Mapping[str, Any], error: str, told: dict[str, Any]
) -> Work[Fired]:
    wait = trigger.retry.wait(1, firing.id)
    if wait is None:
        return (yield from _dead(trigger, firing, payload, error, told))
    entry = _entry(trigger, firing, payload)
    yield from entries.put(entry, firing.at)
    yield from entries.retry(entry, firing.at + wait, error)
    return Fired({**told, "error": error}, posted=True)


def _dead(
    trigger: SensorTrigger, firing: Firing, payload: Mapping[str, Any], error: str, told: dict[str, Any]
) -> Work[Fired]:
    entry = _entry(trigger, firing, payload)
    yield from entries.put(entry, firing.at)
    yield from outbox.bury(entry, payload, error, firing.at)
    return Fired({**told, "error": error}, posted=bool(payload["dlq"]))


def _entry(trigger: SensorTrigger, firing: Firing, payload: Mapping[str, Any]) -> Entry:
    return Entry(firing.id, firing.id, firing.sensor, firing.trigger, trigger.kind, orjson.dumps(dict(payload)))


def _slot(sensor: Sensor, trigger: SensorTrigger, now: float) -> Work[float]:
    """Take the next instant at which a trigger with a `rateLimit` may run. Slots survive restarts."""
    name = f"rate:{sensor.id}/{trigger.name}"
    taken = yield from sources.get_cursor(name)
    slot = max(now, float(taken or 0.0))
    yield from sources.set_cursor(name, repr(slot + trigger.interval), now)
    return slot
