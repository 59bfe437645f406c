"""Reading lark's parse trees: children by kind, positions, names."""

import lark

from eventflow.expressions.cel import ir

Tree = lark.Tree[lark.Token]


def token(tree: Tree, position: int) -> lark.Token:
    """The child at `position`, which the grammar makes a token."""
    child = tree.children[position]
    assert isinstance(child, lark.Token)
    return child


def subtree(tree: Tree, position: int) -> Tree:
    """The child at `position`, which the grammar makes a tree."""
    child = tree.children[position]
    assert isinstance(child, lark.Tree)
    return child


def subtrees(tree: Tree) -> list[Tree]:
    return [child for child in tree.children if isinstance(child, lark.Tree)]


def span_of(place: Tree | lark.Token) -> ir.Span:
    # An empty tree (the sign of `-x`) has no position of its own; nothing asks for it.
    meta = place.meta if isinstance(place, lark.Tree) else place
    return ir.Span(
        meta.line or 1,
        meta.column or 1,
        meta.end_line or 1,
        meta.end_column or 1,
        meta.start_pos or 0,
        meta.end_pos or 0,
    )


def field(name: lark.Token) -> str:
    """The name of a field, without its backquotes."""
    return name.value[1:-1] if name.type == "QUOTED_IDENT" else str(name.value)


def dotted(tree: Tree) -> tuple[list[str], bool] | None:
    """The names of a pure chain of identifiers such as a.b.c, and whether it starts with a dot."""
    names: list[str] = []
    while tree.data == "member_dot" and token(tree, 1).type == "IDENT":
        names.append(token(tree, 1).value)
        tree = subtree(tree, 0)
    if tree.data not in ("ident", "dot_ident"):
        return None
    names.append(token(tree, 0).value)
    return names[::-1], tree.data == "dot_ident"
