"""What PostgreSQL's errors mean for a transaction."""

import asyncio
from typing import Literal

from asyncpg import exceptions

from eventflow.errors import InvariantError, PermanentError, TemporaryError

Severity = Literal["statement", "conflict", "temporary"]

# SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_CONFLICTS = {"40001", "40P01", "23505"}
_TEMPORARY_CLASSES = ("08", "53", "57", "58", "XX")
_TEMPORARY = {"25006", "25P02", "25P03", "25P04", "55P03"}

LOST = (
    exceptions.PostgresConnectionError,
    exceptions.InterfaceError,
    exceptions.InternalClientError,
    ConnectionError,
    OSError,
    EOFError,
    asyncio.TimeoutError,
)


def severity(error: BaseException) -> Severity:
    """Tell a defect or bad value (statement) from what another try may pass: at once (conflict) or later (temporary).

    A unique violation is a conflict: statements foresee their own with ON CONFLICT, so it is another transaction's row
    that came between a read and a write.
    """
    if isinstance(error, LOST):
        return "temporary"
    state = getattr(error, "sqlstate", None) or ""
    if state in _CONFLICTS:
        return "conflict"
    return "temporary" if state in _TEMPORARY or state.startswith(_TEMPORARY_CLASSES) else "statement"


def ends_session(error: BaseException) -> bool:
    """Tell whether the server or the network has ended the session, so that an answer to COMMIT may be lost."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, LOST) or state.startswith(("08", "57P"))


def translated(error: BaseException) -> BaseException:
    """Return the error a caller sees for what a work or a statement raised, before COMMIT was sent."""
    if isinstance(error, (exceptions.DataError, UnicodeEncodeError)):
        made: Exception = PermanentError(f"a value cannot be stored: {error}")
    elif isinstance(error, (exceptions.PostgresError, *LOST)):
        kind = severity(error)
        if kind == "statement" or getattr(error, "sqlstate", None) == exceptions.UniqueViolationError.sqlstate:
            made = InvariantError(f"the store refused a statement: {error}")
        else:
            made = TemporaryError(f"PostgreSQL: {error or type(error).__name__}; nothing was written")
    else:
        return error
    made.__cause__ = error
    return made
