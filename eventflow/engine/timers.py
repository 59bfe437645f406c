"""Timers of all workflows: one wake-up of the event loop for the earliest of them."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

from eventflow.clock import Clock

LONGEST_SLEEP = 60.0  # seconds; a wall clock that is set is noticed after that

Key = tuple[int, str]


class Timers:
    """Calls `fire(workflow, key, at)` when an instant (seconds since the epoch, by the wall clock) has come."""

    def __init__(self, clock: Clock, fire: Callable[[int, str, float], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._handle: asyncio.TimerHandle | None = None

    def set(self, workflow: int, key: str, at: float) -> None:
        """Set a timer; one of the same key is replaced."""
        self._due[workflow, key] = at
        heapq.heappush(self._heap, (at, next(self._order), (workflow, key)))
        self._arm()

    def drop(self, workflow: int) -> None:
        """Forget the timers of a workflow."""
        for each in [key for key in self._due if key[0] == workflow]:
            del self._due[each]

    def close(self) -> None:
        """Stop for good."""
        self._due.clear()
        self._heap.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        if self._heap:
            delay = min(max(self._heap[0][0] - self._clock.now(), 0.0), LONGEST_SLEEP)
            self._handle = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                del self._due[key]
                self._fire(key[0], key[1], now)
        self._handle = None
        self._arm()
