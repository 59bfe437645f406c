"""The errors that cross layers. Adapters translate at their boundary and chain the cause.

Only the API and the CLI turn these into HTTP statuses and exit codes; everything between lets them pass.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in what a user wrote: a file or another name for the text, a line and a column, both from 1."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class EventflowError(Exception):
    """Something that eventflow foresaw and can explain."""


class UserError(EventflowError):
    """What a user gave cannot be used as it is. Says where, why, and the next thing to try."""

    def __init__(self, message: str, *, location: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{advice}"


class NotFound(UserError):
    """A name or id that nothing has."""


class Conflict(UserError):
    """The request contradicts what is stored: a name taken by another object, a phase that forbids the verb."""


class Unauthorized(UserError):
    """The sender did not prove who it is. Carries no detail that would help a forger."""


class TemporaryError(EventflowError):
    """Worth trying again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(EventflowError):
    """Trying again cannot help."""


class InvariantError(EventflowError):
    """A state that the design rules out. Always a defect of eventflow; the message carries the story."""
