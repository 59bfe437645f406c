"""Macros: calls that bind variables or look at their argument's form. Expanded while the tree is lowered.

Source: cel-spec doc/langdef.md, "Macros"; cel-go ext/comprehensions.go (two variables), ext/lists.go (sortBy),
ext/bindings.go (cel.bind), cel/library.go (optMap, optFlatMap).
"""

from typing import Final, Protocol

import lark

from eventflow.expressions.cel import ir
from eventflow.expressions.cel.errors import CelSyntaxError
from eventflow.expressions.cel.scope import Scope
from eventflow.expressions.cel.tree import Tree, span_of


class Lowering(Protocol):
    """What expanding a macro asks of the parser."""

    scope: Scope

    def expression(self, place: Tree, depth: int) -> ir.Node: ...

    def check_reserved(self, name: lark.Token) -> None: ...


# Name and number of arguments -> the macro, its number of variables, whether the next argument is a condition.
_FORMS: Final[dict[tuple[str, int], tuple[ir.Macro, int, bool]]] = {
    ("all", 2): ("all", 1, True),
    ("exists", 2): ("exists", 1, True),
    ("exists_one", 2): ("exists_one", 1, True),
    ("existsOne", 2): ("exists_one", 1, True),
    ("filter", 2): ("filter", 1, True),
    ("map", 2): ("map", 1, False),
    ("map", 3): ("map", 1, True),
    ("sortBy", 2): ("sortBy", 1, False),
    ("all", 3): ("all", 2, True),
    ("exists", 3): ("exists", 2, True),
    ("exists_one", 3): ("exists_one", 2, True),
    ("existsOne", 3): ("exists_one", 2, True),
    ("transformList", 3): ("transformList", 2, False),
    ("transformList", 4): ("transformList", 2, True),
    ("transformMap", 3): ("transformMap", 2, False),
    ("transformMap", 4): ("transformMap", 2, True),
}
_OPTIONAL = ("optMap", "optFlatMap")
NAMES: Final = frozenset(name for name, _ in _FORMS) | {*_OPTIONAL, "has", "cel.bind"}


def is_macro(name: str, arguments: int) -> bool:
    """Whether a member call of this name and number of arguments is a macro."""
    return (name, arguments) in _FORMS or (name in _OPTIONAL and arguments == 2)


def has(lowering: Lowering, span: ir.Span, arguments: list[Tree], depth: int) -> ir.Node:
    """`has(e.f)`: the argument must be a selection."""
    selection = lowering.expression(arguments[0], depth) if len(arguments) == 1 else None
    if not isinstance(selection, ir.Select):
        raise CelSyntaxError("has() takes one field selection", span.line, span.column, hint="such as has(event.data)")
    if selection.optional:
        raise CelSyntaxError("has() takes no optional selection", span.line, span.column, hint="write .hasValue()")
    return ir.Has(span, selection.target, selection.field)


def bind(lowering: Lowering, span: ir.Span, arguments: list[Tree], depth: int) -> ir.Node:
    """`cel.bind(name, value, body)`."""
    if len(arguments) != 3:
        raise CelSyntaxError("cel.bind() takes a name, a value and an expression", span.line, span.column)
    value = lowering.expression(arguments[1], depth)
    variable = _variable(lowering, arguments[0])
    body = lowering.expression(arguments[2], depth)
    lowering.scope.close(1)
    return ir.Bind(span, variable, value, body)


def expand(lowering: Lowering, span: ir.Span, name: str, target: Tree, arguments: list[Tree], depth: int) -> ir.Node:
    """A macro called on `target`; its variables are seen by the arguments after them only."""
    walked = lowering.expression(target, depth)
    if name in _OPTIONAL:
        variable = _variable(lowering, arguments[0])
        body = lowering.expression(arguments[1], depth)
        lowering.scope.close(1)
        return ir.OptMap(span, walked, variable, body, flat=name == "optFlatMap")
    macro, count, conditional = _FORMS[name, len(arguments)]
    variables = tuple(_variable(lowering, argument) for argument in arguments[:count])
    if len({variable.name for variable in variables}) < count:
        raise CelSyntaxError("the variables of a macro need different names", span.line, span.column)
    bodies = [lowering.expression(argument, depth) for argument in arguments[count:]]
    lowering.scope.close(count)
    condition = bodies.pop(0) if conditional else None
    return ir.Comprehension(span, macro, walked, variables, condition, bodies[0] if bodies else None)


def _variable(lowering: Lowering, tree: Tree) -> ir.Local:
    span = span_of(tree)
    token = tree.children[0]
    if tree.data != "ident" or not isinstance(token, lark.Token):
        raise CelSyntaxError("a macro's variable must be a plain name", span.line, span.column, hint="such as x")
    lowering.check_reserved(token)
    return lowering.scope.open(span, token.value)
