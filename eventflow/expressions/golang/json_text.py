"""JSON as Go's encoding/json writes and reads it: sorted keys, escaped HTML, its floats, every number a float64."""

import base64
import json
from collections.abc import Sequence

from eventflow.expressions.golang import layout, numbers, text
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.golang.structs import NilList, Struct

MAXIMUM_LENGTH = 32 * 1024 * 1024

_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_SEPARATORS = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029"})


def encode_string(value: str, *, html: bool = True) -> str:
    """Return a JSON string literal."""
    shown = json.dumps(text.from_bytes(text.to_bytes(value)), ensure_ascii=False).translate(_SEPARATORS)
    return shown.translate(_HTML) if html else shown


def encode(value: object, *, html: bool = True, indent: str = "", sort_keys: bool = True) -> str:
    """json.Marshal, or json.MarshalIndent with `indent`.

    Takes None, bool, int, float, str, bytes, lists, maps, times and durations. Raises ValueError for infinities, for
    what has no JSON form, and above MAXIMUM_LENGTH characters or a million
    parts.
    """
    writer = _Writer(html, indent, sort_keys)
    writer.write(value, "\n" if indent else "")
    return "".join(writer.parts)


class _Writer:
    def __init__(self, html: bool, indent: str, sort_keys: bool) -> None:
        self.parts: list[str] = []
        self._html, self._indent, self._sort_keys = html, indent, sort_keys
        self._length = 0
        self._left = text.MAXIMUM_PARTS

    def write(self, value: object, line: str) -> None:
        """Append `value`; `line` is the line break and indentation in force, "" for compact text."""
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"the value has more than {text.MAXIMUM_PARTS} parts")
        if isinstance(value, str):
            self._add(encode_string(value, html=self._html))
        elif isinstance(value, dict):
            self._map(value, line)
        elif isinstance(value, list | tuple):
            self._list(value, line)
        else:
            self._add(_scalar(value))

    def _map(self, value: dict[object, object], line: str) -> None:
        named = {text.format_value(key): item for key, item in value.items()}
        if not named:
            self._add("{}")
            return
        inner = line + self._indent
        before = "{" + inner
        colon = ": " if self._indent else ":"
        for key in sorted(named) if self._sort_keys else named:
            self._add(before + encode_string(key, html=self._html) + colon)
            self.write(named[key], inner)
            before = "," + inner
        self._add(line + "}")

    def _list(self, value: Sequence[object], line: str) -> None:
        if not value:
            self._add("null" if isinstance(value, NilList) else "[]")
            return
        inner = line + self._indent
        before = "[" + inner
        for item in value:
            self._add(before)
            self.write(item, inner)
            before = "," + inner
        self._add(line + "]")

    def _add(self, part: str) -> None:
        self._length += len(part)
        if self._length > MAXIMUM_LENGTH:
            raise ValueError(f"the JSON text would be longer than {MAXIMUM_LENGTH} characters")
        self.parts.append(part)


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return numbers.json_number(value)
    if isinstance(value, Duration):
        return str(value.nanoseconds)
    if isinstance(value, Time):
        return encode_string(layout.format_time(value, layout.RFC3339_NANO))
    if isinstance(value, Struct):
        return encode_string(str(value))
    if isinstance(value, bytes):
        return f'"{base64.b64encode(value).decode()}"'
    raise ValueError(f"json: unsupported type: {text.type_name(value)}")


def decode(source: str) -> object:
    """json.Unmarshal into an empty interface: every number becomes a float. Raises ValueError."""
    try:
        return json.loads(source, parse_int=_number, parse_float=_number, parse_constant=_constant)
    except RecursionError as error:
        raise ValueError("exceeded max depth") from error


def _number(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"json: cannot unmarshal number {digits} into Go value of type float64")
    return value


def _constant(word: str) -> object:
    raise ValueError(f"invalid character '{word[0]}' looking for beginning of value")
