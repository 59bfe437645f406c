"""The workflow machine: `Workflow.handle` is the only door into a workflow's state.

Inside, frames (steps, DAG, retry, leaf ...) wait for nodes and start others. What follows from an event goes on an
agenda instead of the call stack, so that a chain of 100,000 nodes needs no recursion, and a step can be cut short when
it has made enough nodes. A completion costs the number of its successors: nothing is ever rescanned.

Restoring has no mode of its own in the frames: they start as ever, and find the nodes that are already there by name.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eventflow.engine.core import ending, launch, names, outputs, present, progress, transitions, variables
from eventflow.engine.core.calls import Call
from eventflow.engine.core.capacity import Capacity
from eventflow.engine.core.commands import AcquireLocks, Command, Decision, ReleaseLocks, SetTimer, StopPod
from eventflow.engine.core.definition import Definition
from eventflow.engine.core.frames import Frame
from eventflow.engine.core.plan import Library, Template
from eventflow.engine.core.pod_spec import PodSpec
from eventflow.engine.core.state import FULFILLED, ROOT, Node, NodeType, Phase, WorkflowState
from eventflow.engine.core.stimuli import Stimulus
from eventflow.errors import InvariantError
from eventflow.expressions.expr.environment import Environment
from eventflow.model.pod import Pod

NODES_A_STEP = 2_000  # a step that made or changed more is cut, so that its transaction stays short


class Workflow:
    """One workflow at work. Not thread-safe; times are arguments of the stimuli.

    `nodes` are those stored so far, in order of their ordinals; an empty list begins anew. After a failed commit, drop
    the object and load it again.
    """

    def __init__(self, definition: Definition, state: WorkflowState, nodes: Sequence[Node] = ()) -> None:
        self.definition = definition
        self.state = state
        self.nodes: list[Node] = list(nodes)
        self.library = Library(definition.spec, definition.templates)
        self.pod_spec = PodSpec(definition.spec, state.name)
        self.variables: dict[str, Any] = {}
        self.global_artifacts: dict[str, Mapping[str, Any]] = {}
        self.frames: dict[int, Frame] = {}
        self.pods: dict[str, int] = {}
        self.daemons: set[int] = set()
        self.capacity = Capacity(self)
        self.ending = ending.Ending(self)
        self.at = 0.0
        self._agenda: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._commands: list[Command] = []
        self._changed: dict[int, Node] = {}
        self._whole = False
        self._recalled: dict[str, Node] = {}
        self._ids = {node.id for node in nodes}

    # -- the door ------------------------------------------------------------------------------------------------

    def handle(self, *stimuli: Stimulus) -> Decision:
        """Take in what happened; return what changed and what to do once that is stored.

        Raises InvariantError for what can never happen; the workflow is then to be dropped and loaded again.
        """
        for stimulus in stimuli:
            self.take(stimulus)
        return self.decide()

    def take(self, stimulus: Stimulus) -> None:
        """Take in one stimulus of a step. Raises UserError for a request that cannot be met."""
        self.at = max(self.at, transitions.instant(stimulus))
        transitions.apply(self, stimulus)
        self._work()

    def decide(self) -> Decision:
        """Return what the stimuli taken in since the last decision changed, and what they ask for."""
        decision = Decision(
            commands=self._commands, changed=list(self._changed.values()), whole=self._whole, more=bool(self._agenda)
        )
        self._commands = []
        self._changed = {}
        self._whole = False
        return decision

    def restore(self, at: float) -> Decision:
        """Rebuild the frames of a workflow loaded from the store, and ask again for all that is still open."""
        self.at = at
        present.link(self.nodes)
        if not self.state.phase or self.state.ended:
            return self.decide()
        variables.fill(self)
        if self.state.phase == Phase.PENDING:
            self.command(AcquireLocks(ROOT, self.definition.spec["synchronization"]))
            return self.decide()
        self.rebuild()
        return self.decide()

    def rebuild(self) -> None:
        """Start from the entry point, and find the nodes again that are there."""
        self._recalled = {node.name: node for node in self.nodes}
        self.capacity.recount()
        self.begin()
        self._work(bounded=False)
        if not any(node.gated and node.children for node in self.nodes):  # these go on when they have their locks
            self._recalled = {}

    def begin(self) -> None:
        """Start, or find again, the entry point and all that hangs on it."""
        deadline = self.deadline
        if deadline is not None:
            self.command(SetTimer("deadline", deadline))
        self.ending.start()

    def pod(self, ordinal: int, at: float) -> Pod | None:
        """Return the pod of a node that is to start, or None if it is no longer wanted."""
        frame = self.frames.get(ordinal)
        return frame.pod(at) if frame is not None else None

    def kind(self, ordinal: int) -> str:
        """Return the kind of template that a node at work runs (`container`, `http` ...), "" for one that is done."""
        frame = self.frames.get(ordinal)
        return frame.template.kind if frame is not None else ""

    def serves(self, pod: str) -> bool:
        """Whether a pod is a daemon that is ready: it stays, and takes no place from those that come after it."""
        ordinal = self.pods.get(pod)
        return ordinal is not None and self.nodes[ordinal].daemoned

    def awaits_start(self, pod: str) -> bool:
        """Whether something follows from a pod's start already: it is a daemon."""
        ordinal = self.pods.get(pod)
        frame = self.frames.get(ordinal) if ordinal is not None else None
        return frame is not None and bool(frame.template.manifest.get("daemon"))

    @property
    def idle(self) -> bool:
        """Whether nothing is left on the agenda."""
        return not self._agenda

    # -- for frames ----------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float | None:
        """The workflow's own deadline, in seconds since the epoch."""
        seconds = self.definition.spec.get("activeDeadlineSeconds")
        if seconds is None or not self.state.started_at:
            return None
        return float(int(self.state.started_at)) + float(seconds)

    def environment(self, name: str) -> Environment:
        """Return the time and the seed that expressions evaluated for a node see."""
        return Environment(self.at, f"{self.state.uid}/{name}")

    def defer(self, action: Callable[..., None], *arguments: Any) -> None:
        """Put an action on the agenda."""
        self._agenda.append((action, arguments))

    def command(self, command: Command) -> None:
        """Ask the shell for something, once this step is stored."""
        self._commands.append(command)

    def recalled(self, name: str) -> Node | None:
        """Return the stored node of a name while restoring; None else."""
        return self._recalled.get(name) if self._recalled else None

    def launch(self, call: Call) -> None:
        """Use a template: make the node, or find it again."""
        launch.launch(self, call)

    def create(
        self,
        call: Call,
        kind: NodeType,
        phase: Phase,
        *,
        template: Template | None = None,
        inputs: dict[str, Any] | None = None,
        message: str = "",
    ) -> Node:
        """Make the node of a call, hang it under its parents, and return it."""
        boundary = call.boundary
        holder = call.holder
        ordinal = len(self.nodes)
        identity = names.node_id(self.state.name, call.name)
        taken = identity in self._ids  # Argo's 32-bit hash meets itself about once in 100,000 nodes
        node = Node(
            ordinal=ordinal,
            name=call.name,
            id=f"{identity}-{ordinal}" if taken else identity,
            display_name=names.display_name(call.name, boundary.name if boundary is not None else None),
            type=kind,
            phase=phase,
            template=holder.get("template") or "",
            template_ref=holder.get("templateRef"),
            scope=call.scope,
            boundary=ROOT if boundary is None else boundary.ordinal,
            parents=[parent.ordinal for parent in call.parents],
            message=message,
            inputs=inputs,
            started_at=self.at,
            finished_at=self.at if phase in FULFILLED else 0.0,
            hooked=call.hooked,
            retried=call.attempt is not None,
            exiting=call.exiting,
        )
        if template is not None and template.pod:
            node.pod = names.pod_name(self.state.name, call.name, template.name)
            if taken:
                node.pod = f"{node.pod}-{ordinal}"
            node.pod = self.own_pod(node.pod)
        self._ids.add(node.id)
        self.nodes.append(node)
        for parent in node.parents:
            self.nodes[parent].children.append(node.ordinal)
        self._changed[node.ordinal] = node
        self.capacity.made(node)
        return node

    def own_pod(self, name: str) -> str:
        """Return a pod's name in this generation: what a user has run again starts under a name of its own."""
        return f"{name}-r{self.state.generation}" if self.state.generation else name

    def mark(self, node: Node, phase: Phase | None = None, message: str | None = None) -> None:
        """Change a node's phase or message, and note it for storing."""
        if phase is not None and phase is not node.phase:
            if node.phase in FULFILLED:
                raise InvariantError(f"node {node.name} is {node.phase} and cannot become {phase}")
            self.capacity.moved(node, phase)
            node.phase = phase
            if phase in FULFILLED:
                node.finished_at = node.finished_at or self.at
                node.daemoned = False
        if message is not None:
            node.message = message
        self._changed[node.ordinal] = node

    def touch(self, node: Node) -> None:
        """Note a node for storing."""
        self._changed[node.ordinal] = node

    def touch_state(self) -> None:
        """Note the workflow's own state for storing."""
        self._whole = True

    def export(self, node: Node) -> None:
        """Publish a node's outputs that have global names."""
        if node.outputs and outputs.export_globals(node.outputs, self.state.outputs, self.variables):
            for artifact in self.state.outputs.get("artifacts") or ():
                self.global_artifacts[f"workflow.outputs.artifacts.{artifact['name']}"] = artifact
            self._whole = True

    def release(self, node: Node) -> None:
        """Forget the frame of a node that is done."""
        self.frames.pop(node.ordinal, None)
        self.daemons.discard(node.ordinal)
        if node.pod:
            self.pods.pop(node.pod, None)

    def kill_daemons(self, boundary: Node) -> None:
        """End the daemons of a steps or DAG node that is done."""
        for ordinal in sorted(self.daemons):
            node = self.nodes[ordinal]
            if node.boundary == boundary.ordinal and not node.completed:
                if node.pod:
                    self.command(StopPod(node.pod))
                self.mark(node, Phase.SUCCEEDED)
                self.release(node)

    def unlock(self, node: Node) -> None:
        """Give back the locks of a node."""
        self.command(ReleaseLocks(node.ordinal))

    # -- inside --------------------------------------------------------------------------------------------------

    def _work(self, *, bounded: bool = True) -> None:
        agenda = self._agenda
        while agenda and not (bounded and len(self._changed) >= NODES_A_STEP):
            action, arguments = agenda.popleft()
            action(*arguments)

    def progress(self) -> str:
        """Return the workflow's progress as Argo writes it, `N/M`."""
        return progress.overall(self.nodes)
