"""Tokens into nested evaluations (govaluate stagePlanner.go, evaluationStage.go)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.expressions.expr import patterns
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import numbers, text
from eventflow.expressions.govaluate.errors import GovaluateError, GovaluateSyntaxError
from eventflow.expressions.govaluate.tokens import Kind, Token

Run = Callable[[Mapping[str, Any]], Any]

MAXIMUM_DEPTH = 50

# From the loosest to the tightest; all associate to the left.
_LEVELS: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (Kind.SEPARATOR, (",",)),
    (Kind.TERNARY, ("?", ":", "??")),
    (Kind.LOGICAL, ("||",)),
    (Kind.LOGICAL, ("&&",)),
    (Kind.COMPARATOR, ("==", "!=", ">", ">=", "<", "<=", "=~", "!~", "in")),
    (Kind.MODIFIER, ("^", "&", "|")),
    (Kind.MODIFIER, (">>", "<<")),
    (Kind.MODIFIER, ("+", "-")),
    (Kind.MODIFIER, ("*", "/", "%")),
    (Kind.MODIFIER, ("**",)),
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression compiled ahead."""

    source: str


def plan(tokens: Sequence[Token]) -> Run:
    """Return what evaluates checked tokens. What follows a complete expression is ignored, as govaluate does."""
    return _Planner(tokens).level(0)


class _Planner:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._index = 0
        self._depth = 0

    def _peek(self) -> Token | None:
        return self._tokens[self._index] if self._index < len(self._tokens) else None

    def level(self, level: int) -> Run:
        if level == len(_LEVELS):
            return self._value()
        kind, symbols = _LEVELS[level]
        left = self.level(level + 1)
        while (token := self._peek()) is not None and token.kind is kind and token.value in symbols:
            self._index += 1
            left = _OPERATORS[token.value](token.value, left, self.level(level + 1))
        return left

    def _value(self) -> Run:
        token = self._peek()
        if token is None or token.kind is Kind.CLOSE:
            return lambda _: None
        self._index += 1
        if token.kind is Kind.OPEN:
            return self._clause()
        if token.kind is Kind.PREFIX:
            operand = self._value()
            return lambda parameters: _prefix(token.value, operand(parameters))
        if token.kind is Kind.VARIABLE:
            return _variable(token.value)
        if token.kind is Kind.ACCESSOR:
            return _accessor(token.value)
        if token.kind in (Kind.NUMERIC, Kind.STRING, Kind.BOOLEAN, Kind.TIME, Kind.PATTERN):
            value = token.value
            return lambda _: value
        raise GovaluateSyntaxError(f"Unable to plan {token.kind.value} [{token.value}]")

    def _clause(self) -> Run:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise GovaluateSyntaxError(f"more than {MAXIMUM_DEPTH} parentheses inside one another")
        inner = self.level(0)
        self._depth -= 1
        self._index += 1
        return inner


def _variable(name: str) -> Run:
    def run(parameters: Mapping[str, Any]) -> Any:
        if name not in parameters:
            raise GovaluateError(f"No parameter '{name}' found.")
        return plain(parameters[name])

    return run


def _accessor(parts: tuple[str, ...]) -> Run:
    def run(parameters: Mapping[str, Any]) -> Any:
        if parts[0] not in parameters:
            raise GovaluateError(f"No parameter '{parts[0]}' found.", hint="put texts with dots in quotes")
        raise GovaluateError(f"Unable to access '{parts[1]}', '{parts[0]}' is not a struct")

    return run


