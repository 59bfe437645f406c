"""Logical operators, conditions and bindings as Python statements.

`&&` and `||` absorb errors in either order: `error || true` is true (cel-spec doc/langdef.md, "Logical Operators").
"""

import ast

from eventflow.expressions.cel import emit, ir, pyast, structures
from eventflow.expressions.cel.emit import Emitter
from eventflow.expressions.cel.functions import optionals
from eventflow.expressions.cel.values import NONE, Optional


def logic(emitter: Emitter, node: ir.Logic) -> ast.expr:
    stop = node.operator == "||"
    result, error, value = emitter.fresh("r"), emitter.fresh("e"), emitter.fresh("t")
    emitter.add(pyast.assign(result, ast.Constant(not stop)), node.span)
    emitter.add(pyast.assign(error, ast.Constant(None)), node.span)
    for position, operand in enumerate(node.operands):
        last = position == len(node.operands) - 1
        if last or emitter.is_safe(operand):
            # Nothing follows that could absorb an error, or there can be none.
            statements = _judged(emitter, node, operand, result, error, value)
        else:
            with emitter.block(operand.span):
                judged = _judged(emitter, node, operand, result, error, value)
            statements = [pyast.absorbing(judged, error, emitter.fresh("x"))]
        if position:
            statements = [pyast.if_(pyast.is_(pyast.load(result), not stop), statements)]
        for statement in statements:
            emitter.add(statement, operand.span)
    emitter.add(_settled(result, error, stop), node.span)
    return pyast.load(result)


def _judged(emitter: Emitter, node: ir.Logic, operand: ir.Node, result: str, error: str, value: str) -> list[ast.stmt]:
    """Compute an operand: it decides, or changes nothing, or is no bool, which is an error to remember."""
    stop = node.operator == "||"
    wrong = pyast.call(emitter.hold(structures.not_bool), ast.Constant(f"_{node.operator}_"), pyast.load(value))
    decide = pyast.if_(
        pyast.is_(pyast.load(value), stop),
        [pyast.assign(result, ast.Constant(stop))],
        [pyast.assign(error, ast.BoolOp(ast.Or(), [pyast.load(error), wrong]))],
    )
    return [*emitter.branch(operand, value), pyast.if_(pyast.is_not(pyast.load(value), not stop), [decide])]


def _settled(result: str, error: str, stop: bool) -> ast.stmt:
    """Raise the remembered error unless an operand decided; else forget it, for it would keep the event alive."""
    undecided = pyast.if_(pyast.is_(pyast.load(result), not stop), [pyast.raise_(pyast.load(error))])
    return pyast.if_(pyast.is_not(pyast.load(error), None), [undecided, pyast.assign(error, ast.Constant(None))])


def condition(emitter: Emitter, node: ir.Cond) -> ast.expr:
    test, result = emitter.fresh("t"), emitter.fresh("r")
    emitter.add(pyast.assign(test, emitter.value(node.condition)), node.condition.span)
    wrong = pyast.call(emitter.hold(structures.not_bool), ast.Constant("_?_:_"), pyast.load(test))
    otherwise = pyast.if_(
        pyast.is_(pyast.load(test), False), emitter.branch(node.otherwise, result), [pyast.raise_(wrong)]
    )
    emitter.add(pyast.if_(pyast.is_(pyast.load(test), True), emitter.branch(node.then, result), [otherwise]), node.span)
    return pyast.load(result)


def bind(emitter: Emitter, node: ir.Bind) -> ast.expr:
    """A value that fails counts only where it is used, as cel-cpp has it, which computes it on first use."""
    name, caught = emit.local_name(node.variable), emitter.fresh("x")
    with emitter.block(node.value.span):
        compute = emitter.branch(node.value, name)
    deferred = pyast.call(emitter.hold(structures.Deferred), pyast.load(caught))
    handler = ast.ExceptHandler(pyast.load("ABSORBED"), caught, [pyast.assign(name, deferred)])
    emitter.add(ast.Try(compute, [handler], [], []), node.value.span)
    emitter.deferred.add(node.variable.slot)
    return emitter.value(node.body)


def opt_map(emitter: Emitter, node: ir.OptMap) -> ast.expr:
    held, result = emitter.fresh("o"), emitter.fresh("r")
    target = pyast.call(emitter.hold(optionals.flat), emitter.value(node.target))
    emitter.add(pyast.assign(held, target), node.target.span)
    emitter.add(pyast.assign(result, emitter.hold(NONE)), node.span)
    variable = emit.local_name(node.variable)
    value = ast.Attribute(pyast.load(held), "value", ast.Load())
    wrapped = (
        pyast.call(emitter.hold(optionals.flat), pyast.load(result))
        if node.flat
        else pyast.call(emitter.hold(Optional), ast.Constant(True), pyast.load(result))
    )
    present = [pyast.assign(variable, value), *emitter.branch(node.body, result), pyast.assign(result, wrapped)]
    emitter.add(pyast.if_(ast.Attribute(pyast.load(held), "present", ast.Load()), present), node.span)
    return pyast.load(result)


def alternative(emitter: Emitter, node: ir.Call) -> ast.expr:
    """`x.or(y)` and `x.orValue(y)`: the second is computed only when the first is absent."""
    held, result = emitter.fresh("o"), emitter.fresh("r")
    first, second = node.arguments
    target = pyast.call(emitter.hold(optionals.flat), emitter.value(first))
    emitter.add(pyast.assign(held, target), first.span)
    taken: ast.expr = pyast.load(held)
    other = emitter.branch(second, result)
    if node.function == "orValue":
        taken = ast.Attribute(taken, "value", ast.Load())
    else:
        other.append(pyast.assign(result, pyast.call(emitter.hold(optionals.flat), pyast.load(result))))
    present = ast.Attribute(pyast.load(held), "present", ast.Load())
    emitter.add(pyast.if_(present, [pyast.assign(result, taken)], other), node.span)
    return pyast.load(result)
