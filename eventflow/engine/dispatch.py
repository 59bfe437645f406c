"""Dispatch: pods that are to start wait here until there is room for them, and no longer than needed.

What waits is a node's number, not its pod: the pod is built when its turn comes, so that a fan-out of 100,000 waits
in little memory.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from eventflow.errors import TemporaryError, UserError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodReport

log = logging.getLogger(__name__)

Build = Callable[[], Pod | None]
Start = Callable[[Pod], Awaitable[None]]


class Dispatcher:
    """Starts pods, at most `limit` at work at a time. `report` is told what cannot be started at all."""

    def __init__(self, limit: int, start: Start, report: Callable[[PodReport], None], now: Callable[[], float]) -> None:
        self._limit = limit
        self._start = start
        self._report = report
        self._now = now
        self._waiting: dict[str, Build] = {}
        self._line: deque[str] = deque()
        self._working: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many pods wait for room."""
        return len(self._waiting)

    @property
    def working(self) -> int:
        """How many pods are at work."""
        return len(self._working)

    def add(self, pod: str, build: Build) -> None:
        """Have a pod started when there is room. One that is known already is left alone."""
        if pod in self._waiting or pod in self._working:
            return
        self._waiting[pod] = build
        self._line.append(pod)
        self._fill()

    def cancel(self, pod: str) -> bool:
        """Take a pod out of the line; False if it is not in it any more."""
        return self._waiting.pop(pod, None) is not None

    def drop(self, pod: str) -> None:
        """Know nothing of a pod any more: its workflow is loaded again, and will add it anew if it is still wanted."""
        self._waiting.pop(pod, None)
        self.done(pod)

    def done(self, pod: str) -> None:
        """A pod's place is free."""
        if pod in self._working:
            self._working.discard(pod)
            self._fill()

    async def close(self) -> None:
        """Start nothing more. What is being started is broken off; it can be ensured again."""
        self._waiting.clear()
        self._line.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _fill(self) -> None:
        while self._line and len(self._working) < self._limit:
            name = self._line.popleft()
            build = self._waiting.pop(name, None)
            if build is None:
                continue
            self._working.add(name)
            task = asyncio.get_running_loop().create_task(self._launch(name, build), name=f"start {name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _launch(self, name: str, build: Build) -> None:
        try:
            pod = build()
        except UserError as error:
            self._refuse(name, error.message)
            return
        if pod is None:
            self.done(name)
            return
        while True:
            try:
                await self._start(pod)
            except TemporaryError as error:
                log.warning("pod %s waits: %s", name, error)
                await asyncio.sleep(error.retry_after)
            except UserError as error:
                self._refuse(name, str(error))
                return
            except Exception as error:
                log.exception("pod %s cannot be started", name)
                self._refuse(name, f"the runtime failed: {error!r}")
                return
            else:
                return

    def _refuse(self, name: str, message: str) -> None:
        self._report(PodFinished(name, PodEnd("Error", self._now(), message=message)))
