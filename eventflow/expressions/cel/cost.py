"""How many steps an expression may take, estimated before it runs."""

from typing import Final

from eventflow.expressions.cel import ir

LIST_SIZE: Final = 100
"""What a list of unknown length is taken for."""


def estimate(node: ir.Node, times: int = 1) -> int:
    """Steps of an evaluation: each node counts as often as the macros around it walk."""
    if not isinstance(node, ir.Comprehension):
        return times + sum(estimate(child, times) for child in ir.children(node))
    known = isinstance(node.target, ir.ListLiteral | ir.MapLiteral)
    size = len(ir.children(node.target)) if known else LIST_SIZE
    bodies = (body for body in (node.condition, node.result) if body is not None)
    return times + estimate(node.target, times) + sum(estimate(body, times * size) for body in bodies)
