"""What a store keeps of its promises when its process, its file or its server fails."""

import asyncio
import signal
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from eventflow.errors import TemporaryError, UserError
from eventflow.failpoints import VARIABLE
from eventflow.store import deliveries, events, leases, objects, postgres_schema, schema
from eventflow.store.contract import CommitUnknown, Statement, Store, Work
from eventflow.store.events import EventFilter
from eventflow.store.open import open_store
from tests.contracts.store_backends import administer, child_command, child_environment, event, url_of


async def run_until_killed(url: str, callers: int, *, failpoint: str = "", after_acks: int = 0) -> list[str]:
    """Run the writer until its failpoint kills it, or we do after so many acknowledgements; return those it gave."""
    process = await asyncio.create_subprocess_exec(
        *child_command("store_writer", url, str(callers)),
        env=child_environment(**{VARIABLE: failpoint} if failpoint else {}),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    acks: list[str] = []
    async for line in process.stdout:
        if line.startswith(b"ack"):
            acks.append(line.decode().split()[1])
        if after_acks and len(acks) == after_acks:
            process.kill()
    assert await process.wait() == -signal.SIGKILL
    return acks


async def stored_keys(url: str) -> set[str]:
    """The keys of all stored events; makes sure on the way that each has its deliveries."""
    async with open_store(url) as store:
        page = await store.read(lambda: events.page(EventFilter(), limit=1_000_000))
        counts = await store.read(deliveries.counts)
    keys = {found.key for found in page.events}
    assert set(counts.values()) <= {len(keys)}
    assert len(counts) == (2 if keys else 0)
    return keys


@pytest.mark.parametrize("nth", [1, 2, 7])
async def test_killed_before_a_commit_exactly_what_was_acknowledged_is_stored(store_url: str, nth: int) -> None:
    acks = await run_until_killed(store_url, 1, failpoint=f"store.before-commit:{nth}")
    assert len(acks) == nth - 1
    assert await stored_keys(store_url) == set(acks)


@pytest.mark.parametrize("nth", [1, 5])
async def test_killed_after_a_commit_the_unacknowledged_is_stored_too(store_url: str, nth: int) -> None:
    acks = await run_until_killed(store_url, 1, failpoint=f"store.after-commit:{nth}")
    assert len(acks) == nth - 1
    assert await stored_keys(store_url) == {f"0-{n}" for n in range(nth)}


@pytest.mark.parametrize("after_acks", [1, 150, 700])
async def test_killed_at_any_time_nothing_acknowledged_is_lost(store_url: str, after_acks: int) -> None:
    acks = await run_until_killed(store_url, 20, after_acks=after_acks)
    assert len(acks) >= after_acks
    assert set(acks) <= await stored_keys(store_url)


async def test_killed_while_migrating_the_next_start_migrates(fresh_url: str) -> None:
    assert await run_until_killed(fresh_url, 1, failpoint="store.before-migration") == []
    assert await stored_keys(fresh_url) == set()


async def test_migrating_again_changes_nothing(fresh_url: str) -> None:
    async with open_store(fresh_url) as store:
        before = await store.read(applied)
    async with open_store(fresh_url) as store:
        assert await store.read(applied) == before
    assert [number for number, _ in before] == [step.number for step in schema.migrations("sqlite")]


def applied() -> Work[list[tuple[int, float]]]:
    rows = yield Statement("SELECT number, applied_at FROM schema_migrations ORDER BY number")
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("INSERT INTO schema_migrations VALUES (9999, 'later', 'x', 1.0)", "schema 9999"),
        ("UPDATE schema_migrations SET checksum = 'edited' WHERE number = 1", "differs"),
    ],
    ids=["newer", "tampered"],
)
async def test_a_foreign_schema_is_refused(fresh_url: str, change: str, message: str) -> None:
    async with open_store(fresh_url) as store:
        await store.write(partial(execute, change))
    with pytest.raises(UserError, match=message):
        async with open_store(fresh_url):
            pass


def execute(sql: str) -> Work[None]:
    yield Statement(sql)


