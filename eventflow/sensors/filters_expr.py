"""`filters.exprs`: govaluate expressions over values of the event's data (argo-events filter.go, filterExpr).

Unlike the peer, an expression without fields is evaluated too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.expressions.gjson import path as gjson
from eventflow.expressions.govaluate import expression
from eventflow.expressions.govaluate.errors import GovaluateError
from eventflow.model.document import Document
from eventflow.sensors.decision import FilterError


@dataclass(frozen=True, slots=True)
class ExprFilter:
    """One entry: its expression, and the (path, name) of each field. Of two fields with one name the later counts."""

    source: str
    fields: tuple[tuple[str, str], ...]

    def holds(self, document: Document) -> bool:
        """Whether the expression is true. Raises FilterError."""
        parameters: dict[str, Any] = {}
        for path, name in self.fields:
            result = gjson.get(document, path)
            if not result.exists:
                raise FilterError("missing-path", f"path {path!r} does not exist")
            parameters[name] = result.value
        try:
            return expression.compile(self.source).evaluate(parameters) is True
        except GovaluateError as error:
            reason = "pattern" if "regexp" in error.message else "expression"
            raise FilterError(reason, str(error)) from error


def parse(entries: Sequence[Mapping[str, Any]]) -> tuple[ExprFilter, ...]:
    """Read the list of a manifest."""
    return tuple(
        ExprFilter(
            str(entry.get("expr") or ""),
            tuple((str(field.get("path") or ""), str(field.get("name") or "")) for field in entry.get("fields") or ()),
        )
        for entry in entries
    )
