"""Values inside a template: JSON numbers are float64, as encoding/json decodes them for Go."""

from typing import Any

from eventflow.errors import UserError
from eventflow.expressions.golang import numbers, text


class TemplateError(UserError):
    """A template that can not be parsed, or that fails on the value it is given."""


class Exact(float):
    """A float64 that remembers the digits of the integer it was, so that a large one prints whole."""

    __slots__ = ("digits",)
    digits: int

    @classmethod
    def of(cls, number: int) -> "Exact":
        exact = cls(number)
        exact.digits = number
        return exact


def from_json(value: Any) -> Any:
    """Return a decoded JSON value with every number a float. Raises TemplateError for one beyond float64."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return float(value) if abs(value) <= 2**53 else _large(value)
    if isinstance(value, dict):
        return {key: from_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return value


def _large(value: int) -> float:
    try:
        return Exact.of(value)
    except OverflowError:
        raise TemplateError(f"the number {str(value)[:20]}... is too large") from None


def printed(value: Any) -> str:
    """Return a value as an action prints it.

    A whole number, and any other up to 21 digits, prints without an exponent, where Go prints 1000000 as 1e+06.
    """
    if isinstance(value, Exact):
        return str(value.digits)
    if isinstance(value, float):
        return numbers.plain(value) if value == 0 or 1e-4 <= abs(value) < 1e21 else numbers.scientific(value)
    return text.format_value(value)
