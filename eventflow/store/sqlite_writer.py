"""The one writer of a SQLite file: a thread that runs all that waits in one transaction with one commit.

Each work of a group runs in a savepoint, so what one raises undoes that one only. After the commit all futures of the
group are resolved in one call to the event loop.
"""

import asyncio
import itertools
import queue
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from eventflow.errors import InvariantError, PermanentError, TemporaryError
from eventflow.failpoints import failpoint
from eventflow.store import sqlite_file
from eventflow.store.contract import CommitUnknown, Many, Row, Statement, StoreFailed, Work
from eventflow.store.dialect import Dialect

TOKENS = {
    "for_update": "",
    "for_share": "",
    "skip_locked": "",
    "now": "((julianday('now') - 2440587.5) * 86400.0)",
    "strings": "(SELECT value FROM json_each({0}))",
    "integers": "(SELECT value FROM json_each({0}))",
    "settled": "TRUE",
}
DIALECT = Dialect(TOKENS, r"?\1")

GROUP = 512
# A checkpoint is due after so many changes or so large a log (bytes), whichever comes first.
CHECKPOINT_CHANGES = 20_000
CHECKPOINT_BYTES = 32 * 1024 * 1024

_VALUES = re.compile(r"VALUES \((\$\d+(?:, \$\d+)*)\)")


@dataclass(slots=True)
class Job:
    """A transaction that waits for its group."""

    work: Callable[[], Work[Any]]
    future: asyncio.Future[Any]
    value: Any = None
    error: BaseException | None = None


def run(cursor: sqlite3.Cursor, work: Callable[[], Work[Any]]) -> Any:
    """Drive one work's statements on a cursor and return its value."""
    generator = work()
    rows: list[Row] | None = None
    try:
        while True:
            asked = generator.send(rows)  # type: ignore[arg-type]  # the first send starts the generator
            if isinstance(asked, Many):
                execute_many(cursor, asked)
                rows = []
            else:
                rows = execute(cursor, asked)
    except StopIteration as stop:
        return stop.value
    finally:
        generator.close()


def execute(cursor: sqlite3.Cursor, statement: Statement) -> list[Row]:
    """Run one statement and return its rows."""
    return cursor.execute(DIALECT.translate(statement.sql), statement.parameters).fetchall()


def execute_many(cursor: sqlite3.Cursor, many: Many) -> None:
    """Run one statement for many rows: where it can be, as a few statements of many rows each.

    Each statement gives up the interpreter's lock, and beside a busy event loop waits up to 5 ms to have it back.
    """
    chunks = _chunks(many.sql)
    if not chunks:
        cursor.executemany(DIALECT.translate(many.sql), many.rows)
        return
    start = 0
    for size, sql in chunks:
        while len(many.rows) - start >= size:
            cursor.execute(sql, list(itertools.chain.from_iterable(many.rows[start : start + size])))
            start += size


@lru_cache(maxsize=256)
def _chunks(sql: str) -> list[tuple[int, str]]:
    """Return (rows, SQL with so many rows of values), the largest first; nothing where parameters stand elsewhere."""
    match = _VALUES.search(sql)
    if not match or sql.count("$") != match[1].count("$"):
        return []
    row = f"({', '.join('?' * match[1].count('$'))})"
    return [
        (size, DIALECT.translate(sql[: match.start()] + "VALUES " + ", ".join([row] * size) + sql[match.end() :]))
        for size in (128, 16, 4, 1)
    ]


