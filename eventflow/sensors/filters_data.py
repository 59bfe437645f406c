"""`filters.data`: compare values of the event's data (argo-events pkg/sensors/dependencies/filter.go, filterData).

Differences, each where the peer accepts and then does something else than is written (docs/differences-events.md):
`!=` with several values means none of them; a comparator that does not fit the type is refused; a list, an object or
a word is no number and no truth; integers compare with all their digits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.expressions.expr import patterns
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.gjson import path as gjson
from eventflow.expressions.gjson.result import Result, parse_float
from eventflow.expressions.gotemplate.template import Template
from eventflow.expressions.gotemplate.values import TemplateError
from eventflow.model.document import Document
from eventflow.sensors.decision import FilterError

_TRUTHS = {"1": True, "t": True, "T": True, "true": True, "TRUE": True, "True": True,
           "0": False, "f": False, "F": False, "false": False, "FALSE": False, "False": False}  # fmt: skip
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "": lambda value, wanted: value == wanted,
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "<": lambda value, wanted: value < wanted,
    "<=": lambda value, wanted: value <= wanted,
    ">": lambda value, wanted: value > wanted,
    ">=": lambda value, wanted: value >= wanted,
}


@dataclass(frozen=True, slots=True)
class DataFilter:
    """One entry of `filters.data`. `problem` is what is wrong with it as written; it then fails on every event."""

    path: str
    type: str
    values: tuple[str, ...]
    comparator: str
    template: Template | None
    problem: FilterError | None

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> "DataFilter":
        """Read an entry as the manifest has it."""
        template, problem = _template(str(entry.get("template") or ""))
        kind, comparator = str(entry.get("type") or ""), str(entry.get("comparator") or "")
        values = tuple(str(value) for value in entry.get("value") or ())
        return cls(
            str(entry.get("path") or ""), kind, values, comparator, template, problem or _misfit(kind, comparator)
        )

    def holds(self, document: Document) -> bool:
        """Whether the document fits the entry. Raises FilterError."""
        result = gjson.get(document, self.path)
        if not result.exists:
            raise FilterError("missing-path", f"path {self.path!r} does not exist")
        if not self.values:
            raise FilterError("no-values", f"the filter on {self.path!r} has no values")
        if self.problem is not None:
            raise FilterError(self.problem.reason, self.problem.message, hint=self.problem.hint)
        if self.template is not None:
            result = Result(_rendered(self.template, self.path, result))
        return _COMPARE[self.type](result, self)

    def any_or_none(self, tests: Sequence[Callable[[], bool]]) -> bool:
        """Whether one of the tests for equality holds, or with `!=` whether none does. Stops when decided."""
        if self.comparator == "!=":
            return not any(test() for test in tests)
        return any(test() for test in tests)


def _template(source: str) -> tuple[Template | None, FilterError | None]:
    if not source:
        return None, None
    try:
        return Template(source), None
    except TemplateError as error:
        return None, FilterError("template", error.message, hint=error.hint)


def _misfit(kind: str, comparator: str) -> FilterError | None:
    if kind not in _COMPARE:
        return FilterError("unknown-type", f"unsupported type {kind!r}", hint="use bool, number or string")
    fitting = tuple(_ORDERS) if kind == "number" else ("", "=", "!=")
    if comparator in fitting:
        return None
    usable = ", ".join(order for order in fitting if order)
    return FilterError("comparator", f"comparator {comparator!r} has no meaning for a {kind}", hint=f"use {usable}")


def _rendered(template: Template, path: str, result: Result) -> str:
    try:
        rendered = template.render({"Input": result.text()})
    except TemplateError as error:
        raise FilterError("template", error.message, hint=error.hint) from error
    if rendered.text in ("", "<no value>"):
        raise FilterError("template", f"the template on {path!r} gives no text")
    return rendered.text


def _text(result: Result, entry: DataFilter) -> bool:
    text = result.text()
    return entry.any_or_none([lambda value=value: _search(value, text) for value in entry.values])  # type: ignore[misc]


def _search(pattern: str, text: str) -> bool:
    try:
        return patterns.compile_pattern(pattern).search(text) is not None
    except Fault as error:
        raise FilterError(
            "pattern", f"{pattern!r} is not an RE2 pattern: {error}", hint="see the RE2 syntax"
        ) from error


def _number(result: Result, entry: DataFilter) -> bool:
    value = _as_number(result)
    if entry.comparator == "!=":
        return all(value != _wanted_number(text) for text in entry.values)
    compare = _ORDERS[entry.comparator]
    return any(compare(value, _wanted_number(text)) for text in entry.values)


def _as_number(result: Result) -> float | int:
    value = result.value
    if isinstance(value, str):
        read = _exact(value)
        if read is None:
            raise FilterError("type-mismatch", f"{value[:40]!r} is not a number")
        return read
    if isinstance(value, list | dict):
        raise FilterError("type-mismatch", f"{result.raw[:40]} is not a number")
    return value if isinstance(value, int | float) else 0


def _wanted_number(text: str) -> float | int:
    read = _exact(text)
    if read is None:
        raise FilterError("filter-value", f"{text!r} is not a number")
    return read


def _exact(text: str) -> float | int | None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isascii() and digits.isdigit():
        return int(text)
    return parse_float(text)


def _truth(result: Result, entry: DataFilter) -> bool:
    value = _as_truth(result)
    return entry.any_or_none([lambda text=text: _wanted_truth(text) == value for text in entry.values])  # type: ignore[misc]


def _as_truth(result: Result) -> bool:
    value = result.value
    if isinstance(value, str) and value.lower() not in ("1", "t", "true", "0", "f", "false"):
        raise FilterError("type-mismatch", f"{value[:40]!r} is neither true nor false")
    if isinstance(value, list | dict):
        raise FilterError("type-mismatch", f"{result.raw[:40]} is neither true nor false")
    return result.truth()


def _wanted_truth(text: str) -> bool:
    if text not in _TRUTHS:
        raise FilterError("filter-value", f"{text!r} is neither true nor false")
    return _TRUTHS[text]


_COMPARE: dict[str, Callable[[Result, DataFilter], bool]] = {"string": _text, "number": _number, "bool": _truth}


def parse(entries: Sequence[Mapping[str, Any]]) -> tuple[DataFilter, ...]:
    """Read the list of a manifest."""
    return tuple(DataFilter.parse(entry) for entry in entries)
