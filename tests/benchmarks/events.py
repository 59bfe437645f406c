"""Events: how many are durably accepted, how soon, and how soon a workflow is there.

    python -m tests.benchmarks.events [--seconds 5] [--senders 16 64] [--size 1024]

Server and senders are processes of their own; the senders speak HTTP by hand, so that they cost little. Every run
measures the floor too: the same server library doing nothing, and the same bodies.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import orjson
from aiohttp import web

from eventflow.api.listener import listening
from eventflow.app import App, serve
from eventflow.settings import Server, Settings
from eventflow.store import deliveries, events, firings
from eventflow.store.contract import Work
from tests.benchmarks.figure import Figure

OBJECTS = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: hooks}
spec:
  webhook:
    plain: {endpoint: /plain, method: POST}
    filtered: {endpoint: /filtered, method: POST}
    fired: {endpoint: /fired, method: POST}
"""
SENSOR = """
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: NAME}
spec:
  dependencies:
    - name: one
      eventSourceName: hooks
      eventName: NAME
      filters: {cel: 'body.number >= LEAST && header["Content-Type"][0] == "application/json"'}
  triggers:
    - template:
        name: run
        argoWorkflow:
          operation: submit
          arguments: {number: {cel: 'string(body.number)'}}
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: Workflow
              metadata: {generateName: run-}
              spec:
                entrypoint: wait
                arguments: {parameters: [{name: number}]}
                templates: [{name: wait, suspend: {}}]
"""


@dataclass
class Latencies:
    """Seconds from a request to its answer."""

    values: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def at(self, share: float) -> float:
        """Return a percentile in milliseconds."""
        ordered = sorted(self.values)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0

    def line(self, name: str) -> str:
        """Return a line of the report."""
        rate = len(self.values) / self.seconds
        return f"{name:44} {rate:8.0f}/s  p50 {self.at(0.5):7.2f} ms  p99 {self.at(0.99):7.2f} ms"


class Sender:
    """One connection that sends one request after the other."""

    def __init__(self, host: str, port: int, path: str, size: int) -> None:
        self._where = host, port
        self._path = path
        self._pad = "x" * max(0, size - 40)

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(*self._where)

    async def post(self, number: int) -> None:
        """Send one event and wait for a 2xx."""
        body = orjson.dumps({"number": number, "pad": self._pad})
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: k{number}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await self._reader.readexactly(length)
        if not answer.startswith(b"HTTP/1.1 20"):
            raise RuntimeError(answer.decode())

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def closed_loop(port: int, path: str, senders: int, seconds: float, size: int) -> Latencies:
    """Have each of some senders send the next event when the last one was answered."""
    measured = Latencies()
    until = time.perf_counter() + seconds
    numbers = iter(range(1 << 40))

    async def work() -> None:
        sender = Sender("127.0.0.1", port, path, size)
        await sender.open()
        while (started := time.perf_counter()) < until:
            await sender.post(next(numbers))
            measured.values.append(time.perf_counter() - started)
        sender.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(senders)))
    measured.seconds = time.perf_counter() - began
    return measured


async def open_loop(port: int, path: str, rate: int, seconds: float, size: int) -> Latencies:
    """Send events at a fixed rate, whether or not earlier ones were answered; latency counts from the due time."""
    measured = Latencies()
    idle: list[Sender] = []
    tasks: set[asyncio.Task[None]] = set()
    began = time.perf_counter()

    async def one(number: int, due: float) -> None:
        sender = idle.pop() if idle else Sender("127.0.0.1", port, path, size)
        if not hasattr(sender, "_writer"):
            await sender.open()
        await sender.post(number)
        measured.values.append(time.perf_counter() - due)
        idle.append(sender)

    for number in range(int(rate * seconds)):
        due = began + number / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.get_running_loop().create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    while tasks:
        await asyncio.wait(set(tasks))
    measured.seconds = time.perf_counter() - began
    for sender in idle:
        sender.close()
    return measured


