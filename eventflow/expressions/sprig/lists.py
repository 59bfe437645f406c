"""Functions of lists."""

from collections.abc import Callable
from typing import Any

from eventflow.expressions.expr import operators
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.functions import Function
from eventflow.expressions.golang import text
from eventflow.expressions.golang.structs import NilList
from eventflow.expressions.sprig.numerics import to_integer
from eventflow.expressions.sprig.signatures import define, is_empty, need_list, show, show_all


def _has(needle: Any, items: Any) -> bool:
    return items is not None and _among(needle, need_list("find has", items))


def _among(needle: Any, items: list[Any] | tuple[Any, ...]) -> bool:
    return any(operators.deep_equal(needle, item) for item in items)


def _uniq(frame: Frame, value: Any) -> list[Any]:
    result: list[Any] = []
    for item in need_list("find uniq", value):
        frame.spend(len(result) + 1)
        if not _among(item, result):
            result.append(item)
    return result


def _slice(value: Any, *bounds: Any) -> Any:
    items = need_list("slice", value)
    if not items:
        return None
    start = to_integer(bounds[0]) if bounds else 0
    end = to_integer(bounds[1]) if len(bounds) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise Fault(f"slice index out of bounds [{start}:{end}] with length {len(items)}")
    return items[start:end]


def _chunk(size: int, value: Any) -> list[Any]:
    items = need_list("chunk", value)
    if size <= 0:
        raise Fault(f"chunks of {size} elements")
    return [items[start : start + size] for start in range(0, len(items), size)]


def _concat(frame: Frame, *values: Any) -> list[Any]:
    result: list[Any] = []
    for value in values:
        result += need_list("concat", value)
    frame.spend(len(result))
    return result or NilList()


def _edge(verb: str, index: int) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        items = need_list(verb, value)
        return items[index] if items else None

    return run


def _part(verb: str, part: slice) -> Callable[[Any], Any]:
    def run(value: Any) -> Any:
        items = need_list(verb, value)
        return items[part] if items else NilList()

    return run


def _sorted_texts(value: Any) -> list[str]:
    return sorted(show_all(value), key=text.to_bytes) if isinstance(value, list) else [show(value)]


def _compact(value: Any) -> list[Any]:
    return [item for item in need_list("compact", value) if not is_empty(item)]


def _without(value: Any, *left_out: Any) -> list[Any]:
    return [item for item in need_list("find without", value) if not _among(item, left_out)]


def _both(name: str, parameters: str, run: Callable[..., Any], *, framed: bool = False) -> tuple[Function, Function]:
    """Return a function and its twin with `must` before the name, which in expressions does the same."""
    must = f"must{name[0].upper()}{name[1:]}"
    return define(name, parameters, run, framed=framed), define(must, parameters, run, framed=framed)


def _push(value: Any, item: Any) -> list[Any]:
    return [*need_list("push", value), item]


FUNCTIONS = (
    define("list", "a*", lambda *values: list(values)),
    define("tuple", "a*", lambda *values: list(values)),
    define("sortAlpha", "a", _sorted_texts),
    define("concat", "a*", _concat, framed=True),
    *_both("append", "aa", _push),
    *_both("push", "aa", _push),
    *_both("prepend", "aa", lambda value, item: [item, *need_list("prepend", value)]),
    *_both("first", "a", _edge("find first", 0)),
    *_both("last", "a", _edge("find last", -1)),
    *_both("rest", "a", _part("find rest", slice(1, None))),
    *_both("initial", "a", _part("find initial", slice(None, -1))),
    *_both("reverse", "a", lambda value: need_list("find reverse", value)[::-1]),
    *_both("compact", "a", _compact),
    *_both("uniq", "a", _uniq, framed=True),
    *_both("without", "aa*", _without),
    *_both("has", "aa", _has),
    *_both("slice", "aa*", _slice),
    *_both("chunk", "ia", _chunk),
)
