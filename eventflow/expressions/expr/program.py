"""Expressions to compile once and evaluate often."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from eventflow.expressions.expr import (
    argo_functions,
    builtin_lists,
    builtin_numbers,
    builtin_texts,
    builtin_times,
    checker,
    compiler,
    kinds,
    names,
    parser,
    predicates,
)
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError, ExprSyntaxError, locate
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.sprig import registry

MAXIMUM_SOURCE = 8_192

BUILTINS = MappingProxyType(
    {
        function.name: function
        for module in (builtin_texts, builtin_numbers, builtin_lists, builtin_times)
        for function in module.FUNCTIONS
    }
)
ARGO_FUNCTIONS = MappingProxyType({function.name: function for function in argo_functions.FUNCTIONS})
_BUILTIN_NAMES = frozenset(BUILTINS) | frozenset(predicates.BUILDERS)
_FUNCTIONS: Mapping[str, Any] = MappingProxyType({**ARGO_FUNCTIONS, "sprig": dict(registry.FUNCTIONS)})
_NO_KINDS: Mapping[str, kinds.Kind] = MappingProxyType({})
_DEFECTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError, re.error)


@lru_cache(maxsize=4_096)
def compile(source: str) -> "Program":
    """Return the program of an expression, from a cache of 4,096 texts.

    Raises ExprSyntaxError with line and column for what is no expression or exceeds a limit (8 kB, 2,000 parts, 64
    levels).
    """
    if len(source) > MAXIMUM_SOURCE:
        raise ExprSyntaxError(f"the expression is longer than {MAXIMUM_SOURCE} characters", location=locate(source, 0))
    return Program(source)


class Program:
    """A compiled expression. Immutable; safe to share."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._tree = parser.parse(source, _BUILTIN_NAMES)
        found = names.find(self._tree)
        self.required = tuple(name for name in found.required if not _is_function(name))
        self.guarded = found.guarded
        self.names = frozenset(name for name in found.whole if not _is_function(name))
        self.roots = tuple(name for name in found.roots if name not in _FUNCTIONS)
        self._watched = (*self.roots, *found.bound)
        self._run = compiler.compile_tree(self._tree, source, BUILTINS, _FUNCTIONS)
        self._checked: set[tuple[str, ...]] = set()

    def check(self, variables: Mapping[str, kinds.Kind] = _NO_KINDS) -> kinds.Kind:
        """Return the static type of the result, given those of variables. Raises ExprError for a type error."""
        return checker.check(self._tree, self.source, variables, BUILTINS, ARGO_FUNCTIONS)

    def evaluate(
        self, variables: Mapping[str, Any], environment: Environment | None = None, *, strict: bool = True
    ) -> Any:
        """Return the value for variables made of None, bool, int, float, str, list and dict.

        Pure: time and randomness come from `environment`. A variable that is not given is an error, or nil when
        `strict` is false. Raises ExprError only.
        """
        known = {name: kinds.of_value(variables[name]) for name in self._watched if name in variables} if strict else {}
        signature = tuple(f"{name}:{kind.name}" for name, kind in known.items())
        if signature not in self._checked:
            self.check(known)
            if len(self._checked) < 64:
                self._checked.add(signature)
        try:
            return self._run(Frame(variables, environment or Environment(), strict=strict))
        except _DEFECTS as error:
            raise ExprError(f"cannot be evaluated: {error}", location=locate(self.source, 0)) from error


def _is_function(name: str) -> bool:
    if name in _FUNCTIONS:
        return True
    holder, _, member = name.partition(".")
    return holder == "sprig" and member in registry.FUNCTIONS
