"""The store in one SQLite file: one writer with group commit, a few readers beside it, one process.

What has been acknowledged is on disk (WAL, synchronous=FULL). A full disk refuses writes and recovers by itself; an
error of the disk itself stops the store for good (`Store.failed`).
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Self

from eventflow.clock import Clock, SystemClock
from eventflow.errors import TemporaryError, UserError
from eventflow.store import sqlite_file, sqlite_reader, sqlite_writer
from eventflow.store.contract import StoreFailed, T, Work


class SqliteStore:
    """A store over `path`, which is created if need be. See `contract.Store` for what is promised."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._lock = sqlite_file.FileLock(path)
        self._reserve = sqlite_file.Reserve(path)
        self._writer: sqlite_writer.Writer | None = None
        self._readers: sqlite_reader.Readers | None = None
        self._failed: asyncio.Future[StoreFailed] | None = None

    async def __aenter__(self) -> Self:
        connection = await asyncio.to_thread(self._open)
        self._failed = asyncio.get_running_loop().create_future()
        self._writer = sqlite_writer.Writer(self._path, connection, self._reserve, self._clock, self._fail)
        self._readers = sqlite_reader.Readers(self._path)
        return self

    async def __aexit__(self, *exc: object) -> None:
        readers, self._readers = self._readers, None
        writer, self._writer = self._writer, None
        if readers is not None:
            await readers.stop()
        if writer is not None:
            await writer.stop()
            self._reserve.give_up()
        self._lock.release()

    async def write(self, work: Callable[[], Work[T]], *, bulk: bool = False) -> T:
        writer, _ = self._opened()
        result: T = await writer.submit(work, bulk=bulk)
        return result

    async def read(self, work: Callable[[], Work[T]]) -> T:
        _, readers = self._opened()
        result: T = await readers.run(work)
        return result

    async def failed(self) -> StoreFailed:
        if self._failed is None:
            raise TemporaryError(f"{self._path} is not open")
        return await asyncio.shield(self._failed)

    def _opened(self) -> tuple[sqlite_writer.Writer, sqlite_reader.Readers]:
        if self._writer is None or self._readers is None:
            raise TemporaryError(f"{self._path} is not open")
        if self._writer.failure is not None:
            raise self._writer.failure
        return self._writer, self._readers

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except OSError as error:
            raise UserError(f"{self._path} cannot be opened: {error.strerror}", hint="may you write there?") from error
        try:
            connection = sqlite_file.open_writer(self._path, self._clock)
            self._reserve.keep()
            return connection
        except BaseException:
            self._lock.release()
            raise

    def _fail(self, failure: StoreFailed) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_result(failure)
