"""CEL's operators on plain values, called by generated code. Each raises Failure for types it does not take.

Numbers of different types compare by value (cel-spec, "Equality" and "Ordering"); arithmetic never mixes types and
never wraps around.
"""

import math
import operator
from collections.abc import Callable
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.limits import BUDGET, Budget, charge, charge_list, charge_string
from eventflow.expressions.cel.temporal import Duration, Timestamp
from eventflow.expressions.cel.values import Optional, Uint, no_overload

INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1
NUMBERS = frozenset((int, float, Uint))
_ORDERED = frozenset((str, bytes, bool, Timestamp, Duration, int, float, Uint))


def equal(a: Any, b: Any) -> bool:
    """`==`: values of different types are unequal, numbers excepted."""
    kind = a.__class__
    if kind is str or b.__class__ is str:
        return kind is b.__class__ and a == b
    if kind is list or kind is dict or kind is Optional:
        return _deep_equal([BUDGET], a, b)
    return _scalar_equal(a, b)


def equal_metered(budget: Budget, a: Any, b: Any) -> bool:
    """`==` inside a macro, where each comparison of large values counts."""
    kind = a.__class__
    if kind is list or kind is dict or kind is Optional:
        return _deep_equal(budget, a, b)
    return _scalar_equal(a, b)


def _scalar_equal(a: Any, b: Any) -> bool:
    if a.__class__ is bool or b.__class__ is bool:
        return a is b
    same: bool = a == b
    return same


def _deep_equal(budget: Budget, a: Any, b: Any) -> bool:
    kind = a.__class__
    if kind is not b.__class__:
        return kind in NUMBERS and _scalar_equal(a, b)
    if kind is list:
        charge(budget, 1 + len(a))
        return len(a) == len(b) and all(_deep_equal(budget, x, y) for x, y in zip(a, b, strict=True))
    if kind is dict:
        charge(budget, 1 + len(a))
        return len(a) == len(b) and all(contains_key(b, k) and _deep_equal(budget, v, b[k]) for k, v in a.items())
    if kind is Optional:
        return a.present is b.present and _deep_equal(budget, a.value, b.value)
    return _scalar_equal(a, b)


def not_equal(a: Any, b: Any) -> bool:
    return not equal(a, b)


def not_equal_metered(budget: Budget, a: Any, b: Any) -> bool:
    return not equal_metered(budget, a, b)


def _ordering(name: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(a: Any, b: Any) -> bool:
        kind, other = a.__class__, b.__class__
        if kind is other and kind in _ORDERED:
            return compare(a, b)
        if kind in NUMBERS and other in NUMBERS:
            # Against a double an integer is rounded to one, as cel-go and cel-cpp do.
            if kind is float:
                return compare(a, _as_double(b))
            return compare(_as_double(a), b) if other is float else compare(a, b)
        raise no_overload(name, a, b)

    return ordered


def _as_double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


less = _ordering("_<_", operator.lt)
less_equal = _ordering("_<=_", operator.le)
greater = _ordering("_>_", operator.gt)
greater_equal = _ordering("_>=_", operator.ge)


def as_int(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise Failure("integer overflow")


def as_uint(value: int) -> Uint:
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise Failure("unsigned integer overflow")


def add(budget: Budget, a: Any, b: Any) -> Any:
    kind, other = a.__class__, b.__class__
    if kind is other:
        if kind is int:
            return as_int(a + b)
        if kind is float:
            return a + b
        if kind is str or kind is bytes:
            charge_string(budget, len(a) + len(b))
            return a + b
        if kind is list:
            charge_list(budget, len(a) + len(b))
            return a + b
        if kind is Uint:
            return as_uint(int(a) + int(b))
        if kind is Duration:
            return Duration(a.ns + b.ns)
    elif (kind is Timestamp and other is Duration) or (kind is Duration and other is Timestamp):
        return Timestamp(a.ns + b.ns)
    raise no_overload("_+_", a, b)


def subtract(a: Any, b: Any) -> Any:
    kind, other = a.__class__, b.__class__
    if kind is other:
        if kind is int:
            return as_int(a - b)
        if kind is float:
            return a - b
        if kind is Uint:
            return as_uint(int(a) - int(b))
        if kind is Duration or kind is Timestamp:
            # The span between two instants must also fit the 64-bit nanoseconds of other implementations.
            return Duration(as_int(a.ns - b.ns) if kind is Timestamp else a.ns - b.ns)
    elif kind is Timestamp and other is Duration:
        return Timestamp(a.ns - b.ns)
    raise no_overload("_-_", a, b)


def multiply(a: Any, b: Any) -> Any:
    kind = a.__class__
    if kind is b.__class__:
        if kind is int:
            return as_int(a * b)
        if kind is float:
            return a * b
        if kind is Uint:
            return as_uint(int(a) * int(b))
    raise no_overload("_*_", a, b)


def divide(a: Any, b: Any) -> Any:
    kind = a.__class__
    if kind is not b.__class__ or kind not in NUMBERS:
        raise no_overload("_/_", a, b)
    if kind is float:
        return _divide_doubles(a, b)
    if b == 0:
        raise Failure("division by zero")
    if kind is Uint:
        return Uint(int(a) // int(b))
    quotient = abs(a) // abs(b)
    return as_int(quotient if (a < 0) == (b < 0) else -quotient)


def _divide_doubles(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    if a == 0.0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def modulo(a: Any, b: Any) -> Any:
    """The remainder, with the sign of the dividend."""
    kind = a.__class__
    if kind is not b.__class__ or (kind is not int and kind is not Uint):
        raise no_overload("_%_", a, b)
    if b == 0:
        raise Failure("modulus by zero")
    if kind is Uint:
        return Uint(int(a) % int(b))
    if b == -1:
        # The quotient that belongs to it would overflow; cel-go and cel-cpp refuse it.
        as_int(-a)
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def negate(a: Any) -> Any:
    if a.__class__ is int:
        return as_int(-a)
    if a.__class__ is float:
        return -a
    raise no_overload("-_", a)


def logical_not(a: Any) -> bool:
    if a is True:
        return False
    if a is False:
        return True
    raise no_overload("!_", a)


def contains_key(mapping: dict[Any, Any], key: Any) -> bool:
    """Whether a map has a key. To Python True is 1, to CEL it is not."""
    if key not in mapping:
        return False
    if key.__class__ is str:
        return True
    return any(k == key and (k.__class__ is bool) is (key.__class__ is bool) for k in mapping)


def contained(x: Any, collection: Any) -> bool:
    """`in`: an element of a list or a key of a map."""
    kind = collection.__class__
    if kind is list:
        if x.__class__ is str:
            return x in collection
        for y in collection:  # noqa: SIM110 (any() costs as much again)
            if equal(x, y):
                return True
        return False
    if kind is dict and (x.__class__ is str or x.__class__ is bool or x.__class__ in NUMBERS):
        return contains_key(collection, x)
    raise no_overload("@in", x, collection)
