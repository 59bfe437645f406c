"""Macros as Python loops. `exists` and `all` stop early and absorb errors, as `||` and `&&` do."""

import ast

from eventflow.expressions.cel import emit, ir, pyast, structures
from eventflow.expressions.cel.emit import Emitter
from eventflow.expressions.cel.functions import lists


def comprehension(emitter: Emitter, node: ir.Comprehension) -> ast.expr:
    match node.macro:
        case "all" | "exists":
            return _quantified(emitter, node)
        case "exists_one":
            return _exactly_one(emitter, node)
        case "transformMap":
            return _collected(emitter, node, ast.Dict([], []))
        case "sortBy":
            keyed = _collected(emitter, node, ast.List([], ast.Load()))
            return pyast.call(emitter.hold(lists.sort_by), emitter.budget, keyed)
    return _collected(emitter, node, ast.List([], ast.Load()))


def _header(emitter: Emitter, node: ir.Comprehension) -> tuple[ast.expr, ast.expr]:
    """The target of the for statement and what it iterates over."""
    names: list[ast.expr] = [pyast.store(emit.local_name(variable)) for variable in node.variables]
    walk = structures.each if len(names) == 1 else structures.each_pair
    items = pyast.call(emitter.hold(walk), emitter.budget, emitter.value(node.target))
    pyast.stamp(items, node.target.span)
    return names[0] if len(names) == 1 else ast.Tuple(names, ast.Store()), items


def _condition(node: ir.Comprehension) -> ir.Node:
    assert node.condition is not None, "the parser gives these macros a condition"
    return node.condition


def _not_bool(emitter: Emitter, node: ir.Comprehension, value: str) -> ast.expr:
    return pyast.call(emitter.hold(structures.not_bool), ast.Constant(node.macro), pyast.load(value))


def _quantified(emitter: Emitter, node: ir.Comprehension) -> ast.expr:
    stop = node.macro == "exists"
    result, error, value = emitter.fresh("r"), emitter.fresh("e"), emitter.fresh("t")
    target, items = _header(emitter, node)
    emitter.add(pyast.assign(result, ast.Constant(not stop)), node.span)
    emitter.add(pyast.assign(error, ast.Constant(None)), node.span)
    with emitter.loop(node.span), emitter.block(node.span):
        body = emitter.branch(_condition(node), value)
    wrong = pyast.assign(error, ast.BoolOp(ast.Or(), [pyast.load(error), _not_bool(emitter, node, value)]))
    goes_on = pyast.if_(pyast.is_not(pyast.load(value), not stop), [wrong])
    found = [
        pyast.assign(result, ast.Constant(stop)),
        pyast.assign(error, ast.Constant(None)),
        ast.Break(),
    ]
    body.append(pyast.if_(pyast.is_(pyast.load(value), stop), found, [goes_on]))
    undecided = pyast.if_(pyast.is_not(pyast.load(error), None), [pyast.raise_(pyast.load(error))])
    caught = pyast.absorbing(body, error, emitter.fresh("x"))
    emitter.add(ast.For(target, items, [caught], [undecided]), node.span)
    return pyast.load(result)


def _selecting(emitter: Emitter, node: ir.Comprehension, then: list[ast.stmt]) -> list[ast.stmt]:
    """Statements that run `then` where the condition holds."""
    value = emitter.fresh("t")
    wrong = pyast.if_(pyast.is_not(pyast.load(value), False), [pyast.raise_(_not_bool(emitter, node, value))])
    return [*emitter.branch(_condition(node), value), pyast.if_(pyast.is_(pyast.load(value), True), then, [wrong])]


def _exactly_one(emitter: Emitter, node: ir.Comprehension) -> ast.expr:
    count = emitter.fresh("n")
    target, items = _header(emitter, node)
    emitter.add(pyast.assign(count, ast.Constant(0)), node.span)
    with emitter.loop(node.span):
        body = _selecting(emitter, node, [ast.AugAssign(pyast.store(count), ast.Add(), ast.Constant(1))])
    emitter.add(ast.For(target, items, body, []), node.span)
    return pyast.compare(pyast.load(count), ast.Eq(), ast.Constant(1))


def _collected(emitter: Emitter, node: ir.Comprehension, empty: ast.expr) -> ast.expr:
    result = emitter.fresh("r")
    target, items = _header(emitter, node)
    emitter.add(pyast.assign(result, empty), node.span)
    with emitter.loop(node.span):
        body = _contribution(emitter, node, result)
        if node.condition is not None:
            body = _selecting(emitter, node, body)
    emitter.add(ast.For(target, items, body, []), node.span)
    return pyast.load(result)


def _contribution(emitter: Emitter, node: ir.Comprehension, result: str) -> list[ast.stmt]:
    """Statements that add what one element gives to the collection."""
    first = pyast.load(emit.local_name(node.variables[0]))
    value = emitter.fresh("t")
    compute: list[ast.stmt] = []
    given: ast.expr = first
    if node.result is not None:
        compute = emitter.branch(node.result, value)
        given = pyast.load(value)
    if node.macro == "transformMap":
        return [*compute, ast.Assign([ast.Subscript(pyast.load(result), first, ast.Store())], given)]
    if node.macro == "sortBy":
        given = ast.Tuple([given, first], ast.Load())
    append = ast.Attribute(pyast.load(result), "append", ast.Load())
    return [*compute, ast.Expr(pyast.call(append, given))]
