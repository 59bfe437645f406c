"""Argo's `when`: govaluate over a text whose tags are already replaced (Argo v4.1.2 workflow/controller/steps.go)."""

from functools import lru_cache

from eventflow.expressions.errors import WhenError
from eventflow.expressions.golang import text
from eventflow.expressions.govaluate import expression
from eventflow.expressions.govaluate.errors import GovaluateError, GovaluateSyntaxError
from eventflow.expressions.govaluate.expression import Expression
from eventflow.expressions.govaluate.tokens import Kind, Token


@lru_cache(maxsize=4_096)
def evaluate_when(condition: str) -> bool:
    """Return whether to execute. Bare words are texts (`heads == heads`), the empty condition is true.

    Raises WhenError for what is no condition, fails, or gives anything but true or false.
    """
    if condition == "":
        return True
    try:
        parsed = expression.compile(condition)
        value = Expression([_as_text(token) for token in parsed.tokens]).evaluate({})
    except GovaluateSyntaxError as error:
        raise WhenError(f"invalid 'when' expression {condition!r}: {error}") from error
    except GovaluateError as error:
        raise WhenError(f"failed to evaluate 'when' expression {condition!r}: {error}") from error
    if not isinstance(value, bool):
        raise WhenError(f"expected boolean evaluation for {condition!r}, got {text.format_value(value)}")
    return value


def _as_text(token: Token) -> Token:
    return Token(Kind.STRING, token.value) if token.kind is Kind.VARIABLE else token
