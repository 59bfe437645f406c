"""How the engine paces pods: the limit of pods at work, and what of short and long pods is recorded when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from eventflow.clock import SystemClock
from eventflow.engine.service import Engine, EngineSettings
from eventflow.engine.submission import Request
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodStarted
from eventflow.runtimes.contract import LogLine
from eventflow.store import attempts, journal
from eventflow.store.open import open_store
from eventflow.store.workflows import Header

LEAF = {"name": "leaf", "container": {"image": "busybox"}}


class Timed:
    """A runtime whose pods take some seconds, all the same; it counts how many are at work."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._engine = engine
        self._seconds = seconds
        self.working = 0
        self.most = 0

    async def __aenter__(self) -> "Timed":
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing is open."""

    async def ensure(self, pod: Pod) -> None:
        self.working += 1
        self.most = max(self.most, self.working)
        loop = asyncio.get_running_loop()
        loop.call_soon(self._engine.observe, PodStarted(pod.name, self._engine.clock.now(), uid="u"))
        loop.call_later(self._seconds, self._end, pod.name)

    def _end(self, name: str) -> None:
        self.working -= 1
        self._engine.observe(PodFinished(name, PodEnd("Succeeded", self._engine.clock.now())))

    async def stop(self, name: str, *, grace: float) -> None:
        """Nothing is stopped here."""

    async def forget(self, name: str) -> None:
        """Nothing is kept."""

    async def logs(self, name: str, *, container: str | None = None, follow: bool = False) -> AsyncIterator[LogLine]:
        for line in list[LogLine]():
            yield line


@asynccontextmanager
async def engine_of(directory: Path, seconds: float, pods: int = 100) -> AsyncIterator[tuple[Engine, Timed]]:
    async with open_store(f"sqlite:///{directory / 'e.db'}") as store:
        engine = Engine(store, SystemClock(), EngineSettings(pods=pods))
        runtime = Timed(engine, seconds)
        engine.use(runtime)
        async with engine:
            yield engine, runtime


async def submit(engine: Engine, tasks: list[dict[str, object]]) -> Header:
    spec = {"entrypoint": "main", "templates": [LEAF, {"name": "main", "dag": {"tasks": tasks}}]}
    manifest = {"metadata": {"generateName": "pace-"}, "spec": spec}
    return (await engine.submit(Request(manifest, "key"))).header


async def steps(engine: Engine, header: Header) -> list[list[str]]:
    """Return the kinds of stimuli of each step."""
    found = await engine.store.read(lambda: journal.last(header.seq, 100))
    return [[entry[0] for entry in orjson.loads(entries)] for _, _, entries in found]


async def test_no_more_pods_work_than_the_limit_though_places_are_free_before_ends_are_durable(tmp_path: Path) -> None:
    async with engine_of(tmp_path, 0.001, pods=3) as (engine, runtime):
        header = await submit(engine, [{"name": "all", "template": "leaf", "withSequence": {"count": "40"}}])
        assert await engine.end_of(header) == "Succeeded"
        assert runtime.most == 3
        assert engine.counts() == {"workflows": 0, "pods": 0, "waiting": 0}


async def test_a_short_pods_start_and_end_are_one_step(tmp_path: Path) -> None:
    async with engine_of(tmp_path, 0.0) as (engine, _):
        header = await submit(engine, [{"name": "one", "template": "leaf"}])
        assert await engine.end_of(header) == "Succeeded"
        assert await steps(engine, header) == [["Submitted"], ["PodStarted", "PodFinished"]]


async def test_a_long_pods_start_is_recorded_while_it_runs(tmp_path: Path) -> None:
    async with engine_of(tmp_path, 60.0) as (engine, _):
        header = await submit(engine, [{"name": "one", "template": "leaf"}])
        async with asyncio.timeout(5):
            while await steps(engine, header) != [["Submitted"], ["PodStarted"]]:
                await asyncio.sleep(0.01)
        assert [each.state for each in await engine.store.read(lambda: attempts.of_workflow(header.seq))] == ["started"]
