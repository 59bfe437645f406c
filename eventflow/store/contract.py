"""The contract of a store: transactions written once, run by SQLite and by PostgreSQL.

A transaction is a generator that yields statements and is sent their rows; the driver decides how they reach the
database. So each aggregate's SQL stands in one place, composes with `yield from`, and holds no I/O of its own:

    def rename(uid: str, name: str) -> Work[bool]:
        rows = yield Statement("UPDATE things SET name = $1 WHERE uid = $2 RETURNING uid", (name, uid))
        return bool(rows)

    changed = await store.write(lambda: rename(uid, name))

SQL is what both dialects know: `$1` placeholders, `ON CONFLICT`, `RETURNING`. Where they differ, a statement names a
driver token in braces-and-percent form which each driver replaces (see `TOKENS` of each driver).
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from eventflow.errors import TemporaryError

Value = str | bytes | int | float | None
Row = tuple[Value, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement; its rows are sent back (empty for statements that return none)."""

    sql: str
    parameters: Sequence[Value] = ()


@dataclass(frozen=True, slots=True)
class Many:
    """One SQL statement for many rows of parameters; sends back an empty list."""

    sql: str
    rows: Sequence[Sequence[Value]]


Work = Generator[Statement | Many, list[Row], T]


class CommitUnknown(TemporaryError):
    """COMMIT failed or its answer was lost: the transaction may or may not be durable. Re-read by key, never assume."""


class Store(Protocol):
    """A database with eventflow's schema, migrated when opened. An async context manager."""

    async def write(self, work: Callable[[], Work[T]]) -> T:
        """Run one transaction and return its value once it is durable.

        `work` may be called more than once (a serialization conflict); what it raises rolls back and is raised here.
        Raises TemporaryError when the database is busy, full or away (nothing was written), CommitUnknown when that
        cannot be told.
        """

    async def read(self, work: Callable[[], Work[T]]) -> T:
        """Run statements that only read, on one snapshot, beside any writer."""
