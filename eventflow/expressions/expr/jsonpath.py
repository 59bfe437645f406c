"""JSONPath as Argo's `jsonpath()` function understands it (github.com/evilmonkeyinc/jsonpath v0.8).

A path of names and single indexes gives the value itself and fails where something is missing; wildcards, slices,
unions, filters and `..` give a list and leave out what is missing.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from eventflow.expressions.expr import jsonpath_filter
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import text

MAXIMUM_LENGTH = 4_096
_MAXIMUM_RESULTS = 1_000_000

Step = Callable[[Any, Any, Sequence["Step"]], Any]

_NAME = re.compile(r"[^.\[\]]+")
_INTEGER = re.compile(r"[+-]?\d+\Z")


def query(path: str, document: Any) -> Any:
    """Return what a path selects. Raises Fault for a bad path and for something missing on a plain path."""
    return _follow(document, document, compile_path(path))


@lru_cache(maxsize=512)
def compile_path(path: str) -> tuple[Step, ...]:
    """Return the steps of a path that starts with `$` or `@`. Raises Fault."""
    if len(path) > MAXIMUM_LENGTH:
        raise Fault(f"the JSONPath is longer than {MAXIMUM_LENGTH} characters")
    if path[:1] not in ("$", "@") or path[1:2] not in ("", ".", "["):
        raise Fault(f"invalid JSONPath selector '{path}': it must start with $")
    steps: list[Step] = []
    position = 1
    while position < len(path):
        step, position = _step(path, position)
        steps.append(step)
    return tuple(steps)


def _step(path: str, position: int) -> tuple[Step, int]:
    if path.startswith("..", position):
        position += 2
        if position < len(path) and path[position] not in ".[":
            return _recursive_name(path, position)
        return _recursive, position
    if path[position] == ".":
        position += 1
    if path[position : position + 1] == "[":
        end = _closing(path, position)
        return _bracket(path, path[position + 1 : end].strip()), end + 1
    match = _NAME.match(path, position)
    if match is None:
        raise Fault(f"invalid JSONPath selector '{path}' at {position}")
    return _named(match[0].strip()), match.end()


def _recursive_name(path: str, position: int) -> tuple[Step, int]:
    match = _NAME.match(path, position)
    if match is None:
        raise Fault(f"invalid JSONPath selector '{path}' at {position}")
    named = _named(match[0].strip())
    return lambda root, current, rest: _recursive(root, current, (named, *rest)), match.end()


def _closing(path: str, start: int) -> int:
    depth, quote = 0, ""
    for position in range(start, len(path)):
        character = path[position]
        if quote:
            if character == quote and path[position - 1] != "\\":
                quote = ""
        elif character in "'\"":
            quote = character
        elif character in "[(":
            depth += 1
        elif character in "])":
            depth -= 1
            if depth == 0:
                return position
    raise Fault(f"invalid JSONPath selector '{path}': [ is not closed")


def _named(name: str) -> Step:
    if name == "*":
        return _wildcard
    return _length if name == "length" else _key(name)


def _bracket(path: str, inner: str) -> Step:
    if inner == "*":
        return _wildcard
    if inner.startswith("?(") and inner.endswith(")"):
        return _filter(jsonpath_filter.compile_filter(inner[2:-1], compile_path))
    parts = _split(inner, ",")
    if len(parts) > 1:
        return _union([_operand(path, part) for part in parts])
    bounds = _split(inner, ":")
    if 1 < len(bounds) < 4:
        return _slice([_operand(path, bound) if bound else None for bound in bounds])
    return _single(_operand(path, inner))


def _split(inner: str, separator: str) -> list[str]:
    parts, depth, quote, start = [], 0, "", 0
    for position, character in enumerate(inner):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == separator and not depth:
            parts.append(inner[start:position].strip())
            start = position + 1
    return [*parts, inner[start:].strip()]


_Operand = str | int | jsonpath_filter.Evaluate


def _operand(path: str, part: str) -> _Operand:
    if _INTEGER.match(part):
        return int(part)
    if len(part) > 1 and part[0] in "'\"" and part[-1] == part[0]:
        return part[1:-1].replace("\\" + part[0], part[0])
    if part.startswith("(") and part.endswith(")"):
        return jsonpath_filter.compile_filter(part[1:-1], compile_path)
    raise Fault(f"invalid JSONPath selector '{path}' at [{part}]")


def _resolve(operand: _Operand, root: Any, current: Any) -> str | int:
    value = operand(root, current) if callable(operand) else operand
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return value
    raise Fault("a JSONPath script must give a name or a whole number")


def _follow(root: Any, value: Any, rest: Sequence[Step]) -> Any:
    return rest[0](root, value, rest[1:]) if rest else value


def _key(name: str) -> Step:
    def step(root: Any, current: Any, rest: Sequence[Step]) -> Any:
        if not isinstance(current, dict):
            raise Fault(f"key: invalid token target. expected [map] got [{text.kind_name(current)}]")
        if name not in current:
            raise Fault(f"key: invalid token key '{name}' not found")
        return _follow(root, current[name], rest)

    return step


def _index(position: int) -> Step:
    def step(root: Any, current: Any, rest: Sequence[Step]) -> Any:
        if not isinstance(current, list):
            raise Fault(f"index: invalid token target. expected [array slice] got [{text.kind_name(current)}]")
        if not -len(current) <= position < len(current):
            raise Fault("index: invalid token out of range")
        return _follow(root, current[position], rest)

    step.__name__ = "index"
    return step


def _is_index(step: Step) -> bool:
    return getattr(step, "__name__", "") == "index"


def _single(operand: _Operand) -> Step:
    if isinstance(operand, int):
        return _index(operand)
    if isinstance(operand, str):
        return _key(operand)

    def step(root: Any, current: Any, rest: Sequence[Step]) -> Any:
        return _single(_resolve(operand, root, current))(root, current, rest)

    return step


def _length(root: Any, current: Any, rest: Sequence[Step]) -> Any:
    if isinstance(current, dict) and "length" in current:
        return _follow(root, current["length"], rest)
    if isinstance(current, dict | list | str):
        return _follow(root, len(text.to_bytes(current)) if isinstance(current, str) else len(current), rest)
    raise Fault(f"length: invalid token target. got [{text.kind_name(current)}]")


def _elements(current: Any, what: str) -> list[Any]:
    if isinstance(current, list):
        return current
    if isinstance(current, dict):
        return [current[name] for name in sorted(current)]
    raise Fault(f"{what}: invalid token target. expected [array map slice] got [{text.kind_name(current)}]")


def _each(root: Any, elements: Sequence[Any], rest: Sequence[Step]) -> list[Any]:
    """Follow the rest from every element; what is missing or null is left out."""
    if not rest:
        return list(elements)
    results = []
    for element in elements:
        try:
            result = _follow(root, element, rest)
        except Fault:
            continue
        if result is not None:
            results.append(result)
    return results


def _collection(root: Any, elements: Sequence[Any], rest: Sequence[Step]) -> Any:
    """As `_each`, but an index picks from the collection itself."""
    if rest and _is_index(rest[0]):
        return rest[0](root, list(elements), rest[1:])
    return _each(root, elements, rest)


def _wildcard(root: Any, current: Any, rest: Sequence[Step]) -> Any:
    return _each(root, _elements(current, "wildcard"), rest)


def _filter(accepts: jsonpath_filter.Evaluate) -> Step:
    def step(root: Any, current: Any, rest: Sequence[Step]) -> Any:
        kept = [item for item in _elements(current, "filter") if jsonpath_filter.holds(accepts, root, item)]
        return _collection(root, kept, rest)

    return step


def _union(operands: Sequence[_Operand]) -> Step:
    def step(root: Any, current: Any, rest: Sequence[Step]) -> Any:
        chosen: list[Any] = [_resolve(operand, root, current) for operand in operands]
        if len({type(choice) for choice in chosen}) > 1:
            raise Fault("union: names and indexes cannot be mixed")
        if not isinstance(current, dict if isinstance(chosen[0], str) else list):
            raise Fault(f"union: invalid token target. got [{text.kind_name(current)}]")
        found = [current[choice] for choice in chosen if _present(current, choice)]
        return _collection(root, found, rest)

    return step


def _present(current: Any, choice: str | int) -> bool:
    if isinstance(choice, str):
        return choice in current
    return -len(current) <= choice < len(current)


def _slice(bounds: Sequence[_Operand | None]) -> Step:
    def step(root: Any, current: Any, rest: Sequence[Step]) -> Any:
        if not isinstance(current, list):
            raise Fault(f"range: invalid token target. expected [array slice] got [{text.kind_name(current)}]")
        first, last, stride = (_bound(bound, root, current) for bound in [*bounds, None][:3])
        if stride == 0:
            raise Fault("range: invalid token out of range")
        section = current[slice(first, last)]
        if isinstance(stride, int):
            section = section[::stride]
        return _collection(root, section, rest)

    return step


def _bound(operand: _Operand | None, root: Any, current: Any) -> int | None:
    value = None if operand is None else _resolve(operand, root, current)
    if isinstance(value, str):
        raise Fault("range: a bound must be a whole number")
    return value


def _recursive(root: Any, current: Any, rest: Sequence[Step]) -> list[Any]:
    results: list[Any] = []
    pending = [current]
    while pending:
        value = pending.pop()
        if value is None:
            continue
        try:
            found = _follow(root, value, rest)
        except Fault:
            found = None
        if isinstance(found, list):
            results += found
        elif found is not None:
            results.append(found)
        if len(results) > _MAXIMUM_RESULTS:
            raise Fault("the JSONPath selects too much")
        if isinstance(value, dict | list):
            pending += reversed(_elements(value, "recursive"))
    return results
