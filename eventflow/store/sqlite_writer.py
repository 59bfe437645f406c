"""The one writer of a SQLite file: what waits runs in one transaction and is committed once (group commit).

Statements run on the event loop's thread and only COMMIT, with its wait for the disk, on a thread of its own. A thread
for the statements too would need the interpreter's lock back after each of them, and beside a busy loop wait up to 5 ms
for it every time: measured, 470,000 rows a second became 4,000. Works that touch very many rows are `bulk` and run on
the thread after all.

Each work runs in a savepoint, so what one raises undoes that one only.
"""

import asyncio
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventflow.clock import Clock
from eventflow.errors import TemporaryError
from eventflow.failpoints import failpoint
from eventflow.store import sqlite_file, sqlite_statements
from eventflow.store.contract import CommitUnknown, StoreFailed, Work

# A group ends after so many works or seconds of the event loop.
GROUP = 512
GROUP_SECONDS = 0.005
# How often another process's lock on the file is tried again, and for how long.
BUSY_PAUSE = 0.02
BUSY_SECONDS = 5.0
# A checkpoint is due after so many changed rows, an eighth of it if nobody waits, or at `sqlite_file.LOG_BYTES`.
CHECKPOINT_CHANGES = 20_000


@dataclass(slots=True)
class Job:
    """A transaction that waits for its group."""

    work: Callable[[], Work[Any]]
    future: asyncio.Future[Any]
    bulk: bool = False
    value: Any = None
    error: BaseException | None = None


_Task = Callable[[list[Job]], None]


