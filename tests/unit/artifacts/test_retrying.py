"""Repeating: what is repeated, how long, and what is not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eventflow.artifacts.contract import Absent, ArtifactStore, Location, Saved
from eventflow.artifacts.retrying import Backoff, Retrying
from eventflow.errors import PermanentError, TemporaryError


class Flaky(ArtifactStore):
    kind = "flaky"

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def _try(self) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)

    async def fetch(self, location: Location, destination: Path) -> None:
        self._try()

    async def write(self, location: Location, source: Path) -> Saved:
        self._try()
        return Saved("sha256:0", 1)

    async def read(self, location: Location) -> AsyncIterator[bytes]:
        self._try()
        yield b"one"
        self._try()
        yield b"two"


def _retrying(store: ArtifactStore, backoff: Backoff | None = None) -> tuple[Retrying, list[float]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return Retrying(store, backoff, sleep, lambda: 0.0), slept


async def test_temporary_faults_cost_a_delay_that_grows() -> None:
    store = Flaky(*[TemporaryError("503", retry_after=0.1) for _ in range(4)])
    retrying, slept = _retrying(store, Backoff(attempts=5, first=0.5, factor=2, cap=3))
    assert (await retrying.write({}, Path("x"))).size == 1
    assert slept == [0.5, 1.0, 2.0, 3.0]


async def test_a_server_that_asks_for_more_time_gets_it() -> None:
    retrying, slept = _retrying(Flaky(TemporaryError("a"), TemporaryError("b", retry_after=30)))
    await retrying.fetch({}, Path("x"))
    assert slept == [0.5, 30]


async def test_the_last_failure_comes_through() -> None:
    store = Flaky(*[TemporaryError(str(number)) for number in range(9)])
    retrying, _ = _retrying(store, Backoff(attempts=3))
    with pytest.raises(TemporaryError, match="2"):
        await retrying.fetch({}, Path("x"))
    assert store.calls == 3


@pytest.mark.parametrize("error", [PermanentError("403"), Absent("404"), ValueError("a defect")])
async def test_other_errors_are_not_repeated(error: Exception) -> None:
    store = Flaky(error)
    retrying, slept = _retrying(store)
    with pytest.raises(type(error)):
        await retrying.fetch({}, Path("x"))
    assert (store.calls, slept) == (1, [])


async def test_a_stream_is_repeated_until_it_has_begun() -> None:
    retrying, slept = _retrying(Flaky(TemporaryError("early")))
    assert [chunk async for chunk in retrying.read({})] == [b"one", b"two"]
    assert len(slept) == 1


async def test_a_stream_that_breaks_later_is_not_repeated() -> None:
    class Breaks(Flaky):
        async def read(self, location: Location) -> AsyncIterator[bytes]:
            yield b"one"
            raise TemporaryError("late")

    retrying, slept = _retrying(Breaks())
    stream = retrying.read({})
    assert await anext(stream) == b"one"
    with pytest.raises(TemporaryError, match="late"):
        await anext(stream)
    assert slept == []


def test_chance_spreads_delays_and_never_lengthens_them() -> None:
    backoff = Backoff(first=1, factor=2, cap=10)
    assert backoff.delay(3, 0.0) == 4.0
    assert backoff.delay(3, 1.0) == 2.0
