"""Numbers. Source: cel-go ext/math.go."""

import math
from collections.abc import Callable
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import NUMBER, Function, define
from eventflow.expressions.cel.operators import NUMBERS, as_int, greater, less
from eventflow.expressions.cel.values import Uint, no_overload


def _extreme(name: str, better: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def choose(*arguments: Any) -> Any:
        values = arguments[0] if len(arguments) == 1 and arguments[0].__class__ is list else arguments
        if not values:
            raise Failure(f"{name}() of an empty list")
        if any(value.__class__ not in NUMBERS for value in values):
            raise no_overload(name, *values[:4])
        best = values[0]
        for value in values[1:]:
            if better(value, best):
                best = value
        return best

    return choose


def _rounding(name: str, whole: Callable[[float], float]) -> Function:
    def rounded(value: float) -> float:
        # Rounded to zero, a negative number is -0.0.
        return math.copysign(whole(value), value) if math.isfinite(value) else value

    return define(name, rounded, "double", "double", form="free")


def _away_from_zero(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


def absolute(value: Any) -> Any:
    if value.__class__ is Uint:
        return value
    return abs(value) if value.__class__ is float else as_int(abs(value))


def sign(value: Any) -> Any:
    return value if value != value else value.__class__((value > 0) - (value < 0))


def square_root(value: Any) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _bits(name: str, combine: Callable[[int, int], int]) -> Function:
    def combined(a: Any, b: Any) -> Any:
        if a.__class__ is not b.__class__:
            raise no_overload(name, a, b)
        return a.__class__(combine(int(a), int(b)))

    return define(name, combined, "int|uint, int|uint", "dyn", form="free")


def bit_not(value: Any) -> Any:
    return Uint(~int(value) % 2**64) if value.__class__ is Uint else ~value


def shift_left(value: Any, count: int) -> Any:
    _check_shift(count)
    shifted = int(value) << min(count, 64)
    return Uint(shifted % 2**64) if value.__class__ is Uint else _wrapped(shifted)


def shift_right(value: Any, count: int) -> Any:
    """Fills with zeros, the sign included."""
    _check_shift(count)
    shifted = (int(value) % 2**64) >> min(count, 64)
    return Uint(shifted) if value.__class__ is Uint else _wrapped(shifted)


def _check_shift(count: int) -> None:
    if count < 0:
        raise Failure("a shift by a negative number")


def _wrapped(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


_FEWEST = "int|uint|double|list, int|uint|double"

FUNCTIONS: tuple[Function, ...] = (
    define("math.greatest", _extreme("math.greatest", greater), _FEWEST, "dyn", form="free", required=1, variadic=True),
    define("math.least", _extreme("math.least", less), _FEWEST, "dyn", form="free", required=1, variadic=True),
    _rounding("math.ceil", math.ceil),
    _rounding("math.floor", math.floor),
    _rounding("math.round", _away_from_zero),
    _rounding("math.trunc", math.trunc),
    define("math.isNaN", math.isnan, "double", "bool", form="free"),
    define("math.isInf", math.isinf, "double", "bool", form="free"),
    define("math.isFinite", math.isfinite, "double", "bool", form="free"),
    define("math.abs", absolute, NUMBER, "dyn", form="free"),
    define("math.sign", sign, NUMBER, "dyn", form="free"),
    define("math.sqrt", square_root, NUMBER, "double", form="free"),
    _bits("math.bitAnd", lambda a, b: a & b),
    _bits("math.bitOr", lambda a, b: a | b),
    _bits("math.bitXor", lambda a, b: a ^ b),
    define("math.bitNot", bit_not, "int|uint", "dyn", form="free"),
    define("math.bitShiftLeft", shift_left, "int|uint, int", "dyn", form="free"),
    define("math.bitShiftRight", shift_right, "int|uint, int", "dyn", form="free"),
)
