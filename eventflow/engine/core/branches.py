"""The phase of a DAG from the phases of its targets.

A target that never ran takes the phase of the branch that led to it, failures first.
Source: Argo v4.1.2 workflow/controller/dag.go assessDAGPhase.
"""

from collections import deque
from collections.abc import Callable, Sequence

from eventflow.engine.core.state import UNSUCCESSFUL, Node, NodeType, Phase


def assess(
    nodes: Sequence[Node], dag: Node, targets: Sequence[tuple[int, Node]], tolerant: Callable[[int, Phase], bool]
) -> Phase:
    """Return the phase of a DAG whose tasks are all done; `tolerant` tells whether a target may end in a phase."""
    deduced = {} if all(node.completed or node.daemoned for _, node in targets) else _branch_phases(nodes, dag, targets)
    for number, node in targets:
        phase = node.phase if node.completed else deduced.get(node.ordinal, Phase.SUCCEEDED)
        if phase in UNSUCCESSFUL and not tolerant(number, phase):
            return phase
    return Phase.SUCCEEDED


def _branch_phases(nodes: Sequence[Node], dag: Node, targets: Sequence[tuple[int, Node]]) -> dict[int, Phase]:
    wanted = {node.ordinal for _, node in targets}
    found: dict[int, Phase] = {}
    queue = deque((child, Phase.SUCCEEDED) for child in dag.children)
    seen = set(queue)
    while queue:
        ordinal, branch = queue.popleft()
        node = nodes[ordinal]
        if node.completed:
            branch = node.phase
        if ordinal in wanted and found.get(ordinal) not in UNSUCCESSFUL:
            found[ordinal] = branch
        for child in _successors(nodes, node):
            if (child, branch) not in seen:
                seen.add((child, branch))
                queue.append((child, branch))
    return found


def _successors(nodes: Sequence[Node], node: Node) -> list[int]:
    """Return a node's children; of a retry node, its hooks and what hangs below its attempts."""
    if node.type is not NodeType.RETRY:
        return node.children
    found: list[int] = []
    for child in reversed(node.children):
        if nodes[child].hooked:
            found.append(child)
        else:
            found.extend(nodes[child].children)
    return found
