"""The event log: what sources append to before they acknowledge anything (T1).

Promises: when `receive` returns, the events and a delivery for every subscribed listener are durable, in one
transaction with the source's cursor; an event whose key was received before changes nothing. Survives kill -9 and power
loss at any point: before the commit nothing is there, after it everything, and a sender who did not hear sends again.

The deliveries of an event go straight from here to the consumer of this process, without the write that a claim costs,
if it has room. For so long nobody may claim them (`GRACE`); if the process dies meanwhile, they are claimed after it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from eventflow.bus.subscriptions import Snapshot, Stale, Subscriptions
from eventflow.clock import Clock
from eventflow.errors import TemporaryError
from eventflow.failpoints import failpoint
from eventflow.model.event import Event
from eventflow.store import events
from eventflow.store.contract import CommitUnknown, Store, Work
from eventflow.store.deliveries import Delivery
from eventflow.store.events import Receipt
from eventflow.telemetry.metrics import Metrics

RELOADS = 5
GRACE = 5.0

Observer = Callable[[Event, Receipt], None]


class Handover(Protocol):
    """Who settles deliveries in this process. `Consumer` does."""

    @property
    def owner(self) -> str:
        """What this process is called in leases."""

    @property
    def backlog(self) -> int:
        """About how many deliveries wait."""

    def takes(self, snapshot: Snapshot, listeners: Sequence[str]) -> bool:
        """Whether there is room for a delivery to each of these listeners right now."""

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Settle deliveries that are stored and not claimed."""

    def wake(self) -> None:
        """Look for deliveries to claim."""


@dataclass(frozen=True, slots=True)
class _Appended:
    """An event of the transaction, its receipt, and to whom it is handed over."""

    event: Event
    receipt: Receipt
    local: tuple[str, ...]
    others: bool


class Overloaded(TemporaryError):
    """More deliveries wait than the settings allow: senders are to come back later."""


class EventLog:
    """Appends events. `observers` get each new event.

    `most_waiting` bounds the backlog that new events are accepted on top of.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        subscriptions: Subscriptions,
        metrics: Metrics,
        consumer: Handover,
        *,
        most_waiting: int = 100_000,
    ) -> None:
        self._store = store
        self._clock = clock
        self._subscriptions = subscriptions
        self._metrics = metrics
        self._most_waiting = most_waiting
        self._consumer = consumer
        self.observers: list[Observer] = []

    async def receive(self, batch: Sequence[Event], also: Callable[[], Work[Any]] | None = None) -> list[Receipt]:
        """Store events, and what `also` writes, in one transaction; return a receipt for each event, in order.

        Raises TemporaryError when they cannot be stored now: nothing is, or (CommitUnknown) perhaps all of it, which
        sending them again finds out.
        """
        if self._consumer.backlog > self._most_waiting:
            self._metrics.throttled("events_waiting").inc()
            raise Overloaded(f"more than {self._most_waiting} deliveries wait", retry_after=5.0)
        failpoint("bus.before-t1")
        appended = await self._append(batch, also)
        failpoint("bus.after-t1")
        for each in appended:
            self._hand_over(each)
            self._count(each.event, each.receipt)
        return [each.receipt for each in appended]

    async def _append(self, batch: Sequence[Event], also: Callable[[], Work[Any]] | None) -> list[_Appended]:
        snapshot = self._subscriptions.snapshot
        unknown: CommitUnknown | None = None
        for _ in range(RELOADS):
            try:
                return await self._store.write(lambda snapshot=snapshot: self._work(batch, also, snapshot))  # type: ignore[misc]
            except Stale:
                snapshot = await self._subscriptions.reload()
            except CommitUnknown as error:
                if unknown is not None:
                    raise
                unknown = error  # the same keys again: what was stored after all is found, not stored twice
        raise TemporaryError("sensors are being changed all the time", retry_after=1.0)

    def _work(
        self, batch: Sequence[Event], also: Callable[[], Work[Any]] | None, snapshot: Snapshot
    ) -> Work[list[_Appended]]:
        yield from self._subscriptions.current(snapshot)
        appended: list[_Appended] = []
        for event in batch:
            listeners = snapshot.of(event)
            here = bool(listeners) and self._consumer.takes(snapshot, listeners)
            due = self._clock.now() + GRACE if here else None
            receipt = yield from events.append(event, listeners, due, self._consumer.owner if here else "")
            local = listeners if here and not receipt.duplicate else ()
            appended.append(_Appended(event, receipt, local, bool(listeners) and not here))
        if also is not None:
            yield from also()
        return appended

    def _hand_over(self, each: _Appended) -> None:
        if each.local:
            stored = replace(each.event, seq=each.receipt.seq)
            self._consumer.take([Delivery(stored, listener, 0, "") for listener in each.local])
        elif each.others:
            self._consumer.wake()

    def _count(self, event: Event, receipt: Receipt) -> None:
        labels = event.source_name, event.event_name
        if receipt.duplicate:
            self._metrics.events(*labels, "conflict" if receipt.conflict else "duplicate").inc()
            return
        self._metrics.events(*labels, "stored").inc()
        self._metrics.events_sent(event.namespace, *labels).inc()
        elapsed = (self._clock.now() - event.received_at) * 1000
        self._metrics.processing_milliseconds(event.namespace, *labels).observe(max(0.0, elapsed))
        for observer in self.observers:
            observer(event, receipt)
