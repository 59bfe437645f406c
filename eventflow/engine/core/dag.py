"""The DAG frame: tasks that start as the ones they depend on are done.

Each task keeps the number of its dependencies still open; a completion touches its dependants and nothing else.
Source of the semantics: Argo v4.1.2 workflow/controller/dag.go.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import branches, composite, depends, edges, hooks
from eventflow.engine.core.calls import Awaiter, Call
from eventflow.engine.core.group import Starter
from eventflow.engine.core.plan import Graph, Template, compile_graph
from eventflow.engine.core.scope import AggregateReference, NodeReference, visible
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.engine.core.taskgroup import TaskGroup
from eventflow.errors import UserError
from eventflow.expressions import loop
from eventflow.expressions import template as tags

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

OMITTED = "omitted: depends condition not met"


class DagFrame(composite.CompositeFrame):
    """A DAG template at work."""

    __slots__ = ("_graph", "_live", "_needed", "_nodes", "_open", "_remaining", "_targets")

    prefix = "tasks"

    def __init__(self, workflow: "Workflow", call: Call, template: Template, node: Node) -> None:
        super().__init__(workflow, call, template, node)
        self._graph: Graph = template.graph or compile_graph([])
        self._nodes: dict[int, Node] = {}
        self._remaining: list[int] = []
        self._targets: Sequence[int] = ()
        self._needed: frozenset[int] = frozenset()
        self._open = 0
        self._live = 0

    def start(self, bound: Mapping[str, Any]) -> None:
        self.prepare(bound)
        try:
            self._targets = self._choose_targets()
        except UserError as error:
            self.end(Phase.ERROR, error.message)
            return
        needed = self._find_needed()
        self._needed = frozenset(needed)
        self._open = len(needed)
        tasks = self._graph.tasks
        self._remaining = [len(task.parents) for task in tasks]
        for number in needed:
            if not tasks[number].parents:
                self.workflow.defer(self._consider, number)
        if not needed:
            self._finish()

    def _choose_targets(self) -> Sequence[int]:
        target = self.template.manifest["dag"].get("target") or ""
        tasks = self._graph.tasks
        if not target:
            leaves = [number for number, task in enumerate(tasks) if not task.dependants]
            return sorted(leaves, key=lambda number: tasks[number].manifest["name"])
        names = str(tags.substitute(target, self.scope, allow_unresolved=False)).split()
        unknown = [name for name in names if name not in self._graph.index]
        if unknown:
            raise UserError(f"target {unknown[0]!r} is not a task of the DAG")
        return [self._graph.index[name] for name in names]

    def _find_needed(self) -> Sequence[int]:
        """Return the targets and all they depend on, in the order of the manifest."""
        if not self.template.manifest["dag"].get("target"):
            return range(len(self._graph.tasks))
        seen = set(self._targets)
        pending = list(self._targets)
        while pending:
            for parent in self._graph.tasks[pending.pop()].parents:
                if parent not in seen:
                    seen.add(parent)
                    pending.append(parent)
        return sorted(seen)

    # -- one task ------------------------------------------------------------------------------------------------

    def _consider(self, number: int) -> None:
        """All that the task depends on is done: start it, or settle it without."""
        if self.node.completed or self._halted():
            return
        task = self._graph.tasks[number]
        manifest = task.manifest
        name = f"{self.node.name}.{manifest['name']}"
        existing = self.workflow.recalled(name)
        call = self.child_call(name, manifest, number, [], self)
        if existing is not None and existing.fulfilled and existing.type is not NodeType.TASK_GROUP:
            if not existing.daemoned:
                self._adopt(call, manifest, existing)
                return
        elif existing is not None and existing.fulfilled:
            self._adopt(call, manifest, existing)
            return
        try:
            if task.depends is not None and not task.depends.test(self._results(task.depends.names)):
                self._settle_new(call, Phase.OMITTED, OMITTED)
                return
            call.parents = self._parents(task.parents)
            if loop.is_loop(manifest):
                self._start_loop(call, manifest)
            else:
                self._start_single(call, manifest)
        except UserError as error:
            self._settle_new(call, Phase.ERROR, error.message)

    def _adopt(self, call: Call, manifest: Mapping[str, Any], node: Node) -> None:
        self._live += 1
        awaiter = self._hooked(manifest)
        self.workflow.defer(awaiter.fulfilled, call.slot, node)

    def _hooked(self, manifest: Mapping[str, Any]) -> Awaiter:
        return hooks.Hooked(self, manifest, self) if hooks.has_hooks(manifest) else self

    def _results(self, names: Sequence[str]) -> dict[str, depends.Results]:
        found = {}
        for name in names:
            node = self._nodes[self._graph.index[name]]
            counts: dict[Phase, int] = {}
            if node.type is NodeType.TASK_GROUP:
                for child in node.children:
                    item = self.workflow.nodes[child]
                    if not item.hooked:
                        counts[item.phase] = counts.get(item.phase, 0) + 1
            found[name] = depends.results_of(node, counts)
        return found

    def _parents(self, numbers: Sequence[int]) -> list[Node]:
        if not numbers:
            return [self.node]
        nodes = self.workflow.nodes
        return edges.unique(each for number in numbers for each in edges.outbound(nodes, self._nodes[number]))

    def _settle_new(self, call: Call, phase: Phase, message: str) -> None:
        if not call.parents:
            call.parents = self._parents(self._graph.tasks[call.slot].parents)
        node = self.workflow.recalled(call.name)
        if node is None:
            node = self.workflow.create(call, NodeType.SKIPPED, phase, message=message)
        self._live += 1
        self.fulfilled(call.slot, node)

    def _start_single(self, call: Call, manifest: Mapping[str, Any]) -> None:
        child = self.renderer.single(manifest)
        call.holder, call.arguments, call.outer = child.holder, child.arguments, child.outer
        self._live += 1
        one = iter([(call.name, lambda: self.begin(call, child))])
        Starter(self.workflow, self.node, one, _nothing).run()

    def _start_loop(self, call: Call, manifest: Mapping[str, Any]) -> None:
        items = self.renderer.items(manifest)
        if items.empty:
            self._settle_new(call, Phase.SKIPPED, "Skipped, empty params")
            return
        node = self.workflow.recalled(call.name)
        if node is None:
            node = self.workflow.create(call, NodeType.TASK_GROUP, Phase.RUNNING)
        self._live += 1
        TaskGroup(self, call.slot, node, items, self._hooked(manifest)).start()

    # -- as the one who awaits the tasks -------------------------------------------------------------------------

    def fulfilled(self, slot: int, node: Node) -> None:
        """A task is done."""
        if self.node.completed or slot in self._nodes:
            return
        self._live -= 1
        self._nodes[slot] = node
        self._refer(slot, node)
        self._open -= 1
        for dependant in self._graph.tasks[slot].dependants:
            self._remaining[dependant] -= 1
            if not self._remaining[dependant] and dependant in self._needed:
                self.workflow.defer(self._consider, dependant)
        if not self._open:
            self._finish()
        elif self.workflow.capacity.exhausted(self.node):
            self.fail(Phase.FAILED, "template has failed or errored children and failFast enabled")
        else:
            self._halted()

    def _refer(self, number: int, node: Node) -> None:
        nodes = self.workflow.nodes
        manifest = self._graph.tasks[number].manifest
        if node.type is NodeType.TASK_GROUP:
            items = [nodes[child] for child in node.children]
            self.scope.references[manifest["name"]] = AggregateReference(node, composite.aggregation(items))
        else:
            self.scope.references[manifest["name"]] = NodeReference(
                visible(node, nodes), self.declared_outputs(manifest)
            )

    # -- the end -------------------------------------------------------------------------------------------------

    def _halted(self) -> bool:
        """Whether a shutdown keeps the DAG from going on; it fails once nothing of it is at work."""
        shutdown = self.workflow.state.shutdown
        if not shutdown or (shutdown == "Stop" and self.node.exiting):
            return False
        if not self._live and not self.node.completed:
            self.fail(Phase.FAILED, None)
        return True

    def stop(self, message: str) -> None:
        del message
        self.workflow.defer(self._stop)

    def _stop(self) -> None:
        self._halted()

    def _finish(self) -> None:
        phase = branches.assess(self.workflow.nodes, self.node, self._target_nodes(), self._tolerant)
        if phase is Phase.SUCCEEDED:
            for number in sorted(self._nodes):
                self.workflow.export(self._nodes[number])
            self.succeed(export=False)
        else:
            self.fail(phase, None)

    def _target_nodes(self) -> list[tuple[int, Node]]:
        return [(number, self._nodes[number]) for number in self._targets if number in self._nodes]

    def _tolerant(self, number: int, phase: Phase) -> bool:
        tolerated = self._graph.tasks[number].manifest.get("continueOn") or {}
        return bool(tolerated.get("failed" if phase is Phase.FAILED else "error"))

    def last_outbound(self) -> list[Node]:
        nodes = self.workflow.nodes
        return edges.unique(each for _, node in self._target_nodes() for each in edges.outbound(nodes, node))


def _nothing() -> None:
    """A single task has nothing to do when it was started."""
