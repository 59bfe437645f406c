"""A SQLite file in one process's hands: its lock, its connections, its schema, and what its errors mean."""

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from eventflow.clock import Clock
from eventflow.errors import TemporaryError, UserError
from eventflow.failpoints import failpoint
from eventflow.store import schema

# How long another process may hold the file while it is opened; later nothing waits inside SQLite.
OPEN_SECONDS = 5.0
STATEMENTS = 512
# The log is emptied into the database at this size, which may need as much room there.
LOG_BYTES = 16 * 1024 * 1024
RESERVE_BYTES = 24 * 1024 * 1024

_GROUP_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOMEM}
_FATAL_CODES = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PROTOCOL,
}


def severity(error: sqlite3.Error) -> Literal["statement", "group", "fatal"]:
    """Tell whether an error harms one statement, the whole transaction (full, busy), or the trust in the disk.

    Primary result codes of https://sqlite.org/rescode.html.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _FATAL_CODES:
        return "fatal"
    return "group" if code in _GROUP_CODES else "statement"


def is_full(error: sqlite3.Error) -> bool:
    """Tell whether the disk has no room left."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL


class Reserve:
    """Room on the disk that is kept for making room: deleting needs some, too. A file beside the database."""

    def __init__(self, database: Path) -> None:
        self._path = Path(f"{database}.reserve")

    def keep(self) -> None:
        """Take the room; on a disk that has not so much, none of it."""
        try:
            with self._path.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
                else:
                    file.write(bytes(RESERVE_BYTES))
        except OSError:
            self.give_up()

    def give_up(self) -> None:
        """Leave the room to others."""
        self._path.unlink(missing_ok=True)


class FileLock:
    """An flock on `<database>.lock`, held while the store is open and dropped by the kernel when the process dies.

    Not on the database itself: SQLite's own POSIX locks would go when another descriptor of that file is closed.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor = -1

    def acquire(self) -> None:
        """Take the lock. Raises UserError naming the process that has it."""
        path = f"{self._database}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise UserError(
                f"{self._database} is in use by another eventflow (process {holder})",
                hint="talk to it through its API, stop it, or use PostgreSQL to run several",
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up; the file stays, since removing it would race with the next holder."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def open_writer(path: Path, clock: Clock) -> sqlite3.Connection:
    """Open the one connection that writes, and bring the schema up to date. Raises UserError, TemporaryError."""
    # Secrets are among what it holds; the log takes the file's mode over.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    try:
        connection = sqlite3.connect(
            path,
            timeout=OPEN_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=STATEMENTS,
        )
    except sqlite3.Error as error:
        raise _unusable(path, error) from error
    try:
        _configure(connection)
        migrate(connection, str(path), clock.now())
        connection.execute("PRAGMA busy_timeout = 0")
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a connection that cannot write."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        timeout=0.0,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -16384")
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        # Checkpoints are the writer's, between commits; see `sqlite_writer`.
        "wal_autocheckpoint = 0",
        f"journal_size_limit = {LOG_BYTES // 2}",
        "cache_size = -65536",
        "temp_store = MEMORY",
        "secure_delete = FAST",
    ):
        connection.execute(f"PRAGMA {pragma}")


def migrate(connection: sqlite3.Connection, database: str, now: float) -> None:
    """Apply what is missing, each migration in a transaction of its own. Raises UserError as `schema.missing` does."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at REAL NOT NULL) STRICT"
    )
    applied = dict(connection.execute("SELECT number, checksum FROM schema_migrations").fetchall())
    for step in schema.missing(schema.migrations("sqlite"), applied, database):
        connection.execute("BEGIN IMMEDIATE")
        for statement in step.statements():
            connection.execute(statement)
        connection.execute(
            "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
            (step.number, step.name, step.checksum, now),
        )
        failpoint("store.before-migration")
        connection.execute("COMMIT")


def _unusable(path: Path, error: sqlite3.Error) -> UserError | TemporaryError:
    if severity(error) == "group":
        return TemporaryError(f"{path}: {error}")
    return UserError(f"{path} cannot be used as a database: {error}", hint="is it a SQLite file, and may you write it?")
