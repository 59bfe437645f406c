"""CEL expressions: compile once, evaluate on plain decoded JSON.

cel-python gives the grammar; the expression becomes one Python function over dicts, lists and scalars as json.loads
made them. Events are never converted and never changed. Programs may be shared by threads.
"""

import functools
from collections.abc import Mapping
from typing import Any, Literal

from eventflow.expressions.cel import check, codegen, execution, explain, ir, json_form, parser
from eventflow.expressions.cel.errors import CelError, CelLimitError, CelProblem, Failure, LimitExceeded, Problem

Result = Literal["bool", "any"]


class Program:
    """A compiled expression."""

    __slots__ = ("_probes", "_run", "cost", "ir", "paths", "source", "warnings")

    def __init__(self, source: str, node: ir.Node, findings: check.Findings) -> None:
        self.source = source
        self.ir = node
        self.paths = findings.paths
        """What it reads: tuples such as ("event", "data", "body", "ref")."""
        self.cost = findings.cost
        """An estimate of the steps of one evaluation, taking every list of unknown length for 100 elements."""
        self.warnings: tuple[Problem, ...] = findings.warnings
        self._run = codegen.generate(node)
        self._probes: explain.Probes | None = None

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value: plain JSON, or one of the types in values.py and temporal.py; see to_json.

        Raises CelError, and nothing else.
        """
        return execution.run(self._run, variables)

    def matches(self, variables: Mapping[str, Any]) -> bool:
        """Whether the value is true, and not merely something that Python takes for true. Raises CelError."""
        return self.evaluate(variables) is True

    def explain(self, variables: Mapping[str, Any]) -> list[explain.Finding]:
        """The values of the telling parts of the expression, in order of appearance."""
        # Two threads may both make them; either result serves.
        if self._probes is None:
            self._probes = explain.probes(self.ir)
        return explain.explain(self.source, self._probes, variables)


@functools.lru_cache(2048)
def compile(source: str, *, variables: frozenset[str], result: Result = "any") -> Program:
    """A program that may use `variables`; with result "bool", one that does not plainly give something else.

    Raises CelSyntaxError or CelCheckError, with line, column and a hint.
    """
    node = parser.parse(source, variables)
    findings = check.check(node, variables, result)
    if findings.errors:
        raise findings.errors[0].as_error()
    return Program(source, node, findings)


def lint(source: str, *, variables: frozenset[str], result: Result = "any") -> list[Problem]:
    """Everything that is wrong or doubtful with an expression, in order of place; empty when nothing is."""
    try:
        node = parser.parse(source, variables)
    except CelProblem as problem:
        return [Problem(problem.line, problem.column, "error", problem.message, problem.hint)]
    findings = check.check(node, variables, result)
    return sorted(findings.errors + findings.warnings)


def to_json(value: Any) -> Any:
    """A value as plain JSON: timestamps and durations as text, bytes as base64, an absent optional as null.

    Raises CelError for what JSON cannot hold, such as an infinity, and for what is too large.
    """
    try:
        return json_form.plain(value)
    except Failure as failure:
        raise CelError(str(failure)) from None
    except (LimitExceeded, RecursionError) as limit:
        raise CelLimitError(str(limit)) from None


def unchecked(source: str, *, variables: frozenset[str] = frozenset(), container: str = "") -> Program:
    """A program of which only the syntax was checked: unknown names fail when they are evaluated."""
    node = parser.parse(source, variables, container)
    return Program(source, node, check.check(node, variables, "any"))
