"""What a trigger has gathered towards its condition, as it is stored: a join's state, and what goes with it.

Events wait by their position in the log. One whose dependency transforms it waits with the transformed data, so that no
script runs inside a transaction. The digests of the dependencies, as they were when the events came, tell which of
them still fit after an edit of the sensor.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from eventflow.sensors import join
from eventflow.sensors.join import Arrival, Firing, JoinState
from eventflow.sensors.load import Sensor, SensorTrigger


@dataclass(frozen=True, slots=True)
class Gathering:
    """A join's state. `transformed` holds JSON text by dependency; `lost` are positions dropped since, with the why."""

    state: JoinState = join.EMPTY
    transformed: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    lost: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def load(cls, stored: bytes | None) -> Self:
        """Read what `dump` gave; None is empty."""
        if stored is None:
            return cls()
        kept: dict[str, Any] = orjson.loads(stored)
        return cls(JoinState.load(kept), kept["transformed"], kept["digests"])

    def dump(self) -> bytes:
        """Return the state as bytes."""
        return orjson.dumps({**self.state.dump(), "transformed": self.transformed, "digests": self.digests})

    def current(self, sensor: Sensor, trigger: SensorTrigger, now: float) -> "Gathering":
        """Return what still waits: for dependencies that were not edited, and received since the last reset."""
        unchanged = {
            name for name, digest in self.digests.items()
            if name in sensor.dependencies and sensor.dependencies[name].digest == digest
        }  # fmt: skip
        lost: dict[int, str] = {}
        for name, event in self.state.waiting.items():
            if name not in unchanged or name not in trigger.join.condition.names:
                lost[int(event.key)] = "sensor-changed"
            elif _was_reset(trigger, event.at, now):
                lost[int(event.key)] = "reset"
        kept = {name for name, event in self.state.waiting.items() if int(event.key) not in lost}
        return Gathering(join.adapt(self.state, kept), self.transformed, self.digests, lost)

    def advance(
        self, sensor: Sensor, trigger: SensorTrigger, arrival: Arrival, transformed: Mapping[str, str]
    ) -> tuple["Gathering", Firing | None]:
        """Take in an arrival; return what then waits, and the events that fire, by dependency, if any do."""
        state, fired = trigger.join.advance(self.state, arrival)
        lost = dict(self.lost)
        gone = set(positions_of(self.state))
        gone -= positions_of(state) | {int(key) for firing in fired for key in firing.values()}
        lost |= dict.fromkeys(gone, "superseded")
        texts = {name: text for name, text in {**self.transformed, **transformed}.items() if name in state.waiting}
        digests = {name: sensor.dependencies[name].digest for name in state.waiting}
        return Gathering(state, texts, digests, lost), (fired[0] if fired else None)

    @property
    def positions(self) -> frozenset[int]:
        """The positions in the log of the events that wait."""
        return positions_of(self.state)


def positions_of(state: JoinState) -> frozenset[int]:
    """Return the positions in the log of the events in a state."""
    return frozenset(int(event.key) for event in state.waiting.values())


def _was_reset(trigger: SensorTrigger, received: float, now: float) -> bool:
    """Whether a reset came after an event: asked when it matters, so no timer is needed."""
    ticks = [schedule.next(received) for schedule in trigger.resets]
    return any(tick is not None and tick <= now for tick in ticks)
