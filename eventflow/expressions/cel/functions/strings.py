"""Strings: cel-go's ext/strings.go, and Tekton's truncate. Positions count characters from 0."""

from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.format import format_string
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.limits import Budget, charge_list, charge_string
from eventflow.expressions.cel.values import no_overload

_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})
_UPPER = str.maketrans({chr(code): chr(code - 32) for code in range(ord("a"), ord("z") + 1)})
_SPACES = " \t\n\v\f\r\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
_QUOTED = str.maketrans(
    {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    | {"\\": "\\\\", '"': '\\"'}
)


def _check_position(text: str, *positions: int) -> None:
    if any(not 0 <= position <= len(text) for position in positions):
        raise Failure("position out of range")


def char_at(text: str, position: int) -> str:
    _check_position(text, position)
    return text[position : position + 1]


def index_of(text: str, part: str, start: int = 0) -> int:
    """Where a part begins at `start` or after; -1 when there is none."""
    _check_position(text, start)
    return text.find(part, start)


def last_index_of(text: str, part: str, start: int | None = None) -> int:
    """Where a part begins last, at `start` or before; -1 when there is none."""
    if start is None:
        return text.rfind(part)
    _check_position(text, start)
    return text.rfind(part, 0, start + len(part))


def substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    _check_position(text, start, stop)
    if start > stop:
        raise Failure("the end of the substring is before its start")
    return text[start:stop]


def truncate(text: str, length: int) -> str:
    """At most the first `length` characters (Tekton)."""
    if length < 0:
        raise Failure("length out of range")
    return text[:length]


def replace(budget: Budget, text: str, old: str, new: str, limit: int = -1) -> str:
    found = text.count(old) if limit < 0 else min(limit, text.count(old))
    charge_string(budget, len(text) + max(0, len(new) - len(old)) * found)
    return text.replace(old, new, max(limit, -1))


def split(budget: Budget, text: str, separator: str, limit: int = -1) -> list[str]:
    """Parts, at most `limit` of them; an empty separator splits into characters, and the empty text into itself."""
    if limit == 0:
        return []
    parts = text.count(separator) + 1 if separator else len(text)
    charge_list(budget, parts if limit < 0 else min(parts, limit))
    if not text:
        return [text]
    if separator:
        return text.split(separator, limit - 1 if limit > 0 else -1)
    if limit < 0 or limit >= len(text):
        return list(text)
    return [*text[: limit - 1], text[limit - 1 :]]


def join(budget: Budget, parts: list[Any], separator: str = "") -> str:
    if any(part.__class__ is not str for part in parts):
        raise no_overload("join", parts, separator)
    charge_string(budget, sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def quote(text: str) -> str:
    """The text as a literal in double quotes."""
    return f'"{text.translate(_QUOTED)}"'


FUNCTIONS: tuple[Function, ...] = (
    define("charAt", char_at, "string, int", "string"),
    define("indexOf", index_of, "string, string, int", "int", required=2, linear=True),
    define("lastIndexOf", last_index_of, "string, string, int", "int", required=2, linear=True),
    define("substring", substring, "string, int, int", "string", required=2, linear=True),
    define("truncate", truncate, "string, int", "string", linear=True),
    define("lowerAscii", lambda text: text.translate(_LOWER), "string", "string", linear=True),
    define("upperAscii", lambda text: text.translate(_UPPER), "string", "string", linear=True),
    define("trim", lambda text: text.strip(_SPACES), "string", "string", linear=True),
    define("replace", replace, "string, string, string, int", "string", required=3, linear=True, budgeted=True),
    define("split", split, "string, string, int", "list", required=2, linear=True, budgeted=True),
    define("join", join, "list, string", "string", required=1, linear=True, budgeted=True),
    define("format", format_string, "string, list", "string", linear=True, budgeted=True),
    define("strings.quote", quote, "string", "string", form="free", linear=True),
)
