"""Sources are run, restarted when they fail, and left alone when nothing changed."""

import asyncio
from collections.abc import Callable

import pytest

from eventflow.sources import supervisor
from eventflow.sources.supervisor import Build, Supervisor
from eventflow.triggers.backoff import Backoff


class Recorder:
    """A source that notes its starts and does what it is told."""

    def __init__(self, name: str, starts: list[str], act: Callable[[int], None] = lambda n: None) -> None:
        self._name, self._starts, self._act = name, starts, act

    async def run(self) -> None:
        self._starts.append(self._name)
        self._act(self._starts.count(self._name))
        await asyncio.Event().wait()


async def test_only_what_changed_is_started_or_stopped() -> None:
    starts: list[str] = []
    wanted: dict[tuple[str, str], Build] = {
        ("a", "1"): lambda: Recorder("a1", starts),
        ("b", "1"): lambda: Recorder("b1", starts),
    }

    async def now() -> dict[tuple[str, str], Build]:
        return dict(wanted)

    async with Supervisor(now, lambda: 0.0) as running:
        await asyncio.sleep(0)
        del wanted["b", "1"]
        wanted["b", "2"] = lambda: Recorder("b2", starts)
        await running.reload()
        await asyncio.sleep(0)
        assert starts == ["a1", "b1", "b2"]
        assert set(running.states) == {"a", "b"}
        del wanted["a", "1"]
        await running.reload()
        assert set(running.states) == {"b"}


async def test_a_source_that_fails_is_started_again_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART", Backoff(steps=100, seconds=0.01, jitter=0.0))
    starts: list[str] = []

    def fail(start: int) -> None:
        if start < 3:
            raise RuntimeError(f"start {start}")

    async def wanted() -> dict[tuple[str, str], Build]:
        return {("a", "1"): lambda: Recorder("a", starts, fail)}

    async with Supervisor(wanted, lambda: 0.0) as running:
        async with asyncio.timeout(5):
            while len(starts) < 3:
                await asyncio.sleep(0.005)
        state = running.states["a"]
        assert (state.status, state.restarts, state.error) == ("running", 2, "start 2")
