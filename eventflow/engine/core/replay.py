"""Which nodes of an ended workflow run again, and the nodes it begins with then. Pure.

Failed leaves are deleted, with all that followed them; what encloses them goes back to Running and finds, when it is
restored, everything else as it was. Source: Argo v4.1.2 workflow/util/util.go FormulateRetryWorkflow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.engine.core import names
from eventflow.engine.core.definition import Definition
from eventflow.engine.core.plan import Library
from eventflow.engine.core.state import FULFILLED, UNSUCCESSFUL, Node, NodeType, Phase, WorkflowState
from eventflow.errors import Conflict, UserError

_GROUPS = frozenset({NodeType.STEP_GROUP, NodeType.TASK_GROUP, NodeType.RETRY})
_COMPOSITE = _GROUPS | {NodeType.STEPS, NodeType.DAG}
_COMPLETED_LABEL = "workflows.argoproj.io/completed"
_PHASE_LABEL = "workflows.argoproj.io/phase"


@dataclass(frozen=True, slots=True)
class Plan:
    """Ordinals: `deleted` run anew, `reset` are entered again; the others stay."""

    deleted: frozenset[int]
    reset: frozenset[int]
    gated: frozenset[int] = frozenset()


def plan(definition: Definition, nodes: Sequence[Node], again: set[int]) -> Plan:
    """Return what runs again: what failed and was not made good, and the nodes in `again`.

    `nodes` have their children filled in. Raises Conflict if that is nothing.
    """
    tree = _Tree(nodes)
    seeds = [node for node in nodes if not node.exiting and (node.ordinal in again or tree.failed(node))]
    if not seeds and nodes:
        seeds = [nodes[0]] if nodes[0].phase in UNSUCCESSFUL or nodes[0].phase not in FULFILLED else []
    for seed in seeds:
        tree.restart(seed)
    tree.close()
    if nodes and not tree.deleted:
        raise Conflict("no node of the workflow failed, so there is nothing to run again")
    return Plan(frozenset(tree.deleted), frozenset(tree.reset), frozenset(_gated(definition, nodes, tree.reset)))


class _Tree:
    """The nodes with what encloses each; collects what is deleted and reset."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._holders = [_holder(node, nodes) for node in nodes]
        self._inside: dict[int, list[int]] = {}
        for node in nodes:
            if node.boundary >= 0:
                self._inside.setdefault(node.boundary, []).append(node.ordinal)
        self._hooks: dict[str, list[int]] = {}
        for node in nodes:
            if node.hooked or node.exiting:
                self._hooks.setdefault(_hooked_name(node.name), []).append(node.ordinal)
        self.deleted: set[int] = set()
        self.reset: set[int] = set()

    def failed(self, node: Node) -> bool:
        """Whether a node is a leaf that failed, or never ended, and nothing after it succeeded."""
        if node.type in _COMPOSITE and node.children:
            return False
        if node.phase not in UNSUCCESSFUL and node.phase in FULFILLED:
            return False
        if node.type is NodeType.CONTAINER:
            return False
        anchor = self._retry_of(node) or node
        return not self._made_good(anchor) and not self._overtaken(node)

    def _made_good(self, node: Node) -> bool:
        seen: set[int] = set()
        pending = list(node.children)
        while pending:
            ordinal = pending.pop()
            if ordinal in seen:
                continue
            seen.add(ordinal)
            below = self._nodes[ordinal]
            if below.phase is Phase.SUCCEEDED and not below.exiting and not below.hooked:
                return True
            pending.extend(below.children)
        return False

    def _overtaken(self, node: Node) -> bool:
        """Whether a later attempt took the place of the one that the node is part of."""
        at: int | None = node.ordinal
        while at is not None:
            holder = self._retry_of(self._nodes[at])
            if holder is not None and self._attempts(holder)[-1] != at:
                return self._nodes[at].type in _COMPOSITE or holder.phase is Phase.SUCCEEDED
            at = self._holders[at]
        return False

    def _retry_of(self, node: Node) -> Node | None:
        holder = self._holders[node.ordinal]
        if not node.retried or holder is None or self._nodes[holder].type is not NodeType.RETRY:
            return None
        return self._nodes[holder]

    def _attempts(self, retry: Node) -> list[int]:
        return [each for each in retry.children if self._nodes[each].retried and self._holders[each] == retry.ordinal]

    def restart(self, node: Node) -> None:
        """Have a node run anew: it goes, what encloses it is reset. Of pods that were retried all attempts go."""
        retry = self._retry_of(node)
        if retry is not None and node.type not in _COMPOSITE:
            self.deleted.update(self._attempts(retry))
        self.deleted.add(node.ordinal)
        at = self._holders[node.ordinal]
        while at is not None and at not in self.reset:
            self.reset.add(at)
            at = self._holders[at]

    def close(self) -> None:
        """Add all that followed, lay inside or hung as a hook on what runs anew or again."""
        pending = list(self.deleted)
        for ordinal in self.reset:
            pending += self._hooks.get(self._nodes[ordinal].name, ())
            pending += [each for each in self._nodes[ordinal].children if not self._belongs(each, ordinal)]
        self.deleted.clear()
        while pending:
            ordinal = pending.pop()
            if ordinal in self.deleted:
                continue
            self.deleted.add(ordinal)
            node = self._nodes[ordinal]
            pending += [*node.children, *self._inside.get(ordinal, ()), *self._hooks.get(node.name, ())]
        self.reset -= self.deleted

    def _belongs(self, ordinal: int, holder: int) -> bool:
        at: int | None = ordinal
        while at is not None:
            if at == holder:
                return True
            at = self._holders[at]
        return False