@asynccontextmanager
async def floor(_directory: Path) -> AsyncIterator[tuple[App | None, int]]:
    """Serve requests by reading them, and nothing else."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="success")

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    async with listening(app, "127.0.0.1", 0) as address:
        yield None, address.port


@asynccontextmanager
async def product(directory: Path) -> AsyncIterator[tuple[App | None, int]]:
    """Serve with eventflow, its store on disk."""
    async with serve(Settings(data_dir=directory, server=Server(port=0))) as (app, address):
        filtered = SENSOR.replace("NAME", "filtered").replace("LEAST", str(1 << 50))
        fired = SENSOR.replace("NAME", "fired").replace("LEAST", "0")
        await app.catalog.apply_text(OBJECTS + filtered + fired, "objects.yaml")
        yield app, address.port


async def _serve(kind: str, pipe: Connection) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        async with (floor if kind == "floor" else product)(Path(directory)) as (app, port):
            pipe.send(port)
            while True:
                asked = await asyncio.to_thread(pipe.recv)
                if asked == "stop":
                    return
                pipe.send(await _lags(app) if app is not None else [])


async def _lags(app: App) -> list[float]:
    """Wait for the backlog to be settled; return the seconds from each event's receipt to its firing."""
    while (await app.store.read(deliveries.backlog))[0]:
        await asyncio.sleep(0.05)
    found = await app.store.read(lambda: firings.page(limit=100_000))
    received = await app.store.read(_received)
    return [each.created_at - received[each.keys[0]] for each in found]


def _received() -> Work[dict[str, float]]:
    page = yield from events.page(events.EventFilter(), limit=100_000)
    return {each.identity: each.received_at for each in page.events}


def _process(kind: str, pipe: Connection) -> None:
    asyncio.run(_serve(kind, pipe))


class Served:
    """A server in a process of its own."""

    def __init__(self, kind: str) -> None:
        self._pipe, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("spawn").Process(target=_process, args=(kind, theirs))

    def __enter__(self) -> "Served":
        self._process.start()
        self.port: int = self._pipe.recv()
        return self

    def __exit__(self, *exc: object) -> None:
        self._pipe.send("stop")
        self._process.join(30)

    def lags(self) -> Latencies:
        """Return the seconds from receipt to firing of all that fired."""
        self._pipe.send("lags")
        return Latencies(self._pipe.recv(), 1.0)


def report(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def run(quick: bool) -> list[Figure]:
    """Measure what is accepted, and how soon at a steady rate, of events of 8 kB."""
    senders, seconds, rate, size = (2, 0.2, 20, 1_000) if quick else (64, 5.0, 1_000, 8_000)
    rates: dict[str, float] = {}
    late: dict[str, float] = {}
    for kind in ("floor", "product"):
        with Served(kind) as server:
            rates[kind] = len((got := asyncio.run(closed_loop(server.port, "/plain", senders, seconds, size))).values)
            rates[kind] /= got.seconds
        with Served(kind) as server:
            late[kind] = asyncio.run(open_loop(server.port, "/plain", rate, seconds, size)).at(0.99)
    bare = "aiohttp that only reads"
    return [
        Figure("events: accepted, durable", rates["product"], "events/s", rates["floor"], bare, ">= 3,500"),
        Figure(f"events: p99 at {rate:,}/s, durable", late["product"], "ms", late["floor"], bare, "<= 25 ms"),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--senders", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--size", type=int, default=1024, help="bytes of a body")
    parser.add_argument("--rate", type=int, default=1000, help="events a second at which p99 is measured")
    given = parser.parse_args()
    for senders in given.senders:
        for kind, path in (("floor", "/plain"), ("product", "/plain"), ("product", "/filtered")):
            with Served(kind) as server:
                got = asyncio.run(closed_loop(server.port, path, senders, given.seconds, given.size))
                report(got.line(f"{kind} {path}, {senders} senders"))
    for kind in ("floor", "product"):
        with Served(kind) as server:
            got = asyncio.run(open_loop(server.port, "/plain", given.rate, given.seconds, given.size))
            report(got.line(f"{kind} /plain at {given.rate}/s"))
    for rate in (50, 200):
        with Served("product") as server:
            got = asyncio.run(open_loop(server.port, "/fired", rate, given.seconds, given.size))
            report(got.line(f"product /fired at {rate}/s, answered"))
            lags = server.lags()
            report(f"    receipt to firing and workflow: p50 {lags.at(0.5):.2f} ms  p99 {lags.at(0.99):.2f} ms")


if __name__ == "__main__":
    main()
