"""What can go wrong with an expression, always with a line and column (from 1) of its text."""

from eventflow.errors import Location, UserError


def locate(source: str, offset: int) -> Location:
    """Return the line and column of a character offset."""
    offset = max(0, min(offset, len(source)))
    line_start = source.rfind("\n", 0, offset) + 1
    return Location("expression", source.count("\n", 0, offset) + 1, offset - line_start + 1)


class ExprError(UserError):
    """An expression that cannot be evaluated with the values given."""


class ExprSyntaxError(ExprError):
    """A text that is no expression."""


class Fault(Exception):
    """Why an operation failed, before its place is known. Turned into an ExprError by the node that was evaluated."""
