"""The comparisons of GJSON queries, and its `*`/`?` patterns."""

import operator
from collections.abc import Callable
from typing import Any

from eventflow.expressions.gjson.result import Result, parse_float
from eventflow.expressions.gjson.syntax import Query

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def like(text: str, pattern: str) -> bool:
    """Whether the whole text fits a pattern where `*` is any run of characters and `?` any one. Never exponential."""
    at = wanted = 0
    star, mark = -1, 0
    while at < len(text):
        if wanted < len(pattern) and pattern[wanted] == "*":
            star, mark = wanted, at
            wanted += 1
        elif wanted < len(pattern) and pattern[wanted] in ("?", text[at]):
            at, wanted = at + 1, wanted + 1
        elif star >= 0:
            mark += 1
            at, wanted = mark, star + 1
        else:
            return False
    return pattern[wanted:].strip("*") == ""


def holds(query: Query, tested: Result) -> bool:
    """Whether a query's comparison holds for the value its path led to. Lists and objects never compare."""
    wanted = query.value
    if wanted[:1] == "~":
        tested, wanted = Result(_ish(wanted[1:], tested)), "true"
    if not tested.exists:
        return False
    if not query.operator:
        return True
    return _compare(query.operator, tested.value, wanted)


def _compare(symbol: str, value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return _compare_truth(symbol, value, wanted)
    if isinstance(value, str):
        if symbol in ("%", "!%"):
            return like(value, wanted) == (symbol == "%")
        return symbol in _ORDER and _ORDER[symbol](value, wanted)
    if isinstance(value, int | float):
        return symbol in _ORDER and _ORDER[symbol](float(value), parse_float(wanted) or 0.0)
    return False


def _compare_truth(symbol: str, value: bool, wanted: str) -> bool:
    """Compare with the words true and false, false being the lesser; other words are only ever unequal."""
    word = "true" if value else "false"
    if symbol == "=":
        return wanted == word
    if symbol == "!=":
        return wanted != word
    other = "false" if value else "true"
    beyond, reaching = (">", ">=") if value else ("<", "<=")
    return symbol == reaching or (symbol == beyond and wanted == other)


def _ish(word: str, tested: Result) -> Any:
    value = tested.value if tested.exists else None
    truthy = {"1": True, "t": True, "true": True, "0": False, "f": False, "false": False}
    read = truthy.get(value.lower()) if isinstance(value, str) else None
    if isinstance(value, bool | int | float):
        read = bool(value)
    match word:
        case "*":
            return tested.exists
        case "null":
            return value is None
        case "true":
            return read is True
        case "false":
            return read is False or value is None
    return False
