"""The engine with its durable store and pods that do nothing: nodes a second, beside raw SQLite rows a second.

The runtime answers at once that a pod started and ended, so what is measured is the machine, the shell and the store.
Each node costs the store a row when it is made and one when it is done, and its attempt the same.
"""

import asyncio
import gc
import itertools
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from eventflow.clock import SystemClock
from eventflow.engine.service import Engine, EngineSettings
from eventflow.engine.submission import Request
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodReport, PodStarted
from eventflow.runtimes.contract import LogLine
from eventflow.store.open import open_store
from tests.benchmarks import workloads
from tests.benchmarks.figure import Figure, median

ROW = b"r" * 250
_keys = itertools.count()


class Nothing:
    """A runtime whose pods start and end at once."""

    def __init__(self, observe: Callable[[PodReport], None]) -> None:
        self._observe = observe

    async def __aenter__(self) -> "Nothing":
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Nothing is open."""

    async def ensure(self, pod: Pod) -> None:
        """Have the pod reported started and ended."""
        asyncio.get_running_loop().call_soon(self._ended, pod.name)

    def _ended(self, name: str) -> None:
        now = time.time()
        self._observe(PodStarted(name, now, uid=name))
        self._observe(PodFinished(name, PodEnd("Succeeded", now, now, exit_code=0)))

    async def stop(self, name: str, *, grace: float) -> None:
        """Every pod has ended."""

    async def forget(self, name: str) -> None:
        """Nothing is kept."""

    async def logs(self, name: str, *, container: str | None = None, follow: bool = False) -> AsyncIterator[LogLine]:
        """Nothing is written."""
        for line in list[LogLine]():
            yield line


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Engine]:
    """Open an engine over a SQLite file in a directory."""
    async with open_store(f"sqlite:///{directory / 'bench.db'}") as store:
        engine = Engine(store, SystemClock(), EngineSettings())
        engine.use(Nothing(engine.observe))
        async with engine:
            yield engine


async def finish(engine: Engine, spec: workloads.Spec) -> None:
    """Submit a workflow and wait for its end."""
    creation = await engine.submit(Request(workloads.manifest(spec), f"bench-{next(_keys)}"))
    phase = await engine.end_of(creation.header)
    assert phase == "Succeeded", phase


async def timed(engine: Engine, spec: workloads.Spec) -> float:
    """Return the seconds that a workflow took from submission to its end."""
    gc.collect()
    began = time.perf_counter()
    await finish(engine, spec)
    return time.perf_counter() - began


def raw_rows(directory: Path, rows: int, a_transaction: int) -> float:
    """Return the rows a second that bare sqlite3 inserts, durably, so many in each transaction."""
    connection = sqlite3.connect(directory / "raw.db", isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; DROP TABLE IF EXISTS rows;"
        "CREATE TABLE rows (a INTEGER, b INTEGER, data BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID"
    )
    began = time.perf_counter()
    for start in range(0, rows, a_transaction):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO rows VALUES (1, ?, ?)", [(start + n, ROW) for n in range(a_transaction)])
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return rows / seconds


async def _rates(directory: Path, small: int, runs: int) -> dict[str, float]:
    shapes = {
        "fan-out": (workloads.fan_out(small), small),
        "chain": (workloads.chain(small), small),
        "diamonds": (workloads.diamonds(small // 5), small),
    }
    async with opened(directory) as engine:
        await finish(engine, workloads.fan_out(10))
        return {
            name: statistics.median([nodes / await timed(engine, spec) for _ in range(runs)])
            for name, (spec, nodes) in shapes.items()
        }


async def _large(directory: Path, count: int) -> float:
    async with opened(directory) as engine:
        return await timed(engine, workloads.fan_out(count))


def run(quick: bool) -> list[Figure]:
    """Measure the shapes and one large workflow."""
    small, large, runs = (20, 200, 1) if quick else (1_000, 100_000, 3)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        directory = Path(name)
        many = median(lambda: raw_rows(directory, small * 10, 100), runs)
        single = median(lambda: raw_rows(directory, small, 1), runs)
        rates = asyncio.run(_rates(directory, small, runs))
        seconds = asyncio.run(_large(directory, large))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    target, many_is, single_is = ">= 10,000", "SQLite rows/s, 100 a transaction", "SQLite rows/s, 1 a transaction"
    return [
        Figure(f"engine, durable: fan-out {small:,}", rates["fan-out"], "nodes/s", many, many_is, target),
        Figure(f"engine, durable: diamonds {small // 5:,}", rates["diamonds"], "nodes/s", many, many_is),
        Figure(f"engine, durable: chain {small:,}", rates["chain"], "nodes/s", single, single_is),
        Figure(f"engine, durable: fan-out {large:,}", seconds, "s", target="<= 60 s"),
        Figure(f"engine, durable: peak memory of {large:,}", peak, "MiB", target="<= 1 GB"),
    ]
