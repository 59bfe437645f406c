"""Documents inside events: JSON, YAML, URLs, headers and paths, under Tekton Triggers' names.

Source: tektoncd/triggers pkg/interceptors/cel/triggers.go. Unlike there, parseJSON and parseYAML take any document,
not only maps. `get` stands in for chains of has().
"""

import urllib.parse
from typing import Any

import orjson

from eventflow.expressions.cel import json_form
from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions import yaml_text
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.limits import Budget, charge, charge_string
from eventflow.expressions.cel.values import no_overload


def parse_json(budget: Budget, text: str) -> Any:
    charge_string(budget, len(text))
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Failure("not JSON") from None


def marshal_json(budget: Budget, value: Any) -> str:
    """Compact JSON with sorted keys."""
    plain = json_form.plain(value, budget)
    try:
        text = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS).decode()
    except orjson.JSONEncodeError:
        raise Failure("not representable as JSON") from None
    charge_string(budget, len(text))
    return text


def parse_yaml(budget: Budget, text: str) -> Any:
    charge(budget, len(text) // 16)
    return yaml_text.load(text)


def parse_url(text: str) -> dict[str, Any]:
    """The parts of a URL: scheme, host with port, path, rawQuery, fragment, auth, and the query's values as lists
    (queryStrings) and joined by commas (query)."""
    try:
        parts = urllib.parse.urlsplit(text)
        values = urllib.parse.parse_qs(parts.query, keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise Failure("not a URL") from None
    user, at, host = parts.netloc.rpartition("@")
    url = {
        "scheme": parts.scheme,
        "host": host,
        "path": urllib.parse.unquote(parts.path),
        "rawQuery": parts.query,
        "fragment": urllib.parse.unquote(parts.fragment),
        "queryStrings": values,
        "query": {name: ",".join(given) for name, given in values.items()},
    }
    if at:
        name, _, password = user.partition(":")
        url["auth"] = {"username": urllib.parse.unquote(name), "password": urllib.parse.unquote(password)}
    return url


def canonical(headers: dict[Any, Any], name: str) -> str:
    """The first value of a header, whatever the case of its name; the empty string when there is none.

    Headers are a plain map of name to a list of strings, or to one string.
    """
    held = headers.get(name)
    if held is None:
        wanted = name.lower()
        held = next((value for key, value in headers.items() if key.__class__ is str and key.lower() == wanted), "")
    if held.__class__ is list:
        held = held[0] if held else ""
    if held.__class__ is not str:
        raise no_overload("canonical", headers, name)
    return held


def match(headers: dict[Any, Any], name: str, value: str) -> bool:
    """Whether the first value of a header is `value`."""
    return canonical(headers, name) == value


def get(value: Any, path: Any, default: Any = None) -> Any:
    """Where a path such as `spec.rules.0.host`, or a list of keys, leads; `default` or null where it leads nowhere."""
    for key in path.split(".") if path.__class__ is str else path:
        if value.__class__ is dict and key.__class__ is str and key in value:
            value = value[key]
        elif value.__class__ is list and (position := _position(key)) is not None and position < len(value):
            value = value[position]
        else:
            return default
    return value


def _position(key: Any) -> int | None:
    if key.__class__ is int:
        return key if key >= 0 else None
    return int(key) if key.__class__ is str and key.isascii() and key.isdigit() and len(key) < 10 else None


FUNCTIONS: tuple[Function, ...] = (
    define("parseJSON", parse_json, "string", "dyn", form="either", linear=True, budgeted=True),
    define("marshalJSON", marshal_json, "dyn", "string", form="either", linear=True, budgeted=True),
    define("parseYAML", parse_yaml, "string", "dyn", form="either", linear=True, budgeted=True),
    define("parseURL", parse_url, "string", "map", form="either", linear=True),
    define("canonical", canonical, "map, string", "string", linear=True),
    define("match", match, "map, string, string", "bool", linear=True),
    define("get", get, "dyn, string|list, dyn", "dyn", form="either", required=2, linear=True),
)
