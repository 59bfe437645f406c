"""The supervisor: runs the sources that go and ask, each in a task of its own.

Promises: a source whose configuration did not change is left alone; one that fails is started again, after a second at
first and five minutes at most, and delays no other; `states` says how each one is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

from eventflow.sources.contract import Source
from eventflow.telemetry import logs
from eventflow.triggers.backoff import Backoff

RESTART = Backoff(steps=1 << 30, seconds=1.0, factor=2.0, jitter=0.1)
HEALTHY = 60.0
"""A source that ran for so many seconds begins with short waits again."""

log = logging.getLogger(__name__)

Build = Callable[[], Source]
Wanted = Callable[[], Awaitable[Mapping[tuple[str, str], Build]]]


@dataclass(slots=True)
class State:
    """How a source is: `since` in seconds since the epoch, `restarts` after failures, the last error."""

    status: Literal["running", "waiting", "ended"]
    since: float
    restarts: int = 0
    error: str = ""


class Supervisor:
    """Runs what `wanted` returns: how to build each source, by (id, digest of the configuration)."""

    def __init__(self, wanted: Wanted, now: Callable[[], float]) -> None:
        self._wanted = wanted
        self._now = now
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._lock = asyncio.Lock()
        self.states: dict[str, State] = {}

    async def __aenter__(self) -> Self:
        await self.reload()
        return self

    async def __aexit__(self, *exc: object) -> None:
        async with self._lock:
            await self._stop(list(self._tasks))

    async def reload(self, changed: frozenset[str] = frozenset()) -> None:
        """Start what is new, stop what is gone; a changed source is stopped before it is started anew."""
        del changed
        async with self._lock:
            wanted = await self._wanted()
            await self._stop([key for key in self._tasks if key not in wanted])
            for key, build in wanted.items():
                if key not in self._tasks:
                    name = key[0]
                    self.states[name] = State("running", self._now())
                    self._tasks[key] = asyncio.get_running_loop().create_task(self._run(name, build), name=name)

    async def _stop(self, keys: list[tuple[str, str]]) -> None:
        tasks = [self._tasks.pop(key) for key in keys]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for name, _ in keys:
            self.states.pop(name, None)

    async def _run(self, name: str, build: Build) -> None:
        failures = 0
        while True:
            started = self._now()
            self.states[name].status, self.states[name].since = "running", started
            try:
                with logs.about(source=name):
                    await build().run()
            except Exception as error:
                failures = 1 if self._now() - started > HEALTHY else failures + 1
                wait = RESTART.wait(failures, name) or 1.0
                log.warning("source %s failed, again in %.0f s: %r", name, wait, error)
                restarts = self.states[name].restarts + 1
                self.states[name] = State("waiting", self._now(), restarts, str(error) or repr(error))
                await asyncio.sleep(wait)
            else:
                self.states[name].status, self.states[name].since = "ended", self._now()
                return
