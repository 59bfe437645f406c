"""Builtins over lists and maps (expr-lang v1.17 builtin)."""

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any

from eventflow.expressions.expr import kinds, members, operators
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.functions import Function, OpenMap, overloads
from eventflow.expressions.expr.kinds import ANY, ARRAY, INT, MAP, STRING, Kind
from eventflow.expressions.golang import text
from eventflow.expressions.golang.structs import NilList

_Check = Callable[[Sequence[Kind]], Kind]

_MAPS = (MAP, kinds.OPEN_MAP)


def ordered(items: Sequence[Any], keys: Sequence[Any], order: object) -> list[Any]:
    """Return items sorted by their keys, "asc" or "desc", equal ones in place. Raises Fault for mixed types."""
    if not isinstance(order, str):
        raise Fault(f"sort order argument must be a string (got {text.type_name(order)})")
    if order not in ("asc", "desc"):
        raise Fault(f"invalid order {order}, expected asc or desc")

    def compare(left: tuple[Any, Any], right: tuple[Any, Any]) -> int:
        if operators.less(left[0], right[0]):
            return -1
        return 1 if operators.less(right[0], left[0]) else 0

    pairs = sorted(zip(keys, items, strict=True), key=cmp_to_key(compare), reverse=order == "desc")
    return [item for _, item in pairs]


def need_list(name: str, value: Any) -> list[Any]:
    """Return a list as it is. Raises Fault."""
    if isinstance(value, list):
        return value
    raise Fault(f"cannot {name} {text.kind_name(value)}")


def _need_map(action: str, value: Any) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    raise Fault(f"cannot {action} {text.kind_name(value)}")


def _length(_: Frame, arguments: Sequence[Any]) -> int:
    value = arguments[0]
    if isinstance(value, str | list | dict | bytes):
        return len(value)
    raise Fault(f"invalid argument for len (type {text.type_name(value)})")


def _edge(index: int) -> Callable[[Frame, Sequence[Any]], Any]:
    def run(_: Frame, arguments: Sequence[Any]) -> Any:
        try:
            return members.fetch(arguments[0], index)
        except Fault:
            return None

    return run


def _take(_: Frame, arguments: Sequence[Any]) -> list[Any]:
    items, count = need_list("take from", arguments[0]), arguments[1]
    if not operators.is_integer(count):
        raise Fault(f"cannot take {text.kind_name(count)} elements")
    if count < 0:
        raise Fault("slice index out of bounds")
    return items[:count]


def _keys(_: Frame, arguments: Sequence[Any]) -> list[Any]:
    return [key for key, _ in sorted_items(_need_map("get keys from", arguments[0]))]


def _values(_: Frame, arguments: Sequence[Any]) -> list[Any]:
    return [item for _, item in sorted_items(_need_map("get values from", arguments[0]))]


def _to_pairs(_: Frame, arguments: Sequence[Any]) -> list[Any]:
    return [[key, value] for key, value in sorted_items(_need_map("get pairs from", arguments[0]))]


