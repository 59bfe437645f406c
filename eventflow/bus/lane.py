"""A lane: the deliveries of one listener, settled in the order of the log, a few in each transaction (T2).

Lanes are apart, so a listener that is slow or broken delays no other. A delivery that cannot be settled is set aside,
tried again later and later, and in the end left to the dead letters; those behind it go on.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from eventflow.bus.listener import Listener
from eventflow.bus.subscriptions import Snapshot, Stale, Subscriptions
from eventflow.clock import Clock
from eventflow.errors import EventflowError, TemporaryError
from eventflow.failpoints import failpoint
from eventflow.sensors.settlement import Settled
from eventflow.store import deliveries
from eventflow.store.contract import LostClaim, Store, Work
from eventflow.store.deliveries import Delivery
from eventflow.store.workflows import Header
from eventflow.telemetry import logs
from eventflow.telemetry.metrics import Metrics
from eventflow.triggers.backoff import Backoff

CHUNK = 16
SCRIPTED_CHUNK = 4
ROOM = 256
RETRY = Backoff(steps=10, seconds=1.0, factor=2.0, jitter=0.1)

log = logging.getLogger(__name__)


class Lane:
    """Settles the deliveries of one listener, given by its id. `started` is told of new workflows, `posted` of entries
    for the outbox, `done` when the lane has room again.
    """

    def __init__(
        self,
        name: str,
        store: Store,
        clock: Clock,
        subscriptions: Subscriptions,
        metrics: Metrics,
        started: Callable[[Header], Awaitable[None]],
        posted: Callable[[], None],
        done: Callable[[], None],
    ) -> None:
        self.name = name
        self._store = store
        self._clock = clock
        self._subscriptions = subscriptions
        self._metrics = metrics
        self._started = started
        self._posted = posted
        self._done = done
        self._waiting: deque[Delivery] = deque()
        self._under_way = 0
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting) + self._under_way

    def add(self, claimed: Sequence[Delivery]) -> None:
        """Take in claimed deliveries, in the order of the log."""
        self._waiting.extend(claimed)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work(), name=f"deliveries to {self.name}")

    async def close(self) -> None:
        """Finish the transaction under way and give the rest back."""
        rest = list(self._waiting)
        self._waiting.clear()
        if self._task is not None:
            await asyncio.wait([self._task])
        now = self._clock.now()
        for delivery in rest:
            with suppress(EventflowError):
                await self._store.write(lambda delivery=delivery: deliveries.retry(delivery, now, ""))  # type: ignore[misc]

    async def _work(self) -> None:
        while self._waiting:
            chunk = [self._waiting.popleft() for _ in range(min(self._most(), len(self._waiting)))]
            self._under_way = len(chunk)
            try:
                await self._settle(chunk)
            except Exception:
                log.exception("deliveries to %s are left to be claimed again", self.name)
            self._under_way = 0
            self._done()

    def _most(self) -> int:
        """How many deliveries to settle together: few where scripts may take longer than the lease."""
        listener = self._subscriptions.snapshot.listeners.get(self.name)
        return SCRIPTED_CHUNK if listener is not None and listener.scripted else CHUNK

    async def _settle(self, chunk: Sequence[Delivery]) -> None:
        """Settle a chunk in one transaction; if that fails, one by one, so that only the culprit is set aside."""
        try:
            await self._attempt(chunk)
        except Exception as error:
            if len(chunk) == 1:
                await self._set_aside(chunk[0], error)
                return
            for delivery in chunk:
                await self._settle([delivery])

    async def _attempt(self, chunk: Sequence[Delivery]) -> None:
        snapshot = self._subscriptions.snapshot
        while True:
            listener = snapshot.listeners.get(self.name)
            verdicts = await self._decide(listener, snapshot, chunk)
            failpoint("bus.before-t2")
            try:
                settled = await self._store.write(
                    lambda snapshot=snapshot, listener=listener, verdicts=verdicts: self._settled(  # type: ignore[misc]
                        snapshot, listener, chunk, verdicts
                    )
                )
            except Stale:
                snapshot = await self._subscriptions.reload()
                continue
            failpoint("bus.after-t2")
            await self._follow(chunk, settled)
            return

    async def _decide(self, listener: Listener | None, snapshot: Snapshot, chunk: Sequence[Delivery]) -> list[Any]:
        if listener is None:
            if self.name in snapshot.broken:
                raise TemporaryError(f"{self.name} cannot be used: {snapshot.broken[self.name]}", retry_after=30.0)
            return [None] * len(chunk)
        if listener.scripted:
            return await asyncio.to_thread(lambda: [listener.decide(each.event) for each in chunk])
        return [listener.decide(each.event) for each in chunk]

    def _settled(
        self, snapshot: Snapshot, listener: Listener | None, chunk: Sequence[Delivery], verdicts: Sequence[Any]
    ) -> Work[list[Settled]]:
        yield from self._subscriptions.current(snapshot)
        now = self._clock.now()
        settled = []
        for delivery, verdict in zip(chunk, verdicts, strict=True):
            if listener is None:
                yield from deliveries.settle(delivery, "dropped", "sensor-deleted", None, now)
                settled.append(Settled("dropped", "sensor-deleted"))
            else:
                settled.append((yield from listener.settle(delivery, verdict, now)))
        return settled

    async def _follow(self, chunk: Sequence[Delivery], settled: Sequence[Settled]) -> None:
        now = self._clock.now()
        for delivery, result in zip(chunk, settled, strict=True):
            self._metrics.deliveries(self.name, result.outcome).inc()
            self._metrics.delivery_lag_seconds(self.name).observe(max(0.0, now - delivery.event.received_at))
            namespace, _, name = self.name.partition("/")
            for trigger in result.acted:
                self._metrics.actions(namespace, name, trigger).inc()
            with logs.about(event=delivery.event.id, sensor=self.name):
                log.debug("%s %s", result.outcome, result.reason)
                for header in result.started:
                    await self._started(header)
        if any(result.posted for result in settled):
            self._posted()

    async def _set_aside(self, delivery: Delivery, error: Exception) -> None:
        """Have one delivery tried again later, or bury it after its last try."""
        if isinstance(error, LostClaim):
            return
        if not isinstance(error, EventflowError):
            log.error("event %s to %s failed", delivery.event.id, self.name, exc_info=error)
        now, text = self._clock.now(), str(error) or repr(error)
        wait = RETRY.wait(delivery.tries, f"{delivery.event.seq} {self.name}")
        if isinstance(error, TemporaryError):
            wait = max(wait or 0.0, error.retry_after)
        with suppress(LostClaim):
            if wait is not None:
                at = now + wait
                await self._store.write(lambda: deliveries.retry(delivery, at, text))
                return
            log.error("event %s to %s is given up: %s", delivery.event.id, self.name, text)
            await self._store.write(lambda: deliveries.bury(delivery, text, now))
            self._metrics.deliveries(self.name, "dead").inc()
