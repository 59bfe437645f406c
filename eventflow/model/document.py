"""JSON text that is decoded once, and the place of any value within it.

Argo Events reads event data as text, so what a user's path yields keeps the sender's own spelling: white space,
`1.50`, the first of two equal keys. A decoded copy alone has lost these; the text alone is slow to search. A
`Document` has both: values are read from the decoded copy, and the text of one is cut out only when asked for.
"""

import json
import re
from functools import cached_property
from typing import Any

import orjson

from eventflow.errors import UserError

Place = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class InvalidJson(UserError):
    """A text that is not one JSON document."""


def dumps(value: Any) -> str:
    """Return compact JSON text, non-ASCII characters as themselves, integers of any size, keys in their order."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text if _encodable(text) else json.dumps(value, separators=(",", ":"))


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    decoded = dict(pairs)
    if len(decoded) != len(pairs):
        decoded.update(reversed(pairs))
    return decoded


def loads(text: str | bytes) -> Any:
    """Decode JSON strictly; of equal keys the first counts (gjson's rule), integers keep all digits.

    Lone surrogates written as escapes are let through, as Go does. Raises InvalidJson, also for NaN.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return _loads_leniently(text, error)
    written = text.encode() if isinstance(text, str) else text
    return value if orjson.dumps(value) == written else _decode(text)


def _decode(text: str | bytes) -> Any:
    return json.loads(text, object_pairs_hook=_first_wins, parse_constant=_refuse)


def _loads_leniently(text: str | bytes, error: orjson.JSONDecodeError) -> Any:
    if b"\\u" not in (text.encode() if isinstance(text, str) else text):
        raise InvalidJson(f"not JSON: {error}") from error
    try:
        return _decode(text)
    except (ValueError, RecursionError):
        raise InvalidJson(f"not JSON: {error}") from error


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class Document:
    """One JSON document: `text` as it was sent, `value` decoded from it. Treat both as constants.

    `value` raises InvalidJson when the text is not JSON, so that an event with bad data can still be carried about.
    """

    __slots__ = ("__dict__", "text")

    def __init__(self, text: str | bytes) -> None:
        self.text = text if isinstance(text, str) else text.decode("utf-8", "replace")

    @classmethod
    def of(cls, value: Any) -> "Document":
        """Return the document of a decoded value, its text compact."""
        document = cls(dumps(value))
        document.__dict__["value"] = value
        return document

    @cached_property
    def value(self) -> Any:
        """The decoded document."""
        return loads(self.text)

    @cached_property
    def canonical(self) -> bool:
        """Whether the text is just what encoding the value again would give."""
        return dumps(self.value) == self.text

    @property
    def valid(self) -> bool:
        """Whether the text is JSON."""
        try:
            self.value  # noqa: B018 - decoding is the question
        except InvalidJson:
            return False
        return True

    def raw(self, place: Place) -> str:
        """Return the text of the value at a place, which must exist."""
        if self.canonical:
            value = self.value
            for step in place:
                value = value[step]
            return dumps(value)
        start, end = locate(self.text, place)
        return self.text[start:end]


def locate(text: str, place: Place) -> tuple[int, int]:
    """Return the half-open span of the value at a place in valid JSON text. Raises KeyError when nothing is there."""
    at = _skip(text, 0)
    for step in place:
        at = _member(text, at, step) if isinstance(step, str) else _element(text, at, step)
    return at, _end(text, at)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _end(text: str, at: int) -> int:
    return _DECODER.raw_decode(text, at)[1]


def _member(text: str, at: int, key: str) -> int:
    if text[at : at + 1] != "{":
        raise KeyError(key)
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if name == key:
            return at
        at = _skip(text, _end(text, at))
        if text[at] == ",":
            at = _skip(text, at + 1)
    raise KeyError(key)


def _element(text: str, at: int, index: int) -> int:
    if text[at : at + 1] != "[":
        raise KeyError(index)
    at = _skip(text, at + 1)
    while text[at] != "]":
        if index == 0:
            return at
        index -= 1
        at = _skip(text, _end(text, at))
        if text[at] == ",":
            at = _skip(text, at + 1)
    raise KeyError(index)
