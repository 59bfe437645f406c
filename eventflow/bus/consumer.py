"""The consumer: claims deliveries that are due and hands them to the lanes of their listeners.

Promises: every stored delivery is settled, set aside until later, or ends in the dead letters. Survives kill -9 at any
point: what was claimed is claimed again (at once by a process that is alone on its store, else when the lease ends),
and the fence of the claim keeps an overtaken consumer from writing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import groupby

from eventflow.bus.lane import ROOM, Lane
from eventflow.bus.subscriptions import Snapshot, Subscriptions
from eventflow.clock import Clock
from eventflow.errors import TemporaryError
from eventflow.store import deliveries
from eventflow.store.contract import Store
from eventflow.store.deliveries import Delivery
from eventflow.store.workflows import Header
from eventflow.telemetry.metrics import Metrics

BATCH = 256
MOST = 1024
LEASE = 60.0
IDLE = 5.0
COUNT_SECONDS = 5.0

log = logging.getLogger(__name__)


class Consumer:
    """Claims and settles deliveries. `run` it as a task; `wake` it when there are new ones.

    `alone` says that no other process works on this store, so that what is leased now is left over from a crash.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        subscriptions: Subscriptions,
        metrics: Metrics,
        started: Callable[[Header], Awaitable[None]],
        posted: Callable[[], None],
        *,
        owner: str = "local",
        alone: bool = True,
    ) -> None:
        self._store = store
        self._clock = clock
        self._subscriptions = subscriptions
        self._metrics = metrics
        self._started = started
        self._posted = posted
        self.owner = owner
        self._leftover = alone
        self._lanes: dict[str, Lane] = {}
        self._awake = asyncio.Event()
        self._counted = float("-inf")
        self._pending = 0
        self._blocked = False

    def wake(self) -> None:
        """Look for deliveries now."""
        self._awake.set()

    @property
    def backlog(self) -> int:
        """About how many deliveries wait; counted every few seconds."""
        return self._pending

    def takes(self, snapshot: Snapshot, listeners: Sequence[str]) -> bool:
        """Whether deliveries to these listeners can be settled at once. Not where scripts may make others wait."""
        if sum(map(len, self._lanes.values())) >= MOST:
            return False
        for name in listeners:
            lane = self._lanes.get(name)
            if snapshot.listeners[name].scripted or (lane is not None and len(lane) >= ROOM):
                return False
        return True

    def take(self, deliveries: Sequence[Delivery]) -> None:
        """Settle deliveries that were stored just now and that nobody has claimed."""
        for delivery in deliveries:
            self._lane(delivery.sensor).add([delivery])

    async def run(self) -> None:
        """Settle deliveries until cancelled; what is under way then is finished, the rest given back."""
        try:
            while True:
                self._awake.clear()
                if not await self._claim():
                    await self._idle()
        finally:
            await asyncio.gather(*(lane.close() for lane in self._lanes.values()))

    async def _claim(self) -> int:
        await self._count()
        room = min(BATCH, MOST - sum(map(len, self._lanes.values())))
        only = self._roomy()
        self._blocked = room <= 0 or only is not None
        if room <= 0 or only == []:
            return 0
        now = self._clock.now()
        try:
            if self._leftover:
                await self._store.write(lambda: deliveries.release(now))
                self._leftover = False
            claimed = await self._store.write(lambda: deliveries.claim(self.owner, room, now, LEASE, only))
        except TemporaryError as error:
            log.warning("deliveries wait: %s", error)
            await asyncio.sleep(error.retry_after)
            return 0
        for name, found in groupby(sorted(claimed, key=_by_listener), key=lambda each: each.sensor):
            self._lane(name).add(list(found))
        return len(claimed)

    def _roomy(self) -> list[str] | None:
        """Return the listeners whose lanes have room, None when all have."""
        full = {name for name, lane in self._lanes.items() if len(lane) >= ROOM}
        if not full:
            return None
        return sorted((self._subscriptions.snapshot.listeners.keys() | self._lanes.keys()) - full)

    def _lane(self, name: str) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(
                name,
                self._store,
                self._clock,
                self._subscriptions,
                self._metrics,
                self._started,
                self._posted,
                self._settled,
            )
        return lane

    def _settled(self) -> None:
        if self._blocked:
            self._awake.set()

    async def _count(self) -> None:
        """Count the backlog now and then: a count reads every pending row."""
        if self._clock.monotonic() - self._counted < COUNT_SECONDS:
            return
        self._counted = self._clock.monotonic()
        with suppress(TemporaryError):
            self._pending, _ = await self._store.read(deliveries.backlog)

    async def _idle(self) -> None:
        wait = IDLE
        with suppress(TemporaryError):
            due = await self._store.read(deliveries.next_due)
            if due is not None and self._roomy() is None:
                wait = min(IDLE, max(0.01, due - self._clock.now()))
        with suppress(TimeoutError):  # not wait_for: before Python 3.12 it swallows a cancellation that meets a wake-up
            async with asyncio.timeout(wait):
                await self._awake.wait()


def _by_listener(delivery: Delivery) -> tuple[str, int]:
    return delivery.sensor, delivery.event.seq
