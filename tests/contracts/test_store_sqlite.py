"""What is SQLite's alone: one process, a full disk, a disk that fails, the order of works."""

import asyncio
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import TemporaryError, UserError
from eventflow.store import (
    attempts,
    deliveries,
    events,
    firings,
    joins,
    journal,
    locks,
    nodes,
    outbox,
    sources,
    sqlite_file,
    sqlite_writer,
    workflows,
)
from eventflow.store.contract import CommitUnknown, Row, Statement, Store, StoreFailed, Work
from eventflow.store.events import EventFilter
from eventflow.store.open import open_store
from eventflow.store.workflows import WorkflowFilter
from tests.contracts.store_backends import child_command, child_environment, event


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


async def keys(store: Store) -> set[str]:
    page = await store.read(lambda: events.page(EventFilter(), limit=100_000))
    return {found.key for found in page.events}


async def store_until_refused(store: Store, acknowledged: set[str] | None = None) -> None:
    for n in range(2000):
        await store.write(partial(events.append, event(n, body=bytes(4000)), []))
        (acknowledged if acknowledged is not None else set()).add(str(n))


async def test_a_full_disk_refuses_before_it_acknowledges_and_resumes_by_itself(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1024 * 1024))
    acknowledged: set[str] = set()
    async with open_store(f"sqlite:///{small_disk}/eventflow.db") as store:

        async def fill(prefix: str) -> bool:
            """Write until refused; say whether that came."""
            for n in range(400):
                work = partial(events.append, event(f"{prefix}-{n}", body=bytes(8000)), ["s"])
                (result,) = await asyncio.gather(store.write(work), return_exceptions=True)
                if isinstance(result, BaseException):
                    return type(result) is TemporaryError
                acknowledged.add(f"{prefix}-{n}")
            return False

        assert await fill("first")
        assert len(acknowledged) > 20
        assert await keys(store) == acknowledged
        with pytest.raises(TemporaryError, match="full"):
            await store.write(lambda: events.append(event("big", body=bytes(2_500_000)), []))
        ballast.unlink()
        await store.write(lambda: events.append(event("again"), []))
        acknowledged.add("again")
        await fill("second")
        assert sum(key.startswith("second") for key in acknowledged) > 20
    async with open_store(f"sqlite:///{small_disk}/eventflow.db") as store:
        assert await keys(store) == acknowledged


async def test_on_a_full_disk_old_events_can_be_collected(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "LOG_BYTES", 512 * 1024)
    monkeypatch.setattr(sqlite_file, "RESERVE_BYTES", 768 * 1024)
    async with open_store(f"sqlite:///{small_disk}/eventflow.db") as store:
        with pytest.raises(TemporaryError, match="full"):
            await store_until_refused(store)
        assert await store.write(lambda: events.collect(9999.0, limit=20), bulk=True) == 20
        await store.write(lambda: events.append(event("again", body=bytes(8000)), []))


async def test_a_failing_disk_stops_the_store_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/eventflow.db"
    acknowledged: set[str] = set()
    async with open_store(url) as store:
        failed = asyncio.ensure_future(store.failed())
        with limited_files(tmp_path, 200_000), pytest.raises((CommitUnknown, StoreFailed)):
            await store_until_refused(store, acknowledged)
        assert len(acknowledged) > 5
        assert isinstance(await failed, StoreFailed)
        for again in (store.write, store.read):
            with pytest.raises(StoreFailed, match="until it is opened again"):
                await again(lambda: events.find(1))
    async with open_store(url) as store:
        stored = await keys(store)
    assert acknowledged <= stored
    assert len(stored) <= len(acknowledged) + 1


