"""Builtins over texts and encodings (expr-lang v1.17 builtin)."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any

from eventflow.expressions.expr import kinds
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import MAXIMUM_TEXT, Frame
from eventflow.expressions.expr.functions import Function, overloads
from eventflow.expressions.expr.kinds import ANY, ARRAY, BOOL, INT, STRING, Kind
from eventflow.expressions.golang import json_text, text
from eventflow.expressions.golang.structs import NilList

# What Go's unicode.IsSpace accepts.
SPACES = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


def need_text(value: object) -> str:
    """Return a text as it is. Raises Fault for anything else."""
    if isinstance(value, str):
        return value
    raise Fault(f"expected a string, not {text.type_name(value)}")


def need_integer(value: object) -> int:
    """Return an integer, cutting off a float. Raises Fault."""
    if isinstance(value, float):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise Fault(f"expected an int, not {text.type_name(value)}")


def split(source: str, separator: str, limit: int = -1, *, keep: bool = False) -> list[str]:
    """strings.SplitN and SplitAfterN: at most `limit` parts, all when negative, none when zero."""
    if limit == 0:
        return NilList()
    if separator == "":
        parts = list(source)
        if 0 < limit < len(parts):
            parts[limit - 1 :] = ["".join(parts[limit - 1 :])]
        return parts
    parts = source.split(separator, limit - 1 if limit > 0 else -1)
    return [part + separator for part in parts[:-1]] + parts[-1:] if keep else parts


def replace(source: str, old: str, new: str, count: int = -1) -> str:
    """strings.Replace: the first `count` places, all when negative. Raises Fault when the result is too long."""
    places = source.count(old) if count < 0 else min(count, source.count(old))
    if len(source) + places * (len(new) - len(old)) > MAXIMUM_TEXT:
        raise Fault(f"the text would be longer than {MAXIMUM_TEXT} characters")
    return source.replace(old, new, count)


def repeat(source: str, count: int) -> str:
    """strings.Repeat. Raises Fault for a negative count and when the result is too long."""
    if count < 0:
        raise Fault(f"invalid argument for repeat (expected positive integer, got {count})")
    if count > 1_000_000 or len(source) * count > MAXIMUM_TEXT:
        raise Fault("memory budget exceeded")
    return source * count


def join(items: Sequence[object], glue: str = "") -> str:
    """strings.Join. Raises Fault for items that are no texts."""
    return glue.join(map(need_text, items))


def byte_index(source: str, found: int) -> int:
    """Return the offset in UTF-8 bytes of a character index, -1 as it is."""
    return found if found < 0 else len(text.to_bytes(source[:found]))


def _from_base64(source: str) -> str:
    try:
        return text.from_bytes(base64.b64decode(source.replace("\n", "").replace("\r", ""), validate=True))
    except (binascii.Error, ValueError) as error:
        raise Fault(f"illegal base64 data: {error}") from error


def _to_json(value: object) -> str:
    try:
        return json_text.encode(value, indent="  ")
    except ValueError as error:
        raise Fault(str(error)) from error


def _from_json(source: str) -> object:
    try:
        return json_text.decode(source)
    except ValueError as error:
        raise Fault(str(error)) from error


def _join(items: object, glue: str = "") -> str:
    if not isinstance(items, list):
        raise Fault(f"invalid argument for join (type {text.type_name(items)})")
    return join(items, glue)


def _simple(name: str, run: Callable[..., Any], result: Kind, *signatures: tuple[Kind, ...]) -> Function:
    """Return a builtin of texts and integers: what is no text where a text belongs is a Fault."""
    check = overloads(name, *((parameters, result) for parameters in signatures))
    longest = max(signatures, key=len)

    def call(frame: Frame, arguments: Sequence[Any]) -> Any:
        frame.spend(1)
        return run(*map(_convert, arguments, longest))

    return Function(name, call, check)


def _convert(value: object, wanted: Kind) -> object:
    if wanted == STRING:
        return need_text(value)
    return need_integer(value) if wanted == INT else value


_TEXTS = kinds.array_of(STRING)
_SIMPLE: tuple[tuple[str, Callable[..., Any], Kind, tuple[Kind, ...], tuple[Kind, ...]], ...] = (
    ("trim", lambda s, cut=SPACES: s.strip(cut) if cut else s, STRING, (STRING,), (STRING, STRING)),
    ("trimPrefix", lambda s, prefix=" ": s.removeprefix(prefix), STRING, (STRING, STRING), (STRING,)),
    ("trimSuffix", lambda s, suffix=" ": s.removesuffix(suffix), STRING, (STRING, STRING), (STRING,)),
    ("upper", lambda s: upper(s), STRING, (STRING,), (STRING,)),
    ("lower", lambda s: lower(s), STRING, (STRING,), (STRING,)),
    ("split", split, _TEXTS, (STRING, STRING), (STRING, STRING, INT)),
    ("splitAfter", lambda s, *rest: split(s, *rest, keep=True), _TEXTS, (STRING, STRING), (STRING, STRING, INT)),
    ("replace", replace, STRING, (STRING, STRING, STRING, INT), (STRING, STRING, STRING)),
    ("repeat", repeat, STRING, (STRING, INT), (STRING, INT)),
    ("join", _join, STRING, (ARRAY, STRING), (ARRAY,)),
    ("indexOf", lambda s, part: byte_index(s, s.find(part)), INT, (STRING, STRING), (STRING, STRING)),
    ("lastIndexOf", lambda s, part: byte_index(s, s.rfind(part)), INT, (STRING, STRING), (STRING, STRING)),
    ("hasPrefix", str.startswith, BOOL, (STRING, STRING), (STRING, STRING)),
    ("hasSuffix", str.endswith, BOOL, (STRING, STRING), (STRING, STRING)),
    ("toJSON", _to_json, STRING, (ANY,), (ANY,)),
    ("fromJSON", _from_json, ANY, (STRING,), (STRING,)),
    ("toBase64", lambda s: base64.b64encode(text.to_bytes(s)).decode(), STRING, (STRING,), (STRING,)),
    ("fromBase64", _from_base64, STRING, (STRING,), (STRING,)),
)


def upper(source: str) -> str:
    """strings.ToUpper: one character for one, so that `ß` stays."""
    return "".join(up if len(up := character.upper()) == 1 else character for character in source)


def lower(source: str) -> str:
    """strings.ToLower: one character for one."""
    return "".join(low if len(low := character.lower()) == 1 else character for character in source)


FUNCTIONS = tuple(_simple(name, run, result, first, second) for name, run, result, first, second in _SIMPLE)
