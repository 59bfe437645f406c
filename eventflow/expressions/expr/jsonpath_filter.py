"""The expressions inside JSONPath filters `[?(@.age > 29 && @.name == 'ann')]` and scripts `[(@.length-1)]`."""

import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from eventflow.expressions.expr import patterns
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import json_text, numbers, text

Evaluate = Callable[[Any, Any], Any]
_Compile = Callable[[str], Sequence[Callable[[Any, Any, Sequence[Any]], Any]]]

_MAXIMUM_DEPTH = 32
_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>\|\||&&|==|!=|<=|>=|=~|\*\*|[<>!+\-*/%()])
    |(?P<word_operator>not\s+in\b|in\b)
    |(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<path>[@$](?:\.\.?[\w*]+|\.?\[(?:[^\[\]'"]|'[^']*'|"[^"]*")*\])*)
    |(?P<list>\[[^\]]*\])
    |(?P<word>[A-Za-z_]\w*))""",
    re.VERBOSE,
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<=", ">=", "<", ">", "=~", "in", "not in"),
    ("+", "-"),
    ("*", "/", "%"),
    ("**",),
)


def compile_filter(source: str, compile_path: _Compile) -> Evaluate:
    """Return a function of (root, current element). Raises Fault for a text that is no expression."""
    parser = _Parser(source, compile_path)
    result = parser.level(0, 0)
    if parser.tokens[parser.index][0]:
        raise Fault(f"invalid JSONPath expression '{source}'")
    return result


def holds(accepts: Evaluate, root: Any, current: Any) -> bool:
    """Return whether an element passes a filter; an error means that it does not."""
    try:
        value = accepts(root, current)
    except Fault:
        return False
    return bool(value)


class _Parser:
    def __init__(self, source: str, compile_path: _Compile) -> None:
        self.tokens: list[tuple[str, str]] = []
        self.index = 0
        self._compile_path = compile_path
        self._source = source
        position = 0
        while source[position:].strip():
            match = _TOKEN.match(source, position)
            if match is None:
                raise Fault(f"invalid JSONPath expression '{source}'")
            group = match.lastgroup or ""
            word = " ".join(match[group].split()) if group == "word_operator" else match[group]
            self.tokens.append(("operator" if group == "word_operator" else group, word))
            position = match.end()
        self.tokens.append(("", ""))

    def level(self, level: int, depth: int) -> Evaluate:
        if depth > _MAXIMUM_DEPTH:
            raise Fault("the JSONPath expression is nested too deep")
        if level == len(_LEVELS):
            return self._primary(depth)
        left = self.level(level + 1, depth)
        while self._at(*_LEVELS[level]):
            operator = self._take()
            left = _binary(_OPERATORS[operator], left, self.level(level + 1, depth))
        return left

    def _at(self, *operators: str) -> bool:
        kind, value = self.tokens[self.index]
        return kind == "operator" and value in operators

    def _take(self) -> str:
        self.index += 1
        return self.tokens[self.index - 1][1]

    def _primary(self, depth: int) -> Evaluate:
        kind, value = self.tokens[self.index]
        if self._at("!"):
            self._take()
            inner = self._primary(depth + 1)
            return lambda root, current: not inner(root, current)
        if self._at("-"):
            self._take()
            inner = self._primary(depth + 1)
            return lambda root, current: -_number(inner(root, current))
        if self._at("("):
            self._take()
            inner = self.level(0, depth + 1)
            if not self._at(")"):
                raise Fault(f"invalid JSONPath expression '{self._source}'")
            self._take()
            return inner
        if kind in ("", "operator"):
            raise Fault(f"invalid JSONPath expression '{self._source}'")
        self._take()
        return self._path(value) if kind == "path" else _literal(kind, value)

    def _path(self, path: str) -> Evaluate:
        steps = self._compile_path(path)

        def evaluate(root: Any, current: Any) -> Any:
            start = root if path[0] == "$" else current
            return steps[0](root, start, steps[1:]) if steps else start

        return evaluate


def _literal(kind: str, source: str) -> Evaluate:
    value: Any = source
    if kind == "text":
        value = re.sub(r"\\(.)", r"\1", source[1:-1])
    elif kind == "number":
        value = float(source)
    elif kind == "list":
        value = _list(source)
    elif source in _WORDS:
        value = _WORDS[source]
    return lambda _root, _current: value


_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "nil": None}


def _list(source: str) -> Any:
    try:
        return json_text.decode(source.replace("'", '"'))
    except (ValueError, json.JSONDecodeError) as error:
        raise Fault(f"invalid list {source} in a JSONPath expression") from error


def _binary(operate: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda root, current: operate(left(root, current), right(root, current))


def _number(value: Any) -> float:
    if isinstance(value, bool) or value is None:
        raise Fault("expected a number")
    if isinstance(value, int | float):
        return float(value)
    try:
        return numbers.parse_float(str(value))
    except ValueError as error:
        raise Fault("expected a number") from error


def _equal(left: Any, right: Any) -> bool:
    try:
        return _number(left) == _number(right)
    except Fault:
        return text.format_value(left) == text.format_value(right)


def _matches(left: Any, right: Any) -> bool:
    pattern = str(right)
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "/":
        pattern = pattern[1:-1]
    return patterns.found_in(pattern, str(left))


def _contains(left: Any, right: Any) -> bool:
    if not isinstance(right, list | dict):
        raise Fault("expected a list")
    return any(_equal(left, item) for item in (right.values() if isinstance(right, dict) else right))


def _divide(left: Any, right: Any) -> float:
    if _number(right) == 0:
        raise Fault("division by zero")
    return _number(left) / _number(right)


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return _number(left) + _number(right)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "||": lambda left, right: bool(left) or bool(right),
    "&&": lambda left, right: bool(left) and bool(right),
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<=": lambda left, right: _number(left) <= _number(right),
    ">=": lambda left, right: _number(left) >= _number(right),
    "<": lambda left, right: _number(left) < _number(right),
    ">": lambda left, right: _number(left) > _number(right),
    "=~": _matches,
    "in": _contains,
    "not in": lambda left, right: not _contains(left, right),
    "+": _add,
    "-": lambda left, right: _number(left) - _number(right),
    "*": lambda left, right: _number(left) * _number(right),
    "/": _divide,
    "%": lambda left, right: math.fmod(_number(left), _number(right)) if _number(right) else 0.0,
    "**": lambda left, right: math.pow(min(abs(_number(left)), 1e6), min(_number(right), 32.0)),
}
