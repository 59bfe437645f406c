"""Pods that a runtime tells of and no workflow waits for: what a crash left between a commit and its commands.

A pod's end that is stored need not be kept by the runtime; a pod of a workflow that has ended need not run. Both are
asked for after the commit, so a crash in between leaves the pod. The runtime tells of every pod it holds when it is
opened, so nothing has to be looked for.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container
from typing import TypeVar

from eventflow.errors import TemporaryError
from eventflow.model.pod import PodFinished, PodLost, PodReport
from eventflow.runtimes.contract import Runtime
from eventflow.store import attempts
from eventflow.store.contract import Store

log = logging.getLogger(__name__)

T = TypeVar("T")


class Leftovers:
    """Takes in reports of unknown pods, and has these pods stopped and forgotten."""

    def __init__(self, store: Store, loaded: Container[int], known: Container[str], grace: float) -> None:
        self._store = store
        self._loaded = loaded
        self._known = known
        self._grace = grace
        self._reports: dict[str, PodReport] = {}
        self._reported = asyncio.Event()

    def take(self, report: PodReport) -> None:
        """Note a report of a pod that no loaded workflow knows."""
        self._reports[report.name] = report
        self._reported.set()

    async def run(self, runtime: Runtime) -> None:
        """Clear up until cancelled. Begin it once every workflow that has not ended is loaded."""
        while True:
            await self._reported.wait()
            self._reported.clear()
            reports, self._reports = self._reports, {}
            elsewhere = await patiently(lambda: self._store.read(attempts.awaited))
            wanted = {pod for workflow, pod in elsewhere if workflow not in self._loaded}
            for name, report in reports.items():
                if name not in self._known and name not in wanted:
                    await self._clear(runtime, report)

    async def _clear(self, runtime: Runtime, report: PodReport) -> None:
        if isinstance(report, PodFinished | PodLost):
            await patiently(lambda: runtime.forget(report.name))
            return
        log.info("pod %s is stopped: no workflow waits for it", report.name)
        await patiently(lambda: runtime.stop(report.name, grace=self._grace))


async def patiently(attempt: Callable[[], Awaitable[T]]) -> T:
    """Try until it is not refused for the moment."""
    while True:
        try:
            return await attempt()
        except TemporaryError as error:
            await asyncio.sleep(error.retry_after)
