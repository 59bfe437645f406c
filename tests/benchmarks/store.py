"""How fast the store writes, beside what raw sqlite3 does on the same disk in the same run.

    python -m tests.benchmarks.store            SQLite, and PostgreSQL when TEST_POSTGRES is set

Prints rows (or transactions) a second, the median of three runs; figures of different runs do not compare.
"""

import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from eventflow.model.event import Event
from eventflow.store import deliveries, events, nodes, progress, workflows
from eventflow.store.attempts import Intent, Observation
from eventflow.store.contract import Store, Work
from eventflow.store.nodes import NodeRow
from eventflow.store.open import open_store
from eventflow.store.progress import Step
from eventflow.store.workflows import NewWorkflow

RUNS = 3
DATABASE = "eventflow_benchmark"
BODY = b'{"message": "' + b"x" * 8000 + b'"}'
NODE = b"n" * 200


async def each(callers: int, total: int, act: Callable[[int], Awaitable[object]]) -> float:
    """Let so many callers do `total` acts between them, one after the other each; return acts a second."""
    numbers = iter(range(total))

    async def call() -> None:
        for number in numbers:
            await act(number)

    start = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(callers)))
    return total / (time.perf_counter() - start)


def event(run: str, number: int, body: bytes) -> Event:
    return Event(
        id=f"{run}-{number}",
        source="/hooks",
        type="push",
        source_name="hooks",
        event_name="push",
        key=f"{run}-{number}",
        data_bytes=body,
        received_at=float(number),
    )


async def append_some(store: Store, callers: int, total: int, body: bytes, run: str) -> float:
    """Events with one delivery each, one transaction an event."""
    return await each(
        callers, total, lambda n: store.write(lambda: events.append(event(run, n, body), ["default/sensor"]))
    )


async def consume(store: Store, total: int, run: str) -> float:
    """Claim a hundred deliveries at a time and settle them in one transaction."""
    await append_some(store, 64, total, b"{}", run)

    async def batch(_: int) -> None:
        claimed = await store.write(lambda: deliveries.claim("bench", 100, 1e9, 60.0))

        def settle() -> Work[None]:
            for one in claimed:
                yield from deliveries.settle(one, "matched", "ok", None, 1e9)

        await store.write(settle)

    return 100 * await each(4, total // 100, batch)


async def write_nodes(store: Store, total: int, group: int, run: str) -> float:
    """Node rows of 200 bytes, so many a step, four steps at a time."""
    rows = [NodeRow(n, f"workflow-{n * 7919 % 1_000_003}", "Succeeded", NODE) for n in range(total)]
    workflow = int.from_bytes(run.encode()[-6:])
    steps = total // group
    return group * await each(
        4, steps, lambda n: store.write(partial(nodes.upsert, workflow, rows[n * group : (n + 1) * group]))
    )


async def run_workflows(store: Store, callers: int, total: int, run: str) -> float:
    """One-node workflows: created, begun, ended, in three transactions."""

    async def one(number: int) -> None:
        new = NewWorkflow(f"{run}-{number}", "default", f"{run}-{number}", b"m" * 500, 1.0, labels={"app": "bench"})
        seq = (await store.write(lambda: workflows.create(new))).header.seq
        pod = f"{run}-{number}-pod"
        begun = Step({"phase": "Running"}, [NodeRow(0, pod, "Running", NODE)], [Intent(pod, 0, "d")], (), b"j" * 100)
        await store.write(lambda: progress.step(seq, None, begun, 2.0))
        ended = {"phase": "Succeeded", "finished_at": 3.0}
        done = Step(ended, [NodeRow(0, pod, "Succeeded", NODE)], (), [Observation(pod, "finished")], b"j" * 100)
        await store.write(lambda: progress.step(seq, None, done, 3.0))

    return await each(callers, total, one)


def floor(folder: Path, rows_per_commit: int, total: int, row: bytes) -> float:
    """Rows a second of raw sqlite3 with the same durability."""
    connection = sqlite3.connect(folder / f"{rows_per_commit}-{time.time_ns()}.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c BLOB)")
    start = time.perf_counter()
    for first in range(0, total, rows_per_commit):
        connection.execute("BEGIN IMMEDIATE")
        rows = [(n, "x", row) for n in range(first, first + rows_per_commit)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")
    rate = total / (time.perf_counter() - start)
    connection.close()
    return rate


async def measure(name: str, act: Callable[[str], Awaitable[float]]) -> float:
    """Print and return the median of some runs, each told a name of its own."""
    rates = [await act(f"{name.replace(' ', '')}{run}") for run in range(RUNS)]
    show(name, rates)
    return statistics.median(rates)


def show(name: str, rates: list[float]) -> None:
    print(f"{name:<58}{statistics.median(rates):>12,.0f} /s   ({min(rates):,.0f} to {max(rates):,.0f})", flush=True)


async def measure_store(url: str) -> None:
    """Print the figures of one store."""
    async with open_store(url) as store:
        for callers, total in ((1, 1000), (16, 5000), (128, 10_000)):
            await measure(f"events of 8 kB, {callers} callers", partial(append_some, store, callers, total, BODY))
        await measure("events of 2 bytes, 128 callers", partial(append_some, store, 128, 10_000, b"{}"))
        await measure("deliveries claimed and settled by 100", partial(consume, store, 5000))
        for group, total in ((1, 2000), (20, 20_000), (1000, 100_000)):
            await measure(f"node rows, {group} a step", partial(write_nodes, store, total, group))
        for callers, total in ((1, 300), (64, 2000)):
            name = f"one-node workflows in three steps, {callers} at once"
            await measure(name, partial(run_workflows, store, callers, total))


async def measure_postgres(server: str) -> None:
    """Print the figures of PostgreSQL, in a database made for it."""
    connect: Any = asyncpg.connect
    session = await connect(server)
    try:
        await session.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await session.execute(f"CREATE DATABASE {DATABASE}")
        await measure_store(urlsplit(server)._replace(path=f"/{DATABASE}").geturl())
        await session.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    finally:
        await session.close()


def main() -> None:
    """Measure SQLite, its floor, and PostgreSQL if there is one."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        for rows, total, row in ((1, 1000, BODY), (100, 10_000, BODY), (1000, 100_000, NODE)):
            rates = [floor(Path(folder), rows, total, row) for _ in range(RUNS)]
            show(f"raw sqlite3, {rows} rows of {len(row)} bytes a commit", rates)
        print("SQLite store")
        asyncio.run(measure_store(f"sqlite:///{folder}/eventflow.db"))
    if os.environ.get("TEST_POSTGRES"):
        print("PostgreSQL store")
        asyncio.run(measure_postgres(os.environ["TEST_POSTGRES"]))


if __name__ == "__main__":
    main()
