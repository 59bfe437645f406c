"""The standard library: sizes, string tests, conversions. Source: cel-spec doc/langdef.md, "Standard Definitions"."""

import decimal
import math
import re
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.network import Cidr, Ip
from eventflow.expressions.cel.operators import as_int, as_uint
from eventflow.expressions.cel.semver import Semver
from eventflow.expressions.cel.temporal import SECOND, Duration, Timestamp, parse_duration, parse_timestamp
from eventflow.expressions.cel.values import Uint, no_overload, type_of

_INT = re.compile(r"[+-]?[0-9]{1,19}\Z")
_UINT = re.compile(r"[0-9]{1,20}\Z")
_DOUBLE = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]{1,4})?|inf|infinity|nan)\Z", re.IGNORECASE)
_LONGEST_NUMBER = 400
_TRUE = frozenset(("1", "t", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "f", "false", "FALSE", "False"))


def size(value: Any) -> int:
    kind = value.__class__
    if kind is str or kind is list or kind is dict or kind is bytes:
        return len(value)
    raise no_overload("size", value)


def contains(text: Any, part: Any) -> bool:
    if text.__class__ is str and part.__class__ is str:
        return part in text
    raise no_overload("contains", text, part)


def starts_with(text: Any, start: Any) -> bool:
    if text.__class__ is str and start.__class__ is str:
        return text.startswith(start)
    raise no_overload("startsWith", text, start)


def ends_with(text: Any, end: Any) -> bool:
    if text.__class__ is str and end.__class__ is str:
        return text.endswith(end)
    raise no_overload("endsWith", text, end)


def to_int(value: Any) -> int:
    kind = value.__class__
    if kind is int:
        return as_int(value)
    if kind is Uint or kind is bool:
        return as_int(int(value))
    if kind is float:
        if not -(2.0**63) < value < 2.0**63:
            raise Failure("integer overflow")
        return int(value)
    if kind is Timestamp:
        return int(value.ns // SECOND)
    if _INT.match(value):
        return as_int(int(value))
    raise Failure("int() of a string that is not a whole number")


def to_uint(value: Any) -> Uint:
    kind = value.__class__
    if kind is int or kind is Uint:
        return as_uint(value)
    if kind is float:
        if not 0.0 <= value < 2.0**64:
            raise Failure("unsigned integer overflow")
        return Uint(int(value))
    if _UINT.match(value):
        return as_uint(int(value))
    raise Failure("uint() of a string that is not a whole number")


def to_double(value: Any) -> float:
    if value.__class__ is not str:
        return float(value)
    if len(value) <= _LONGEST_NUMBER and _DOUBLE.match(value):
        return float(value)
    raise Failure("double() of a string that is not a number")


def format_double(value: float) -> str:
    """The shortest text that reads back as the same number, with an exponent from 1e+06 on and below 0.0001, as
    cel-go and cel-cpp write it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    shortest = decimal.Decimal(repr(value)).normalize()
    exponent = shortest.adjusted()
    if -4 <= exponent < 6:
        return format(shortest, "f")
    return f"{shortest.scaleb(-exponent):f}e{exponent:+03d}"


def to_string(value: Any) -> str:
    kind = value.__class__
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        return format_double(value)
    if kind is bytes:
        return decode_utf8(value)
    return str(int(value)) if kind is int or kind is Uint else str(value)


def decode_utf8(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Failure("not UTF-8") from None


def to_bytes(value: Any) -> bytes:
    return value if value.__class__ is bytes else value.encode()


def to_bool(value: Any) -> bool:
    if value.__class__ is bool:
        return value
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise Failure("bool() of a string that is neither true nor false")


def to_timestamp(value: Any) -> Timestamp:
    if value.__class__ is str:
        return parse_timestamp(value)
    return Timestamp(value * SECOND) if value.__class__ is int else value


def to_duration(value: Any) -> Duration:
    return parse_duration(value) if value.__class__ is str else value


def to_ip(value: Any) -> Ip:
    """From text; of a network, the address it was written with."""
    if value.__class__ is Cidr:
        return Ip(value.interface.ip)
    return Ip.parse(value) if value.__class__ is str else value


def to_cidr(value: Any) -> Cidr:
    return Cidr.parse(value) if value.__class__ is str else value


def to_semver(text: str, normalize: bool = False) -> Semver:
    return Semver.normalized(text) if normalize else Semver(text)


def _same(value: Any) -> Any:
    return value


_TEXTUAL = "string|bytes|int|uint|double|bool|timestamp|duration|ip|cidr|semver"

FUNCTIONS: tuple[Function, ...] = (
    define("size", size, "string|bytes|list|map", "int", form="either", guarded=False),
    define("contains", contains, "string, string", "bool", linear=True, guarded=False),
    define("startsWith", starts_with, "string, string", "bool", guarded=False),
    define("endsWith", ends_with, "string, string", "bool", guarded=False),
    define("int", to_int, "int|uint|double|bool|string|timestamp", "int", form="free"),
    define("uint", to_uint, "int|uint|double|string", "uint", form="free"),
    define("double", to_double, "int|uint|double|string", "double", form="free"),
    define("string", to_string, _TEXTUAL, "string", form="free", linear=True),
    define("bytes", to_bytes, "bytes|string", "bytes", form="free", linear=True),
    define("bool", to_bool, "bool|string", "bool", form="free"),
    define("timestamp", to_timestamp, "timestamp|string|int", "timestamp", form="free", foldable=True),
    define("duration", to_duration, "duration|string", "duration", form="free", foldable=True),
    define("ip", to_ip, "string|ip|cidr", "ip", form="either", foldable=True),
    define("cidr", to_cidr, "string|cidr", "cidr", form="free", foldable=True),
    define("semver", to_semver, "string, bool", "semver", form="free", required=1, foldable=True),
    define("dyn", _same, "dyn", "dyn", form="free", guarded=False),
    define("type", type_of, "dyn", "type", form="free", guarded=False),
)
