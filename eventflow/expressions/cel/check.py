"""The checker: what is surely wrong with an expression, found before any event arrives.

Events have no declared types, so most things are of type dyn; what is known (literals, results of functions and
operators) is enough to find the usual slips.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from eventflow.expressions.cel import cost, ir, kinds, limits, macros, paths
from eventflow.expressions.cel.errors import Failure, Problem
from eventflow.expressions.cel.functions import library, regex
from eventflow.expressions.cel.functions.registry import Function

COSTLY: Final = 50_000
TOO_COSTLY: Final = 5 * limits.BUDGET

_ADVICE: Final = {
    "compareSecret": "secrets stay out of expressions: let the source verify its sender",
    "now": "expressions do not know the time; compare with event.time",
    "requestURL": "the URL of the request is in event.data.url",
    "len": "write size(x)",
    "lower": "write x.lowerAscii()",
    "upper": "write x.upperAscii()",
    "any": "write x.exists(e, ...)",
    "replaceAll": "write x.translate(pattern, replacement)",
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What checking an expression found."""

    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    cost: int
    paths: frozenset[paths.Path]


def check(node: ir.Node, variables: frozenset[str], result: Literal["bool", "any"]) -> Findings:
    """Look for undeclared names, wrong calls, bad constants, impossible types and excessive cost."""
    checker = Checker(variables)
    kind = kinds.infer(node, checker.report)
    for part in ir.walk(node):
        checker.names(part)
    if result == "bool" and kind not in ("bool", kinds.DYN):
        checker.report(node, f"the filter gives {kind}, not bool", hint="compare it with something")
    steps = cost.estimate(node)
    checker.steps(node, steps)
    problems = sorted(checker.problems)
    return Findings(
        tuple(problem for problem in problems if problem.severity == "error"),
        tuple(problem for problem in problems if problem.severity == "warning"),
        steps,
        paths.read_by(node),
    )


class Checker:
    """Collects problems."""

    def __init__(self, variables: frozenset[str]) -> None:
        self.problems: set[Problem] = set()
        self._variables = variables

    def report(
        self,
        node: ir.Node | ir.Span,
        message: str,
        *,
        hint: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        span = node if isinstance(node, ir.Span) else node.span
        self.problems.add(Problem(span.line, span.column, severity, message, hint))

    def names(self, node: ir.Node) -> None:
        if isinstance(node, ir.Var) and node.name not in self._variables:
            hint = _ADVICE.get(node.name) or _near(node.name, self._variables) or _declared(self._variables)
            self.report(node, f"undeclared reference to {node.name!r}", hint=hint)
        if isinstance(node, ir.Call) and node.function not in kinds.OPERATORS:
            self._call(node)

    def _call(self, node: ir.Call) -> None:
        function = library.FUNCTIONS.get(node.function)
        if function is None:
            known = library.FUNCTIONS.keys() | macros.NAMES
            hint = _wrong_macro(node) or _ADVICE.get(node.function) or _near(node.function, known)
            self.report(node.name_span, f"undeclared reference to function {node.function!r}", hint=hint)
            return
        if function.form == ("free" if node.member else "member"):
            self.report(node.name_span, f"{node.function}() is not called this way", hint=f"write {function.signature}")
        elif not function.takes(len(node.arguments)):
            given = len(node.arguments) - node.member
            self.report(node.name_span, f"{node.function}() does not take {given} arguments", hint=function.signature)
        else:
            self._constants(node, function)

    def _constants(self, node: ir.Call, function: Function) -> None:
        """Constants that the function will refuse whenever it is called."""
        for position, argument in enumerate(node.arguments):
            if not isinstance(argument, ir.Const) or argument.value.__class__ is not str:
                continue
            try:
                if position == function.pattern:
                    regex.compiled(argument.value)
                elif function.foldable and len(node.arguments) == 1:
                    function.run(argument.value)
            except Failure as failure:
                self.report(argument, f"{node.function}(): {failure}")

    def steps(self, node: ir.Node, steps: int) -> None:
        advice = "nest fewer macros, or filter the list first"
        if steps > TOO_COSTLY:
            self.report(node, f"the expression may take {steps:,} steps on one event, more than allowed", hint=advice)
        elif steps > COSTLY:
            self.report(node, f"the expression may take {steps:,} steps on one event", hint=advice, severity="warning")


def _near(name: str, known: Iterable[str]) -> str | None:
    names = {word.lower(): word for word in known}
    near = difflib.get_close_matches(name.lower(), list(names), 1)
    return f"did you mean {names[near[0]]!r}?" if near else None


def _declared(variables: frozenset[str]) -> str | None:
    return f"there are {', '.join(sorted(variables))}" if 0 < len(variables) <= 12 else None


def _wrong_macro(node: ir.Call) -> str | None:
    if node.function not in macros.NAMES:
        return None
    return f"the macro takes a variable and an expression: x.{node.function}(e, ...)"