class Writer:
    """The queue, the connection and the thread. `failure` is set once, when the disk is no longer trusted.

    The connection is used by one thread at a time: by the loop's unless `_busy`, when the commit thread has it.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        reserve: sqlite_file.Reserve,
        clock: Clock,
        on_failure: Callable[[StoreFailed], None],
    ) -> None:
        self.failure: StoreFailed | None = None
        self._path = path
        self._connection = connection
        self._cursor = connection.cursor()
        self._clock = clock
        self._reserve = reserve
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._busy = False
        self._blocked_since: float | None = None
        self._changes = connection.total_changes
        self._tasks: queue.SimpleQueue[tuple[_Task, list[Job]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="eventflow-sqlite-commit", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], Work[Any]], *, bulk: bool = False) -> asyncio.Future[Any]:
        """Queue a work for the next group; the future resolves after its commit."""
        future = self._loop.create_future()
        if not self._waiting and not self._busy:
            self._loop.call_soon(self._turn)
        self._waiting.append(Job(work, future, bulk))
        return future

    async def stop(self) -> None:
        """Finish what is queued, then end the thread and close the connection."""
        with suppress(TemporaryError):
            await self.submit(_nothing)
        self._tasks.put(None)
        await asyncio.to_thread(self._thread.join)

    # On the event loop.

    def _turn(self) -> None:
        """Run the next group, if the connection is free."""
        if self._busy or not self._waiting or not self._begin():
            return
        if self._waiting[0].bulk:
            job = self._waiting.popleft()
            self._hand_over(self._run_bulk, [job])
            return
        jobs = self._run_group()
        if self._connection.in_transaction:
            self._hand_over(self._commit, jobs)
        else:
            self._ready(jobs)

    def _begin(self) -> bool:
        """Start a transaction; otherwise fail what waits, or let it wait while another process has the file."""
        if self.failure is not None:
            self._refuse(self.failure)
            return False
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._blocked(error)
            return False
        self._blocked_since = None
        return True

    def _blocked(self, error: sqlite3.Error) -> None:
        if sqlite_file.severity(error) == "fatal":
            self._refuse(self._give_up(error))
            return
        now = self._clock.monotonic()
        self._blocked_since = self._blocked_since or now
        if now - self._blocked_since < BUSY_SECONDS:
            self._loop.call_later(BUSY_PAUSE, self._turn)
            return
        self._blocked_since = None
        self._refuse(TemporaryError(f"{self._path}: {error}; nothing was written"))

    def _refuse(self, error: BaseException) -> None:
        jobs = list(self._waiting)
        self._waiting.clear()
        _fail(jobs, error)
        _resolve(jobs)

    def _run_group(self) -> list[Job]:
        """Run what waits, as far as the group goes; afterwards the transaction is open unless nothing is to commit."""
        until = self._clock.monotonic() + GROUP_SECONDS
        alone = len(self._waiting) == 1
        jobs: list[Job] = []
        try:
            while self._waiting and not self._waiting[0].bulk:
                jobs.append(self._waiting.popleft())
                self._run_job(jobs[-1], alone=alone)
                if len(jobs) == GROUP or self._clock.monotonic() > until:
                    break
        except sqlite3.Error as error:
            self._undo(jobs, error)
        return jobs

    def _ready(self, jobs: Sequence[Job]) -> None:
        """Give a group its results. Callers wake before the next group starts: what they write next joins it."""
        _resolve(jobs)
        self._busy = False
        if self._waiting:
            self._loop.call_soon(self._turn)

    def _hand_over(self, task: _Task, jobs: list[Job]) -> None:
        self._busy = True
        self._tasks.put((task, jobs))

    # On either thread, whichever has the connection.

    def _run_job(self, job: Job, *, alone: bool) -> None:
        """Run one work; raise only what harms its whole group."""
        if job.future.cancelled():
            return
        cursor = self._cursor
        if not alone:
            cursor.execute("SAVEPOINT work")
        try:
            job.value = sqlite_statements.run(cursor, job.work)
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and sqlite_file.severity(error) != "statement":
                raise
            job.error = sqlite_statements.translated(error)
            cursor.execute("ROLLBACK" if alone else "ROLLBACK TO work")
        if not alone:
            cursor.execute("RELEASE work")

    def _undo(self, jobs: Sequence[Job], error: sqlite3.Error, *, committing: bool = False) -> None:
        """Give a group up. Full and busy are known to have written nothing; after anything else the disk may lie."""
        if sqlite_file.severity(error) == "fatal":
            failure = self._give_up(error)
            unknown = CommitUnknown(f"{self._path}: {error}; whether the transaction is durable is not known")
            _fail(jobs, unknown if committing else failure, error)
        else:
            self._roll_back()
            _fail(jobs, TemporaryError(f"{self._path}: {error}; nothing was written"), error)
            if sqlite_file.is_full(error):
                self._relieve()

    def _relieve(self) -> None:
        """Empty the log into the database, which needs room first and gives back more."""
        self._reserve.give_up()
        self._checkpoint("TRUNCATE")
        self._reserve.keep()

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._cursor.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> StoreFailed:
        """Refuse all further work."""
        failure = StoreFailed(f"{self._path}: {error}; the store takes no more work until it is opened again")
        failure.__cause__ = error
        self.failure = failure
        self._loop.call_soon_threadsafe(self._on_failure, failure)
        return failure

    # On the commit thread.

    def _serve(self) -> None:
        while task := self._tasks.get():
            perform, jobs = task
            try:
                perform(jobs)
            except Exception as error:  # a defect of this module; its callers must not wait for ever
                _fail(jobs, self._give_up(error))
                self._loop.call_soon_threadsafe(self._ready, jobs)
        if self.failure is None:
            self._checkpoint("TRUNCATE")
        with suppress(sqlite3.Error):
            self._connection.close()

    def _run_bulk(self, jobs: list[Job]) -> None:
        """Run and commit a bulk work. On a full disk it may use the reserve, since it may be what makes room."""
        (job,) = jobs
        if self._try_bulk(job):
            self._reserve.give_up()
            job.error = None
            self._try_bulk(job)
            self._checkpoint("TRUNCATE")
            self._reserve.keep()
        self._report(jobs)

    def _try_bulk(self, job: Job) -> bool:
        """Run and commit; return whether the disk was full."""
        committing = False
        try:
            if not self._connection.in_transaction:
                self._cursor.execute("BEGIN IMMEDIATE")
            self._run_job(job, alone=True)
            committing = True
            self._commit_transaction()
        except sqlite3.Error as error:
            self._undo([job], error, committing=committing)
            return sqlite_file.is_full(error) and self.failure is None
        return False

    def _commit(self, jobs: list[Job]) -> None:
        try:
            self._commit_transaction()
        except sqlite3.Error as error:
            self._undo(jobs, error, committing=True)
        self._report(jobs)

    def _commit_transaction(self) -> None:
        if self._connection.in_transaction:
            failpoint("store.before-commit")
            self._cursor.execute("COMMIT")
            failpoint("store.after-commit")

    def _report(self, jobs: list[Job]) -> None:
        """Give a group to the loop; a checkpoint that is due delays the next group, not this one."""
        if self._checkpoint_is_due():
            self._loop.call_soon_threadsafe(_resolve, jobs)
            self._checkpoint("PASSIVE")
        self._loop.call_soon_threadsafe(self._ready, jobs)

    def _checkpoint_is_due(self) -> bool:
        if self.failure is not None:
            return False
        grown = self._connection.total_changes - self._changes
        idle = not self._waiting
        return grown > CHECKPOINT_CHANGES or (idle and grown > CHECKPOINT_CHANGES // 8) or self._log_is_large()

    def _log_is_large(self) -> bool:
        try:
            return Path(f"{self._path}-wal").stat().st_size > sqlite_file.LOG_BYTES
        except OSError:
            return False

    def _checkpoint(self, mode: str) -> None:
        """Move the log into the database.

        Only the holder of this one connection writes and checkpoints: two that do meet SQLite's WAL-reset defect
        (https://sqlite.org/wal.html#walresetbug).
        """
        if self.failure is not None:
            return
        self._changes = self._connection.total_changes
        try:
            self._cursor.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()
        except sqlite3.Error as error:
            if sqlite_file.severity(error) == "fatal":
                self._give_up(error)


def _nothing() -> Work[None]:
    yield from ()


def _fail(jobs: Sequence[Job], error: BaseException, cause: BaseException | None = None) -> None:
    """Let every job of a group fail that has not failed by itself."""
    error.__cause__ = cause or error.__cause__
    for job in jobs:
        if job.error is None:
            job.error = error


def _resolve(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.value)
        else:
            job.future.set_exception(job.error)
