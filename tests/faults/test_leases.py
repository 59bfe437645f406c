"""What a killed server had claimed is taken up by the next one at once; what waits for its time goes on waiting."""

from functools import partial
from pathlib import Path

import pytest

from eventflow.clock import SystemClock
from eventflow.store import deliveries, outbox
from eventflow.store.open import open_store
from eventflow.store.outbox import Entry
from tests.integration.event_server import MAIN, SOURCES, running, sensor, until


@pytest.mark.parametrize("lease", [1.0, 120.0, 86400.0])
async def test_leases_of_the_dead_do_not_hold_deliveries_back(tmp_path: Path, lease: float) -> None:
    async with running(tmp_path, SOURCES, sensor("s")) as client:
        await client.status("/open", MAIN)
        await client.settled()
        store, now = client.app.store, client.app.clock.now()
        await store.write(lambda: deliveries.replay([1], "default/s", now + 1000))
        assert len(await store.write(lambda: deliveries.claim("dead", 10, now + 1000, lease))) == 1
    async with running(tmp_path) as again:

        async def decided() -> bool:
            return (await again.decisions(1))["default/s"].outcome != "pending"

        await until(decided, 5)


async def test_leases_in_the_outbox_end_and_retries_keep_their_time(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/x.db", SystemClock()) as store:
        for name in ("leased", "retried"):
            entry = Entry(name, "f-1", "default/s", "call", "http", b"{}")
            await store.write(partial(outbox.put, entry, 100.0))
        claimed = await store.write(lambda: outbox.claim("dead", 10, 100.0, 300.0))
        retried = next(each for each in claimed if each.id == "retried")
        await store.write(lambda: outbox.retry(retried, 500.0, "later"))
        assert await store.write(lambda: outbox.release(200.0)) == 1
        assert [each.id for each in await store.write(lambda: outbox.claim("me", 10, 200.0, 300.0))] == ["leased"]
        assert [each.id for each in await store.write(lambda: outbox.claim("me", 10, 500.0, 9.0))][-1] == "retried"
