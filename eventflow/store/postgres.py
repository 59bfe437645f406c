"""The store in PostgreSQL: several replicas, each with a pool of connections.

READ COMMITTED suffices, because every step is a unique insert or a compare-and-set under a row lock. What conflicts is
repeated; a COMMIT without an answer is CommitUnknown, and its connection is thrown away.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

import asyncpg
from asyncpg import exceptions

from eventflow.errors import InvariantError, TemporaryError, UserError
from eventflow.failpoints import failpoint
from eventflow.store import postgres_errors, postgres_schema
from eventflow.store.contract import CommitUnknown, Many, Row, StoreFailed, T, Work
from eventflow.store.dialect import Dialect

TOKENS = {
    "for_update": "FOR UPDATE",
    "for_share": "FOR SHARE",
    "skip_locked": "FOR UPDATE SKIP LOCKED",
    "now": "extract(epoch FROM clock_timestamp())::double precision",
    "array": "COALESCE(json_agg({0}), '[]')::text",
    "strings": "(SELECT jsonb_array_elements_text({0}::text::jsonb))",
    "integers": "(SELECT jsonb_array_elements_text({0}::text::jsonb)::bigint)",
    "settled": "{0} < pg_snapshot_xmin(pg_current_snapshot())",
}
DIALECT = Dialect(TOKENS, r"$\1")

CONNECTIONS = 16
# How long a statement may take; a server that hangs is treated as one that is away.
ANSWER_SECONDS = 60.0
TRIES = 8
FIRST_PAUSE = 0.005
# Below the shards' lease: a replica that is stopped inside a transaction must not keep its shard's row locked.
SETTINGS = {
    "application_name": "eventflow",
    "idle_in_transaction_session_timeout": "5000",
    "lock_timeout": "10000",
    "synchronous_commit": "on",
    "jit": "off",
}


class _Connection(asyncpg.Connection):
    """A session that only ever runs whole transactions: resetting it would cost a round trip for nothing."""

    def get_reset_query(self) -> str:
        return ""


class PostgresStore:
    """A store at a PostgreSQL URL. See `contract.Store` for what is promised."""

    def __init__(self, url: str, connections: int = CONNECTIONS) -> None:
        self._url = url
        self._connections = connections
        self._pool: Any = None
        self._open = False
        self._running: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        try:
            await postgres_schema.migrate(self._url)
            self._pool = await _pool(self._url, self._connections)
        except (exceptions.PostgresError, *postgres_errors.LOST, ValueError) as error:
            raise _unreachable(self._url, error) from error
        self._open = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._open = False
        if self._running:
            await asyncio.wait(self._running)
        if self._pool is not None:
            await self._pool.close()

    async def write(self, work: Callable[[], Work[T]], *, bulk: bool = False) -> T:  # noqa: ARG002  # a server has threads
        self._check()
        # A transaction of its own task: cancelling the caller must not leave a COMMIT half sent.
        task = asyncio.create_task(self._repeat(self._write, work), name="eventflow-postgres-write")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        result: T = await asyncio.shield(task)
        return result

    async def read(self, work: Callable[[], Work[T]]) -> T:
        self._check()
        return await self._repeat(self._read, work)

    async def failed(self) -> StoreFailed:
        """Never returns: the server looks after its disks, and the pool replaces what breaks."""
        never: asyncio.Future[StoreFailed] = asyncio.get_running_loop().create_future()
        return await never

    async def _repeat(
        self, transact: Callable[[Callable[[], Work[T]]], Awaitable[T]], work: Callable[[], Work[T]]
    ) -> T:
        """Run a transaction again while it conflicts, and once on a new session if its own was found dead.

        A session is only found dead here before COMMIT was sent: later it is CommitUnknown, which is not repeated.
        """
        pause = FIRST_PAUSE
        renewed = False
        for attempt in range(1, TRIES + 1):
            try:
                return await transact(work)
            except (exceptions.PostgresError, *postgres_errors.LOST) as error:
                if postgres_errors.ends_session(error) and not renewed:
                    # What ended one idle session (a restart, a failover) has likely ended them all.
                    renewed = True
                    await self._pool.expire_connections()
                elif postgres_errors.severity(error) == "conflict" and attempt < TRIES:
                    await asyncio.sleep(pause)
                    pause *= 2
                else:
                    raise postgres_errors.translated(error) from error
        raise AssertionError("the last try returns or raises")

    async def _read(self, work: Callable[[], Work[T]]) -> T:
        connection = await self._acquire()
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                result: T = await _run(connection, work)
            return result
        except exceptions.ReadOnlySQLTransactionError as error:
            raise InvariantError(f"a read cannot write: {error}") from error
        finally:
            await self._release(connection)

    async def _write(self, work: Callable[[], Work[T]]) -> T:
        connection = await self._acquire()
        try:
            await connection.execute("BEGIN")
            try:
                result: T = await _run(connection, work)
            except BaseException:
                await _roll_back(connection)
                raise
            await self._commit(connection)
            return result
        finally:
            await self._release(connection)

    async def _commit(self, connection: Any) -> None:
        failpoint("store.before-commit")
        try:
            await connection.execute("COMMIT")
        except (exceptions.PostgresError, *postgres_errors.LOST) as error:
            if not postgres_errors.ends_session(error):
                raise
            _discard(connection)
            raise CommitUnknown(f"PostgreSQL did not answer COMMIT: {error or type(error).__name__}") from error
        failpoint("store.after-commit")

    def _check(self) -> None:
        if not self._open:
            raise TemporaryError("the PostgreSQL store is not open")

    async def _acquire(self) -> Any:
        try:
            return await self._pool.acquire()
        except (exceptions.PostgresError, *postgres_errors.LOST) as error:
            raise TemporaryError(f"PostgreSQL: {error or type(error).__name__}; nothing was written") from error

    async def _release(self, connection: Any) -> None:
        # A connection that broke has left the pool by itself, and says so to whoever still asks it something.
        with suppress(exceptions.InterfaceError):
            if connection.is_in_transaction():
                connection.terminate()
        await self._pool.release(connection)


async def _pool(url: str, connections: int) -> Any:
    create: Any = asyncpg.create_pool
    return await create(
        url,
        min_size=1,
        max_size=connections,
        connection_class=_Connection,
        statement_cache_size=1000,
        max_cached_statement_lifetime=0,
        timeout=10.0,
        command_timeout=ANSWER_SECONDS,
        server_settings=SETTINGS,
    )


async def _run(connection: Any, work: Callable[[], Work[T]]) -> T:
    """Drive one work's statements on a connection and return its value."""
    generator = work()
    rows: list[Row] | None = None
    try:
        while True:
            asked = generator.send(rows)  # type: ignore[arg-type]  # the first send starts the generator
            sql = DIALECT.translate(asked.sql)
            if isinstance(asked, Many):
                await connection.executemany(sql, asked.rows)
                rows = []
            else:
                rows = [tuple(row) for row in await connection.fetch(sql, *asked.parameters)]
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        generator.close()


async def _roll_back(connection: Any) -> None:
    try:
        await connection.execute("ROLLBACK")
    except (exceptions.PostgresError, *postgres_errors.LOST):
        _discard(connection)


def _discard(connection: Any) -> None:
    with suppress(exceptions.InterfaceError):
        connection.terminate()


def _unreachable(url: str, error: BaseException) -> UserError | TemporaryError:
    parts = urlsplit(url)
    place = f"PostgreSQL at {parts.hostname or 'localhost'}:{parts.port or 5432}"
    if isinstance(
        error, (exceptions.InvalidAuthorizationSpecificationError, exceptions.InvalidCatalogNameError, ValueError)
    ):
        return UserError(f"{place} refuses: {error}", hint="check user, password and database in the URL")
    return TemporaryError(f"{place} cannot be reached: {error or type(error).__name__}")
