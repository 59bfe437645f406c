"""Why an expression gave what it gave: the values of its telling parts on one event."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.expressions.cel import codegen, ir, paths
from eventflow.expressions.cel.errors import CelError
from eventflow.expressions.cel.execution import run

MOST_FINDINGS = 64


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of the expression and what it is worth: `value`, or `error` where it has none."""

    source: str
    line: int
    column: int
    value: Any = None
    error: str | None = None


Probes = tuple[tuple[ir.Node, codegen.Run], ...]


def probes(node: ir.Node) -> Probes:
    """The telling parts of an expression, each compiled by itself, in order of appearance, the larger first: the
    whole, operands of logical operators, comparisons, calls, macros, and the paths they read. Parts inside macros have
    no single value and are left out.
    """
    parts = {(part.span.start, -part.span.end): part for part in _telling(node)}
    chosen = [parts[key] for key in sorted(parts)][:MOST_FINDINGS]
    return tuple((part, codegen.generate(part)) for part in chosen)


def explain(source: str, parts: Probes, variables: Mapping[str, Any]) -> list[Finding]:
    """What each part is worth, also where the whole never needed it."""
    findings = []
    for part, compute in parts:
        text = source[part.span.start : part.span.end]
        line, column = part.span.line, part.span.column
        try:
            findings.append(Finding(text, line, column, value=run(compute, variables)))
        except CelError as error:
            findings.append(Finding(text, line, column, error=error.message))
    return findings


def _telling(node: ir.Node) -> Iterator[ir.Node]:
    if isinstance(node, ir.Const | ir.Local):
        return
    if not isinstance(node, ir.ListLiteral | ir.MapLiteral):
        yield node
    if paths.path_of(node) is not None:
        # Of a.b.c and has(a.b.c), the steps before the last tell nothing that it does not.
        return
    if isinstance(node, ir.Comprehension | ir.OptMap):
        yield from _telling(node.target)
    elif isinstance(node, ir.Bind):
        yield from _telling(node.value)
    else:
        for child in ir.children(node):
            yield from _telling(child)
