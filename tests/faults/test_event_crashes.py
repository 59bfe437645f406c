"""The event's way through kill -9 at each of its points: what was acknowledged is acted on, and once."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import orjson
import pytest

from eventflow.failpoints import VARIABLE
from tests.integration.event_server import SOURCES, WAITING, Client, running, sensor, until

BOTH = sensor("s", trigger=WAITING + "    - template: {name: note, log: {}}\n")
POINTS = (
    "bus.before-t1",
    "bus.after-t1",
    "bus.before-t2",
    "bus.after-t2",
    "outbox.before-perform",
    "outbox.after-perform",
    "store.before-commit:1",
    "store.after-commit:1",
    "store.before-commit:2",
    "store.after-commit:2",
    "store.before-commit:3",
    "store.after-commit:3",
)


@dataclass
class Process:
    """A server that is to be killed."""

    process: asyncio.subprocess.Process
    url: str

    async def post(self, key: str) -> bool:
        """Send an event; return whether it was acknowledged before the server died."""
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{self.url}/open", data=orjson.dumps({"ref": key}), headers=_headers(key)) as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def armed(directory: Path, point: str) -> AsyncIterator[Process]:
    environment = {**os.environ, VARIABLE: point}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.event_server", str(directory)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdout is not None
    try:
        yield Process(process, (await asyncio.wait_for(process.stdout.readline(), 20)).decode().strip())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("point", POINTS)
async def test_killed_anywhere_an_acknowledged_event_becomes_one_workflow(tmp_path: Path, point: str) -> None:
    async with running(tmp_path, SOURCES, BOTH):
        pass
    async with armed(tmp_path, point) as server:
        acknowledged = await server.post("k1")
        assert await asyncio.wait_for(server.process.wait(), 10) == -signal.SIGKILL, "the point was never passed"
    async with running(tmp_path) as client:
        if not acknowledged:
            assert await client.status("/open", {"ref": "k1"}, _headers("k1")) == 200
        await until(lambda: _both(client))
        assert len(await client.events()) == 1
        assert len(await client.workflows()) == 1
        assert len(await client.firings()) == 2


def _headers(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key, "Content-Type": "application/json"}


async def _both(client: Client) -> bool:
    return sorted(each.outcome for each in await client.firings()) == ["created", "delivered"]
