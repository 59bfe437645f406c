"""The `depends` grammar of DAG tasks: names, optional results, `&&`, `||`, `!` and parentheses.

Source: Argo v4.1.2 workflow/common/ancestry.go (names, expansion), workflow/controller/dag.go evaluateDependsLogic.
Where Argo accepts a text that can only fail at run time (`A &&`, `"A"`, a task named `and`), it is refused here when
the workflow is submitted.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.errors import UserError

RESULTS = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed")
LONGEST = 64_000
DEEPEST = 64

_TOKEN = re.compile(r"\s*(?:(&&|\|\||!|\(|\))|([a-zA-Z0-9][-a-zA-Z0-9]*(?:\.[A-Za-z]+)?)|(\S))")

Results = Mapping[str, bool]
Test = Callable[[Mapping[str, Results]], bool]


class DependsError(UserError):
    """A `depends` text that is no boolean expression over tasks."""


@dataclass(frozen=True, slots=True)
class Depends:
    """A parsed `depends`.

    `names` are the tasks it waits for, in order of appearance. `expanded` is the text with each bare name spelled out
    as the results that let its dependants run. `test` decides, given each task's results by name.
    """

    names: tuple[str, ...]
    expanded: str
    test: Test


def of_task(task: Mapping[str, Any], continue_on: Mapping[str, Mapping[str, Any]]) -> Depends | None:
    """Return what a task waits for, from its `depends` or its `dependencies`; None if nothing.

    `continue_on` maps every task of the DAG to its `continueOn`, which widens what a bare name accepts. Raises
    DependsError.
    """
    text = task.get("depends") or ""
    if not text:
        names = task.get("dependencies") or []
        text = " && ".join(names)
    if not text:
        return None
    return parse(text, continue_on)


def parse(text: str, continue_on: Mapping[str, Mapping[str, Any]] | None = None) -> Depends:
    """Parse a `depends` text. `continue_on` maps every known task to its `continueOn`; None lets any name pass.

    Raises DependsError with the column in its location-free message.
    """
    if len(text) > LONGEST:
        raise DependsError(f"depends is longer than {LONGEST} characters", hint="split the DAG")
    parser = _Parser(text, continue_on)
    test = parser.disjunction(0)
    parser.expect_end()
    return Depends(tuple(parser.names), "".join(parser.pieces), test)


def accepted_results(continue_on: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the results of a task that let a dependant run which names it bare."""
    accepted = ["Succeeded", "Skipped", "Daemoned"]
    if continue_on.get("error"):
        accepted.append("Errored")
    if continue_on.get("failed"):
        accepted.append("Failed")
    return tuple(accepted)


def results_of(node: Node, children: Mapping[Phase, int]) -> Results:
    """Return what a fulfilled task's node answers to each result; `children` counts a task group's items by phase."""
    items = sum(children.values()) if node.type is NodeType.TASK_GROUP else 0
    return {
        "Succeeded": node.phase is Phase.SUCCEEDED,
        "Failed": node.phase is Phase.FAILED,
        "Errored": node.phase is Phase.ERROR,
        "Skipped": node.phase is Phase.SKIPPED,
        "Omitted": node.phase is Phase.OMITTED,
        "Daemoned": node.daemoned and node.phase is not Phase.PENDING,
        "AnySucceeded": items > 0 and children.get(Phase.SUCCEEDED, 0) > 0,
        "AllFailed": items > 0 and children.get(Phase.FAILED, 0) == items,
    }


class _Parser:
    """Recursive descent over the tokens; `pieces` collects the expanded text on the way."""

    def __init__(self, text: str, continue_on: Mapping[str, Mapping[str, Any]] | None) -> None:
        self.text = text
        self.continue_on = continue_on
        self.names: dict[str, None] = {}
        self.pieces: list[str] = []
        self.position = 0
        self.token: str | None = None
        self.token_at = 0
        self.advance()

    def advance(self) -> None:
        """Move to the next token, keeping the white space between tokens in the expanded text."""
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            self.token = None
            self.token_at = len(self.text)
            return
        if match[3]:
            raise self.error(match.start(3), f"unexpected {match[3]!r}")
        self.token = match[1] or match[2]
        self.token_at = match.start(1) if match[1] else match.start(2)
        self.pieces.append(self.text[self.position : self.token_at])
        self.position = match.end()

    def error(self, at: int, problem: str) -> DependsError:
        return DependsError(
            f"depends {self.text!r}: {problem} at column {at + 1}",
            hint="use task names, optionally with .Succeeded and the like, joined by &&, || and !",
        )

    def expect_end(self) -> None:
        if self.token is not None:
            raise self.error(self.token_at, f"unexpected {self.token!r}")

    def disjunction(self, depth: int) -> Test:
        if depth > DEEPEST:
            raise self.error(self.token_at, "too deeply nested")
        return self.chain("||", lambda: self.chain("&&", lambda: self.negation(depth), all), any)

    def chain(self, operator: str, operand: Callable[[], Test], combine: Callable[[Any], bool]) -> Test:
        tests = [operand()]
        while self.token == operator:
            self.pieces.append(operator)
            self.advance()
            tests.append(operand())
        if len(tests) == 1:
            return tests[0]
        return lambda results: combine(test(results) for test in tests)

    def negation(self, depth: int) -> Test:
        negated = False
        while self.token == "!":  # noqa: S105 - an operator
            self.pieces.append("!")
            self.advance()
            negated = not negated
        test = self.operand(depth)
        return (lambda results: not test(results)) if negated else test

    def operand(self, depth: int) -> Test:
        token, at = self.token, self.token_at
        if token == "(":  # noqa: S105 - an operator
            self.pieces.append("(")
            self.advance()
            test = self.disjunction(depth + 1)
            if self.token != ")":  # noqa: S105 - an operator
                raise self.error(self.token_at, "a parenthesis is not closed")
            self.pieces.append(")")
            self.advance()
            return test
        if token is None or token in ("&&", "||", ")"):
            raise self.error(at, "a task name is missing")
        return self.reference(token, at)

    def reference(self, token: str, at: int) -> Test:
        name, _, result = token.partition(".")
        if result and result not in RESULTS:
            raise self.error(at, f"task result {result!r} for task {name!r} is invalid")
        if self.continue_on is not None and name not in self.continue_on:
            raise self.error(at, f"there is no task {name!r}")
        self.names[name] = None
        if result:
            self.pieces.append(token)
            self.advance()
            return lambda results: results[name][result]
        accepted = accepted_results((self.continue_on or {}).get(name, {}))
        self.pieces.append("(" + " || ".join(f"{name}.{each}" for each in accepted) + ")")
        self.advance()
        return lambda results: any(results[name][each] for each in accepted)