class limited_files:  # noqa: N801  # reads as a statement
    """Let no file of this process grow further than `room` bytes beyond the log's size: writing fails with EFBIG."""

    def __init__(self, folder: Path, room: int) -> None:
        self._size = (folder / "eventflow.db-wal").stat().st_size + room
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def __enter__(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size, self._before[1]))

    def __exit__(self, *exc: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


async def test_a_second_process_is_refused_and_told_who_has_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/eventflow.db"
    process = await asyncio.create_subprocess_exec(
        *child_command("store_writer", url, "1"), env=child_environment(), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"open\n"
    with pytest.raises(UserError, match=rf"in use by another eventflow \(process {process.pid}\)"):
        async with open_store(url):
            pass
    assert await process.stdout.readline() == b"ack 0-0\n"
    process.kill()
    await process.communicate()
    async with open_store(url) as store:
        assert "0-0" in await keys(store)


async def test_a_file_someone_else_has_locked_delays_writes_without_blocking_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(f"sqlite:///{tmp_path}/eventflow.db") as store:
        other = sqlite3.connect(tmp_path / "eventflow.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(store.write(lambda: events.append(event("a"), [])))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert (await waiting).duplicate is False
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(sqlite_writer, "BUSY_SECONDS", 0.05)
        with pytest.raises(TemporaryError, match="locked"):
            await store.write(lambda: events.append(event("b"), []))
        other.close()
        assert await keys(store) == {"a"}


async def test_bulk_and_other_works_keep_their_order(tmp_path: Path) -> None:
    def move(n: int) -> Work[str | None]:
        before = yield from sources.get_cursor("s")
        yield from sources.set_cursor("s", str(n), 1.0)
        return before

    async with open_store(f"sqlite:///{tmp_path}/eventflow.db") as store:
        before = await asyncio.gather(*(store.write(partial(move, n), bulk=n % 3 == 1) for n in range(50)))
    assert before == [None, *(str(n) for n in range(49))]


async def test_a_commit_waits_for_the_disk_and_the_file_is_its_owners(tmp_path: Path) -> None:
    def pragma(name: str) -> Work[object]:
        rows = yield Statement(f"PRAGMA {name}")
        return rows[0][0]

    async with open_store(f"sqlite:///{tmp_path}/eventflow.db") as store:
        assert await store.write(partial(pragma, "synchronous")) == 2
        assert await store.write(partial(pragma, "journal_mode")) == "wal"
        assert await store.write(partial(pragma, "wal_autocheckpoint")) == 0
        modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.glob("eventflow.db*")}
    assert [modes[f"eventflow.db{suffix}"] for suffix in ("", "-wal", "-shm", ".lock")] == [0] * 4


async def test_the_log_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "LOG_BYTES", 1024 * 1024)
    async with open_store(f"sqlite:///{tmp_path}/eventflow.db") as store:
        for n in range(300):
            await store.write(partial(events.append, event(n, body=os.urandom(20_000)), []))
        log = (tmp_path / "eventflow.db-wal").stat().st_size
        assert log < 3 * 1024 * 1024
    assert not (tmp_path / "eventflow.db-wal").exists()


@pytest.mark.parametrize("content", [b"not a database, but long enough to be read as one" * 50])
async def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "eventflow.db").write_bytes(content)
    for _ in range(2):
        with pytest.raises(UserError, match=r"cannot be used as a database"):
            async with open_store(f"sqlite:///{tmp_path}/eventflow.db"):
                pass


async def test_a_place_that_cannot_be_written_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be opened"):
        async with open_store(f"sqlite:///{tmp_path}/file/eventflow.db"):
            pass


def explained(work: Work[Any], plans: list[str]) -> Work[None]:
    """Run a work, noting how SQLite finds the rows of each of its statements."""
    rows: list[Row] | None = None
    with suppress(StopIteration):
        while True:
            asked = work.send(rows)  # type: ignore[arg-type]
            assert isinstance(asked, Statement)
            plan = yield Statement(f"EXPLAIN QUERY PLAN {asked.sql}", asked.parameters)
            plans += [row[3] for row in plan]
            rows = yield asked


@pytest.mark.parametrize(
    "work",
    [
        partial(deliveries.claim, "me", 10, 1.0, 1.0),
        partial(deliveries.claim, "me", 10, 1.0, 1.0, ["s"]),
        deliveries.next_due,
        deliveries.dead,
        partial(deliveries.of_event, 1),
        partial(deliveries.redrive, [(1, "s")], 1.0),
        partial(events.collect, 1.0),
        partial(events.page, EventFilter(namespace="n", source_name="s", event_name="e", type="t", since=1.0)),
        partial(events.page, EventFilter(namespace="n"), cursor="1.0:1"),
        partial(firings.page, "s", before=9),
        partial(firings.collect, 1.0),
        joins.next_deadline,
        partial(joins.overdue, 1.0),
        partial(outbox.claim, "me", 10, 1.0, 1.0),
        partial(outbox.collect, 1.0),
        outbox.next_due,
        partial(workflows.load_named, "n", "w"),
        partial(workflows.of_firing, "f"),
        partial(workflows.finished, 1.0),
        partial(workflows.latest, "n"),
        partial(workflows.delete, "u"),
        partial(workflows.page, WorkflowFilter(namespace="n", phases=["Failed", "Running"], archived=False)),
        partial(workflows.page, WorkflowFilter(labels={"a": "1", "b": "2"}), before=9),
        partial(attempts.find, 1, "p"),
        partial(nodes.some, 1, [1, 2]),
        partial(journal.last, 1, 5),
        partial(locks.release, "h"),
    ],
    ids=lambda work: getattr(work, "func", work).__name__,
)
async def test_no_frequent_statement_reads_or_sorts_a_whole_table(
    tmp_path: Path, work: Callable[[], Work[Any]]
) -> None:
    plans: list[str] = []
    async with open_store(f"sqlite:///{tmp_path}/eventflow.db") as store:
        await store.write(lambda: explained(work(), plans))
    slow = [plan for plan in plans if ("SCAN" in plan and " INDEX " not in plan) or "TEMP B-TREE" in plan]
    assert plans
    assert [plan for plan in slow if plan != "SCAN ended"] == []


async def test_an_unknown_outcome_is_told_to_all_that_share_the_commit(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/eventflow.db") as store:
        await store.write(lambda: events.append(event("before"), []))
        with limited_files(tmp_path, 10_000):
            writes = [store.write(partial(events.append, event(n, body=bytes(4000)), [])) for n in range(20)]
            results = await asyncio.gather(*writes, return_exceptions=True)
        assert {type(result) for result in results} <= {CommitUnknown, StoreFailed}
    async with open_store(f"sqlite:///{tmp_path}/eventflow.db") as store:
        assert "before" in await keys(store)
