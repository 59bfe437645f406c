"""`filter.expression` of an event source: expr-lang over its data (argo-events pkg/eventsources/eventing.go)."""

from typing import Any

from eventflow.errors import UserError
from eventflow.expressions.expr import program
from eventflow.model.document import Document, InvalidJson


class SourceFilterError(UserError):
    """A filter that can not be evaluated on an event. `reason` is `expression` or `not-an-object`."""

    def __init__(self, reason: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


def passes(expression: str, data: Document) -> bool:
    """Whether an event with this data is to be kept.

    The members of the data are variables, a `-` in their names being `_` (where two become one, the later counts);
    numbers are floats, as with Go. Raises SourceFilterError, on which the event is not kept.
    """
    try:
        value = data.value
    except InvalidJson as error:
        raise SourceFilterError("not-an-object", error.message) from error
    if value is not None and not isinstance(value, dict):
        raise SourceFilterError("not-an-object", "a source filter needs data that is a JSON object")
    variables = {name.replace("-", "_"): floats(member) for name, member in (value or {}).items()}
    try:
        result = program.compile(expression).evaluate(variables, strict=False)
    except UserError as error:
        raise SourceFilterError("expression", str(error)) from error
    if not isinstance(result, bool):
        raise SourceFilterError("expression", f"the filter gives {result!r:.40}, not true or false")
    return result


def floats(value: Any) -> Any:
    """Return a decoded JSON value with every number a float, as Go decodes JSON."""
    if isinstance(value, dict):
        return {name: floats(member) for name, member in value.items()}
    if isinstance(value, list):
        return [floats(member) for member in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
