"""Tasks that must not end while the process lives: an end nobody asked for is logged, and ends the process."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Self

log = logging.getLogger(__name__)


class Guard:
    """Runs named tasks until it is left; then they are cancelled and awaited, the newest first. `async with`."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        self._closing = False
        self.failed: asyncio.Future[BaseException] | None = None

    async def __aenter__(self) -> Self:
        self.failed = asyncio.get_running_loop().create_future()
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._closing = True
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine that is not to end."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)
        return task

    @property
    def healthy(self) -> bool:
        """Whether every task still runs."""
        return self.failed is not None and not self.failed.done()

    async def wait(self) -> BaseException:
        """Wait for the first task to end, and return why it did."""
        assert self.failed is not None
        return await asyncio.shield(self.failed)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if self._closing or task.cancelled():
            return
        error = task.exception() or RuntimeError(f"{task.get_name()} ended")
        log.critical("%s ended: %r", task.get_name(), error, exc_info=error)
        if self.failed is not None and not self.failed.done():
            self.failed.set_result(error)
