"""Readers of a SQLite file: a few connections that cannot write, each read on one snapshot.

Rows are fetched on the event loop, some at a time with the loop let in between (why not on a thread: `sqlite_writer`).
A statement that computes long before its next row is interrupted and run again on a thread.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from eventflow.errors import InvariantError, TemporaryError
from eventflow.store import sqlite_file, sqlite_statements
from eventflow.store.contract import Many, Row, Statement, Work

CONNECTIONS = 4
SLICE_ROWS = 500
# SQLite's virtual machine runs some 20 to 50 million operations a second: a slice is interrupted after about 2 ms.
SLICE_OPERATIONS = 4_000
SLICE_CALLS = 12


class Readers:
    """A pool of connections; who finds none free waits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: asyncio.LifoQueue[_Reader] = asyncio.LifoQueue()
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="eventflow-sqlite-reader")
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(_Reader(path, self._threads))

    async def run(self, work: Callable[[], Work[Any]]) -> Any:
        """Run a work that only reads. Raises TemporaryError when the file cannot be read now."""
        reader = await self._idle.get()
        try:
            return await reader.run(work)
        except sqlite3.Error as error:
            readonly = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
            if readonly or sqlite_file.severity(error) == "statement":
                raise sqlite_statements.translated(error) from error
            raise TemporaryError(f"{self._path}: {error}") from error
        finally:
            self._idle.put_nowait(reader)

    async def stop(self) -> None:
        """Wait for reads under way and close."""
        for _ in range(CONNECTIONS):
            (await self._idle.get()).close()
        self._threads.shutdown()


class _Reader:
    """One connection, opened when first used."""

    def __init__(self, path: Path, threads: ThreadPoolExecutor) -> None:
        self._path = path
        self._threads = threads
        self._connection: sqlite3.Connection | None = None
        self._calls = 0

    async def run(self, work: Callable[[], Work[Any]]) -> Any:
        if self._connection is None:
            self._connection = sqlite_file.open_reader(self._path)
        cursor = self._connection.cursor()
        cursor.execute("BEGIN")
        try:
            return await self._drive(cursor, work)
        finally:
            cursor.close()
            self._connection.execute("ROLLBACK")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def _drive(self, cursor: sqlite3.Cursor, work: Callable[[], Work[Any]]) -> Any:
        generator = work()
        rows: list[Row] | None = None
        try:
            while True:
                asked = generator.send(rows)  # type: ignore[arg-type]  # the first send starts the generator
                rows = await self._execute(cursor, asked)
        except StopIteration as stop:
            return stop.value
        finally:
            generator.close()

    async def _execute(self, cursor: sqlite3.Cursor, asked: Statement | Many) -> list[Row]:
        if isinstance(asked, Many):
            raise InvariantError("a read cannot write many rows")
        try:
            return await self._fetch(cursor, asked)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
        loop = asyncio.get_running_loop()
        # A thread cannot be stopped half-way: if the caller is cancelled, the connection stays in use until its end.
        task = loop.run_in_executor(self._threads, sqlite_statements.execute, cursor, asked)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise

    async def _fetch(self, cursor: sqlite3.Cursor, statement: Statement) -> list[Row]:
        assert self._connection is not None
        self._calls = 0
        self._connection.set_progress_handler(self._interrupted, SLICE_OPERATIONS)
        try:
            cursor.execute(sqlite_statements.DIALECT.translate(statement.sql), statement.parameters)
            rows = cursor.fetchmany(SLICE_ROWS)
            more = rows
            while len(more) == SLICE_ROWS:
                await asyncio.sleep(0)
                self._calls = 0
                more = cursor.fetchmany(SLICE_ROWS)
                rows += more
            return rows
        finally:
            self._connection.set_progress_handler(None, 0)

    def _interrupted(self) -> bool:
        self._calls += 1
        return self._calls > SLICE_CALLS
