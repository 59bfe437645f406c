"""Calls of operators and functions; comparisons with constants become Python's own."""

import ast
from collections.abc import Callable
from typing import Any, Final

from eventflow.expressions.cel import emit_logic, ir, operators, pyast, structures
from eventflow.expressions.cel.emit import Emitter
from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions import library, regex
from eventflow.expressions.cel.limits import metered

OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "_<_": operators.less,
    "_<=_": operators.less_equal,
    "_>_": operators.greater,
    "_>=_": operators.greater_equal,
    "_==_": operators.equal,
    "_!=_": operators.not_equal,
    "@in": operators.contained,
    "_+_": operators.add,
    "_-_": operators.subtract,
    "_*_": operators.multiply,
    "_/_": operators.divide,
    "_%_": operators.modulo,
    "!_": operators.logical_not,
    "-_": operators.negate,
}
_METERED: Final = {"_==_": operators.equal_metered, "_!=_": operators.not_equal_metered}


def call(emitter: Emitter, node: ir.Call) -> ast.expr:
    for shortcut in (_comparison, _membership, _folded, _constant_pattern):
        special = shortcut(emitter, node)
        if special is not None:
            return special
    if node.function in OPERATORS:
        return _operator(emitter, node)
    if node.function in ("or", "orValue") and len(node.arguments) == 2:
        return emit_logic.alternative(emitter, node)
    function = library.FUNCTIONS.get(node.function)
    if function is None or not function.takes(len(node.arguments)):
        return pyast.call(emitter.hold(structures.unbound), ast.Constant(node.function))
    arguments = [emitter.value(argument) for argument in node.arguments]
    if function.budgeted:
        arguments.insert(0, emitter.budget)
    if function.linear and emitter.loops:
        return pyast.call(emitter.hold(metered), emitter.budget, emitter.hold(function.run), *arguments)
    return pyast.call(emitter.hold(function.run), *arguments)


def _operator(emitter: Emitter, node: ir.Call) -> ast.expr:
    arguments = [emitter.value(argument) for argument in node.arguments]
    if node.function == "_+_":
        return pyast.call(emitter.hold(operators.add), emitter.budget, *arguments)
    if emitter.loops and node.function in _METERED:
        return pyast.call(emitter.hold(_METERED[node.function]), emitter.budget, *arguments)
    run = emitter.hold(OPERATORS[node.function])
    if emitter.loops and node.function == "@in":
        return pyast.call(emitter.hold(metered), emitter.budget, run, *arguments)
    return pyast.call(run, *arguments)


def _comparison(emitter: Emitter, node: ir.Call) -> ast.expr | None:
    """`x == "text"` and the like: with most constants, Python's comparison is CEL's."""
    if node.function not in ("_==_", "_!=_"):
        return None
    left, right = node.arguments
    if isinstance(left, ir.Const) == isinstance(right, ir.Const):
        return None
    constant, other = (left, right) if isinstance(left, ir.Const) else (right, left)
    assert isinstance(constant, ir.Const)
    equal = node.function == "_==_"
    kind = constant.value.__class__
    # 0 and 1 are left out: Python takes False and True for them.
    if kind is str or (kind in (int, float) and constant.value not in (0, 1)):
        operator: ast.cmpop = ast.Eq() if equal else ast.NotEq()
    elif kind is bool or constant.value is None:
        operator = ast.Is() if equal else ast.IsNot()
    else:
        return None
    value = emitter.value(other)
    if isinstance(value, ast.Constant):
        # What cel.bind() gives may still be a constant, and Python warns of `is` between two.
        return pyast.call(emitter.hold(OPERATORS[node.function]), value, ast.Constant(constant.value))
    return pyast.compare(value, operator, ast.Constant(constant.value))


def _membership(emitter: Emitter, node: ir.Call) -> ast.expr | None:
    """`x in ["a", "b"]`."""
    if node.function != "@in" or not isinstance(node.arguments[1], ir.ListLiteral):
        return None
    texts = [item.value for item, optional in node.arguments[1].items if isinstance(item, ir.Const) and not optional]
    if len(texts) < len(node.arguments[1].items) or any(text.__class__ is not str for text in texts):
        return None
    return pyast.compare(
        emitter.value(node.arguments[0]), ast.In(), ast.Tuple([ast.Constant(text) for text in texts], ast.Load())
    )


def _folded(emitter: Emitter, node: ir.Call) -> ast.expr | None:
    """`timestamp("...")` and the like, made once. A bad constant is left to fail at run time, where || may absorb it;
    the checker has reported it."""
    function = library.FUNCTIONS.get(node.function)
    if function is None or not function.foldable or len(node.arguments) != 1:
        return None
    text = _constant_text(node.arguments[0])
    try:
        return None if text is None else emitter.hold(function.run(text))
    except Failure:
        return None


def _constant_pattern(emitter: Emitter, node: ir.Call) -> ast.expr | None:
    """`matches()` of a constant pattern, compiled once, unless it is so large that each use must be charged."""
    if node.function != "matches" or len(node.arguments) != 2:
        return None
    text = _constant_text(node.arguments[1])
    try:
        pattern = None if text is None else regex.compiled(text)
    except Failure:
        return None
    if pattern is None or not regex.is_linear(pattern):
        return None
    run, search = emitter.hold(regex.matches_constant), emitter.hold(pattern.search)
    if emitter.loops:
        return pyast.call(emitter.hold(metered), emitter.budget, run, emitter.value(node.arguments[0]), search)
    return pyast.call(run, emitter.value(node.arguments[0]), search)


def _constant_text(node: ir.Node) -> str | None:
    return node.value if isinstance(node, ir.Const) and isinstance(node.value, str) else None