def sorted_items(holder: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """Return a map's items in the order of their keys: Go's own order is random, ours must repeat."""
    return sorted(holder.items(), key=lambda item: (str(type(item[0])), item[0] is not None and item[0]))


def _from_pairs(_: Frame, arguments: Sequence[Any]) -> OpenMap:
    result = OpenMap()
    for pair in need_list("transform from pairs", arguments[0]):
        if not isinstance(pair, list) or len(pair) != 2:
            raise Fault(f"invalid pair {text.format_value(pair)}")
        result[_hashable(pair[0])] = pair[1]
    return result


def _hashable(key: Any) -> Any:
    if isinstance(key, list | dict):
        raise Fault(f"{text.type_name(key)} cannot be a map key")
    return key


def _uniq(frame: Frame, arguments: Sequence[Any]) -> list[Any]:
    result: list[Any] = []
    seen: set[str] = set()
    for item in need_list("uniq", arguments[0]):
        if isinstance(item, str):
            if item in seen:
                continue
            seen.add(item)
        else:
            frame.spend(len(result) + 1)
            if any(operators.equal(item, other) for other in result):
                continue
        result.append(item)
    return result


def _concat(frame: Frame, arguments: Sequence[Any]) -> list[Any]:
    result: list[Any] = []
    for argument in arguments:
        result += need_list("concat", argument)
    frame.spend(len(result))
    return result or NilList()


def _flatten(frame: Frame, arguments: Sequence[Any]) -> list[Any]:
    result: list[Any] = []
    stack = [iter(need_list("flatten", arguments[0]))]
    while stack:
        for item in stack[-1]:
            frame.spend(1)
            if isinstance(item, list):
                stack.append(iter(item))
                break
            result.append(item)
        else:
            stack.pop()
    return result


def _reverse(frame: Frame, arguments: Sequence[Any]) -> list[Any]:
    items = need_list("reverse", arguments[0])
    frame.spend(len(items))
    return items[::-1]


def _sort(frame: Frame, arguments: Sequence[Any]) -> list[Any]:
    items = need_list("sort", arguments[0])
    frame.spend(len(items))
    return ordered(items, items, arguments[1] if len(arguments) > 1 else "asc")


def _first_kind(name: str, low: int, accepted: tuple[Kind, ...], result: Callable[[Kind], Kind]) -> _Check:
    """Return a check of `low` arguments whose first is a list or one of `accepted`."""

    def check(given: Sequence[Kind]) -> Kind:
        if len(given) != low:
            raise Fault(f"invalid number of arguments for {name} (expected {low}, got {len(given)})")
        if given[0] != ANY and given[0] not in accepted and not (ARRAY in accepted and kinds.is_array(given[0])):
            raise Fault(f"invalid argument for {name} (type {given[0]})")
        return result(given[0])

    return check


def _check_take(given: Sequence[Kind]) -> Kind:
    kind = _first_kind("take", 2, (ARRAY,), lambda first: first)(given)
    if given[1] not in (INT, ANY):
        raise Fault(f"cannot take {given[1]} elements")
    return kind


def _check_get(given: Sequence[Kind]) -> Kind:
    base = _first_kind("get", 2, (ARRAY, *_MAPS), lambda first: first)(given)
    if kinds.is_array(base) and given[1] not in (INT, ANY):
        raise Fault(f"non-integer slice index {given[1]}")
    if base == MAP and given[1] not in (STRING, ANY):
        raise Fault(f"cannot use {given[1]} to get an element from {base}")
    return kinds.element_of(base) if kinds.is_array(base) else ANY


def _check_concat(given: Sequence[Kind]) -> Kind:
    if not given:
        raise Fault("invalid number of arguments (expected at least 1, got 0)")
    for kind in given:
        if kind != ANY and not kinds.is_array(kind):
            raise Fault(f"cannot concat {kind}")
    return ARRAY


def _array_only(name: str) -> _Check:
    return _first_kind(name, 1, (ARRAY,), lambda _: ARRAY)


def _map_only(name: str) -> _Check:
    return _first_kind(name, 1, _MAPS, lambda _: ARRAY)


FUNCTIONS = (
    Function("len", _length, _first_kind("len", 1, (ARRAY, *_MAPS, STRING, kinds.BYTES), lambda _: INT)),
    Function("first", _edge(0), _first_kind("first", 1, (ARRAY,), kinds.element_of)),
    Function("last", _edge(-1), _first_kind("last", 1, (ARRAY,), kinds.element_of)),
    Function("get", lambda _, values: members.get(values[0], values[1]), _check_get),
    Function("take", _take, _check_take),
    Function("keys", _keys, _map_only("keys")),
    Function("values", _values, _map_only("values")),
    Function("toPairs", _to_pairs, _map_only("toPairs")),
    Function("fromPairs", _from_pairs, _first_kind("fromPairs", 1, (ARRAY,), lambda _: kinds.OPEN_MAP)),
    Function("reverse", _reverse, _array_only("reverse")),
    Function("uniq", _uniq, _array_only("uniq")),
    Function("concat", _concat, _check_concat),
    Function("flatten", _flatten, _array_only("flatten")),
    Function("sort", _sort, overloads("sort", ((ARRAY, STRING), ARRAY), ((ARRAY,), ARRAY))),
)
