"""The desk: what the shell performs itself is begun, bounded, stopped and reported here, as a runtime does for pods."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial

from eventflow.engine.dispatch import Build, Dispatcher
from eventflow.engine.performers.contract import Performer, Task
from eventflow.errors import EventflowError, TemporaryError, UserError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodLost, PodReport, PodStarted
from eventflow.runtimes import verdict

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0


class Desk:
    """Performs pods of the kinds it has performers for, at most `limit` at once beside those that only wait."""

    def __init__(self, limit: int, report: Callable[[PodReport], None], now: Callable[[], float]) -> None:
        self._performers: Mapping[str, Performer] = {}
        self._report = report
        self._now = now
        self._line = Dispatcher(limit, self._begin, report, now)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, PodFinished] = {}
        self._known: set[str] = set()
        self._stopped: set[str] = set()

    def equip(self, performers: Mapping[str, Performer]) -> None:
        """Say who performs which kinds of template."""
        self._performers = dict(performers)

    def takes(self, kind: str) -> bool:
        """Whether templates of a kind are performed here."""
        return kind in self._performers

    @property
    def working(self) -> int:
        """How many are being performed, waiting ones included."""
        return len(self._tasks)

    def add(self, pod: str, build: Build) -> None:
        """Have a pod performed. One at work is left alone, one that has ended reported again."""
        self._known.add(pod)
        if pod in self._ends:
            self._report(self._ends[pod])
        elif pod not in self._tasks:
            self._line.add(pod, build)

    def stop(self, pod: str) -> bool:
        """Break off a pod and report it lost, unless it has ended; False if it is not performed here."""
        if pod not in self._known:
            return False
        if pod in self._ends:
            return True
        self._stopped.add(pod)
        task = self._tasks.pop(pod, None)
        if task is not None:
            task.cancel()
        self._line.cancel(pod)
        self._report(PodLost(pod, self._now(), "stopped"))
        return True

    def forget(self, pod: str) -> bool:
        """A pod's end is durable: its place is free. False if it was not performed here."""
        self._line.done(pod)
        self._ends.pop(pod, None)
        self._stopped.discard(pod)
        known = pod in self._known
        self._known.discard(pod)
        return known

    async def close(self) -> None:
        """Break everything off without a report; it is begun again when it is asked for again."""
        await self._line.close()
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, pod: Pod) -> None:
        if pod.name in self._tasks or pod.name in self._stopped:
            return
        task = asyncio.get_running_loop().create_task(self._work(pod), name=f"perform {pod.name}")
        self._tasks[pod.name] = task
        task.add_done_callback(partial(self._done, pod.name))

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(name) is task:
            del self._tasks[name]

    async def _work(self, pod: Pod) -> None:
        started = self._now()
        self._report(PodStarted(pod.name, started, uid=pod.node_id))
        try:
            end = await self._bounded(pod)
        except (EventflowError, ValueError) as error:
            end = self._error(error.message if isinstance(error, UserError) else str(error))
        except Exception as error:
            log.exception("%s could not be performed", pod.name)
            end = self._error(f"performing it failed: {error!r}")
        finished = self._ends[pod.name] = PodFinished(pod.name, end)
        self._report(finished)

    async def _bounded(self, pod: Pod) -> PodEnd:
        left = None if pod.deadline is None else max(pod.deadline - self._now(), 0.0)
        try:
            async with asyncio.timeout(left) as limit:
                return await self._perform(pod)
        except TimeoutError:
            if not limit.expired():
                raise
            return PodEnd("Failed", self._now(), message=verdict.DEADLINE)

    async def _perform(self, pod: Pod) -> PodEnd:
        """Perform a pod; what is temporarily impossible is tried again, ever more slowly."""
        performer = self._performers[next(kind for kind in self._performers if pod.template.get(kind) is not None)]
        pause = 0.0
        while True:
            try:
                return await performer.perform(Task(pod, self._now, partial(self._line.done, pod.name)))
            except TemporaryError as error:
                pause = min(max(error.retry_after, 2 * pause), LONGEST_PAUSE)
                log.warning("%s waits %g s: %s", pod.name, pause, error)
                await asyncio.sleep(pause)

    def _error(self, message: str) -> PodEnd:
        return PodEnd("Error", self._now(), message=message)
