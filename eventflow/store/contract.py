"""The contract of a store: transactions written once, run by SQLite and by PostgreSQL.

A transaction is a generator that yields statements and is sent their rows; the driver decides how they reach the
database. So each aggregate's SQL stands in one place, composes with `yield from`, and holds no I/O of its own:

    def rename(uid: str, name: str) -> Work[bool]:
        rows = yield Statement("UPDATE things SET name = $1 WHERE uid = $2 RETURNING uid", (name, uid))
        return bool(rows)

    changed = await store.write(lambda: rename(uid, name))

SQL is what both dialects know: `$1` placeholders, `ON CONFLICT`, `RETURNING`. Where they differ, a statement names a
token in braces-and-percent form, which each driver replaces (`TOKENS` in `sqlite_statements.py` and `postgres.py`):

    {%for_update%}  {%for_share%}   lock the rows read, until the transaction ends
    {%skip_locked%}                 lock them, passing over rows another transaction holds
    {%now%}                         the database's clock, seconds since the epoch
    {%strings $1%}  {%integers $1%} the elements of a JSON array given as text (`IN {%strings $1%}`)
    {%array column%}                the values of a column as one JSON array in text (aggregate)
    {%settled tx%}                  written by a transaction older than every one still open (see `events.after`)

What a statement raises is not thrown into the generator: the whole transaction is undone and `write` raises.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from eventflow.errors import TemporaryError

Value = str | bytes | int | float | None
Row = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement; its rows are sent back (empty for statements that return none)."""

    sql: str
    parameters: Sequence[Value] = ()


@dataclass(frozen=True, slots=True)
class Many:
    """One SQL statement for many rows of parameters; sends back an empty list. No two rows may write the same key."""

    sql: str
    rows: Sequence[Sequence[Value]]


Work = Generator[Statement | Many, list[Row], T]


class CommitUnknown(TemporaryError):
    """COMMIT failed or its answer was lost: the transaction may or may not be durable. Re-read by key, never assume."""


class StoreFailed(TemporaryError):
    """The disk failed under the store, which refuses all work until it is opened anew. Exit (75) and be restarted."""


class StaleOwner(TemporaryError):
    """Another replica owns the shard by now. Nothing was written: drop the workflow from memory, do not retry."""


class LostClaim(TemporaryError):
    """The lease on a delivery or an outbox entry ran out and another took it. Nothing was written: leave it to them."""


class Store(Protocol):
    """A database with eventflow's schema, migrated when opened (`async with open_store(url) as store`).

    Opening raises UserError when the database cannot be used as it is (its file is in another process's hands, it comes
    from a newer version, its credentials are wrong) and TemporaryError when it may be reachable later.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def write(self, work: Callable[[], Work[T]], *, bulk: bool = False) -> T:
        """Run one transaction and return its value once it is durable.

        `work` may be called more than once (a serialization conflict) and, if `bulk`, on another thread: it must not
        touch what it did not make. What it raises rolls back and is raised here; transactions that share a commit are
        not harmed. `bulk` says that it takes more than some milliseconds (thousands of rows), too long for the event
        loop. Cancelling the caller does not stop the transaction.

        Raises TemporaryError when the database is busy, full or away (nothing was written), CommitUnknown when that
        cannot be told, StoreFailed once the store is given up.
        """

    async def read(self, work: Callable[[], Work[T]]) -> T:
        """Run statements that only read, on one snapshot, beside any writer. It sees every write that has returned."""

    async def failed(self) -> StoreFailed:
        """Wait until the store is given up (perhaps for ever) and return why."""
