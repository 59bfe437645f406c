"""Which variables an expression needs, as Argo finds them (util/template/expression_template.go)."""

from dataclasses import dataclass

from eventflow.expressions.expr import nodes


@dataclass(frozen=True, slots=True)
class Names:
    """Dotted names of free variables.

    `required` holds every path and its beginnings, in the order of evaluation, without those that `??` or `?.` guard;
    `guarded` those; `bound` the names that `let` binds; `whole` the longest path of each use; `roots` the first parts.
    """

    required: tuple[str, ...]
    guarded: tuple[str, ...]
    bound: tuple[str, ...]
    whole: frozenset[str]
    roots: tuple[str, ...]


def find(tree: nodes.Node) -> Names:
    """Return the free names of a tree. Names bound by `let` are no variables."""
    finder = _Finder()
    finder.mark(tree)
    finder.walk(tree, frozenset(), inner=False)
    unguarded = set(finder.required)
    return Names(
        tuple(finder.required),
        tuple(name for name in finder.guarded if name not in unguarded),
        tuple(dict.fromkeys(finder.bound)),
        frozenset(finder.whole),
        tuple(dict.fromkeys(finder.roots)),
    )


def path(node: nodes.Node) -> str | None:
    """Return `a.b.c` for members of a variable by constant names, else None."""
    parts: list[str] = []
    while isinstance(node, nodes.Member):
        if node.optional or not isinstance(node.key, nodes.Constant) or not isinstance(node.key.value, str):
            return None
        parts.append(node.key.value)
        node = node.base
    if not isinstance(node, nodes.Identifier):
        return None
    return ".".join((node.name, *reversed(parts)))


class _Finder:
    def __init__(self) -> None:
        self.required: dict[str, None] = {}
        self.guarded: dict[str, None] = {}
        self.whole: set[str] = set()
        self.roots: list[str] = []
        self.bound: list[str] = []
        self._guards: set[int] = set()

    def mark(self, node: nodes.Node) -> None:
        """Note the members whose absence the expression handles itself."""
        if isinstance(node, nodes.Binary) and node.operator == "??":
            self._mark_members(node.left)
        if isinstance(node, nodes.Member) and node.optional and isinstance(node.base, nodes.Member):
            self._guards.add(id(node.base))
        for child in nodes.children(node):
            self.mark(child)

    def _mark_members(self, node: nodes.Node) -> None:
        if isinstance(node, nodes.Member):
            self._guards.add(id(node))
        for child in nodes.children(node):
            self._mark_members(child)

    def walk(self, node: nodes.Node, bound: frozenset[str], *, inner: bool) -> None:
        """Collect names below `node`; `inner` means that the node is the beginning of a longer path."""
        if isinstance(node, nodes.Identifier):
            self._identifier(node, bound, inner)
            return
        dotted = path(node) if isinstance(node, nodes.Member) else None
        if dotted is not None and dotted.split(".", 1)[0] in bound:
            return
        if isinstance(node, nodes.Let):
            self.bound.append(node.name)
            self.walk(node.value, bound, inner=False)
            self.walk(node.body, bound | {node.name}, inner=False)
            return
        for child in nodes.children(node):
            self.walk(child, bound, inner=dotted is not None)
        if dotted is not None:
            (self.guarded if id(node) in self._guards else self.required)[dotted] = None
            if not inner:
                self.whole.add(dotted)

    def _identifier(self, node: nodes.Identifier, bound: frozenset[str], inner: bool) -> None:
        if node.name in bound:
            return
        self.required[node.name] = None
        self.roots.append(node.name)
        if not inner:
            self.whole.add(node.name)
