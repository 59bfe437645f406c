"""Expressions of the workflow language, evaluated over a scope."""

from collections.abc import Mapping
from typing import Any

from eventflow.expressions.expr import program
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.scope import Scope

NOWHERE = Environment()


def evaluate(source: str, variables: Mapping[str, Any], environment: Environment = NOWHERE) -> Any:
    """Return the value of an expr-lang expression over dotted variables. Raises UserError."""
    compiled = program.compile(source)
    return compiled.evaluate(Scope.of(variables).variables(compiled.roots), environment)