def _holder(node: Node, nodes: Sequence[Node]) -> int | None:
    """Return what encloses a node: the group whose name its own continues, else its boundary."""
    for parent in node.parents:
        above = nodes[parent]
        if (above.type in _GROUPS or node.type is NodeType.CONTAINER) and _continues(node.name, above.name):
            return parent
    return node.boundary if node.boundary >= 0 else None


def _continues(name: str, above: str) -> bool:
    return name.startswith(above) and name[len(above) : len(above) + 1] in ("(", ".")


def _hooked_name(name: str) -> str:
    """Return the name of the node that a hook or exit handler hangs on: `X.onExit`, `X.hooks.NAME`."""
    at = max(name.rfind(".hooks."), name.rfind(".onExit"))
    return name[:at] if at >= 0 else ""


def _gated(definition: Definition, nodes: Sequence[Node], reset: Iterable[int]) -> list[int]:
    """Return the reset nodes whose template asks for locks: they gave them back, and have to ask again."""
    library = Library(definition.spec, definition.templates)
    found: list[int] = []
    for ordinal in reset:
        node = nodes[ordinal]
        reference: Mapping[str, Any] | None = {"templateRef": node.template_ref} if node.template_ref else None
        if node.retried or (reference is None and not node.template):
            continue
        try:
            template, _ = library.resolve(reference or {"template": node.template}, node.scope)
        except UserError:
            continue
        if template.manifest.get("synchronization"):
            found.append(ordinal)
    return found


def applied(plan: Plan, nodes: Sequence[Node], now: float) -> list[Node]:
    """Return the nodes that are left, reset and numbered anew. The nodes given are changed."""
    kept = [node for node in nodes if node.ordinal not in plan.deleted]
    numbers = {node.ordinal: number for number, node in enumerate(kept)}
    for node in kept:
        if node.ordinal in plan.reset:
            _reset(node, now, gated=node.ordinal in plan.gated)
        node.ordinal = numbers[node.ordinal]
        node.boundary = numbers.get(node.boundary, node.boundary) if node.boundary >= 0 else node.boundary
        node.parents = [numbers[each] for each in node.parents if each in numbers]
        node.outbound = [numbers[each] for each in node.outbound if each in numbers]
        node.children = []
    return kept


def _reset(node: Node, now: float, *, gated: bool) -> None:
    node.phase, node.gated = Phase.RUNNING, gated
    node.message, node.outputs, node.waiting = "", None, ""
    node.started_at, node.finished_at = now, 0.0
    node.outbound, node.daemoned = [], False


def reopen(state: WorkflowState, definition: Definition, now: float) -> None:
    """Bring a workflow's own state back to where it runs, or waits for its locks."""
    locked = bool(definition.spec.get("synchronization"))
    state.phase = str(Phase.PENDING if locked else Phase.RUNNING)
    state.message = state.shutdown = state.waiting = ""
    state.suspended = False
    state.started_at, state.finished_at = now, 0.0
    state.generation += 1
    state.labels = {key: value for key, value in state.labels.items() if key != _COMPLETED_LABEL}
    state.labels[_PHASE_LABEL] = str(Phase.RUNNING)


def adopt(nodes: Sequence[Node], before: str, after: str) -> None:
    """Turn the nodes of one workflow into those of another; pods that succeeded become Skipped with their outputs.

    Source: Argo v4.1.2 workflow/util/util.go FormulateResubmitWorkflow.
    """
    taken: set[str] = set()
    for node in nodes:
        original = node.id
        node.name = after + node.name.removeprefix(before)
        node.id = names.node_id(after, node.name)
        if node.id in taken:
            node.id = f"{node.id}-{node.ordinal}"
        taken.add(node.id)
        if node.display_name == before:
            node.display_name = after
        if node.pod:
            node.type, node.phase, node.pod = NodeType.SKIPPED, Phase.SKIPPED, ""
            node.message = f"original pod: {original}"
