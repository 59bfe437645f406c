"""From a call to work: resolve the template, bind its inputs, wait for locks and the cache, make the node, start it.

Source of the order: Argo v4.1.2 workflow/controller/operator.go executeTemplate.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import inputs as binding
from eventflow.engine.core.attempts import RetryFrame
from eventflow.engine.core.calls import Call
from eventflow.engine.core.commands import AcquireLocks
from eventflow.engine.core.containers import make_containers
from eventflow.engine.core.dag import DagFrame
from eventflow.engine.core.frames import Frame, GateFrame, LeafFrame, SuspendFrame
from eventflow.engine.core.plan import Template
from eventflow.engine.core.state import FULFILLED, Node, NodeType, Phase
from eventflow.engine.core.steps import StepsFrame
from eventflow.errors import UserError

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

DEEPEST = 100
DISPLAY_NAME = "workflows.argoproj.io/display-name"

_DISPLAY_NAME_FORM = re.compile(r"^[a-zA-Z0-9][-a-zA-Z0-9 .,_:/()\[\]]*$")
_TYPES = {
    "steps": NodeType.STEPS,
    "dag": NodeType.DAG,
    "suspend": NodeType.SUSPEND,
    "http": NodeType.HTTP,
    "plugin": NodeType.PLUGIN,
}
_FRAMES: dict[str, type[Frame]] = {"steps": StepsFrame, "dag": DagFrame, "suspend": SuspendFrame}


def launch(workflow: "Workflow", call: Call) -> None:
    """Do what a call asks for. Whatever is wrong with it becomes an Error node of its own."""
    existing = workflow.recalled(call.name)
    if existing is not None and existing.phase in FULFILLED:
        workflow.defer(call.awaiter.fulfilled, call.slot, existing)
        return
    try:
        if call.depth >= DEEPEST:
            raise UserError(
                "Maximum recursion depth exceeded. See https://argo-workflows.readthedocs.io/en/latest/scaling/"
            )
        template, inner = workflow.library.resolve(call.holder, call.scope)
        bound = binding.bind(workflow, call, template)
        _check_display_name(bound)
    except UserError as error:
        refuse(workflow, call, existing, error.message)
        return
    stage(workflow, call, template, bound, inner, existing)


def refuse(workflow: "Workflow", call: Call, existing: Node | None, message: str) -> None:
    """Make (or mark) the node of a call that cannot be carried out."""
    if existing is None:
        existing = workflow.create(call, NodeType.SKIPPED, Phase.ERROR, message=message)
    else:
        workflow.mark(existing, Phase.ERROR, message)
        workflow.release(existing)
    workflow.defer(call.awaiter.fulfilled, call.slot, existing)


def stage(
    workflow: "Workflow", call: Call, template: Template, bound: Mapping[str, Any], inner: str, node: Node | None
) -> None:
    """Go through the gates that the template asks for, then run."""
    gated = call.attempt is None and (bound.get("synchronization") or bound.get("memoize"))
    if not gated or (node is not None and not node.gated):
        if node is not None and bound.get("synchronization") and call.attempt is None:
            workflow.command(AcquireLocks(node.ordinal, bound["synchronization"], held=True))
        run(workflow, call, template, bound, inner, node)
        return
    if node is None:
        node = _make(workflow, call, template, bound, Phase.PENDING)
        node.gated = True
    gate = Gate(workflow, call, template, node)
    gate.start(bound)
    gate.inner = inner
    gate.proceed()


class Gate(GateFrame):
    """The gates before a node's work: first its locks, then the cache."""

    __slots__ = ()

    def proceed(self) -> None:
        """Ask for the locks, if there are any to ask for."""
        self.locked = False
        if self.bound.get("synchronization"):
            self.workflow.command(AcquireLocks(self.node.ordinal, self.bound["synchronization"]))
        else:
            self.granted()

    def awaited(self, lock: str, message: str) -> None:
        """The locks are taken by others."""
        self.node.waiting = lock
        self.workflow.mark(self.node, message=message)

    def granted(self) -> None:
        """The locks are held."""
        if self.locked:
            return
        self.locked = True
        if self.node.waiting:
            self.node.waiting = ""
            self.workflow.mark(self.node, message="")
        if self.bound.get("memoize"):
            self.ask_memo()
        else:
            self._run()

    def loaded(self, outputs: Mapping[str, Any] | None, problem: str) -> None:
        """The cache answered."""
        if self.stage != "memo":
            return
        self.stage = "done"
        if problem:
            self.end(Phase.ERROR, problem)
        elif outputs is None:
            self._run()
        else:
            self.node.memo = {**(self.node.memo or {}), "hit": True}
            self.node.outputs = dict(outputs)
            self.workflow.export(self.node)
            self.end(Phase.SUCCEEDED)

    def _run(self) -> None:
        self.node.gated = False
        self.workflow.touch(self.node)
        run(self.workflow, self.call, self.template, self.bound, self.inner, self.node)


def run(
    workflow: "Workflow", call: Call, template: Template, bound: Mapping[str, Any], inner: str, node: Node | None
) -> None:
    """Make the node, unless it is there, and start its frame."""
    if template.retry is not None and call.attempt is None:
        if node is None:
            node = _make(workflow, call, template, bound, Phase.RUNNING)
        frame: Frame = RetryFrame(workflow, call, template, node)
        frame.start(bound)
        return
    composite = template.composite
    if node is None:
        node = _make(workflow, call, template, bound, Phase.RUNNING if composite else Phase.PENDING)
    elif composite and node.phase is Phase.PENDING:
        workflow.mark(node, Phase.RUNNING)
    frame = _FRAMES.get(template.kind, LeafFrame)(workflow, call, template, node)
    if composite:
        frame.inner = inner  # type: ignore[attr-defined]
    frame.start(bound)


def _make(workflow: "Workflow", call: Call, template: Template, bound: Mapping[str, Any], phase: Phase) -> Node:
    retried = template.retry is not None and call.attempt is None
    kind = NodeType.RETRY if retried else _TYPES.get(template.kind, NodeType.POD)
    node = workflow.create(call, kind, phase, template=None if retried else template, inputs=binding.recorded(bound))
    name = _display_name(bound)
    if name:
        node.display_name = name
    if kind is NodeType.SUSPEND and (bound.get("outputs") or {}).get("parameters"):
        node.outputs = {"parameters": [dict(each) for each in bound["outputs"]["parameters"]]}
    if template.kind == "containerSet" and not retried:
        make_containers(workflow, call, node, template)
    return node


def _display_name(bound: Mapping[str, Any]) -> str:
    return str((bound.get("annotations") or {}).get(DISPLAY_NAME) or "")


def _check_display_name(bound: Mapping[str, Any]) -> None:
    name = _display_name(bound)
    if name and not _DISPLAY_NAME_FORM.match(name):
        raise UserError(f"displayName must match the regex {_DISPLAY_NAME_FORM.pattern}")