def plain(value: Any) -> Any:
    """Return a parameter as govaluate sees it: every number a float."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _fail(value: Any, what: str) -> GovaluateError:
    return GovaluateError(f"Value '{text.format_value(value)}' cannot be used with {what}")


def _need(value: Any, kind: type, what: str) -> Any:
    if type(value) is not kind:
        raise _fail(value, what)
    return value


def _prefix(symbol: str, value: Any) -> Any:
    what = f"the prefix '{symbol}', it is not a {'bool' if symbol == '!' else 'number'}"
    if symbol == "!":
        return not _need(value, bool, what)
    number = _need(value, float, what)
    return -number if symbol == "-" else float(~numbers.truncate(number))


def _two(operate: Callable[[str, Any, Any], Any]) -> Callable[[str, Run, Run], Run]:
    def build(symbol: str, left: Run, right: Run) -> Run:
        return lambda parameters: operate(symbol, left(parameters), right(parameters))

    return build


def _and(symbol: str, left: Run, right: Run) -> Run:
    return _logical(symbol, left, right, decisive=False)


def _or(symbol: str, left: Run, right: Run) -> Run:
    return _logical(symbol, left, right, decisive=True)


def _logical(symbol: str, left: Run, right: Run, *, decisive: bool) -> Run:
    what = f"the logical operator '{symbol}', it is not a bool"

    def run(parameters: Mapping[str, Any]) -> bool:
        first = left(parameters)
        if first is decisive:
            return bool(first)
        second = right(parameters)
        _need(first, bool, what)
        return bool(_need(second, bool, what))

    return run


def _if(symbol: str, left: Run, right: Run) -> Run:
    def run(parameters: Mapping[str, Any]) -> Any:
        condition = left(parameters)
        chosen = right(parameters) if condition is not False else None
        _need(condition, bool, f"the ternary operator '{symbol}', it is not a bool")
        return chosen

    return run


def _else(_: str, left: Run, right: Run) -> Run:
    return lambda parameters: right(parameters) if (first := left(parameters)) is None else first


def _equal(left: Any, right: Any) -> bool:
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)


def _compare(symbol: str, left: Any, right: Any) -> bool:
    if type(left) is float and type(right) is float:
        return _ORDER[symbol](left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _ORDER[symbol](text.to_bytes(left), text.to_bytes(right))
    raise _fail(left, f"the comparator '{symbol}', it is not a number or a text like the other side")


def _match(symbol: str, left: Any, right: Any) -> bool:
    what = f"the comparator '{symbol}', it is not a string"
    subject: str = _need(left, str, what)
    pattern = right.source if isinstance(right, Pattern) else _need(right, str, what)
    try:
        found = patterns.found_in(pattern, subject)
    except Fault as fault:
        raise GovaluateError(f"Unable to compile regexp pattern '{pattern}': {fault}") from fault
    return bool(found == (symbol == "=~"))


def _in(symbol: str, left: Any, right: Any) -> bool:
    items = _need(right, list, f"the comparator '{symbol}', it is not a list")
    if isinstance(left, list):
        raise _fail(left, f"the comparator '{symbol}': it is a list itself")
    return any(_equal(left, item) for item in items)


def _add(symbol: str, left: Any, right: Any) -> Any:
    if isinstance(left, str) or isinstance(right, str):
        return text.format_value(left) + text.format_value(right)
    return _arithmetic(symbol, left, right)


def _arithmetic(symbol: str, left: Any, right: Any) -> float:
    what = f"the modifier '{symbol}', it is not a number"
    return _ARITHMETIC[symbol](_need(left, float, what), _need(right, float, what))


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1.0, right)


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan if left else math.inf


def _bits(operate: Callable[[int, int], int]) -> Callable[[float, float], float]:
    return lambda left, right: float(numbers.wrap(operate(numbers.truncate(left), numbers.truncate(right))))


def _shift(operate: Callable[[int, int], int]) -> Callable[[float, float], float]:
    """Unsigned 64-bit shifts."""

    def run(left: float, right: float) -> float:
        value, count = numbers.truncate(left) % 2**64, numbers.truncate(right) % 2**64
        return float(operate(value, min(count, 64)) % 2**64)

    return run


def _separate(_: str, left: Any, right: Any) -> list[Any]:
    return [*left, right] if isinstance(left, list) else [left, right]


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
}
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
    "%": lambda left, right: math.fmod(left, right) if right and math.isfinite(left) else math.nan,
    "**": _power,
    "&": _bits(lambda left, right: left & right),
    "|": _bits(lambda left, right: left | right),
    "^": _bits(lambda left, right: left ^ right),
    "<<": _shift(lambda left, right: left << right),
    ">>": _shift(lambda left, right: left >> right),
}
_OPERATORS: dict[str, Callable[[str, Run, Run], Run]] = {
    ",": _two(_separate),
    "?": _if,
    ":": _else,
    "??": _else,
    "||": _or,
    "&&": _and,
    "==": _two(lambda _, left, right: _equal(left, right)),
    "!=": _two(lambda _, left, right: not _equal(left, right)),
    "=~": _two(_match),
    "!~": _two(_match),
    "in": _two(_in),
    "+": _two(_add),
    **dict.fromkeys(_ORDER, _two(_compare)),
    **dict.fromkeys(filter("+".__ne__, _ARITHMETIC), _two(_arithmetic)),
}
