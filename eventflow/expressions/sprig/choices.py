"""Defaults, conditions and types."""

from typing import Any

from eventflow.expressions.expr import operators
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.golang import text
from eventflow.expressions.sprig.signatures import define, is_empty


def _fail(message: str) -> None:
    raise Fault(message)


def _default(fallback: Any, *given: Any) -> Any:
    return fallback if not given or is_empty(given[0]) else given[0]


FUNCTIONS = (
    define("default", "aa*", _default),
    define("empty", "a", is_empty),
    define("coalesce", "a*", lambda *values: next((value for value in values if not is_empty(value)), None)),
    define("all", "a*", lambda *values: not any(map(is_empty, values))),
    define("any", "a*", lambda *values: not all(map(is_empty, values))),
    define("ternary", "aab", lambda yes, no, condition: yes if condition else no),
    define("fail", "s", _fail),
    define("typeOf", "a", text.type_name),
    define("typeIs", "sa", lambda name, value: text.type_name(value) == name),
    define("typeIsLike", "sa", lambda name, value: text.type_name(value) in (name, "*" + name)),
    define("kindOf", "a", text.kind_name),
    define("kindIs", "sa", lambda name, value: text.kind_name(value) == name),
    define("deepEqual", "aa", operators.deep_equal),
)
