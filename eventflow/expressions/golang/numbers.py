"""Numbers as Go's strconv reads and writes them (strconv.Atoi, ParseFloat, FormatFloat)."""

import math
import re
from decimal import Decimal

MINIMUM = -(2**63)
MAXIMUM = 2**63 - 1

_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_FLOAT = re.compile(r"[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?\Z")
_HEX_FLOAT = re.compile(r"[+-]?0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9]+\Z")
_SPECIAL = {"inf": math.inf, "infinity": math.inf, "nan": math.nan}


class Int64(int):
    """Go's int64, which Go keeps apart from int: the same value, another type name."""


def wrap(value: int) -> int:
    """Return `value` as a signed 64-bit integer wraps around."""
    if MINIMUM <= value <= MAXIMUM:
        return value
    return (value - MINIMUM) % 2**64 + MINIMUM


def truncate(value: float) -> int:
    """Return int(value) as Go converts on amd64: what does not fit becomes the smallest integer."""
    if math.isnan(value) or math.isinf(value):
        return MINIMUM
    whole = int(value)
    return whole if MINIMUM <= whole <= MAXIMUM else MINIMUM


def parse_int(text: str) -> int:
    """strconv.Atoi. Raises ValueError for anything but an optional sign and digits within 64 bits."""
    if not _INTEGER.match(text):
        raise ValueError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    value = int(text) if len(text) < 25 else MAXIMUM + 1
    if not MINIMUM <= value <= MAXIMUM:
        raise ValueError(f'strconv.Atoi: parsing "{text}": value out of range')
    return value


def parse_float(text: str) -> float:
    """strconv.ParseFloat for 64 bits. Raises ValueError."""
    unsigned = text.lstrip("+-").lower()
    if unsigned in _SPECIAL and len(text) - len(unsigned) <= (unsigned != "nan"):
        value = _SPECIAL[unsigned]
        return -value if text.startswith("-") else value
    if _HEX_FLOAT.match(text):
        return float.fromhex(text.replace("_", ""))
    if not _FLOAT.match(text):
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": invalid syntax')
    value = float(text.replace("_", ""))
    if math.isinf(value):
        raise ValueError(f'strconv.ParseFloat: parsing "{text}": value out of range')
    return value


def digits_of(value: float) -> tuple[str, int]:
    """Return the shortest digits that read back as `abs(value)`, and the decimal exponent of the first one."""
    _, digits, exponent = Decimal(repr(abs(value))).as_tuple()
    text = "".join(map(str, digits)).lstrip("0") or "0"
    scale = int(exponent) + len(text) - 1 if text != "0" else 0
    return text.rstrip("0") or "0", scale


def plain(value: float) -> str:
    """strconv.FormatFloat(value, 'f', -1, 64): never an exponent."""
    if not math.isfinite(value):
        return _special(value)
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def scientific(value: float, *, letter: str = "e", exponent_digits: int = 2) -> str:
    """strconv.FormatFloat(value, 'e', -1, 64)."""
    if not math.isfinite(value):
        return _special(value)
    digits, scale = digits_of(value)
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    return f"{sign}{mantissa}{letter}{'-' if scale < 0 else '+'}{abs(scale):0{exponent_digits}d}"


def general(value: float) -> str:
    """What Go's %v and %g print: an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(value):
        return _special(value)
    scale = digits_of(value)[1]
    return scientific(value) if scale < -4 or scale >= 6 else plain(value)


def json_number(value: float) -> str:
    """A float as encoding/json writes it. Raises ValueError for infinities and NaN."""
    if not math.isfinite(value):
        raise ValueError(f"json: unsupported value: {_special(value)}")
    if value != 0 and (abs(value) < 1e-6 or abs(value) >= 1e21):
        return scientific(value, exponent_digits=1 if abs(value) < 1 else 2)
    return plain(value)


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"
