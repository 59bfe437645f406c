"""Functions of maps. None changes its arguments: `set`, `unset` and `merge` return a new map."""

from copy import deepcopy
from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import text
from eventflow.expressions.sprig.signatures import define, is_empty, show

_Map = dict[str, Any]


def _dict(*values: Any) -> _Map:
    padded = [*values, ""] if len(values) % 2 else values
    return {show(padded[index]): padded[index + 1] for index in range(0, len(padded), 2)}


def _merge(target: _Map, *sources: _Map) -> _Map:
    """Fill in what is missing or empty, map by map."""
    result = dict(target)
    for source in sources:
        for key, value in source.items():
            if isinstance(result.get(key), dict) and isinstance(value, dict):
                result[key] = _merge(result[key], value)
            elif is_empty(result.get(key)):
                result[key] = value
    return result


def _overwrite(target: _Map, *sources: _Map) -> _Map:
    """Take over everything, map by map."""
    result = dict(target)
    for source in sources:
        for key, value in source.items():
            if isinstance(result.get(key), dict) and isinstance(value, dict):
                result[key] = _overwrite(result[key], value)
            else:
                result[key] = value
    return result


def _dig(*values: Any) -> Any:
    if len(values) < 3:
        raise Fault("dig needs at least three arguments")
    *path, default, holder = values
    for position, key in enumerate(path):
        if not isinstance(holder, dict) or not isinstance(key, str):
            raise Fault(f"dig: {text.type_name(holder)} has no key {text.format_value(key)}")
        if key not in holder:
            return default
        holder = holder[key]
        if position == len(path) - 1:
            return holder
    return holder


def _keys(*maps: _Map) -> list[str]:
    return [key for each in maps for key in sorted(each)]


FUNCTIONS = (
    define("dict", "a*", _dict),
    define("get", "ms", lambda holder, key: holder.get(key, "")),
    define("set", "msa", lambda holder, key, value: {**holder, key: value}),
    define("unset", "ms", lambda holder, key: {name: item for name, item in holder.items() if name != key}),
    define("hasKey", "ms", lambda holder, key: key in holder),
    define("pluck", "sm*", lambda key, *maps: [each[key] for each in maps if key in each]),
    define("keys", "m*", _keys),
    define("values", "m", lambda holder: [holder[key] for key in sorted(holder)]),
    define("pick", "ms*", lambda holder, *keys: {key: holder[key] for key in keys if key in holder}),
    define("omit", "ms*", lambda holder, *keys: {key: item for key, item in holder.items() if key not in keys}),
    define("merge", "mm*", _merge),
    define("mustMerge", "mm*", _merge),
    define("mergeOverwrite", "mm*", _overwrite),
    define("mustMergeOverwrite", "mm*", _overwrite),
    define("dig", "a*", _dig),
    define("deepCopy", "a", deepcopy),
    define("mustDeepCopy", "a", deepcopy),
)
