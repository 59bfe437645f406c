"""A step that could not be stored, and what pods report while their workflow is loaded again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from eventflow.clock import SystemClock
from eventflow.engine.service import Engine, EngineSettings
from eventflow.engine.submission import Request
from eventflow.errors import TemporaryError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodStarted
from eventflow.runtimes.contract import LogLine
from eventflow.store.open import open_store


class Pods:
    """A runtime of which the test decides when pods end. It keeps what the contract says, and no more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.starts: list[str] = []
        self.stops: list[str] = []
        self.ends: dict[str, PodFinished] = {}
        self.forgotten: list[str] = []
        self.held: set[str] = set()

    async def __aenter__(self) -> "Pods":
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def ensure(self, pod: Pod) -> None:
        if pod.name not in self.held:
            self.held.add(pod.name)
            self.starts.append(pod.name)
        self._engine.observe(self.ends.get(pod.name) or PodStarted(pod.name, 1.0))

    async def stop(self, name: str, *, grace: float) -> None:
        self.stops.append(name)
        self.end(name)

    async def forget(self, name: str) -> None:
        if name in self.ends:
            self.forgotten.append(name)
            self.held.discard(name)
            del self.ends[name]

    async def logs(self, name: str, *, container: str | None = None, follow: bool = False) -> AsyncIterator[LogLine]:
        return
        yield

    def end(self, name: str) -> None:
        """Let a pod end, and report it."""
        self.ends[name] = PodFinished(name, PodEnd("Succeeded", 2.0, exit_code=0))
        self._engine.observe(self.ends[name])


SPEC: dict[str, Any] = {"entrypoint": "main", "templates": [{"name": "main", "container": {"image": "busybox"}}]}


@asynccontextmanager
async def engine_of(directory: Path) -> AsyncIterator[tuple[Engine, Pods]]:
    clock = SystemClock()
    async with open_store(f"sqlite:///{directory}/x.db", clock) as store:
        engine = Engine(store, clock, EngineSettings(pods=1))
        pods = Pods(engine)
        engine.use(pods)
        async with engine:
            yield engine, pods


def request(name: str) -> Request:
    return Request({"metadata": {"name": name}, "spec": SPEC}, name)


async def _until(check: Any) -> None:
    async with asyncio.timeout(8):
        while not check():
            await asyncio.sleep(0.01)


async def test_an_end_that_comes_while_the_workflow_is_loaded_again_is_not_lost(tmp_path: Path) -> None:
    async with engine_of(tmp_path) as (engine, pods):
        created = await engine.submit(request("one"))
        await _until(lambda: pods.starts)
        (pod,) = pods.starts
        write, failures = engine.write_step, [TemporaryError("the disk is full")]

        async def failing(*step: Any) -> None:
            if failures:
                raise failures.pop()
            await write(*step)

        engine.write_step = failing  # type: ignore[assignment, method-assign]
        pods.end(pod)  # its step fails, and the workflow is dropped
        await _until(lambda: not failures and engine.live(created.header.seq) is None)
        pods.end(pod)  # runtimes may report more than once
        await asyncio.sleep(0.05)
        assert pods.forgotten == []
        async with asyncio.timeout(8):
            assert await engine.end_of(created.header) == "Succeeded"
        assert pods.starts == [pod]
        await engine.submit(request("two"))  # and its place was given back
        await _until(lambda: len(pods.starts) == 2)


async def test_what_no_workflow_waits_for_is_stopped_and_forgotten(tmp_path: Path) -> None:
    async with engine_of(tmp_path) as (engine, pods):
        await engine.submit(request("one"))
        await _until(lambda: pods.starts)
        (wanted,) = pods.starts
        pods.held.add("orphan")
        engine.observe(PodStarted("orphan", 1.0))
        await _until(lambda: pods.forgotten == ["orphan"])
        assert pods.stops == ["orphan"]
        assert pods.held == {wanted}
