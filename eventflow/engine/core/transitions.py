"""What each stimulus does, by the phase it meets: the table, and the functions it names.

`TABLE` maps (phase of the node or workflow, kind of stimulus) to a function, or to `ignore` where a stimulus is late or
repeated and means nothing any more. A pair that is not in the table cannot happen; meeting it raises InvariantError
with the story of the node. The state diagram in ARCHITECTURE.md is drawn from this table.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eventflow.engine.core import ending, variables
from eventflow.engine.core.commands import AcquireLocks, StopPod
from eventflow.engine.core.frames import GateFrame, LeafFrame, SuspendFrame
from eventflow.engine.core.launch import Gate
from eventflow.engine.core.state import ROOT, Phase
from eventflow.engine.core.stimuli import (
    Continued,
    LockAwaited,
    LockGranted,
    MemoLoaded,
    MetadataChanged,
    OutputsSupplied,
    ResumeRequested,
    Stimulus,
    StopRequested,
    Submitted,
    SuspendRequested,
    TimerFired,
)
from eventflow.errors import Conflict, InvariantError, UserError
from eventflow.model.pod import PodFinished, PodLost, PodProgressed, PodStarted

if TYPE_CHECKING:
    from eventflow.engine.core.machine import Workflow

Transition = Callable[["Workflow", Any, Any], None]
NEW = ""  # the phase of a workflow that was not submitted yet


def instant(stimulus: Stimulus) -> float:
    """Return when a stimulus happened."""
    if isinstance(stimulus, PodFinished):
        return stimulus.end.finished_at
    return stimulus.at


def apply(workflow: "Workflow", stimulus: Stimulus) -> None:
    """Look the stimulus up in the table and do what it says."""
    if isinstance(stimulus, PodStarted | PodFinished | PodLost | PodProgressed):
        ordinal = workflow.pods.get(stimulus.name)
        frame = workflow.frames.get(ordinal) if ordinal is not None else None
        if frame is not None:  # else: the node is done, and the report late or repeated
            _look_up(frame.node.phase, stimulus)(workflow, frame, stimulus)
        return
    phase = Phase(workflow.state.phase) if workflow.state.phase else NEW
    _look_up(phase, stimulus)(workflow, None, stimulus)


def _look_up(phase: str, stimulus: Stimulus) -> Transition:
    found = TABLE.get((phase, type(stimulus)))
    if found is None:
        raise InvariantError(f"{type(stimulus).__name__} cannot meet the phase {phase or 'new'}: {stimulus}")
    return found


# -- pods ----------------------------------------------------------------------------------------------------------


def start(workflow: "Workflow", frame: LeafFrame, stimulus: PodStarted) -> None:
    """The pod runs."""
    del workflow
    frame.started(stimulus)


def finish(workflow: "Workflow", frame: LeafFrame, stimulus: PodFinished) -> None:
    """The pod ended."""
    del workflow
    frame.finished(stimulus)


def lose(workflow: "Workflow", frame: LeafFrame, stimulus: PodLost) -> None:
    """The pod vanished."""
    del workflow
    frame.lost(stimulus)


def progress(workflow: "Workflow", frame: LeafFrame, stimulus: PodProgressed) -> None:
    """The pod told its progress."""
    del workflow
    frame.progressed(stimulus)


# -- the workflow --------------------------------------------------------------------------------------------------


def ignore(workflow: "Workflow", frame: Any, stimulus: Stimulus) -> None:
    """Late or repeated: nothing changes."""


def submit(workflow: "Workflow", frame: None, stimulus: Submitted) -> None:
    """Begin, or wait for the workflow's own locks."""
    del frame, stimulus
    state = workflow.state
    try:
        variables.fill(workflow)
        variables.apply_metadata(workflow)
    except UserError as error:
        ending.refuse(workflow, error.message)
        return
    state.suspended = bool(workflow.definition.spec.get("suspend"))
    workflow.touch_state()
    synchronization = workflow.definition.spec.get("synchronization")
    if synchronization:
        state.phase = str(Phase.PENDING)
        workflow.command(AcquireLocks(ROOT, synchronization))
    else:
        _run(workflow)


def _run(workflow: "Workflow") -> None:
    state = workflow.state
    state.phase, state.message, state.waiting = str(Phase.RUNNING), "", ""
    state.started_at = workflow.at
    state.labels["workflows.argoproj.io/phase"] = state.phase
    variables.set_duration(workflow)
    workflow.touch_state()
    if workflow.nodes:  # run again by a user
        workflow.rebuild()
    else:
        workflow.begin()


def fire_timer(workflow: "Workflow", frame: None, stimulus: TimerFired) -> None:
    """A timer that a frame or the workflow set."""
    del frame
    what, _, ordinal = stimulus.key.partition(":")
    if what == "deadline":
        _expire(workflow)
        return
    waiting = workflow.frames.get(int(ordinal))
    if waiting is not None:
        waiting.timer()


def _expire(workflow: "Workflow") -> None:
    """The workflow's deadline passed: fail what waits and what runs, except in exit handlers.

    Source: Argo v4.1.2 workflow/controller/operator.go failNodesWithoutCreatedPodsAfterDeadlineOrShutdown.
    """
    for waiting in list(workflow.frames.values()):
        node = waiting.node
        if node.exiting or node.completed:
            continue
        if isinstance(waiting, LeafFrame):
            workflow.command(StopPod(node.pod))
        if isinstance(waiting, SuspendFrame | GateFrame | LeafFrame):
            waiting.end(Phase.FAILED, "Step exceeded its deadline")


