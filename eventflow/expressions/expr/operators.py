"""What the operators do (expr-lang v1.17 vm/runtime). All raise Fault when the operands do not fit."""

import math
from collections.abc import Callable
from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import MAXIMUM_STEPS, MAXIMUM_TEXT
from eventflow.expressions.expr.functions import OpenMap
from eventflow.expressions.golang import numbers, text
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.golang.structs import NilList


def is_number(value: object) -> bool:
    """Return whether a value is an int or a float to the operators: neither a boolean nor a month."""
    kind = type(value)
    return kind is int or kind is float or kind is numbers.Int64


def is_integer(value: object) -> bool:
    """Return whether a value is an integer to the operators."""
    kind = type(value)
    return kind is int or kind is numbers.Int64


def is_nil(value: object) -> bool:
    """Return whether a value is nil: nothing, or a list that was never made."""
    return value is None or isinstance(value, NilList)


def equal(left: Any, right: Any) -> bool:
    """`==`: numbers by value, lists element by element, everything else by type and value."""
    return _equal(left, right, [MAXIMUM_STEPS])


def deep_equal(left: Any, right: Any) -> bool:
    """reflect.DeepEqual: 1 and 1.0 differ."""
    return _deep_equal(left, right, [MAXIMUM_STEPS])


def _equal(left: Any, right: Any, steps: list[int]) -> bool:
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, str) or isinstance(right, str):
        return bool(left == right)
    if isinstance(left, list) and isinstance(right, list):
        _spend(steps)
        return len(left) == len(right) and all(_equal(*pair, steps) for pair in zip(left, right, strict=True))
    if isinstance(left, Time) and isinstance(right, Time):
        return left.nanoseconds == right.nanoseconds
    if left is None or right is None:
        return is_nil(left) and is_nil(right)
    return _deep_equal(left, right, steps)


def _deep_equal(left: Any, right: Any, steps: list[int]) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        _spend(steps)
        return len(left) == len(right) and all(_deep_equal(*pair, steps) for pair in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        _spend(steps)
        if isinstance(left, OpenMap) != isinstance(right, OpenMap) or left.keys() != right.keys():
            return False
        return all(_deep_equal(item, right[key], steps) for key, item in left.items())
    return type(left) is type(right) and bool(left == right)


def _spend(steps: list[int]) -> None:
    """Count lists and maps compared: a small value can repeat a part many times."""
    steps[0] -= 1
    if steps[0] < 0:
        raise Fault(f"the comparison takes more than {MAXIMUM_STEPS} steps")


def _mismatch(operator: str, left: object, right: object) -> Fault:
    return Fault(f"invalid operation: {text.type_name(left)} {operator} {text.type_name(right)}")


def add(left: Any, right: Any) -> Any:
    """`+`: numbers, texts, a time and a duration, two durations."""
    if isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MAXIMUM_TEXT:
            raise Fault(f"the text would be longer than {MAXIMUM_TEXT} characters")
        return left + right
    if is_number(left) and is_number(right):
        return _number(left + right)
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(numbers.wrap(left.nanoseconds + right.nanoseconds))
    if isinstance(left, Time) and isinstance(right, Duration):
        return left.add(right)
    if isinstance(left, Duration) and isinstance(right, Time):
        return right.add(left)
    raise _mismatch("+", left, right)


def subtract(left: Any, right: Any) -> Any:
    """`-`: numbers, times and durations."""
    if is_number(left) and is_number(right):
        return _number(left - right)
    if isinstance(left, Time) and isinstance(right, Time):
        return left.subtract(right)
    if isinstance(left, Time) and isinstance(right, Duration):
        return left.add(Duration(-right.nanoseconds))
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(numbers.wrap(left.nanoseconds - right.nanoseconds))
    raise _mismatch("-", left, right)


def multiply(left: Any, right: Any) -> Any:
    """`*`: numbers, and a duration by a number."""
    if is_number(left) and is_number(right):
        return _number(left * right)
    if isinstance(left, Duration) or isinstance(right, Duration):
        factors = [item.nanoseconds if isinstance(item, Duration) else item for item in (left, right)]
        if all(map(is_number, factors)):
            product = factors[0] * factors[1]
            return Duration(numbers.truncate(product) if isinstance(product, float) else numbers.wrap(product))
    raise _mismatch("*", left, right)


def divide(left: Any, right: Any) -> float:
    """`/`: always a float; by zero an infinity or NaN."""
    if not (is_number(left) and is_number(right)):
        raise _mismatch("/", left, right)
    if right == 0:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)
    return float(left) / float(right)


