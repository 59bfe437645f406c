"""Edges of the tree: which nodes stand for a node towards its successors.

Source: Argo v4.1.2 workflow/controller/operator.go getOutboundNodes.
"""

from collections.abc import Iterable, Sequence

from eventflow.engine.core.state import Node, NodeType

_ITSELF = frozenset({NodeType.SKIPPED, NodeType.SUSPEND, NodeType.HTTP, NodeType.PLUGIN})


def outbound(nodes: Sequence[Node], node: Node) -> list[Node]:
    """Return the nodes that a successor of this one hangs under."""
    if node.type in _ITSELF:
        return [node]
    if node.type is NodeType.TASK_GROUP:
        return [each for child in node.children for each in outbound(nodes, nodes[child])] or [node]
    if node.type in (NodeType.POD, NodeType.CONTAINER):
        return _of_containers(nodes, node)
    if node.type is NodeType.RETRY and node.children:
        return [nodes[node.children[-1]]]
    if (node.memo or {}).get("hit"):
        return [node]
    return [each for ordinal in node.outbound for each in outbound(nodes, nodes[ordinal])]


def _of_containers(nodes: Sequence[Node], node: Node) -> list[Node]:
    pod = node.ordinal if node.type is NodeType.POD else node.boundary
    inner = [nodes[child] for child in node.children if nodes[child].type is NodeType.CONTAINER]
    within = [child for child in inner if child.boundary == pod]
    if not within:
        return [node]
    return unique(each for child in within for each in _of_containers(nodes, child))


def unique(nodes: Iterable[Node]) -> list[Node]:
    """Return the nodes once each, in order."""
    return list({node.ordinal: node for node in nodes}.values())