def stop(workflow: "Workflow", frame: None, stimulus: StopRequested) -> None:
    """Shut down, or fail only the named suspended nodes."""
    del frame
    if stimulus.nodes:
        for ordinal in stimulus.nodes:
            waiting = workflow.frames.get(ordinal)
            if isinstance(waiting, SuspendFrame):
                waiting.end(Phase.FAILED, stimulus.message or "Stopped by request")
        return
    state = workflow.state
    if state.shutdown == "Terminate":
        return
    state.shutdown, state.suspended = stimulus.strategy, False
    workflow.touch_state()
    if state.phase == Phase.PENDING:
        ending.refuse(workflow, f"Stopped with strategy '{state.shutdown}'")
        state.phase = str(Phase.FAILED)
        return
    message = f"Stopped with strategy '{state.shutdown}'"
    for waiting in list(workflow.frames.values()):
        if not (state.shutdown == "Stop" and waiting.node.exiting) and not waiting.node.completed:
            waiting.stop(message)
    workflow.capacity.pump()


def suspend(workflow: "Workflow", frame: None, stimulus: SuspendRequested) -> None:
    """Hold back new nodes."""
    del frame, stimulus
    workflow.state.suspended = True
    workflow.touch_state()


def resume(workflow: "Workflow", frame: None, stimulus: ResumeRequested) -> None:
    """Let new nodes start again, and end the suspended ones. Raises UserError if one lacks a supplied output."""
    del frame
    if not stimulus.nodes and workflow.state.suspended:
        workflow.state.suspended = False
        workflow.touch_state()
        workflow.capacity.pump()
    for waiting in _suspended(workflow, stimulus.nodes):
        waiting.resume()


def _suspended(workflow: "Workflow", nodes: Any) -> list[SuspendFrame]:
    frames = [each for each in workflow.frames.values() if isinstance(each, SuspendFrame)]
    return [each for each in frames if not nodes or each.node.ordinal in nodes]


def supply(workflow: "Workflow", frame: None, stimulus: OutputsSupplied) -> None:
    """Set the supplied outputs, phase or message of a suspended node. Raises UserError."""
    del frame
    waiting = workflow.frames.get(stimulus.node)
    if not isinstance(waiting, SuspendFrame):
        raise Conflict("only a suspended node that waits can be set")
    node = waiting.node
    declared = {each["name"]: each for each in (node.outputs or {}).get("parameters") or ()}
    for name, value in stimulus.parameters.items():
        if name not in declared:
            raise UserError(f"node is not expecting output parameter {name!r}")
        declared[name]["value"] = value
        declared[name].pop("valueFrom", None)
    workflow.mark(node, message=stimulus.message or None)
    if stimulus.phase in (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR):
        waiting.end(Phase(stimulus.phase), stimulus.message or None)


def grant(workflow: "Workflow", frame: None, stimulus: LockGranted) -> None:
    """The locks are held."""
    del frame
    if stimulus.node == ROOT:
        if workflow.state.phase == Phase.PENDING:
            _run(workflow)
        return
    gate = workflow.frames.get(stimulus.node)
    if isinstance(gate, Gate):
        gate.granted()


def await_lock(workflow: "Workflow", frame: None, stimulus: LockAwaited) -> None:
    """The locks are taken."""
    del frame
    if stimulus.node == ROOT:
        workflow.state.message, workflow.state.waiting = stimulus.message, stimulus.lock
        workflow.touch_state()
        return
    gate = workflow.frames.get(stimulus.node)
    if isinstance(gate, Gate):
        gate.awaited(stimulus.lock, stimulus.message)


def remember(workflow: "Workflow", frame: None, stimulus: MemoLoaded) -> None:
    """The memoization cache answered."""
    del frame
    gate = workflow.frames.get(stimulus.node)
    if isinstance(gate, Gate):
        gate.loaded(stimulus.outputs, stimulus.problem)


def describe(workflow: "Workflow", frame: None, stimulus: MetadataChanged) -> None:
    """Change the workflow's labels and annotations."""
    del frame
    variables.change_metadata(workflow, stimulus.labels, stimulus.annotations)


_AT_WORK: dict[type, Transition] = {
    Submitted: ignore,
    TimerFired: fire_timer,
    StopRequested: stop,
    SuspendRequested: suspend,
    ResumeRequested: resume,
    OutputsSupplied: supply,
    LockGranted: grant,
    LockAwaited: await_lock,
    MemoLoaded: remember,
    MetadataChanged: describe,
    Continued: ignore,
}

TABLE: dict[tuple[str, type], Transition] = {
    (Phase.PENDING, PodStarted): start,
    (Phase.PENDING, PodFinished): finish,
    (Phase.PENDING, PodLost): lose,
    (Phase.PENDING, PodProgressed): progress,
    (Phase.RUNNING, PodStarted): ignore,
    (Phase.RUNNING, PodFinished): finish,
    (Phase.RUNNING, PodLost): lose,
    (Phase.RUNNING, PodProgressed): progress,
    (NEW, Submitted): submit,
    **{(Phase.PENDING, kind): transition for kind, transition in _AT_WORK.items()},
    **{(Phase.RUNNING, kind): transition for kind, transition in _AT_WORK.items()},
    **{(ended, kind): ignore for ended in (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR) for kind in _AT_WORK},
}

ENDS: dict[Transition, tuple[Phase, ...]] = {
    start: (Phase.RUNNING,),
    finish: (Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR),
    lose: (Phase.FAILED, Phase.ERROR),
}
"""The phases that a pod's node can have after a transition; the others leave it as it is."""
