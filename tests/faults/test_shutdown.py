"""A server that is told to stop stops, whatever has just woken it."""

import asyncio
from pathlib import Path

import pytest

from eventflow.app import open_app
from eventflow.settings import Settings


@pytest.mark.parametrize("ticks", range(4))
async def test_what_wakes_the_bus_does_not_swallow_its_cancellation(tmp_path: Path, ticks: int) -> None:
    async with open_app(Settings(data_dir=tmp_path)) as app:
        await asyncio.sleep(0.1)  # both wait now
        for work in (app.bus.consumer, app.bus.outbox):
            running = next(task for task in asyncio.all_tasks() if task.get_name() == type(work).__name__.lower())
            work.wake()
            for _ in range(ticks):
                await asyncio.sleep(0)
            running.cancel()
            done, _ = await asyncio.wait([running], timeout=5)
            assert done, f"the {running.get_name()} goes on"
            assert running.cancelled()
