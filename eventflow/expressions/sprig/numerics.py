"""Functions of numbers."""

import math
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from functools import reduce
from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import MAXIMUM_STEPS, Frame
from eventflow.expressions.golang import numbers, text
from eventflow.expressions.golang.numbers import Int64
from eventflow.expressions.sprig.signatures import define

_DIVISION = Decimal(1).scaleb(-16)


def to_integer(value: Any) -> int:
    """Return a number of anything (spf13/cast): what is no number is 0, as in sprig."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return numbers.truncate(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return _read_integer(value)
    return int(getattr(value, "nanoseconds", 0)) if not hasattr(value, "zone") else 0


def _read_integer(source: str) -> int:
    digits = source
    if "." in source:
        whole, _, fraction = source.partition(".")
        digits = whole if fraction and not fraction.strip("0") else source
    unsigned = digits.lstrip("+-").lower()
    base = {"0x": 16, "0b": 2, "0o": 8}.get(unsigned[:2], 8 if unsigned[:1] == "0" and len(unsigned) > 1 else 10)
    try:
        value = int(digits if digits.strip() == digits else "", base)
    except ValueError:
        return 0
    return value if numbers.MINIMUM <= value <= numbers.MAXIMUM else 0


def to_float(value: Any) -> float:
    """Return a float of anything: what is no number is 0, as in sprig."""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            return numbers.parse_float(value)
        except ValueError:
            return 0.0
    return 0.0


def _integers(operate: Callable[[int, int], int]) -> Callable[..., Int64]:
    def run(*values: Any) -> Int64:
        return Int64(reduce(lambda left, right: numbers.wrap(operate(left, right)), map(to_integer, values)))

    return run


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise Fault("integer divide by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _modulo(left: int, right: int) -> int:
    return left - right * _divide(left, right)


def _decimals(operate: Callable[[Decimal, Decimal], Decimal]) -> Callable[..., float]:
    def run(*values: Any) -> float:
        return float(reduce(operate, (Decimal(repr(to_float(value))) for value in values)))

    return run


def _divide_decimals(left: Decimal, right: Decimal) -> Decimal:
    if right == 0:
        raise Fault("decimal division by 0")
    return (left / right).quantize(_DIVISION, rounding=ROUND_HALF_UP)


def _round(value: Any, places: int, threshold: float = 0.5) -> float:
    power = math.pow(10, places)
    digits = power * to_float(value)
    fraction = math.modf(digits)[0]
    return (math.ceil(digits) if fraction >= threshold else math.floor(digits)) / power


def _whole(function: Callable[[float], int]) -> Callable[[Any], float]:
    return lambda value: float(function(to_float(value)))


def _steps(frame: Frame, start: int, stop: int, step: int) -> list[int]:
    if (stop < start and step >= 0) or (stop >= start and step <= 0):
        return []
    found = range(start, stop, step)
    if len(found) > MAXIMUM_STEPS:
        raise Fault(f"more than {MAXIMUM_STEPS} numbers")
    frame.spend(len(found))
    return list(found)


def _sequence(frame: Frame, *values: int) -> str:
    if len(values) == 3:
        start, step, end = values
        if end < start and step > 0:
            return ""
        found = _steps(frame, start, end + (-1 if end < start else 1), step)
    elif values and len(values) < 3:
        start, end = values if len(values) == 2 else (1, values[0])
        step = -1 if end < start else 1
        found = _steps(frame, start, end + step, step)
    else:
        return ""
    return " ".join(map(str, found))


def _octal(value: Any) -> int:
    try:
        return Int64(int(text.format_value(value), 8))
    except ValueError:
        return Int64(0)


def _read_plain(source: str) -> int:
    try:
        return numbers.parse_int(source)
    except ValueError:
        return 0


_ADD = _integers(lambda left, right: left + right)
_ADD_DECIMALS = _decimals(lambda left, right: left + right)
_MAX = _integers(max)

FUNCTIONS = (
    define("atoi", "s", _read_plain),
    define("int", "a", to_integer),
    define("int64", "a", lambda value: Int64(to_integer(value))),
    define("float64", "a", to_float),
    define("toDecimal", "a", _octal),
    define("add", "a*", lambda *values: _ADD(0, *values)),
    define("add1", "a", lambda value: _ADD(value, 1)),
    define("sub", "aa", _integers(lambda left, right: left - right)),
    define("mul", "aa*", _integers(lambda left, right: left * right)),
    define("div", "aa", _integers(_divide)),
    define("mod", "aa", _integers(_modulo)),
    define("max", "aa*", _MAX),
    define("biggest", "aa*", _MAX),
    define("min", "aa*", _integers(min)),
    define("maxf", "aa*", lambda *values: max(map(to_float, values))),
    define("minf", "aa*", lambda *values: min(map(to_float, values))),
    define("addf", "a*", lambda *values: _ADD_DECIMALS(0.0, *values)),
    define("add1f", "a", lambda value: _ADD_DECIMALS(value, 1)),
    define("subf", "aa*", _decimals(lambda left, right: left - right)),
    define("mulf", "aa*", _decimals(lambda left, right: left * right)),
    define("divf", "aa*", _decimals(_divide_decimals)),
    define("ceil", "a", _whole(math.ceil)),
    define("floor", "a", _whole(math.floor)),
    define("round", "aif*", _round),
    define("until", "i", lambda frame, count: _steps(frame, 0, count, -1 if count < 0 else 1), framed=True),
    define("untilStep", "iii", _steps, framed=True),
    define("seq", "i*", _sequence, framed=True),
)
