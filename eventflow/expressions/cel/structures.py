"""Maps, lists and optionals at run time: reading, building and walking them. Called by generated code."""

from collections.abc import Iterable
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.limits import Budget, charge
from eventflow.expressions.cel.operators import NUMBERS, contains_key
from eventflow.expressions.cel.values import NONE, Optional, Uint, no_overload, type_of

_KEYS = frozenset((str, int, bool, Uint))


def index(container: Any, key: Any) -> Any:
    """`container[key]`. A missing key is not named in the error: it may come from the event."""
    kind = container.__class__
    if kind is dict:
        if key.__class__ is not str and key.__class__ is not bool and key.__class__ not in NUMBERS:
            raise no_overload("_[_]", container, key)
        if not contains_key(container, key):
            raise Failure("no such key")
        return container[key]
    if kind is list:
        position = _position(container, key)
        if 0 <= position < len(container):
            return container[position]
        raise Failure("index out of bounds")
    if kind is Optional:
        return optional_index(container, key)
    raise no_overload("_[_]", container, key)


def select(container: Any, field: str) -> Any:
    """`container.field` where Python would warn of a plain subscript, such as of a constant."""
    if container.__class__ is dict or container.__class__ is Optional:
        return container[field]
    raise no_overload("select", container)


class Deferred:
    """What `cel.bind` holds when its value failed: the error counts only where the variable is used."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


def forced(value: Any) -> Any:
    if value.__class__ is Deferred:
        raise value.error
    return value


def _position(container: list[Any], key: Any) -> int:
    if key.__class__ is int or key.__class__ is Uint:
        return int(key)
    if key.__class__ is float and key.is_integer():
        return int(key)
    raise no_overload("_[_]", container, key)


def optional_index(container: Any, key: Any) -> Optional:
    """`container[?key]`, and `[key]` on an optional: absent where the container has no such element."""
    if container.__class__ is Optional:
        return optional_index(container.value, key) if container.present else NONE
    if container.__class__ is dict:
        known = (key.__class__ in _KEYS or key.__class__ is float) and contains_key(container, key)
        return Optional(True, container[key]) if known else NONE
    if container.__class__ is list and key.__class__ is int:
        return Optional(True, container[key]) if 0 <= key < len(container) else NONE
    raise no_overload("_[?_]", container, key)


def optional_select(container: Any, field: str) -> Optional:
    """`container.?field`: absent where the map has no such field."""
    held = container if container.__class__ is Optional else Optional(True, container)
    return Optional.select(held, field)


def has(container: Any, field: str) -> bool:
    """`has(container.field)`."""
    if container.__class__ is dict:
        return field in container
    if container.__class__ is Optional:
        return Optional.select(container, field).present
    raise no_overload("has", container)


def new_map(pairs: Iterable[tuple[Any, Any, bool]]) -> dict[Any, Any]:
    """A map from (key, value, whether the value is an optional to unwrap). Keys are checked as the language asks."""
    made: dict[Any, Any] = {}
    for key, value, optional in pairs:
        if key.__class__ not in _KEYS:
            raise Failure(f"unsupported key type {type_of(key).name}")
        if key in made:
            known = any(k == key and (k.__class__ is bool) is (key.__class__ is bool) for k in made)
            raise Failure("repeated map key" if known else "a map with both bool and number keys is not supported")
        for held in _unwrapped(value, optional):
            made[key] = held
    return made


def new_list(items: Iterable[tuple[Any, bool]]) -> list[Any]:
    """A list from (value, whether it is an optional to unwrap)."""
    return [held for value, optional in items for held in _unwrapped(value, optional)]


def _unwrapped(value: Any, optional: bool) -> tuple[Any, ...]:
    if not optional:
        return (value,)
    if value.__class__ is not Optional:
        raise no_overload("optional element", value)
    return (value.value,) if value.present else ()


def each(budget: Budget, collection: Any) -> Iterable[Any]:
    """What a macro with one variable walks: elements of a list, keys of a map."""
    if collection.__class__ is not list and collection.__class__ is not dict:
        raise no_overload("comprehension", collection)
    charge(budget, len(collection))
    return collection


def each_pair(budget: Budget, collection: Any) -> Iterable[tuple[Any, Any]]:
    """What a macro with two variables walks: (position, element) of a list, (key, value) of a map."""
    if collection.__class__ is list:
        charge(budget, len(collection))
        return enumerate(collection)
    if collection.__class__ is dict:
        charge(budget, len(collection))
        return collection.items()
    raise no_overload("comprehension", collection)


def not_bool(operator: str, value: Any) -> Failure:
    """The error of a logical operator, macro or condition that met something else than a bool."""
    return no_overload(operator, value)


def unbound(function: str) -> Any:
    """A call of a function that does not exist; only unchecked programs get as far as this."""
    raise Failure(f"no such function: {function}")
