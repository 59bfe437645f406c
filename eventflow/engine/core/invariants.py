"""What must always hold of a workflow, whatever happened to it. Checked by tests after every step."""

from typing import TYPE_CHECKING

from eventflow.engine.core.state import FULFILLED, ROOT, NodeType, Phase
from eventflow.errors import InvariantError

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

_HAS_CHILDREN = frozenset({NodeType.STEPS, NodeType.DAG, NodeType.STEP_GROUP, NodeType.TASK_GROUP, NodeType.RETRY})


def check(workflow: "Workflow") -> None:
    """Raise InvariantError, with what is wrong, unless everything holds."""
    problems = [*_nodes(workflow), *_frames(workflow), *_end(workflow)]
    if problems:
        raise InvariantError("; ".join(problems))


def _nodes(workflow: "Workflow") -> list[str]:
    problems = []
    names: set[str] = set()
    for ordinal, node in enumerate(workflow.nodes):
        if node.ordinal != ordinal:
            problems.append(f"{node.name} stands at {ordinal}, not at {node.ordinal}")
        if node.name in names:
            problems.append(f"there are two nodes named {node.name}")
        names.add(node.name)
        if any(parent >= ordinal for parent in node.parents):
            problems.append(f"{node.name} hangs under a later node")
        if node.boundary != ROOT and node.boundary >= ordinal:
            problems.append(f"{node.name} lies in a later node")
        if (node.phase in FULFILLED) != bool(node.finished_at):
            problems.append(f"{node.name} is {node.phase} with finished_at {node.finished_at}")
        if node.children and node.phase is Phase.PENDING and node.type in _HAS_CHILDREN:
            problems.append(f"{node.name} has children but is Pending")
    return problems


def _frames(workflow: "Workflow") -> list[str]:
    problems = [
        f"{frame.node.name} is {frame.node.phase} but still at work"
        for frame in workflow.frames.values()
        if frame.node.phase in FULFILLED
    ]
    problems += [
        f"pod {pod} leads to {workflow.nodes[ordinal].name}, which has no frame"
        for pod, ordinal in workflow.pods.items()
        if ordinal not in workflow.frames
    ]
    return problems


def _end(workflow: "Workflow") -> list[str]:
    state = workflow.state
    if not state.ended:
        return []
    problems = []
    if not state.finished_at:
        problems.append(f"the workflow is {state.phase} without an end")
    if workflow.nodes and workflow.nodes[0].phase not in FULFILLED:
        problems.append(f"the workflow is {state.phase}, its root {workflow.nodes[0].phase}")
    return problems
