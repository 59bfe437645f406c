"""Progress, `N/M`: of pods as they report or end, of everything else as the sum of what hangs below it.

Source: Argo v4.1.2 workflow/progress/updater.go. As there, a sum follows all `children`, so that what comes after a
step group counts into it as well.
"""

from collections.abc import Sequence

from eventflow.engine.core.state import Node, NodeType, Phase

_EXECUTABLE = frozenset({NodeType.POD, NodeType.HTTP, NodeType.PLUGIN, NodeType.CONTAINER, NodeType.SUSPEND})
_COMPLETE = frozenset({Phase.SUCCEEDED, Phase.SKIPPED, Phase.OMITTED})
EXACT_UP_TO = 2_000  # nodes; beyond, sums over shared successors would cost their square

Pair = tuple[int, int]


def own(node: Node) -> Pair | None:
    """Return the progress of a node that something runs; None for the others and for what cannot be read."""
    if node.type not in _EXECUTABLE:
        return None
    done, _, total = (node.progress or "0/1").partition("/")
    if not (done.isdigit() and total.isdigit()) or int(total) < 1:
        return None
    return (int(total), int(total)) if node.phase in _COMPLETE else (int(done), int(total))


def overall(nodes: Sequence[Node]) -> str:
    """Return the progress of a whole workflow."""
    pairs = [pair for pair in map(own, nodes) if pair is not None]
    return f"{sum(done for done, _ in pairs)}/{sum(total for _, total in pairs)}"


def of_nodes(nodes: Sequence[Node]) -> list[str]:
    """Return the progress of each node as it is shown, empty for none.

    In workflows of more than EXACT_UP_TO nodes, only nodes that run have one.
    """
    pairs = [own(node) for node in nodes]
    shown = ["" if pair is None else f"{pair[0]}/{pair[1]}" for pair in pairs]
    if len(nodes) > EXACT_UP_TO:
        return shown
    for node in nodes:
        if node.type not in _EXECUTABLE:
            done, total = _below(nodes, pairs, node)
            if total:
                shown[node.ordinal] = f"{done}/{total}"
    return shown


def _below(nodes: Sequence[Node], pairs: Sequence[Pair | None], node: Node) -> Pair:
    seen: set[int] = set()
    pending = list(node.children)
    done = total = 0
    while pending:
        ordinal = pending.pop()
        if ordinal in seen:
            continue
        seen.add(ordinal)
        pair = pairs[ordinal]
        if pair is not None:
            done, total = done + pair[0], total + pair[1]
        pending.extend(nodes[ordinal].children)
    return done, total
