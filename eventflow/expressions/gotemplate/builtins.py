"""The functions of text/template itself (Go text/template/funcs.go): (function, least, most arguments)."""

import html
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from eventflow.expressions.expr import kinds
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import text
from eventflow.expressions.golang.sprintf import sprintf
from eventflow.expressions.gotemplate.values import printed
from eventflow.expressions.sprig.signatures import is_empty

_MIXED = "; JSON numbers are float64: compare with 3.0, or convert with int"


def kind_of(value: Any) -> kinds.Kind:
    """Return the kind of a value, for the check of a call."""
    return kinds.of_value(value)


def truth(value: Any) -> bool:
    """Return whether `if` takes a value for true."""
    return not is_empty(value)


def _kind(value: Any) -> str:
    for kind, types in (("bool", bool), ("int", int), ("float", float), ("string", str)):
        if isinstance(value, types):
            return kind
    return "nil" if value is None else "other"


def _same(first: Any, second: Any) -> bool:
    left, right = _kind(first), _kind(second)
    if "nil" in (left, right):
        return left == right
    if isinstance(first, list | dict) or isinstance(second, list | dict):
        raise Fault("non-comparable type")
    if left != right:
        raise Fault(f"incompatible types for comparison: {text.type_name(first)} and {text.type_name(second)}{_MIXED}")
    return bool(first == second)


def _equal(first: Any, *others: Any) -> bool:
    return any(_same(first, other) for other in others)


def _less(first: Any, second: Any) -> bool:
    left, right = _kind(first), _kind(second)
    if left != right:
        raise Fault(f"incompatible types for comparison: {text.type_name(first)} and {text.type_name(second)}{_MIXED}")
    if left not in ("int", "float", "string"):
        raise Fault("invalid type for comparison")
    return bool(first < second)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = _indexed(value, key)
    return value


def _indexed(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise Fault(f"value has type {text.type_name(key)}; should be string")
        return value.get(key)
    if value is None:
        raise Fault("index of untyped nil")
    if not isinstance(value, list | str):
        raise Fault(f"can't index item of type {text.type_name(value)}")
    if isinstance(key, bool) or not isinstance(key, int):
        raise Fault(f"cannot index slice/array with type {text.type_name(key)}")
    held: Any = text.to_bytes(value) if isinstance(value, str) else value
    if not 0 <= key < len(held):
        raise Fault(f"index out of range: {key}")
    return held[key]


def _slice(value: Any, *bounds: Any) -> Any:
    if not isinstance(value, list | str):
        raise Fault(f"can't slice item of type {text.type_name(value)}")
    held: Any = text.to_bytes(value) if isinstance(value, str) else value
    start, end = (*bounds, *(0, len(held))[len(bounds) :])[:2]
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end <= len(held):
        raise Fault("index out of range")
    cut = held[start:end]
    return text.from_bytes(cut) if isinstance(cut, bytes) else cut


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(text.to_bytes(value))
    if isinstance(value, dict | list):
        return len(value)
    raise Fault(f"len of type {text.type_name(value)}")


def _sprint(*values: Any) -> str:
    """fmt.Sprint: a space between two values when neither is text."""
    parts: list[str] = []
    for index, value in enumerate(values):
        if index and not isinstance(value, str) and not isinstance(values[index - 1], str):
            parts.append(" ")
        parts.append(printed(value))
    return "".join(parts)


_SCRIPT = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}


def _script(*values: Any) -> str:
    return "".join(
        _SCRIPT.get(char) or (char if char.isprintable() else f"\\u{ord(char):04X}") for char in _sprint(*values)
    )


def _markup(*values: Any) -> str:
    escaped = html.escape(_sprint(*values), quote=False)
    return escaped.replace('"', "&#34;").replace("'", "&#39;").replace("\0", "\ufffd")


def _format(layout: Any, *values: Any) -> str:
    if not isinstance(layout, str):
        raise Fault(f"wrong type for value; expected string; got {text.type_name(layout)}")
    return sprintf(layout, *values)


FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int | None]] = {
    "eq": (_equal, 2, None),
    "ne": (lambda first, second: not _same(first, second), 2, 2),
    "lt": (_less, 2, 2),
    "le": (lambda first, second: _less(first, second) or _same(first, second), 2, 2),
    "gt": (lambda first, second: not _less(first, second) and not _same(first, second), 2, 2),
    "ge": (lambda first, second: not _less(first, second), 2, 2),
    "not": (lambda value: not truth(value), 1, 1),
    "index": (_index, 1, None),
    "slice": (_slice, 1, 4),
    "len": (_length, 1, 1),
    "print": (_sprint, 0, None),
    "println": (lambda *values: " ".join(map(printed, values)) + "\n", 0, None),
    "printf": (_format, 1, None),
    "html": (_markup, 0, None),
    "js": (_script, 0, None),
    "urlquery": (lambda *values: quote_plus(_sprint(*values), safe="-_.~"), 0, None),
}