def modulo(left: Any, right: Any) -> int:
    """`%`: integers only; the sign is the left operand's."""
    if not (is_integer(left) and is_integer(right)):
        raise _mismatch("%", left, right)
    if right == 0:
        raise Fault("integer divide by zero")
    rest = int(abs(left) % abs(right))
    return -rest if left < 0 else rest


def power(left: Any, right: Any) -> float:
    """`**` and `^`: always a float."""
    if not (is_number(left) and is_number(right)):
        raise _mismatch("**", left, right)
    try:
        result = float(left) ** float(right)
    except ZeroDivisionError:
        return math.inf
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    return math.nan if isinstance(result, complex) else float(result)


def _number(value: int | float) -> int | float:
    return value if isinstance(value, float) else numbers.wrap(value)


def negate(value: Any) -> Any:
    """`-` before a value."""
    if is_number(value):
        return _number(-value)
    raise Fault(f"invalid operation: - {text.type_name(value)}")


def logical(value: Any) -> bool:
    """Return a boolean as it is. Raises Fault for anything else: nothing is truthy."""
    if value is True or value is False:
        return bool(value)
    raise Fault(f"expected a boolean, not {text.type_name(value)}")


def _ordered(operator: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def check(left: Any, right: Any) -> bool:
        if is_number(left) and is_number(right):
            return compare(left, right)
        if isinstance(left, str) and isinstance(right, str):
            return compare(text.to_bytes(left), text.to_bytes(right))
        if isinstance(left, Duration) and isinstance(right, Duration):
            return compare(left.nanoseconds, right.nanoseconds)
        if isinstance(left, Time) and isinstance(right, Time):
            return compare(left.nanoseconds, right.nanoseconds)
        raise _mismatch(operator, left, right)

    return check


less = _ordered("<", lambda left, right: left < right)
more = _ordered(">", lambda left, right: left > right)
less_or_equal = _ordered("<=", lambda left, right: left <= right)
more_or_equal = _ordered(">=", lambda left, right: left >= right)


def contained(needle: Any, holder: Any) -> bool:
    """`in`: an element of a list or a key of a map."""
    if holder is None:
        return False
    if isinstance(holder, list):
        return any(equal(item, needle) for item in holder)
    if isinstance(holder, dict):
        return isinstance(needle, str) and needle in holder
    raise Fault(f'operator "in" not defined on {text.type_name(holder)}')


def to_integer(value: Any) -> int:
    """Return a number as an index. Raises Fault."""
    if not is_number(value):
        raise Fault(f"invalid operation: int({text.type_name(value)})")
    return numbers.truncate(value) if isinstance(value, float) else int(value)


def cut(holder: Any, start: Any, stop: Any) -> Any:
    """`holder[start:stop]` of a list, or of a text by its UTF-8 bytes."""
    if isinstance(holder, str):
        data = text.to_bytes(holder)
        return text.from_bytes(data[slice(*_bounds(len(data), start, stop))])
    if isinstance(holder, list | bytes):
        return holder[slice(*_bounds(len(holder), start, stop))]
    raise Fault(f"cannot slice {text.type_name(holder)}")


def _bounds(length: int, start: Any, stop: Any) -> tuple[int, int]:
    first = 0 if start is None else to_integer(start)
    last = length if stop is None else to_integer(stop)
    first = max(0, first + length if first < 0 else first)
    last = min(length, max(0, last + length if last < 0 else last))
    return min(first, last), last
