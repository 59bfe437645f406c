"""The store in one SQLite file: one writer with group commit, a few readers beside it, one process.

What has been acknowledged is on disk (WAL, synchronous=FULL). A full disk refuses writes and recovers by itself; an
error of the disk itself stops the store for good (`Store.failed`).
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from eventflow.clock import Clock, SystemClock
from eventflow.errors import TemporaryError, UserError
from eventflow.store import sqlite_file, sqlite_writer
from eventflow.store.contract import StoreFailed, T, Work

READERS = 4


class SqliteStore:
    """A store over `path`, which is created if need be. See `contract.Store` for what is promised."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._lock = sqlite_file.FileLock(path)
        self._writer: sqlite_writer.Writer | None = None
        self._readers = _Readers(path)
        self._failed: asyncio.Future[StoreFailed] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        connection = await asyncio.to_thread(self._open)
        self._writer = sqlite_writer.Writer(self._path, connection, loop, self._fail)
        self._writer.start()
        self._readers.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(self._close, writer)

    async def write(self, work: Callable[[], Work[T]]) -> T:
        writer = self._open_writer()
        result: T = await writer.submit(work)
        return result

    async def read(self, work: Callable[[], Work[T]]) -> T:
        self._open_writer()
        result: T = await self._readers.run(work)
        return result

    async def failed(self) -> StoreFailed:
        assert self._failed is not None
        return await asyncio.shield(self._failed)

    def _open_writer(self) -> sqlite_writer.Writer:
        if self._writer is None:
            raise TemporaryError(f"{self._path} is not open")
        if self._writer.failure is not None:
            raise self._writer.failure
        return self._writer

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise UserError(f"{self._path} cannot be opened: {error.strerror}", hint="may you write there?") from error
        try:
            return sqlite_file.open_writer(self._path, self._clock)
        except BaseException:
            self._lock.release()
            raise

    def _close(self, writer: sqlite_writer.Writer) -> None:
        self._readers.stop()
        writer.stop()
        self._lock.release()

    def _fail(self, failure: StoreFailed) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_result(failure)


class _Readers:
    """Threads with a connection each, which cannot write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._pool: ThreadPoolExecutor | None = None

    def start(self) -> None:
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="eventflow-sqlite-reader")

    def stop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    async def run(self, work: Callable[[], Work[Any]]) -> Any:
        assert self._pool is not None
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, work)

    def _run(self, work: Callable[[], Work[Any]]) -> Any:
        """Run a work on one snapshot."""
        try:
            cursor = self._connection().cursor()
            cursor.execute("BEGIN")
            try:
                return sqlite_writer.run(cursor, work)
            finally:
                cursor.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise sqlite_writer.translated_read(error, self._path) from error

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._local.connection = sqlite_file.open_reader(self._path)
            self._opened.append(found)
        return found
