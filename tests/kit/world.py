"""A world for the pure machine: simulated time, scripted pods, a store that can crash between any two steps."""

import heapq
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eventflow.engine.core import invariants, limits, present
from eventflow.engine.core.commands import (
    AcquireLocks,
    Command,
    Decision,
    FinishWorkflow,
    LoadMemo,
    ReleaseLocks,
    SaveMemo,
    SetTimer,
    StartPod,
    StopPod,
)
from eventflow.engine.core.definition import Definition
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.state import Node, WorkflowState
from eventflow.engine.core.stimuli import (
    Continued,
    LockAwaited,
    LockGranted,
    MemoLoaded,
    Stimulus,
    Submitted,
    TimerFired,
)
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodLost, PodStarted

START = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class Play:
    """What a pod does: how long it runs, and how it ends."""

    outcome: str = "Succeeded"
    seconds: float = 1.0
    message: str = ""
    exit_code: int | None = 0
    result: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False


Script = Callable[[Pod], Play]


def succeed(pod: Pod) -> Play:
    """Every pod succeeds."""
    del pod
    return Play()


class World:
    """Runs one workflow to its end. `crash(step)` tells after which steps everything but the store is lost."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        script: Script = succeed,
        *,
        templates: Mapping[str, Mapping[str, Any]] | None = None,
        crash: Callable[[int], bool] = lambda step: False,
        repeat: Callable[[int], int] = lambda step: 1,
    ) -> None:
        manifest = {"metadata": {"name": "wf", "namespace": "default"}, "spec": spec}
        self.definition = Definition(manifest, spec, templates or {})
        state = WorkflowState("wf", "default", "uid-1", START)
        self.workflow = Workflow(self.definition, state)
        self.now = START
        self.script = script
        self.started: list[str] = []
        self.commands: list[Command] = []
        self.finished = ""
        self._crash, self._repeat = crash, repeat
        self._stored: dict[int, str] = {}
        self._stored_state = json.dumps(state.to_json())
        self._events: list[tuple[float, int, Stimulus]] = []
        self._order = itertools.count()
        self._timers: dict[str, float] = {}
        self._running: dict[str, Play] = {}
        self._ends: dict[str, Stimulus] = {}
        self._queue = limits.Queue()
        self._memo: dict[tuple[str, str], Any] = {}
        self.steps = 0

    # -- running -------------------------------------------------------------------------------------------------

    def run(self, *, until: float = float("inf"), most: int = 200_000) -> "World":
        """Submit, and go on until nothing is left to happen, or until an instant."""
        self.send(Submitted(self.now))
        return self.go(until=until, most=most)

    def go(self, *, until: float = float("inf"), most: int = 200_000) -> "World":
        """Let what is scheduled happen."""
        while self._events and self._events[0][0] <= until:
            at, _, stimulus = heapq.heappop(self._events)
            if isinstance(stimulus, TimerFired) and self._timers.get(stimulus.key) != at:
                continue
            self.now = max(self.now, at)
            self.send(stimulus)
            most -= 1
            assert most > 0, "the workflow does not come to an end"
        return self

    def send(self, stimulus: Stimulus) -> None:
        """Give the machine a stimulus, as often as the world repeats it; store and perform what follows."""
        for _ in range(self._repeat(self.steps)):
            self._step(self.workflow.handle(stimulus))

    def _step(self, decision: Decision) -> None:
        while True:
            self.steps += 1
            invariants.check(self.workflow)
            for node in decision.changed:
                self._stored[node.ordinal] = json.dumps(node.to_json())
            if decision.whole:
                self._stored_state = json.dumps(self.workflow.state.to_json())
            if self._crash(self.steps):
                decision = self._reload()
                continue
            for command in decision.commands:
                self._perform(command)
            if not decision.more:
                return
            decision = self.workflow.handle(Continued(self.now))

    def _reload(self) -> Decision:
        state = WorkflowState.from_json(json.loads(self._stored_state))
        nodes = [Node.from_json(number, json.loads(self._stored[number])) for number in range(len(self._stored))]
        self.workflow = Workflow(self.definition, state, nodes)
        self._timers.clear()
        if not state.phase:
            self.workflow.restore(self.now)
            return self.workflow.handle(Submitted(self.now))
        decision = self.workflow.restore(self.now)
        invariants.check(self.workflow)
        return decision

    # -- performing ----------------------------------------------------------------------------------------------

    def at(self, seconds: float, stimulus: Stimulus) -> None:
        """Schedule a stimulus, `seconds` from now."""
        heapq.heappush(self._events, (self.now + seconds, next(self._order), stimulus))

    def _perform(self, command: Command) -> None:
        self.commands.append(command)
        match command:
            case StartPod():
                self._start(command)
            case StopPod():
                self._stop(command.pod)
            case SetTimer():
                self._timers[command.key] = max(command.at, self.now)
                heapq.heappush(
                    self._events,
                    (max(command.at, self.now), next(self._order), TimerFired(command.key, max(command.at, self.now))),
                )
            case AcquireLocks():
                self._acquire(command)
            case ReleaseLocks():
                self._tell(self._queue.release((0, command.node)))
            case LoadMemo():
                self.at(0, MemoLoaded(command.node, self.now, self._memo.get((command.cache, command.key))))
            case SaveMemo():
                self._memo[command.cache, command.key] = self.workflow.nodes[command.node].outputs
            case FinishWorkflow():
                self.finished = command.phase

    def _start(self, command: StartPod) -> None:
        if command.pod in self._ends:
            self.at(0, self._ends[command.pod])
            return
        if command.pod in self._running:
            return
        pod = self.workflow.pod(command.node, self.now)
        if pod is None:
            return
        self.started.append(pod.node_name)
        play = self.script(pod)
        self._running[command.pod] = play
        self.at(0, PodStarted(command.pod, self.now, uid="u", ip="127.0.0.1"))
        if pod.daemon:
            return
        end = self.now + play.seconds
        deadline = pod.deadline
        if deadline is not None and end > deadline:
            message = "Pod was active on the node longer than the specified deadline"
            self._end(command.pod, PodEnd("Failed", deadline, self.now, message), deadline - self.now)
        elif play.lost:
            self._ends[command.pod] = PodLost(command.pod, end, "pod deleted")
            self.at(play.seconds, self._ends[command.pod])
        else:
            self._end(command.pod, self._pod_end(play, end, pod), play.seconds)

    def _pod_end(self, play: Play, end: float, pod: Pod) -> PodEnd:
        return PodEnd(
            outcome=play.outcome,  # type: ignore[arg-type]
            finished_at=end,
            started_at=self.now,
            message=play.message,
            exit_code=play.exit_code,
            result=play.result if pod.capture_result else None,
            parameters=play.parameters,
        )

    def _end(self, pod: str, end: PodEnd, seconds: float) -> None:
        self._ends[pod] = PodFinished(pod, end)
        self.at(max(seconds, 0), self._ends[pod])

    def _stop(self, pod: str) -> None:
        if pod in self._running:
            end = PodEnd("Failed", self.now, self.now, "main: Error (exit code 143)", 143)
            self.at(0, PodFinished(pod, end))
        else:
            self.at(0, PodLost(pod, self.now, "stopped before it started"))

    def _acquire(self, command: AcquireLocks) -> None:
        wanted = [limits.Lock(f"default/Mutex/{each['name']}", 1) for each in command.synchronization["mutexes"]]
        request = limits.Request((0, command.node), f"wf/{command.node}", 0, START, wanted)
        if command.held:
            self._queue.adopt(request)
        else:
            self._tell(self._queue.acquire(request))

    def _tell(self, verdicts: list[limits.Verdict]) -> None:
        for verdict in verdicts:
            if verdict.granted:
                self.at(0, LockGranted(verdict.holder[1], self.now))
            else:
                self.at(0, LockAwaited(verdict.holder[1], self.now, verdict.lock, verdict.message))

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def phase(self) -> str:
        """The workflow's phase."""
        return self.workflow.state.phase

    def node(self, name: str) -> Node:
        """Return the node of a name without the workflow's own: `[0].a`, `.A`, empty for the root."""
        wanted = f"wf{name}"
        return next(each for each in self.workflow.nodes if each.name == wanted)

    def phases(self) -> dict[str, str]:
        """Return the phase of each node by name, without the workflow's own."""
        return {node.name[2:]: str(node.phase) for node in self.workflow.nodes}

    def tree(self) -> dict[str, Any]:
        """Return the Argo object's status."""
        return present.status_object(self.definition, self.workflow.state, self.workflow.nodes)
