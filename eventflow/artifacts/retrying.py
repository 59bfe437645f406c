"""Repeats what failed for a while: a store that answers 503 for a moment costs a delay and not a workflow."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from eventflow.artifacts.contract import ArtifactStore, Entry, Location, Saved
from eventflow.errors import TemporaryError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and how long: delays in seconds grow by `factor` up to `cap`, each shortened by up to a half."""

    attempts: int = 6
    first: float = 0.5
    factor: float = 2.0
    cap: float = 20.0

    def delay(self, failed: int, chance: float) -> float:
        """Seconds to wait after so many failed attempts; `chance` between 0 and 1 spreads callers apart."""
        return float(min(self.cap, self.first * self.factor ** (failed - 1)) * (1 - chance / 2))


class Retrying(ArtifactStore):
    """A store that repeats calls on TemporaryError, and lets the last one through. Every call of a store is repeatable.

    A stream is repeated until its first chunk has been handed on, not after.
    """

    def __init__(
        self,
        store: ArtifactStore,
        backoff: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.kind = store.kind
        self._store = store
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._chance = chance

    async def fetch(self, location: Location, destination: Path) -> None:
        await self._repeat(lambda: self._store.fetch(location, destination))

    def read(self, location: Location) -> AsyncIterator[bytes]:
        return self._restart(lambda: self._store.read(location))

    async def write(self, location: Location, source: Path) -> Saved:
        return await self._repeat(lambda: self._store.write(location, source))

    async def adopt(self, location: Location, source: Path) -> Saved:
        return await self._repeat(lambda: self._store.adopt(location, source))

    async def exists(self, location: Location) -> bool:
        return await self._repeat(lambda: self._store.exists(location))

    async def delete(self, location: Location) -> None:
        await self._repeat(lambda: self._store.delete(location))

    def entries(self, location: Location) -> AsyncIterator[Entry]:
        return self._restart(lambda: self._store.entries(location))

    async def place(self, location: Location) -> Path | None:
        return await self._store.place(location)

    async def close(self) -> None:
        await self._store.close()

    async def _repeat(self, call: Callable[[], Awaitable[T]]) -> T:
        failed = 0
        while True:
            try:
                return await call()
            except TemporaryError as error:
                failed += 1
                await self._pause(failed, error)

    async def _restart(self, start: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        failed = 0
        while True:
            begun = False
            try:
                async for item in start():
                    begun = True
                    yield item
                return
            except TemporaryError as error:
                failed += 1
                if begun:
                    raise
                await self._pause(failed, error)

    async def _pause(self, failed: int, error: TemporaryError) -> None:
        if failed >= self._backoff.attempts:
            raise error
        await self._sleep(max(self._backoff.delay(failed, self._chance()), error.retry_after if failed > 1 else 0))
