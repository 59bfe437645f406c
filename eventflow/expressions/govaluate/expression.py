"""Expressions to compile once and evaluate often."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from eventflow.expressions.expr import patterns
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.govaluate import stages
from eventflow.expressions.govaluate.errors import GovaluateError, GovaluateSyntaxError
from eventflow.expressions.govaluate.tokens import Kind, Token, check, tokenize

MAXIMUM_SOURCE = 65_536
_DEFECTS = (ArithmeticError, LookupError, TypeError, ValueError, RecursionError)


class Expression:
    """A compiled expression. Immutable; safe to share."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tuple(tokens)
        self.names = frozenset(_name(token) for token in tokens if token.kind in (Kind.VARIABLE, Kind.ACCESSOR))
        check(list(self.tokens))
        try:
            self._run = stages.plan(_with_patterns(self.tokens))
        except RecursionError as error:
            raise GovaluateSyntaxError("the expression is nested too deep") from error

    def evaluate(self, parameters: Mapping[str, Any]) -> Any:
        """Return the value for parameters made of None, bool, numbers, str, list and dict.

        Every number is a float. Raises GovaluateError.
        """
        try:
            return self._run(parameters)
        except _DEFECTS as error:
            raise GovaluateError(f"cannot be evaluated: {error}") from error


@lru_cache(maxsize=2_048)
def compile(source: str) -> Expression:
    """Return an expression, from a cache of 2,048 texts. Raises GovaluateSyntaxError."""
    if len(source) > MAXIMUM_SOURCE:
        raise GovaluateSyntaxError(f"the expression is longer than {MAXIMUM_SOURCE} characters")
    return Expression(tokenize(source))


def _name(token: Token) -> str:
    return token.value if isinstance(token.value, str) else str(token.value[0])


def _with_patterns(tokens: Sequence[Token]) -> list[Token]:
    """Compile constant patterns, so that a bad one is an error before anything is evaluated."""
    result = list(tokens)
    for index, token in enumerate(tokens[:-1]):
        following = tokens[index + 1]
        if token.kind is Kind.COMPARATOR and token.value in ("=~", "!~") and following.kind is Kind.STRING:
            try:
                patterns.compile_pattern(following.value)
            except Fault as fault:
                raise GovaluateSyntaxError(str(fault)) from fault
            result[index + 1] = Token(Kind.PATTERN, stages.Pattern(following.value))
    return result
