"""A task's loop: the task group node and its items."""

from typing import TYPE_CHECKING

from eventflow.engine.core import hooks
from eventflow.engine.core.calls import Awaiter
from eventflow.engine.core.children import Items
from eventflow.engine.core.group import Starter
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.errors import UserError
from eventflow.expressions import loop

if TYPE_CHECKING:
    from eventflow.engine.core.dag import DagFrame


class TaskGroup:
    """The items of one looping task at work."""

    __slots__ = ("_awaiter", "_dag", "_failed", "_items", "_node", "_open", "_slot", "_starting")

    def __init__(self, dag: "DagFrame", slot: int, node: Node, items: Items, awaiter: Awaiter) -> None:
        self._dag = dag
        self._slot = slot
        self._node = node
        self._items = items
        self._awaiter = awaiter
        self._open = 0
        self._starting = True
        self._failed: tuple[int, Phase] | None = None

    def start(self) -> None:
        """Begin the items, as there is room."""
        self._awaiter.changed(self._slot, self._node)
        base = f"{self._dag.node.name}."
        prepared = (
            (base + self._items.manifest["name"] + item.suffix, lambda item=item: self._begin(item))
            for item in self._items
        )
        self._dag.workflow.defer(Starter(self._dag.workflow, self._dag.node, prepared, self._started).run)

    def _begin(self, item: loop.Item) -> None:
        dag, manifest = self._dag, self._items.manifest
        self._open += 1
        name = f"{dag.node.name}.{manifest['name']}{item.suffix}"
        try:
            child = self._items.renderer.item(manifest, item)
        except UserError as error:
            call = dag.child_call(name, manifest, item.index, [self._node], self)
            node = dag.workflow.recalled(name)
            if node is None:
                node = dag.workflow.create(call, NodeType.SKIPPED, Phase.ERROR, message=error.message)
            dag.workflow.defer(self.fulfilled, item.index, node)
            return
        call = dag.child_call(name, manifest, item.index, [self._node], self, child)
        if hooks.exit_hook(manifest, dag.workflow.definition.spec) is None:
            child.holder = {key: value for key, value in child.holder.items() if key != "hooks"}
        dag.begin(call, child, only_exit=True)

    def _started(self) -> None:
        self._starting = False
        self._settle()

    def changed(self, slot: int, node: Node) -> None:
        """An item runs."""

    def fulfilled(self, slot: int, node: Node) -> None:
        """An item is done."""
        if self._node.completed:
            return
        self._open -= 1
        if node.unsuccessful and (self._failed is None or slot > self._failed[0]):
            self._failed = (slot, node.phase)
        if self._starting and self._dag.workflow.capacity.exhausted(self._dag.node):
            self._dag.fail(Phase.FAILED, "template has failed or errored children and failFast enabled")
            return
        self._settle()

    def _settle(self) -> None:
        if self._open or self._starting or self._node.completed:
            return
        phase = self._failed[1] if self._failed is not None else Phase.SUCCEEDED
        self._dag.workflow.mark(self._node, phase)
        self._dag.workflow.defer(self._awaiter.fulfilled, self._slot, self._node)
