"""Which parts of its variables an expression reads."""

from eventflow.expressions.cel import ir

Path = tuple[str, ...]


def read_by(node: ir.Node) -> frozenset[Path]:
    """The longest paths read, such as ("event", "data", "ref"). A computed key ends a path."""
    found: set[Path] = set()
    _collect(node, found)
    return frozenset(path for path in found if not any(_extends(other, path) for other in found))


def _extends(longer: Path, path: Path) -> bool:
    return len(longer) > len(path) and longer[: len(path)] == path


def _collect(node: ir.Node, found: set[Path]) -> None:
    path = path_of(node)
    if path is not None:
        found.add(path)
        return
    for child in ir.children(node):
        _collect(child, found)


def path_of(node: ir.Node) -> Path | None:
    """The path that a chain of selections and constant string keys stands for, if the node is one."""
    fields: list[str] = []
    while not isinstance(node, ir.Var):
        if isinstance(node, ir.Select | ir.Has):
            fields.append(node.field)
        elif isinstance(node, ir.Index) and isinstance(node.key, ir.Const) and isinstance(node.key.value, str):
            fields.append(node.key.value)
        else:
            return None
        node = node.target
    return (node.name, *reversed(fields))
