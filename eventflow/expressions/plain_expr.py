"""expr-lang with nothing but its built-in functions, as Argo's event bindings and HTTP conditions have it."""

from collections.abc import Mapping
from typing import Any

from eventflow.expressions.expr import names, parser, program
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError

_LIBRARY = frozenset(program.ARGO_FUNCTIONS) | {"sprig"}


def evaluate(source: str, variables: Mapping[str, Any], now: float = 0.0) -> Any:
    """Return the value of an expression. Raises ExprError, also for asInt, asFloat, jsonpath, toJson and sprig."""
    for name in names.find(parser.parse(source, frozenset(program.BUILTINS))).roots:
        if name in _LIBRARY:
            raise ExprError(f"unknown name {name}", hint="only the built-in functions of expr-lang are known here")
    return program.compile(source).evaluate(variables, Environment(now=now))


def evaluate_bool(source: str, variables: Mapping[str, Any], now: float = 0.0) -> bool:
    """Return the value of an expression that must give true or false. Raises ExprError."""
    result = evaluate(source, variables, now)
    if not isinstance(result, bool):
        raise ExprError(f"the expression gives {result!r:.60}, not true or false")
    return result
