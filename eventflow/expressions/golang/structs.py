"""Go values that Python has no type for: values with methods, and lists that are nil."""

from typing import Any


class Struct:
    """A value that prints, and is written to JSON, as its text; `member` gives its fields and methods."""

    def member(self, name: str) -> Any:
        """Return a field or a method. Raises KeyError."""
        raise KeyError(name)


class NilList(list[Any]):
    """Go's nil slice: an empty list that is nil to `??` and `null` in JSON."""
