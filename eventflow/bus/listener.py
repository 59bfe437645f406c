"""Who listens to the event log: sensors, and whatever else makes decisions about events."""

from collections.abc import Iterable
from typing import Any, Protocol

from eventflow.model.event import Event
from eventflow.sensors.sensor import Address
from eventflow.sensors.settlement import Settled
from eventflow.store.contract import Work
from eventflow.store.deliveries import Delivery


class Listener(Protocol):
    """One listener as it stood at one revision of its object. `SensorListener` is the foremost."""

    @property
    def id(self) -> str:
        """What deliveries are addressed to, unique over all listeners."""

    @property
    def scripted(self) -> bool:
        """Whether `decide` may take long and belongs on a thread."""

    def addresses(self) -> Iterable[Address]:
        """Where the events come from, within the listener's namespace; None as the name is any event of a source."""

    def decide(self, event: Event) -> Any:
        """Return what this makes of an event. Never raises."""

    def settle(self, delivery: Delivery, verdict: Any, now: float) -> Work[Settled]:
        """Return the transaction that records the decision and does what follows. Raises LostClaim."""
