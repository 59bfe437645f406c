"""What steps and DAG frames share: the scope of what runs inside, calling a child, and how they end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from eventflow.engine.core import hooks, outputs
from eventflow.engine.core.calls import Awaiter, Call
from eventflow.engine.core.children import Child, Renderer
from eventflow.engine.core.frames import Frame
from eventflow.engine.core.plan import LOCAL, Template
from eventflow.engine.core.scope import Layered, Scope, input_artifacts, input_variables
from eventflow.engine.core.state import Node, NodeType, Phase
from eventflow.errors import UserError

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow


class CompositeFrame(Frame):
    """A template of steps or tasks at work. `inner` is the template scope of the names inside it."""

    __slots__ = ("inner", "renderer", "scope")

    prefix: ClassVar[str]

    def __init__(self, workflow: "Workflow", call: Call, template: Template, node: Node) -> None:
        super().__init__(workflow, call, template, node)
        self.inner = LOCAL

    def prepare(self, bound: Mapping[str, Any]) -> None:
        """Set up limits and variables from the bound head."""
        workflow = self.workflow
        inputs = bound.get("inputs")
        limit = bound.get("parallelism")
        workflow.capacity.bound(
            self.node, int(limit) if limit is not None else None, fail_fast=bool(bound.get("failFast"))
        )
        self.scope = Scope(
            self.prefix,
            input_variables(inputs) | {"node.name": self.node.name},
            workflow.variables if self.call.outer is None else Layered(self.call.outer, workflow.variables),
            Layered(input_artifacts(inputs), workflow.global_artifacts),
        )
        self.renderer = Renderer(self.template, self.scope)

    def child_call(
        self,
        name: str,
        manifest: Mapping[str, Any],
        slot: int,
        parents: list[Node],
        awaiter: Awaiter,
        child: Child | None = None,
    ) -> Call:
        """Return the call of a step or task, or of one item of it."""
        own = child.name if child is not None else manifest["name"]
        return Call(
            name=name,
            holder=child.holder if child is not None else manifest,
            scope=self.inner,
            awaiter=awaiter,
            slot=slot,
            arguments=child.arguments if child is not None else {},
            boundary=self.node,
            parents=parents,
            caller={f"{self.prefix}.name": own},
            outer=child.outer if child is not None else None,
            exiting=self.call.exiting,
            captured=manifest["name"] in self.template.captured,
            depth=self.call.depth + 1,
        )

    def begin(self, call: Call, child: Child, *, only_exit: bool = False) -> None:
        """Start a child, or record why it does not run."""
        workflow = self.workflow
        manifest = child.holder
        if not child.proceed:
            node = workflow.recalled(call.name)
            if node is None:
                node = workflow.create(call, NodeType.SKIPPED, Phase.SKIPPED, message=child.reason)
            workflow.defer(call.awaiter.fulfilled, call.slot, node)
            return
        if hooks.has_hooks(manifest):
            call.awaiter = hooks.Hooked(self, manifest, call.awaiter, only_exit=only_exit)
        workflow.launch(call)

    def declared_outputs(self, manifest: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
        """Return what yields the outputs that a step's template declares."""

        def declared() -> Mapping[str, Any]:
            try:
                template, _ = self.workflow.library.resolve(manifest, self.inner)
            except UserError:
                return {}
            found: Mapping[str, Any] = template.manifest.get("outputs") or {}
            return found

        return declared

    # -- as the one who awaits children --------------------------------------------------------------------------

    def changed(self, slot: int, node: Node) -> None:
        """A child runs."""

    # -- the end -------------------------------------------------------------------------------------------------

    def last_outbound(self) -> list[Node]:
        """Return the nodes that successors of this one hang under."""
        raise NotImplementedError

    def fail(self, phase: Phase, message: str | None) -> None:
        """End without success."""
        if self.node.completed:
            return
        self.node.outbound = [each.ordinal for each in self.last_outbound()]
        self.workflow.kill_daemons(self.node)
        self.end(phase, message)

    def succeed(self, *, export: bool) -> None:
        """End with success, unless the declared outputs cannot be had."""
        self.node.outbound = [each.ordinal for each in self.last_outbound()]
        try:
            self.node.outputs = outputs.of_template(self.template.manifest.get("outputs"), self.scope)
        except UserError as error:
            self.workflow.kill_daemons(self.node)
            self.end(Phase.ERROR, error.message)
            return
        if export:
            self.workflow.export(self.node)
        self.workflow.kill_daemons(self.node)
        self.end(Phase.SUCCEEDED)


def aggregation(items: Sequence[Node] | Iterable[Node]) -> Callable[[], Mapping[str, str]]:
    """Return what yields the aggregated outputs of a loop's items, made when first asked for."""
    kept: list[Mapping[str, str]] = []
    own = [each for each in items if not each.hooked and not each.retried]

    def aggregate() -> Mapping[str, str]:
        if not kept:
            kept.append(outputs.aggregate(own) if own else {})
        return kept[0]

    return aggregate
