"""What can go wrong with an expression: when it is compiled (the user's mistake) and when it meets an event."""

from dataclasses import dataclass
from typing import Literal

from eventflow.errors import EventflowError, Location, UserError


class CelProblem(UserError):
    """An expression that cannot be used as written. `line` and `column` count from 1 within the expression."""

    def __init__(self, message: str, line: int = 1, column: int = 1, *, hint: str | None = None) -> None:
        super().__init__(message, location=Location("expression", line, column), hint=hint)
        self.line = line
        self.column = column


class CelSyntaxError(CelProblem):
    """Not CEL: an unexpected character or word, an unfinished string, a reserved name."""


class CelCheckError(CelProblem):
    """CEL, but it cannot work here: an unknown name, wrong arguments, a bad constant, too large."""


class CelError(EventflowError):
    """Evaluation failed at `line`:`column` of the expression. The message never holds content of the event."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.message}" if self.line else self.message


class CelLimitError(CelError):
    """Evaluation was stopped because it used up its budget, or built a value that is too large."""


class Failure(Exception):
    """An error value of CEL, inside an evaluation: `&&`, `||`, `exists` and `all` may absorb it."""


class LimitExceeded(Exception):
    """A limit was hit, inside an evaluation. Nothing absorbs it."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding of the checker. An error forbids the expression; a warning is for the author's eyes."""

    line: int
    column: int
    severity: Literal["error", "warning"]
    message: str
    hint: str | None = None

    def as_error(self) -> CelCheckError:
        return CelCheckError(self.message, self.line, self.column, hint=self.hint)