@dataclass(slots=True)
class Writer:
    """The thread, its queue and its connection. `failure` is set once, when the disk is no longer trusted."""

    path: Path
    connection: sqlite3.Connection
    loop: asyncio.AbstractEventLoop
    on_failure: Callable[[StoreFailed], None]
    failure: StoreFailed | None = None
    _queue: "queue.SimpleQueue[Job | None]" = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None
    _changes: int = 0

    def start(self) -> None:
        """Start taking works."""
        self._thread = threading.Thread(target=self._serve, name="eventflow-sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], Work[Any]]) -> asyncio.Future[Any]:
        """Queue a work for the next group; the future resolves after its commit."""
        future = self.loop.create_future()
        self._queue.put(Job(work, future))
        return future

    def stop(self) -> None:
        """Finish what is queued, then end the thread and close the connection. Blocks."""
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join()
        self.connection.close()

    def _serve(self) -> None:
        cursor = self.connection.cursor()
        open_ = True
        while open_:
            jobs, open_ = self._next_group()
            if jobs:
                self._run_guarded(cursor, jobs)
                self.loop.call_soon_threadsafe(_resolve, jobs)
                self._checkpoint_if_due()
        if self.failure is None:
            self._checkpoint("TRUNCATE")

    def _next_group(self) -> tuple[list[Job], bool]:
        """Wait for a job and return it with all that wait behind it, and whether more may come."""
        jobs: list[Job] = []
        job = self._queue.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) >= GROUP:
                return jobs, True
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False

    def _run_guarded(self, cursor: sqlite3.Cursor, jobs: list[Job]) -> None:
        """Run a group; a defect of this module stops the store rather than leave its callers waiting for ever."""
        try:
            self._run_group(cursor, jobs)
        except Exception as error:
            self._give_up(error)
            _fail(jobs, self.failure)

    def _run_group(self, cursor: sqlite3.Cursor, jobs: list[Job]) -> None:
        if self.failure is not None:
            _fail(jobs, self.failure)
            return
        try:
            cursor.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._run_job(cursor, job, alone=len(jobs) == 1)
        except sqlite3.Error as error:
            self._undo(cursor, jobs, error)
            return
        if cursor.connection.in_transaction:
            self._commit(cursor, jobs)

    def _run_job(self, cursor: sqlite3.Cursor, job: Job, *, alone: bool) -> None:
        """Run one work; raise only what harms its whole group."""
        if job.future.cancelled():
            return
        if not alone:
            cursor.execute("SAVEPOINT work")
        try:
            job.value = run(cursor, job.work)
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and sqlite_file.severity(error) != "statement":
                raise
            job.error = _translated(error)
            cursor.execute("ROLLBACK" if alone else "ROLLBACK TO work")
        if not alone:
            cursor.execute("RELEASE work")

    def _commit(self, cursor: sqlite3.Cursor, jobs: list[Job]) -> None:
        failpoint("store.before-commit")
        try:
            cursor.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(cursor, jobs, error, committing=True)
            return
        failpoint("store.after-commit")

    def _undo(self, cursor: sqlite3.Cursor, jobs: list[Job], error: sqlite3.Error, *, committing: bool = False) -> None:
        """Give the group up. Full and busy are known to have written nothing; after anything else the disk may lie."""
        if sqlite_file.severity(error) == "fatal":
            self._give_up(error)
            unknown = CommitUnknown(f"{self.path}: {error}; whether the transaction is durable is not known")
            _fail(jobs, unknown if committing else self.failure, error)
            return
        try:
            if cursor.connection.in_transaction:
                cursor.execute("ROLLBACK")
        except sqlite3.Error as second:
            self._give_up(second)
        _fail(jobs, TemporaryError(f"{self.path}: {error}; nothing was written"), error)
        # A full disk may still have room inside the log, once what it holds is in the database.
        self._checkpoint("PASSIVE")

    def _give_up(self, error: Exception) -> None:
        self.failure = StoreFailed(f"{self.path}: {error}; the store takes no more work until it is opened again")
        self.failure.__cause__ = error
        self.loop.call_soon_threadsafe(self.on_failure, self.failure)

    def _checkpoint_if_due(self) -> None:
        """Move the log into the database when it has grown; at leisure if nobody waits.

        Only this thread writes and checkpoints: two that do meet SQLite's WAL-reset defect
        (https://sqlite.org/wal.html#walresetbug).
        """
        if self.failure is not None:
            return
        grown = self.connection.total_changes - self._changes
        if (
            grown > CHECKPOINT_CHANGES
            or (grown > CHECKPOINT_CHANGES // 8 and self._queue.empty())
            or self._log_is_large()
        ):
            self._checkpoint("PASSIVE")

    def _log_is_large(self) -> bool:
        try:
            return Path(f"{self.path}-wal").stat().st_size > CHECKPOINT_BYTES
        except OSError:
            return False

    def _checkpoint(self, mode: str) -> None:
        if self.failure is not None:
            return
        self._changes = self.connection.total_changes
        try:
            self.connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except sqlite3.Error as error:
            if sqlite_file.severity(error) == "fatal":
                self._give_up(error)


def _fail(jobs: Sequence[Job], error: BaseException | None, cause: BaseException | None = None) -> None:
    """Let every job of a group fail that has not failed by itself."""
    if error is not None and cause is not None:
        error.__cause__ = cause
    for job in jobs:
        if job.error is None:
            job.error = error


def _translated(error: BaseException) -> BaseException:
    """Return the error a caller sees for what a work raised."""
    if isinstance(error, (UnicodeEncodeError, OverflowError, sqlite3.DataError)):
        translated: Exception = PermanentError(f"a value cannot be stored: {error}")
    elif isinstance(error, sqlite3.Error):
        translated = InvariantError(f"the store refused a statement: {error}")
    else:
        return error
    translated.__cause__ = error
    return translated


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.value)
        else:
            job.future.set_exception(job.error)


def translated_read(error: sqlite3.Error, path: Path) -> Exception:
    """Return the error a reader sees."""
    if sqlite_file.severity(error) == "statement":
        return InvariantError(f"the store refused a statement: {error}")
    return TemporaryError(f"{path}: {error}")
