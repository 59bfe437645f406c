"""Gathering events towards a condition: a pure function from a state and an arrival to a state and firings.

As with Argo's JetStream driver (argo-events pkg/eventbus/jetstream/sensor/trigger_conn.go), per trigger: the latest
event of a dependency replaces the one that waits; when the condition holds, everything that waits goes along and
nothing stays behind, also what other branches of an `||` had gathered.

Two deliberate differences (docs/differences-events.md): an event that fits several dependencies fires once, not once
for each; and a changed condition keeps what waits.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from eventflow.errors import InvariantError
from eventflow.sensors.conditions import Condition


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that fits one or more dependencies: its key, and when it was received (seconds since the epoch)."""

    dependencies: frozenset[str]
    key: str
    at: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that waits: its key, and when it was received."""

    key: str
    at: float


@dataclass(frozen=True, slots=True)
class JoinState:
    """What waits, by dependency."""

    waiting: Mapping[str, Waiting] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON: {"waiting": {dependency: [key, at]}}."""
        return {"waiting": {name: [event.key, event.at] for name, event in sorted(self.waiting.items())}}

    @classmethod
    def load(cls, value: Mapping[str, Any]) -> "JoinState":
        """Read what `dump` gave. Raises InvariantError for anything else."""
        try:
            return cls({str(name): Waiting(str(key), float(at)) for name, (key, at) in value["waiting"].items()})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvariantError(f"not a join state: {value!r}") from error

    def keys(self) -> frozenset[str]:
        """Return the keys of the events that wait; the log must keep these."""
        return frozenset(event.key for event in self.waiting.values())


EMPTY = JoinState()
Firing = Mapping[str, str]
"""The events that start a trigger, once: {dependency: event key}."""


@dataclass(frozen=True, slots=True)
class Join:
    """A trigger's condition. `window` is how many seconds an event waits at most, None = until it is used."""

    condition: Condition
    window: float | None = None

    def advance(self, state: JoinState, arrival: Arrival) -> tuple[JoinState, tuple[Firing, ...]]:
        """Return the state after an arrival, and what fires: nothing, or one firing.

        Arrivals are taken one by one in the order of the log; the same arrival given twice after it fired starts a
        new round, so the caller must not repeat one.
        """
        named = arrival.dependencies & self.condition.names
        if not named:
            return state, ()
        arrived = {name: Waiting(arrival.key, arrival.at) for name in named}
        waiting = {**self._current(state, arrival.at), **arrived}
        if not self.condition.holds(waiting.keys()):
            return JoinState(waiting), ()
        return EMPTY, ({name: event.key for name, event in sorted(waiting.items())},)

    def _current(self, state: JoinState, now: float) -> dict[str, Waiting]:
        return {
            name: event
            for name, event in state.waiting.items()
            if name in self.condition.names and (self.window is None or now - event.at <= self.window)
        }

    def deadline(self, state: JoinState) -> float | None:
        """Return when the first event that waits has waited for the whole window, None when none will."""
        if self.window is None or not state.waiting:
            return None
        return min(event.at for event in state.waiting.values()) + self.window

    def expire(self, state: JoinState, now: float) -> JoinState:
        """Return the state without the events whose window is over."""
        return JoinState(self._current(state, now))


def reset(state: JoinState, before: float | None = None) -> JoinState:
    """Return the state after conditionsReset: without all that waits, or all received before an instant."""
    if before is None:
        return EMPTY
    return JoinState({name: event for name, event in state.waiting.items() if event.at >= before})


def adapt(state: JoinState, kept: Set[str]) -> JoinState:
    """Return the state after an edit of the sensor: events wait on for the dependencies that were not changed."""
    return JoinState({name: event for name, event in state.waiting.items() if name in kept})
