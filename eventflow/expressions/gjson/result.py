"""What a path yields, and how it reads as text, number or truth (gjson's `String`, `Float`, `Bool`, `Raw`)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from eventflow.expressions.golang import numbers
from eventflow.model.document import Document, Place, dumps


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(slots=True)
class Result:
    """A value found, or MISSING.

    `places` are where in the document it stands: one for a value read directly, several for what `#(...)#` and `#.`
    gathered, none for what a modifier, a multipath, a bar or `#` made.
    """

    value: Any = MISSING
    places: tuple[Place, ...] = ()
    gathered: bool = False
    _raw: str | Callable[[], str] | None = field(default=None, repr=False)

    @property
    def exists(self) -> bool:
        """Whether the path led to a value; null is a value."""
        return self.value is not MISSING

    @property
    def raw(self) -> str:
        """The JSON text: as it stands in the document where the value was read from it, else compact. "" = missing."""
        if self.value is MISSING:
            return ""
        if self._raw is None:
            self._raw = dumps(self.value)
        elif not isinstance(self._raw, str):
            self._raw = self._raw()
        return self._raw

    def text(self) -> str:
        """Return gjson's `String()`: text as it is, null and missing as "", whole numbers as written, else JSON."""
        value = self.value
        if isinstance(value, str):
            return value
        if value is None or value is MISSING:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return numbers.plain(value)
        return self.raw

    def number(self) -> float:
        """Return gjson's `Float()`: text that is no number, lists and objects are 0, true is 1."""
        value = self.value
        if isinstance(value, str):
            return parse_float(value) or 0.0
        return float(value) if isinstance(value, int | float) else 0.0

    def truth(self) -> bool:
        """Return gjson's `Bool()`: true, a number that is not 0, the texts 1, t, true in any case."""
        value = self.value
        if isinstance(value, str):
            return value.lower() in ("1", "t", "true")
        return bool(value) if isinstance(value, int | float) else False


def found(document: Document, value: Any, place: Place) -> Result:
    """Return the result for a value that stands at a place of a document."""
    return Result(value, (place,), False, lambda: document.raw(place))


def parse_float(text: str) -> float | None:
    """Return the number a text stands for as Go's `ParseFloat` reads it, None when it is none."""
    try:
        return numbers.parse_float(text)
    except ValueError:
        return None
