"""What can go wrong with a govaluate expression."""

from eventflow.errors import UserError


class GovaluateError(UserError):
    """An expression that fails with the parameters given."""


class GovaluateSyntaxError(GovaluateError):
    """A text that is no expression."""
