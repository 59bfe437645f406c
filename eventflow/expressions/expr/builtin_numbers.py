"""Builtins over numbers and types (expr-lang v1.17 builtin)."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from eventflow.expressions.expr import kinds, operators
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.functions import Function, counted, overloads
from eventflow.expressions.expr.kinds import ANY, BOOL, FLOAT, INT, STRING, Kind
from eventflow.expressions.golang import numbers, text


def to_int(value: Any) -> int:
    """`int(value)`: floats are cut off, texts must be plain decimal digits. Raises Fault."""
    if operators.is_number(value):
        return numbers.truncate(value) if isinstance(value, float) else int(value)
    if isinstance(value, text.Month | text.Weekday):
        return int(value)
    if isinstance(value, str):
        try:
            return numbers.parse_int(value)
        except ValueError as error:
            raise Fault(f"invalid operation: int({value})") from error
    if hasattr(value, "nanoseconds") and not hasattr(value, "zone"):
        return int(value.nanoseconds)
    raise Fault(f"invalid operation: int({text.type_name(value)})")


def to_float(value: Any) -> float:
    """`float(value)`. Raises Fault."""
    if operators.is_number(value):
        return float(value)
    if isinstance(value, str):
        try:
            return numbers.parse_float(value)
        except ValueError as error:
            raise Fault(f"invalid operation: float({value})") from error
    raise Fault(f"invalid operation: float({text.type_name(value)})")


def away_from_zero(value: float) -> float:
    """math.Round: halves away from zero."""
    if not math.isfinite(value):
        return value
    whole = math.trunc(value)
    return math.copysign(abs(whole) + (abs(value - whole) >= 0.5), value)


def _need_number(name: str, value: Any) -> Any:
    if operators.is_number(value):
        return value
    raise Fault(f"invalid argument for {name} (type {text.type_name(value)})")


def _whole(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: math.copysign(float(function(value)), value) if math.isfinite(value) else value


_ROUNDING: dict[str, Callable[[float], float]] = {
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "round": away_from_zero,
}


def _flat(frame: Frame, name: str, values: Sequence[Any]) -> list[Any]:
    frame.spend(len(values))
    result: list[Any] = []
    for value in values:
        if isinstance(value, list):
            result += _flat(frame, name, value)
        else:
            result.append(_need_number(name, value))
    return result


def _extreme(name: str, better: Callable[[Any, Any], bool]) -> Callable[[Any, Sequence[Any]], Any]:
    def run(frame: Frame, values: Sequence[Any]) -> Any:
        if len(values) == 1 and not isinstance(values[0], list):
            return values[0]
        best: Any = None
        for value in _flat(frame, name, values):
            if best is None or better(value, best):
                best = value
        return best

    return run


def _mean(frame: Frame, values: Sequence[Any]) -> float:
    found = _flat(frame, "mean", values)
    return sum(map(float, found)) / len(found) if found else 0.0


def _median(frame: Frame, values: Sequence[Any]) -> float:
    found = sorted(map(float, _flat(frame, "median", values)))
    if not found:
        return 0.0
    middle = len(found) // 2
    return found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2


def _numeric(name: str, result: Kind | None) -> Callable[[Sequence[Kind]], Kind]:
    def check(given: Sequence[Kind]) -> Kind:
        if len(given) != 1:
            raise Fault(f"invalid number of arguments for {name} (expected 1, got {len(given)})")
        if given[0] not in (INT, FLOAT, ANY):
            raise Fault(f"invalid argument for {name} (type {given[0]})")
        return given[0] if result is None else result

    return check


def _conversion(name: str, result: Kind) -> Callable[[Sequence[Kind]], Kind]:
    def check(given: Sequence[Kind]) -> Kind:
        if len(given) != 1:
            raise Fault(f"invalid number of arguments for {name} (expected 1, got {len(given)})")
        if given[0] in (kinds.NIL, BOOL, kinds.MAP, kinds.TIME) or kinds.is_array(given[0]):
            raise Fault(f"invalid argument for {name} (type {given[0]})")
        return result

    return check


def _aggregate(name: str) -> Callable[[Sequence[Kind]], Kind]:
    def check(given: Sequence[Kind]) -> Kind:
        if not given:
            raise Fault(f"not enough arguments to call {name}")
        for kind in given:
            if kind == ANY or kinds.is_array(kind):
                return ANY
            if not kinds.is_number(kind):
                raise Fault(f"invalid argument for {name} (type {kind})")
        return given[0]

    return check


def _type(_: Any, arguments: Sequence[Any]) -> str:
    value = arguments[0]
    if value is None:
        return "nil"
    name = text.type_name(value)
    if name.startswith("time."):
        return name
    kind = text.kind_name(value)
    return {"float64": "float", "slice": "array", "int64": "int", "ptr": "unknown"}.get(kind, kind)


def _bits(name: str, run: Callable[[int, int], int]) -> Function:
    def call(_: Any, arguments: Sequence[Any]) -> int:
        for value in arguments:
            if not operators.is_integer(value):
                raise Fault(f"cannot use {text.type_name(value)} as argument (type int) to call {name}")
        return numbers.wrap(run(arguments[0], arguments[1]))

    return Function(name, call, overloads(name, ((INT, INT), INT)))


def _shift(run: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def call(value: int, count: int) -> int:
        if count < 0:
            raise Fault(f"invalid operation: negative shift count {count} (type int)")
        return run(value, min(count, 64))

    return call


def _bitnot(_: Any, arguments: Sequence[Any]) -> int:
    if not operators.is_integer(arguments[0]):
        raise Fault(f"cannot use {text.type_name(arguments[0])} as argument (type int) to call bitnot")
    return ~int(arguments[0])


def _absolute(_: Any, arguments: Sequence[Any]) -> Any:
    value = _need_number("abs", arguments[0])
    return operators.negate(value) if value < 0 else value


def _rounding(name: str) -> Function:
    run = _ROUNDING[name]
    return Function(name, lambda _, values: run(float(_need_number(name, values[0]))), _numeric(name, FLOAT))


FUNCTIONS = (
    Function("type", _type, counted("type", 1, 1, STRING)),
    Function("string", lambda _, values: text.format_value(values[0]), counted("string", 1, 1, STRING)),
    Function("int", lambda _, values: to_int(values[0]), _conversion("int", INT)),
    Function("float", lambda _, values: to_float(values[0]), _conversion("float", FLOAT)),
    Function("abs", _absolute, _numeric("abs", None)),
    _rounding("ceil"),
    _rounding("floor"),
    _rounding("round"),
    Function("max", _extreme("max", operators.more), _aggregate("max")),
    Function("min", _extreme("min", operators.less), _aggregate("min")),
    Function("mean", _mean, _aggregate("mean")),
    Function("median", _median, _aggregate("median")),
    _bits("bitand", lambda x, y: x & y),
    _bits("bitor", lambda x, y: x | y),
    _bits("bitxor", lambda x, y: x ^ y),
    _bits("bitnand", lambda x, y: x & ~y),
    _bits("bitshl", _shift(lambda x, y: x << y)),
    _bits("bitshr", _shift(lambda x, y: x >> y)),
    _bits("bitushr", _shift(lambda x, y: (x % 2**64) >> y)),
    Function("bitnot", _bitnot, overloads("bitnot", ((INT,), INT))),
)
