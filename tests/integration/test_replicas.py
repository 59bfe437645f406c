"""Two servers on one PostgreSQL: each event is settled once, whoever received it, and joins see each other."""

import asyncio
from pathlib import Path

import pytest

from tests.contracts import store_backends
from tests.integration.event_server import FROM_TEMPLATE, SOURCES, TEMPLATE, Client, running, sensor, until

pytestmark = [
    pytest.mark.skipif(not store_backends.POSTGRES, reason="set TEST_POSTGRES to run this against PostgreSQL"),
    pytest.mark.xdist_group("postgres"),
]
EVENTS = 40
JOINED = sensor(
    "joined",
    event="tag",
    extra="    - {name: two, eventSourceName: hooks, eventName: small}",
    trigger="    - template: {name: both, conditions: one && two, log: {}}",
)


async def test_each_event_is_acted_on_once_by_one_of_two_replicas(tmp_path: Path) -> None:
    url = await store_backends.empty_postgres()
    fired = sensor("s", trigger=FROM_TEMPLATE.replace("STEPS", "3"))
    async with (
        running(tmp_path / "a", SOURCES, TEMPLATE, fired, JOINED, store=url) as first,
        running(tmp_path / "b", store=url) as second,
    ):
        both = (first, second)
        keys = [{"Idempotency-Key": f"k{n}"} for n in range(EVENTS)]
        answers = await asyncio.gather(
            *(both[n % 2].status("/open", {"ref": str(n)}, keys[n]) for n in range(EVENTS)),
            *(both[(n + 1) % 2].status("/open", {"ref": str(n)}, keys[n]) for n in range(EVENTS)),
        )
        assert set(answers) == {200}
        await until(lambda: _made(first, EVENTS), 30)
        assert len(await first.events()) == EVENTS
        assert len(await first.firings()) == EVENTS
        assert len({header.firing for header in await first.workflows()}) == EVENTS


async def test_a_join_gathers_what_different_replicas_received(tmp_path: Path) -> None:
    url = await store_backends.empty_postgres()
    async with (
        running(tmp_path / "a", SOURCES, JOINED, store=url) as first,
        running(tmp_path / "b", store=url) as second,
    ):
        for n in range(5):
            await asyncio.gather(first.status("/tag", {"n": n}), second.status("/small", {"n": n}))
            await until(lambda n=n: _fired(first, n + 1), 30)  # type: ignore[misc]
        assert all(len(each.keys) == 2 for each in await first.firings())


async def test_a_sensor_applied_on_one_replica_gets_the_next_event_of_the_other(tmp_path: Path) -> None:
    url = await store_backends.empty_postgres()
    async with (
        running(tmp_path / "a", SOURCES, store=url) as first,
        running(tmp_path / "b", store=url) as second,
    ):
        await first.app.catalog.apply_text(
            TEMPLATE + "---" + sensor("s", trigger=FROM_TEMPLATE.replace("STEPS", "3")), "s"
        )
        assert await second.status("/open", {"ref": "x"}) == 200
        await until(lambda: _made(second, 1), 30)


async def _made(client: Client, count: int) -> bool:
    return len(await client.workflows()) == count


async def _fired(client: Client, count: int) -> bool:
    return len(await client.firings()) == count
