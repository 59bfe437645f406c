"""The modifiers of GJSON: `@reverse`, `@keys` and the others, each from a result to a result."""

from collections.abc import Callable
from typing import Any

from eventflow.expressions.gjson.pretty import pretty
from eventflow.expressions.gjson.result import Result
from eventflow.model.document import InvalidJson, dumps, loads

Getter = Callable[[Any, str], Result]

NAMES = (
    "pretty ugly reverse this flatten join valid keys values tostr fromstr group dig".split()  # noqa: SIM905
)


def object_of(members: list[tuple[str, Result]]) -> Result:
    """Return an object of named results, each keeping its own text."""
    return Result(
        {name: result.value for name, result in members},
        _raw=lambda: "{" + ",".join(f"{dumps(name)}:{result.raw}" for name, result in members) + "}",
    )


def apply(name: str, result: Result, argument: str, get: Getter) -> Result:
    """Apply the modifier of a known name; `get` follows a path, for `@dig`."""
    options = _options(argument)
    match name:
        case "this" | "valid":
            return result
        case "ugly":
            return Result(result.value) if result.exists else result
        case "pretty":
            return Result(result.value, _raw=lambda: pretty(result.value, options)) if result.exists else result
        case "reverse":
            return _reverse(result)
        case "flatten":
            return Result(_flatten(result.value, bool(options.get("deep")))) if _is_list(result) else result
        case "join":
            return Result(_join(result.value)) if _is_list(result) else result
        case "keys":
            return Result(_keys(result))
        case "values":
            return _values(result)
        case "tostr":
            return Result(result.raw)
        case "fromstr":
            return _from_text(result)
        case "group":
            return Result(_group(result.value)) if isinstance(result.value, dict) else Result()
    return Result(list(_dig(result.value, argument, get)) if result.exists else [])


def _options(argument: str) -> dict[str, Any]:
    try:
        options = loads(argument) if argument else {}
    except InvalidJson:
        return {}
    return options if isinstance(options, dict) else {}


def _is_list(result: Result) -> bool:
    return isinstance(result.value, list)


def _reverse(result: Result) -> Result:
    if isinstance(result.value, dict):
        return Result(dict(reversed(list(result.value.items()))))
    return Result(result.value[::-1]) if _is_list(result) else result


def _flatten(values: list[Any], deep: bool) -> list[Any]:
    flat: list[Any] = []
    for value in values:
        if isinstance(value, list):
            flat.extend(_flatten(value, deep) if deep else value)
        else:
            flat.append(value)
    return flat


def _join(values: list[Any]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for value in values:
        if isinstance(value, dict):
            joined.update(value)
    return joined


def _keys(result: Result) -> list[Any]:
    if isinstance(result.value, dict):
        return list(result.value)
    if isinstance(result.value, list):
        return [None] * len(result.value)
    return [None] if result.exists and result.value is not None else []


def _values(result: Result) -> Result:
    if _is_list(result):
        return result
    if isinstance(result.value, dict):
        return Result(list(result.value.values()))
    return Result([result.value] if result.exists and result.value is not None else [])


def _from_text(result: Result) -> Result:
    if not isinstance(result.value, str):
        return result
    try:
        return Result(loads(result.value), _raw=result.value)
    except InvalidJson:
        return Result()


def _group(value: dict[str, Any]) -> list[dict[str, Any]]:
    grouped: list[dict[str, Any]] = []
    for key, column in value.items():
        for row, item in enumerate(column if isinstance(column, list) else []):
            if row == len(grouped):
                grouped.append({})
            grouped[row][key] = item
    return grouped


def _dig(value: Any, path: str, get: Getter) -> list[Any]:
    result = get(value, path)
    dug = [result.value] if result.exists else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        dug.extend(_dig(item, path, get))
    return dug
