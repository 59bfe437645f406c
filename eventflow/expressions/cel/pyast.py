"""Small builders for Python syntax trees, and stamping them with positions in the expression."""

import ast

from eventflow.expressions.cel import ir


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([store(name)], value)


def call(function: ast.expr, *arguments: ast.expr) -> ast.expr:
    return ast.Call(function, list(arguments), [])


def is_(value: ast.expr, constant: bool | None) -> ast.expr:
    return ast.Compare(value, [ast.Is()], [ast.Constant(constant)])


def is_not(value: ast.expr, constant: bool | None) -> ast.expr:
    return ast.Compare(value, [ast.IsNot()], [ast.Constant(constant)])


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    return ast.Compare(left, [operator], [right])


def if_(condition: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt] | None = None) -> ast.stmt:
    return ast.If(condition, then, otherwise or [])


def raise_(error: ast.expr) -> ast.stmt:
    return ast.Raise(error, None)


def subscript(container: ast.expr, key: ast.expr) -> ast.expr:
    return ast.Subscript(container, key, ast.Load())


def absorbing(body: list[ast.stmt], error: str, caught: str) -> ast.stmt:
    """try: body; on an error of CEL keep the first in the variable `error`."""
    keep = assign(error, ast.BoolOp(ast.Or(), [load(error), load(caught)]))
    return ast.Try(body, [ast.ExceptHandler(load("ABSORBED"), caught, [keep])], [], [])


def stamp(tree: ast.AST, span: ir.Span) -> None:
    """Give every node that has no position yet the place of `span`. Inner nodes were stamped before."""
    if hasattr(tree, "lineno"):
        return
    if isinstance(tree, ast.expr | ast.stmt | ast.excepthandler):
        tree.lineno, tree.col_offset = span.line, span.column - 1
        tree.end_lineno, tree.end_col_offset = span.end_line, span.end_column - 1
    for child in ast.iter_child_nodes(tree):
        stamp(child, span)
