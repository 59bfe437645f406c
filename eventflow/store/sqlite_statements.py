"""Running the statements of a work on a SQLite cursor."""

import itertools
import re
import sqlite3
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from eventflow.errors import InvariantError, PermanentError
from eventflow.store.contract import Many, Row, Statement, Work
from eventflow.store.dialect import Dialect

TOKENS = {
    "for_update": "",
    "for_share": "",
    "skip_locked": "",
    "now": "((julianday('now') - 2440587.5) * 86400.0)",
    "array": "json_group_array({0})",
    "strings": "(SELECT value FROM json_each({0}))",
    "integers": "(SELECT value FROM json_each({0}))",
    "settled": "TRUE",
}
DIALECT = Dialect(TOKENS, r"?\1")

# SQLITE_MAX_VARIABLE_NUMBER is 32766 unless a distribution raised it.
_VARIABLES = 32_000
_ROWS = (1024, 128, 16, 4, 1)
_VALUES = re.compile(r"VALUES \((\$\d+(?:, \$\d+)*)\)")


def run(cursor: sqlite3.Cursor, work: Callable[[], Work[Any]]) -> Any:
    """Drive one work to its end and return its value."""
    generator = work()
    rows: list[Row] | None = None
    try:
        while True:
            asked = generator.send(rows)  # type: ignore[arg-type]  # the first send starts the generator
            rows = execute(cursor, asked)
    except StopIteration as stop:
        return stop.value
    finally:
        generator.close()


def execute(cursor: sqlite3.Cursor, asked: Statement | Many) -> list[Row]:
    """Run one statement and return its rows."""
    if isinstance(asked, Many):
        _execute_many(cursor, asked)
        return []
    return cursor.execute(DIALECT.translate(asked.sql), asked.parameters).fetchall()


def _execute_many(cursor: sqlite3.Cursor, many: Many) -> None:
    """Run one statement for many rows; an insert as a few statements of many rows each, which is a third faster."""
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
    width = match[1].count("$")
    row = f"({', '.join('?' * width)})"
    return [
        (size, DIALECT.translate(f"{sql[: match.start()]}VALUES {', '.join([row] * size)}{sql[match.end() :]}"))
        for size in _ROWS
        if size * width <= _VARIABLES
    ]


def translated(error: BaseException) -> BaseException:
    """Return the error a caller sees for what a work or one of its statements raised."""
    if isinstance(error, (UnicodeEncodeError, OverflowError, sqlite3.DataError)):
        made: Exception = PermanentError(f"a value cannot be stored: {error}")
    elif isinstance(error, sqlite3.Error):
        made = InvariantError(f"the store refused a statement: {error}")
    else:
        return error
    made.__cause__ = error
    return made
