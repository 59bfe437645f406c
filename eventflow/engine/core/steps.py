"""The steps frame: groups of parallel steps, one group after the other.

Source: Argo v4.1.2 workflow/controller/steps.go executeSteps, executeStepGroup.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import composite, edges
from eventflow.engine.core.calls import Call
from eventflow.engine.core.children import Child, Items
from eventflow.engine.core.group import Prepared, Starter
from eventflow.engine.core.plan import Template
from eventflow.engine.core.scope import AggregateReference, NodeReference, visible
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.errors import UserError
from eventflow.expressions import loop

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

Step = Mapping[str, Any]
FAIL_FAST = "template has failed or errored children and failFast enabled"


class StepsFrame(composite.CompositeFrame):
    """A steps template at work on one of its groups."""

    __slots__ = ("_failed", "_group", "_number", "_open", "_starting", "_steps")

    prefix = "steps"

    def __init__(self, workflow: "Workflow", call: Call, template: Template, node: Node) -> None:
        super().__init__(workflow, call, template, node)
        self._steps: list[list[Step]] = template.manifest["steps"]
        self._number = -1
        self._group: Node = node
        self._open = 0
        self._starting = False
        self._failed: Node | None = None

    def start(self, bound: Mapping[str, Any]) -> None:
        self.prepare(bound)
        self._next()

    # -- groups --------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        self._number += 1
        if self._number == len(self._steps):
            self._succeed()
            return
        name = f"{self.node.name}[{self._number}]"
        existing = self.workflow.recalled(name)
        self._group = existing or self._make_group(name)
        self._open, self._failed = 0, None
        if self._group.phase is not Phase.RUNNING:
            self._close()
            return
        try:
            prepared = [self._prepare(slot, step) for slot, step in enumerate(self._steps[self._number])]
        except UserError as error:
            self._end_group(Phase.ERROR, error.message)
            return
        self._starting = True
        self.workflow.defer(
            Starter(self.workflow, self.node, (each for one in prepared for each in one), self._started).run
        )

    def _make_group(self, name: str) -> Node:
        nodes = self.workflow.nodes
        parents = [self.node]
        if self._number:
            before = self._group
            inner = (each for child in before.children for each in edges.outbound(nodes, nodes[child]))
            parents = edges.unique(inner) if before.children else [before]
        call = Call(
            name=name,
            holder={},
            scope=self.inner,
            awaiter=self,
            boundary=self.node,
            parents=parents,
            exiting=self.call.exiting,
        )
        return self.workflow.create(call, NodeType.STEP_GROUP, Phase.RUNNING)

    def _prepare(self, slot: int, step: Step) -> Iterator[Prepared]:
        """Resolve a step, so that its errors show before any step of the group starts. Raises UserError."""
        base = f"{self._group.name}."
        if not loop.is_loop(step):
            child = self.renderer.single(step)
            return iter([(base + child.name, lambda: self._begin(slot, step, child))])
        items = self.renderer.items(step)
        if items.empty:
            child = Child(step["name"], step, {}, False, "Skipped, empty params")
            return iter([(base + child.name, lambda: self._begin(slot, step, child))])
        return ((base + step["name"] + item.suffix, partial(self._begin_item, slot, items, item)) for item in items)

    def _begin_item(self, slot: int, items: Items, item: Any) -> None:
        try:
            child = self.renderer.item(items.manifest, item)
        except UserError as error:
            self._refuse(slot, items.manifest, items.manifest["name"] + item.suffix, error.message)
            return
        self._begin(slot, items.manifest, child)

    def _refuse(self, slot: int, step: Step, name: str, message: str) -> None:
        self._open += 1
        node = self.workflow.recalled(f"{self._group.name}.{name}")
        if node is None:
            call = self.child_call(f"{self._group.name}.{name}", step, slot, [self._group], self)
            node = self.workflow.create(call, NodeType.SKIPPED, Phase.ERROR, message=message)
        self.workflow.defer(self.fulfilled, slot, node)

    def _begin(self, slot: int, step: Step, child: Child) -> None:
        self._open += 1
        call = self.child_call(f"{self._group.name}.{child.name}", step, slot, [self._group], self, child)
        self.begin(call, child)

    def _started(self) -> None:
        self._starting = False
        self._settle()

    # -- as the one who awaits the steps -------------------------------------------------------------------------

    def fulfilled(self, slot: int, node: Node) -> None:
        """A step is done."""
        if self.node.completed or self._group.phase is not Phase.RUNNING:
            return
        self._open -= 1
        if node.unsuccessful:
            self._note_failure(slot, node)
        if self._starting and self.workflow.capacity.exhausted(self.node):
            self.workflow.mark(self._group, Phase.FAILED, FAIL_FAST)
            self.fail(Phase.FAILED, FAIL_FAST)
            return
        self._settle()

    def _note_failure(self, slot: int, node: Node) -> None:
        tolerated = self._steps[self._number][slot].get("continueOn") or {}
        if tolerated.get("failed" if node.phase is Phase.FAILED else "error"):
            return
        if self._failed is None or node.ordinal < self._failed.ordinal:
            self._failed = node

    def _settle(self) -> None:
        if self._open or self._starting or self._group.phase is not Phase.RUNNING:
            return
        if self._failed is not None:
            self._end_group(Phase.FAILED, f"child '{self._failed.id}' failed")
        else:
            self._end_group(Phase.SUCCEEDED, None)

    def _end_group(self, phase: Phase, message: str | None) -> None:
        self.workflow.mark(self._group, phase, message)
        self._close()

    def _close(self) -> None:
        """Go on after a group that has ended."""
        if self._group.unsuccessful:
            self.fail(Phase.FAILED, self._group.message)
            return
        try:
            self._refer()
        except UserError as error:
            self.fail(Phase.ERROR, error.message)
            return
        self.workflow.defer(self._next)

    def _refer(self) -> None:
        """Let later steps name the ones of this group."""
        nodes = self.workflow.nodes
        own = [nodes[each] for each in self._group.children]
        by_name = {each.name: each for each in own}
        for step in self._steps[self._number]:
            name = f"{self._group.name}.{step['name']}"
            node = by_name.get(name)
            if node is not None:
                self.scope.references[step["name"]] = NodeReference(
                    visible(node, nodes), self.declared_outputs(step), skipped_artifacts=True
                )
                continue
            items = [each for each in own if each.name.startswith(name + "(") and each.type is not NodeType.SKIPPED]
            aggregate = composite.aggregation(items)
            self.scope.references[step["name"]] = AggregateReference(self._group, aggregate)

    # -- the end -------------------------------------------------------------------------------------------------

    def last_outbound(self) -> list[Node]:
        nodes = self.workflow.nodes
        return edges.unique(each for child in self._group.children for each in edges.outbound(nodes, nodes[child]))

    def _succeed(self) -> None:
        self.succeed(export=True)
