"""Letting go of what is no longer needed: events whose deliveries have all ended, and entries that were carried out."""

import asyncio
import logging
from collections.abc import Callable

from eventflow.clock import Clock
from eventflow.errors import TemporaryError
from eventflow.store import events, outbox
from eventflow.store.contract import Store, Work

PAUSE = 60.0
CHUNK = 1000

log = logging.getLogger(__name__)


class Retention:
    """Collects what is older than `seconds`, a little at a time. `run` it as a task."""

    def __init__(self, store: Store, clock: Clock, seconds: float) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds

    async def run(self) -> None:
        """Collect until cancelled."""
        while True:
            try:
                await self.collect()
            except TemporaryError as error:
                log.warning("old events stay for now: %s", error)
            await asyncio.sleep(PAUSE)

    async def collect(self) -> int:
        """Collect what is due now, and return how many rows that were."""
        before = self._clock.now() - self._seconds
        works: tuple[Callable[[], Work[int]], ...] = (
            lambda: events.collect(before, CHUNK),
            lambda: outbox.collect(before, CHUNK),
        )
        total = 0
        for work in works:
            while count := await self._store.write(work):
                total += count
                await asyncio.sleep(0)
        return total
