"""From a signed webhook to the start of the first pod, through the whole server, with everything durable.

The server is a process of its own. Events come one after the other at a steady pace; the time runs from the moment an
event is sent to the moment its pod was started. The floor is the answer to the same event, which says that it is
durable: what comes after is the sensor, the workflow and the process.
"""

import asyncio
import hashlib
import hmac
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp
import orjson

from eventflow.app import App, serve
from eventflow.settings import Server, Settings
from eventflow.store.contract import Statement, Work
from tests.benchmarks.figure import Figure, percentile

TOKEN = "bench-token"
OBJECTS = """
apiVersion: v1
kind: Secret
metadata: {name: hook}
stringData: {token: bench-token}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: hooks}
spec:
  webhook:
    push: {endpoint: /push, method: POST, verify: {scheme: github, secret: {name: hook, key: token}}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: push}
spec:
  dependencies:
    - {name: one, eventSourceName: hooks, eventName: push, filters: {cel: 'body.ref == "refs/heads/main"'}}
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
                entrypoint: leaf
                arguments: {parameters: [{name: number}]}
                templates:
                  - name: leaf
                    inputs: {parameters: [{name: number, value: '{{workflow.parameters.number}}'}]}
                    container: {image: debian, command: [sh, -c, 'true']}
"""


async def _post(session: aiohttp.ClientSession, url: str, number: int) -> tuple[float, float]:
    """Send one event; return when it was sent (wall clock) and the seconds to its answer."""
    body = orjson.dumps({"ref": "refs/heads/main", "number": number, "pad": "x" * 8_000})
    digest = hmac.new(TOKEN.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-Hub-Signature-256": f"sha256={digest}",
        "X-GitHub-Delivery": f"delivery-{number}",
        "X-GitHub-Event": "push",
    }
    sent, began = time.time(), time.perf_counter()
    async with session.post(url, data=body, headers=headers) as answer:
        assert answer.status < 300, await answer.text()
        await answer.read()
    return sent, time.perf_counter() - began


async def _send(port: int, count: int, pause: float) -> tuple[list[float], list[float]]:
    sent, answered = [], []
    async with aiohttp.ClientSession() as session:
        for number in range(count):
            at, seconds = await _post(session, f"http://127.0.0.1:{port}/push", number)
            sent.append(at)
            answered.append(seconds)
            await asyncio.sleep(pause)
    return sent, answered


def _starts() -> Work[dict[int, float]]:
    """Return when each event's pod started, by the event's number."""
    rows = yield Statement(
        "SELECT nodes.data, attempts.started_at FROM nodes JOIN attempts"
        " ON attempts.workflow = nodes.workflow AND attempts.ordinal = nodes.ordinal"
        " WHERE attempts.started_at IS NOT NULL"
    )
    return {int(orjson.loads(data)["inputs"]["parameters"][0]["value"]): at for data, at in rows}


async def _answer(app: App, pipe: Connection) -> None:
    """Tell, once all pods have started, when they did."""
    count = await asyncio.to_thread(pipe.recv)
    while len(starts := await app.store.read(_starts)) < count:
        await asyncio.sleep(0.1)
    pipe.send(starts)


async def _serve(pipe: Connection) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as directory:
        async with serve(Settings(data_dir=Path(directory), server=Server(port=0))) as (app, address):
            await app.catalog.apply_text(OBJECTS, "objects.yaml")
            pipe.send(address.port)
            await _answer(app, pipe)


def _process(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


def measure(count: int, warm: int, pause: float) -> tuple[list[float], list[float]]:
    """Return the seconds from sending to the pod's start, and to the answer, of each event after the first few."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_process, args=(theirs,))
    server.start()
    try:
        sent, answered = asyncio.run(_send(ours.recv(), count + warm, pause))
        ours.send(count + warm)
        starts = ours.recv()
    except EOFError:
        sys.exit("the server ended before its time")
    finally:
        server.join(30)
    return [starts[number] - sent[number] for number in range(warm, count + warm)], answered[warm:]


def run(quick: bool) -> list[Figure]:
    """Measure at ten events a second."""
    count, warm, pause = (3, 1, 0.02) if quick else (300, 20, 0.1)
    started, answered = measure(count, warm, pause)
    return [
        Figure(
            f"latency: event to first pod, {word}",
            1000 * percentile(started, share),
            "ms",
            1000 * percentile(answered, share),
            "its durable answer",
            target,
        )
        for word, share, target in (("p50", 0.5, "<= 8 ms"), ("p99", 0.99, "<= 30 ms"))
    ]
