"""What every store promises of its transactions."""

import asyncio
from functools import partial

import pytest

from eventflow.errors import InvariantError, PermanentError, TemporaryError
from eventflow.store import deliveries, events, sources
from eventflow.store.contract import Many, Statement, Store, Work
from eventflow.store.events import EventFilter
from eventflow.store.open import open_store
from tests.contracts.store_backends import event


def failing(key: str, error: BaseException) -> Work[None]:
    yield from events.append(event(key), ["s"])
    raise error


def count() -> Work[int]:
    rows = yield Statement("SELECT COUNT(*) FROM events")
    number: int = rows[0][0]
    return number


async def keys(store: Store) -> set[str]:
    page = await store.read(lambda: events.page(EventFilter(), limit=10_000))
    return {found.key for found in page.events}


async def test_a_write_returns_its_value_and_is_seen_by_the_next_read(store: Store) -> None:
    receipt = await store.write(lambda: events.append(event("a"), []))
    found = await store.read(lambda: events.find(receipt.seq))
    assert found is not None
    assert found.key == "a"


@pytest.mark.parametrize("bulk", [False, True])
async def test_what_a_work_raises_rolls_back_and_reaches_the_caller(store: Store, bulk: bool) -> None:
    with pytest.raises(ZeroDivisionError):
        await store.write(lambda: failing("a", ZeroDivisionError()), bulk=bulk)
    assert await store.read(count) == 0
    assert (await store.write(lambda: events.append(event("a"), []), bulk=bulk)).duplicate is False


async def test_a_failing_work_does_not_harm_those_that_share_its_commit(store: Store) -> None:
    works = [
        store.write(
            partial(failing, f"bad-{n}", ValueError(n)) if n % 3 == 0 else partial(events.append, event(n), ["s"])
        )
        for n in range(60)
    ]
    results = await asyncio.gather(*works, return_exceptions=True)
    assert [n for n, result in enumerate(results) if isinstance(result, ValueError)] == list(range(0, 60, 3))
    assert await keys(store) == {str(n) for n in range(60) if n % 3}
    assert sum((await store.read(deliveries.counts)).values()) == 40


async def test_a_refused_statement_is_a_defect_and_harms_nobody_else(store: Store) -> None:
    def broken() -> Work[None]:
        yield from events.append(event("broken"), [])
        yield Statement("INSERT INTO cursors (source, position, updated_at) VALUES ($1, NULL, 1)", ("x",))

    results = await asyncio.gather(
        store.write(broken), store.write(lambda: events.append(event("fine"), [])), return_exceptions=True
    )
    assert isinstance(results[0], InvariantError)
    assert await keys(store) == {"fine"}


@pytest.mark.parametrize("value", ["\ud800", 2**63], ids=["lone surrogate", "beyond 64 bits"])
async def test_a_value_no_database_holds_is_refused_for_good(store: Store, value: str | int) -> None:
    def put() -> Work[None]:
        yield Statement("INSERT INTO lock_waiters (lock, waiter, priority, since) VALUES ($1, 'x', $2, 1)", pair)

    pair = (value, 1) if isinstance(value, str) else ("x", value)
    with pytest.raises(PermanentError):
        await store.write(put)
    assert await store.write(count) == 0


async def test_reads_cannot_write(store: Store) -> None:
    with pytest.raises(InvariantError):
        await store.read(lambda: events.append(event("a"), []))
    assert await store.read(count) == 0


async def test_many_rows_go_in_whatever_their_number(store: Store) -> None:
    def insert(start: int, number: int) -> Work[None]:
        rows = [(f"source-{n}", str(n), 1.0) for n in range(start, start + number)]
        yield Many("INSERT INTO cursors (source, position, updated_at) VALUES ($1, $2, $3)", rows)

    start = 0
    for number in (0, 1, 3, 4, 5, 15, 17, 127, 145, 1023, 1024, 1300):
        await store.write(partial(insert, start, number))
        start += number
    found = await store.read(sources.cursors)
    assert found == {f"source-{n}": (str(n), 1.0) for n in range(start)}


async def test_a_read_sees_one_snapshot_however_long_it_takes(store: Store) -> None:
    def both() -> Work[tuple[int, int]]:
        before = yield from count()
        # Enough rows that the reader lets others run meanwhile.
        yield Statement(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i FROM n"
        )
        after = yield from count()
        return before, after

    async def keep_writing() -> None:
        for n in range(100):
            await store.write(partial(events.append, event(n), []))

    writer = asyncio.create_task(keep_writing())
    seen = [await store.read(both) for _ in range(20)]
    await writer
    assert all(before == after for before, after in seen)
    assert await store.read(count) == 100


async def test_a_read_that_computes_long_still_answers(store: Store) -> None:
    def long() -> Work[int]:
        sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT SUM(i) FROM n"
        rows = yield Statement(f"SELECT CAST(total AS BIGINT) FROM ({sql.replace('SUM(i)', 'SUM(i) AS total')}) AS t")
        number: int = rows[0][0]
        return number

    assert await store.read(long) == 300_000 * 300_001 // 2


async def test_cancelling_callers_leaves_whole_transactions_and_a_working_store(store: Store) -> None:
    tasks = [asyncio.ensure_future(store.write(partial(events.append, event(n), ["s"]))) for n in range(40)]
    await asyncio.sleep(0.001)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.write(lambda: events.append(event("after"), ["s"]))
    stored = await keys(store)
    assert {str(n) for n in range(1, 40, 2)} | {"after"} <= stored
    assert sum((await store.read(deliveries.counts)).values()) == len(stored)


async def test_many_callers_at_once_are_all_answered(store: Store) -> None:
    receipts = await asyncio.gather(*(store.write(partial(events.append, event(n), ["s"])) for n in range(1500)))
    assert len({receipt.seq for receipt in receipts}) == 1500


async def test_what_is_stored_outlives_the_store(store_url: str) -> None:
    async with open_store(store_url) as store:
        await store.write(lambda: events.append(event("a"), ["s"]))
    async with open_store(store_url) as store:
        assert await keys(store) == {"a"}


async def test_a_closed_store_takes_no_work(store_url: str) -> None:
    store = open_store(store_url)
    with pytest.raises(TemporaryError):
        await store.write(count)
    async with store:
        await store.write(count)
    with pytest.raises(TemporaryError):
        await store.write(count)
    with pytest.raises(TemporaryError):
        await store.read(count)


async def test_closing_waits_for_what_was_asked(store_url: str) -> None:
    async with open_store(store_url) as store:
        tasks = [asyncio.ensure_future(store.write(partial(events.append, event(n), []))) for n in range(50)]
        await asyncio.sleep(0)
    assert all([not (await task).duplicate for task in tasks])


async def test_a_healthy_store_reports_no_failure(store: Store) -> None:
    waiting = asyncio.ensure_future(store.failed())
    await store.write(lambda: events.append(event("a"), []))
    assert not waiting.done()
    waiting.cancel()
