"""Literals: from the text of a token to its value. Source: cel-spec doc/langdef.md, "String and bytes values"."""

import re

from eventflow.expressions.cel.errors import CelSyntaxError, Failure
from eventflow.expressions.cel.operators import as_int, as_uint

_ESCAPES = dict(zip("abfnrtv\\'\"`?", "\a\b\f\n\r\t\v\\'\"`?", strict=True))
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\'\"`?])|([0-3][0-7]{2})|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([\s\S]))"
)


def number(text: str, line: int, column: int) -> int | float:
    """An int, uint or double literal. Raises CelSyntaxError when it is out of range."""
    lower = text.lower()
    base = 16 if "0x" in lower else 10
    try:
        if base == 10 and any(mark in lower for mark in ".e"):
            return float(text)
        if lower.endswith("u"):
            return as_uint(int(text[:-1], base))
        return as_int(int(text, base))
    except Failure as failure:
        raise CelSyntaxError(str(failure), line, column, hint="integers have 64 bits") from None


def string(text: str, line: int, column: int) -> str:
    """A string literal with its quotes. Raises CelSyntaxError for a bad escape."""
    body, raw = _body(text)
    if raw:
        return body
    return _ESCAPE.sub(lambda match: _character(match, line, column), body)


def bytes_(text: str, line: int, column: int) -> bytes:
    """A bytes literal with its b and quotes; escapes are octets. Raises CelSyntaxError for a bad escape."""
    body, raw = _body(text[1:])
    if raw:
        return body.encode()
    out, at = bytearray(), 0
    for match in _ESCAPE.finditer(body):
        if match[4] or match[5]:
            raise CelSyntaxError("bytes take no \\u escape", line, column, hint="write the octets as \\x..")
        out += body[at : match.start()].encode()
        out += _character(match, line, column).encode("latin-1")
        at = match.end()
    return bytes(out + body[at:].encode())


def _body(text: str) -> tuple[str, bool]:
    raw = text[0] in "rR"
    quoted = text[1:] if raw else text
    width = 3 if len(quoted) >= 6 and quoted[:3] in ('"""', "'''") else 1
    return quoted[width:-width], raw


def _character(match: re.Match[str], line: int, column: int) -> str:
    simple, octal, byte, short, long, unknown = match.groups()
    if unknown is not None:
        raise CelSyntaxError(
            f"unknown escape \\{unknown} in a string", line, column, hint="double the backslash, or use r'...'"
        )
    if simple:
        return _ESCAPES[simple]
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise CelSyntaxError("no such character in Unicode", line, column)
    return chr(code)
