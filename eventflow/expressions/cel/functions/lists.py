"""Lists and sets. Source: cel-go ext/lists.go, ext/sets.go; first and last are Tekton's; sum, min, max Kubernetes'."""

import functools
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.limits import Budget, charge, charge_list
from eventflow.expressions.cel.operators import add, equal_metered, less
from eventflow.expressions.cel.values import no_overload


def slice_(items: list[Any], start: int, end: int) -> list[Any]:
    if not 0 <= start <= end <= len(items):
        raise Failure("slice out of range")
    return items[start:end]


def flatten(budget: Budget, items: list[Any], depth: int = 1) -> list[Any]:
    """Elements that are lists replaced by their elements, `depth` levels deep."""
    if depth < 0:
        raise Failure("flatten() to a negative depth")
    flat: list[Any] = []
    for item in items:
        charge(budget, 1)
        if item.__class__ is list and depth:
            flat += flatten(budget, item, depth - 1)
        else:
            flat.append(item)
    charge_list(budget, len(flat))
    return flat


def range_(budget: Budget, count: int) -> list[int]:
    charge_list(budget, max(0, count))
    return list(range(count))


def reverse(budget: Budget, value: Any) -> Any:
    """Of a list or a string."""
    if value.__class__ is list:
        charge_list(budget, len(value))
    return value[::-1]


def distinct(budget: Budget, items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if not _member(budget, item, kept):
            kept.append(item)
    return kept


def sort(budget: Budget, items: list[Any]) -> list[Any]:
    return sort_by(budget, [(item, item) for item in items])


def sort_by(budget: Budget, keyed: list[tuple[Any, Any]]) -> list[Any]:
    """The second of each pair, in the order of the firsts. Generated code calls this for the macro sortBy."""
    kinds = {key.__class__ for key, _ in keyed}
    if len(kinds) > 1:
        raise no_overload("sort", *(key for key, _ in keyed[:4]))
    charge_list(budget, 16 * len(keyed))

    def order(a: tuple[Any, Any], b: tuple[Any, Any]) -> int:
        return -1 if less(a[0], b[0]) else 1 if less(b[0], a[0]) else 0

    return [item for _, item in sorted(keyed, key=functools.cmp_to_key(order))]


def total(budget: Budget, items: list[Any]) -> Any:
    """The sum of numbers or durations; of no elements, 0."""
    charge(budget, len(items))
    return functools.reduce(lambda a, b: add(budget, a, b), items) if items else 0


def _extreme(name: str, first: int) -> Function:
    def extreme(budget: Budget, items: list[Any]) -> Any:
        if not items:
            raise Failure(f"{name}() of an empty list")
        return sort(budget, items)[first]

    return define(name, extreme, "list", "dyn", budgeted=True, linear=True)


def first(items: list[Any]) -> Any:
    """The first element; null of an empty list (Tekton)."""
    return items[0] if items else None


def last(items: list[Any]) -> Any:
    return items[-1] if items else None


def _member(budget: Budget, item: Any, items: list[Any]) -> bool:
    charge(budget, 1 + len(items))
    return any(equal_metered(budget, item, other) for other in items)


def covers(budget: Budget, items: list[Any], others: list[Any]) -> bool:
    """Every element of `others` is in `items`."""
    return all(_member(budget, other, items) for other in others)


def equivalent(budget: Budget, a: list[Any], b: list[Any]) -> bool:
    return covers(budget, a, b) and covers(budget, b, a)


def intersects(budget: Budget, a: list[Any], b: list[Any]) -> bool:
    return any(_member(budget, item, a) for item in b)


FUNCTIONS: tuple[Function, ...] = (
    define("slice", slice_, "list, int, int", "list", linear=True),
    define("flatten", flatten, "list, int", "list", required=1, linear=True, budgeted=True),
    define("lists.range", range_, "int", "list", form="free", budgeted=True),
    define("reverse", reverse, "string|list", "dyn", linear=True, budgeted=True),
    define("distinct", distinct, "list", "list", linear=True, budgeted=True),
    define("sort", sort, "list", "list", linear=True, budgeted=True),
    define("sum", total, "list", "dyn", linear=True, budgeted=True),
    _extreme("min", 0),
    _extreme("max", -1),
    define("first", first, "list", "dyn"),
    define("last", last, "list", "dyn"),
    define("sets.contains", covers, "list, list", "bool", form="free", budgeted=True),
    define("sets.equivalent", equivalent, "list, list", "bool", form="free", budgeted=True),
    define("sets.intersects", intersects, "list, list", "bool", form="free", budgeted=True),
)