async def test_replicas_that_start_at_once_migrate_once(fresh_postgres: str) -> None:
    async def start() -> list[tuple[int, float]]:
        async with open_store(fresh_postgres) as store:
            return await store.read(applied)

    other = await connect(fresh_postgres)
    try:
        await other.execute("SELECT pg_advisory_lock($1)", postgres_schema.LOCK)
        starting = [asyncio.create_task(start()) for _ in range(4)]
        await asyncio.sleep(0.3)
        assert await other.fetch("SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    finally:
        await other.close()
    seen = await asyncio.gather(*starting)
    assert seen == [seen[0]] * 4


async def test_an_answer_lost_with_commit_is_unknown_and_the_key_tells(
    postgres_store: Store, postgres_url: str
) -> None:
    for cut_before in (True, False):
        key = f"cut-{cut_before}"
        async with Proxy(postgres_url) as proxy, open_store(proxy.url) as store:
            await store.write(lambda: events.append(event("warm"), []))
            proxy.cut_at, proxy.cut_before = b"COMMIT", cut_before
            with pytest.raises(CommitUnknown):
                await store.write(partial(events.append, event(key), []))
            proxy.cut_at = b""
            again = await store.write(partial(events.append, event(key), []))
        assert again.duplicate is not cut_before


async def test_a_connection_lost_before_commit_wrote_nothing_and_is_replaced(
    postgres_store: Store, postgres_url: str
) -> None:
    async with Proxy(postgres_url) as proxy, open_store(proxy.url) as store:
        await store.write(lambda: events.append(event("warm"), []))
        proxy.cut_at, proxy.cut_before = b"INSERT INTO cursors", True
        with pytest.raises(TemporaryError) as caught:
            await store.write(
                lambda: execute("INSERT INTO cursors (source, position, updated_at) VALUES ('a', 'b', 1)")
            )
        assert not isinstance(caught.value, CommitUnknown)
        proxy.cut_at = b""
        await store.write(lambda: events.append(event("after"), []))
    page = await postgres_store.read(lambda: events.page(EventFilter()))
    assert {found.key for found in page.events} == {"warm", "after"}


async def test_sessions_ended_by_the_server_are_replaced(postgres_store: Store, postgres_url: str) -> None:
    await asyncio.gather(*(postgres_store.write(partial(events.append, event(n), [])) for n in range(20)))
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'eventflow'"
    await administer(f"{ended} AND datname = '{postgres_url.rsplit('/')[-1]}'")
    for n in range(20, 40):
        await postgres_store.write(partial(events.append, event(n), []))
    page = await postgres_store.read(lambda: events.page(EventFilter(), limit=100))
    assert len(page.events) == 40


async def test_what_conflicts_is_run_again_on_what_it_then_finds(postgres_store: Store) -> None:
    runs = 0

    def insert_if_absent() -> Work[bool]:
        nonlocal runs
        runs += 1
        if (yield Statement("SELECT 1 FROM cursors WHERE source = 'x'")):
            return False
        yield Statement("SELECT pg_sleep(0.1)")
        yield Statement("INSERT INTO cursors (source, position, updated_at) VALUES ('x', '1', 1)")
        return True

    made = await asyncio.gather(*(postgres_store.write(insert_if_absent) for _ in range(2)))
    assert sorted(made) == [False, True]
    assert runs == 3


async def test_an_object_another_replica_is_creating_is_waited_for_and_then_changed(
    postgres_store: Store, postgres_url: str
) -> None:
    other = await connect(postgres_url)
    try:
        await other.execute(
            "BEGIN; INSERT INTO objects (kind, namespace, name, uid, revision, generation, number, digest, created_at,"
            " updated_at, manifest) VALUES ('Sensor', 'n', 's', 'its uid', 1, 1, 1, '', 1, 1, '{}')"
        )
        putting = asyncio.create_task(
            postgres_store.write(lambda: objects.put("Sensor", "n", "s", {"spec": {"a": 1}}, 2.0))
        )
        await asyncio.sleep(0.2)
        assert not putting.done()
        await other.execute("COMMIT")
    finally:
        await other.close()
    made, change = await putting
    assert (change, made.uid, made.number) == ("configured", "its uid", 2)


async def test_sessions_wait_for_the_disk_and_do_not_idle_with_locks(postgres_store: Store) -> None:
    def show(setting: str) -> Work[str]:
        rows = yield Statement(f"SHOW {setting}")
        value: str = rows[0][0]
        return value

    assert await postgres_store.write(partial(show, "synchronous_commit")) == "on"
    assert await postgres_store.write(partial(show, "idle_in_transaction_session_timeout")) == "5s"


async def test_a_claim_passes_over_rows_that_another_transaction_holds(
    postgres_store: Store, postgres_url: str
) -> None:
    for n in range(3):
        await postgres_store.write(partial(events.append, event(n), ["s"]))
    holder = await connect(postgres_url)
    try:
        await holder.execute("BEGIN; SELECT * FROM deliveries WHERE event = 1 FOR UPDATE")
        async with asyncio.timeout(5):
            claimed = await postgres_store.write(lambda: deliveries.claim("me", 10, 2000.0, 30.0))
    finally:
        await holder.close()
    assert [one.event.key for one in claimed] == ["1", "2"]


async def test_the_tail_waits_for_a_transaction_that_took_an_earlier_place(
    postgres_store: Store, postgres_url: str
) -> None:
    await postgres_store.write(lambda: events.append(event("model"), []))
    slow = await connect(postgres_url)
    columns = "namespace, source_name, event_name, id, source, type, extensions, received_at, digest, data"
    try:
        await slow.execute(f"BEGIN; INSERT INTO events (key, {columns}) SELECT 'slow', {columns} FROM events")
        await postgres_store.write(lambda: events.append(event("fast"), []))
        early = await postgres_store.read(lambda: events.after(1))
        await slow.execute("COMMIT")
    finally:
        await slow.close()
    assert early == []
    async with asyncio.timeout(10):  # transactions of other databases of the server hold the tail back too
        while not (tail := await postgres_store.read(lambda: events.after(1))):
            await asyncio.sleep(0.01)
    assert [one.key for one in tail] == ["slow", "fast"]


async def test_no_shard_is_taken_while_its_owner_writes(postgres_store: Store, postgres_url: str) -> None:
    (held,) = await postgres_store.write(lambda: leases.acquire("old", 1, -1.0))
    writing = await connect(postgres_url)
    try:
        await writing.execute(f"BEGIN; SELECT 1 FROM shards WHERE id = {held.shard} FOR SHARE")
        taken = await postgres_store.write(lambda: leases.acquire("new", 64, 60.0))
        assert held.shard not in {fence.shard for fence in taken}
        await writing.execute("COMMIT")
    finally:
        await writing.close()
    (fence,) = await postgres_store.write(lambda: leases.acquire("new", 64, 60.0))
    assert (fence.shard, fence.epoch) == (held.shard, held.epoch + 1)


async def test_a_server_that_is_away_may_come_back_and_a_missing_database_will_not(postgres_url: str) -> None:
    with pytest.raises(TemporaryError, match="cannot be reached"):
        async with open_store("postgresql://nobody@127.0.0.1:1/x"):
            pass
    with pytest.raises(UserError, match="refuses"):
        async with open_store(url_of("there_is_no_such_database")):
            pass


async def connect(url: str) -> Any:
    """A session of its own, without the store."""
    open_session: Any = asyncpg.connect
    return await open_session(url)


class Proxy:
    """A TCP proxy before PostgreSQL that cuts the line at a text the client sends, before or after passing it on."""

    def __init__(self, url: str) -> None:
        rest, _, database = url.rpartition("/")
        self._user, _, place = rest.removeprefix("postgresql://").rpartition("@")
        self._host, _, self._port = place.partition(":")
        self._database = database
        self.cut_at = b""
        self.cut_before = False

    async def __aenter__(self) -> "Proxy":
        self._lines: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"postgresql://{self._user}@127.0.0.1:{port}/{self._database}?sslmode=disable"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        self._lines.add(line)
        from_server, to_server = await asyncio.open_connection(self._host, int(self._port or 5432))
        back = asyncio.create_task(self._back(from_server, writer))
        try:
            await self._forth(reader, to_server, back, from_server)
        finally:
            back.cancel()
            for end in (to_server, writer):
                end.close()
            await asyncio.gather(back, to_server.wait_closed(), writer.wait_closed(), return_exceptions=True)

    async def _forth(
        self,
        reader: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        back: asyncio.Task[None],
        from_server: asyncio.StreamReader,
    ) -> None:
        while data := await reader.read(65536):
            cut = bool(self.cut_at) and self.cut_at in data
            if cut and self.cut_before:
                return
            if cut:
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)
            to_server.write(data)
            await to_server.drain()
            if cut:
                await from_server.read(65536)
                return

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()


def test_the_schema_files_are_there_for_both(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db")
    for step in schema.migrations("sqlite"):
        for statement in step.statements():
            connection.execute(statement)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    named = " ".join(step.sql for step in schema.migrations("postgres"))
    assert {name for name in tables if f"CREATE TABLE {name} (" not in named} == {"sqlite_sequence"}
