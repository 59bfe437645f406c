"""The engine's façade: submit workflows, run them, signal them, and answer what became of them.

Promises: a workflow that was admitted runs to an end, across any number of crashes; no pod is started twice; nothing
is acknowledged before it is durable. Survives kill -9 at any point: `__aenter__` loads every workflow that has not
ended and asks again for whatever is open.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from eventflow.clock import Clock
from eventflow.engine import submission
from eventflow.engine.claims import Claims
from eventflow.engine.core.commands import (
    AcquireLocks,
    Command,
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
from eventflow.engine.core.stimuli import Stimulus, Submitted, TimerFired
from eventflow.engine.dispatch import Dispatcher
from eventflow.engine.leftovers import Leftovers, patiently
from eventflow.engine.locks import Locks
from eventflow.engine.memo import Memo
from eventflow.engine.performers.contract import Performer
from eventflow.engine.performers.desk import Desk
from eventflow.engine.quarantine import quarantine
from eventflow.engine.runner import Runner
from eventflow.engine.timers import Timers
from eventflow.errors import Conflict, NotFound, TemporaryError
from eventflow.model.pod import Pod, PodFinished, PodLost, PodReport
from eventflow.runtimes.contract import Runtime
from eventflow.store import nodes, progress, workflows
from eventflow.store.contract import Store, Work
from eventflow.store.leases import Fence
from eventflow.store.progress import Step
from eventflow.store.workflows import Creation, Header

log = logging.getLogger(__name__)


MOST_FALLS = 5  # steps of one workflow that may fail unexpectedly before it is given up


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What an operator may set.

    `pods` is how many pods work at once, `requests` how many leaf templates that need no pod (http, resource, data),
    not counting those that only wait, `workflows` how many workflows; `grace` how many seconds a pod has between
    the polite and the hard end. `workflow_defaults` is a Workflow object merged below every workflow.
    """

    pods: int = 100
    requests: int = 100
    workflows: int = 10_000
    grace: float = 30.0
    workflow_defaults: Mapping[str, Any] = field(default_factory=dict)


class Engine:
    """Runs all workflows of one store. An async context manager.

    Each of `on_change` is called, on the event loop, with what a durable step changed; it must be quick.
    """

    def __init__(self, store: Store, clock: Clock, settings: EngineSettings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self.runtime: Runtime | None = None
        self.fence: Callable[[int], Fence | None] = _unfenced
        self.on_change: list[Callable[[Header, Sequence[Node], WorkflowState], None]] = []
        self._runners: dict[int, Runner] = {}
        self._pods: dict[str, Runner] = {}
        self._loading: dict[int, asyncio.Future[Runner | None]] = {}
        self._ends: dict[str, list[asyncio.Future[str]]] = {}
        self._timers = Timers(clock, self._timer_fired)
        self._dispatcher = Dispatcher(settings.pods, self._start_pod, self.observe, clock.now)
        self._desk = Desk(settings.requests, self.observe, clock.now)
        self._locks = Locks(self)
        self._memo = Memo(store, clock)
        self._leftovers = Leftovers(store, self._runners, self._pods, settings.grace)
        self._claims = Claims(store, clock)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._falls: dict[int, int] = {}
        self.failed: asyncio.Future[None] | None = None

    def use(self, runtime: Runtime) -> None:
        """Say where pods run. The runtime's observer must be `observe`."""
        self.runtime = runtime

    def equip(self, performers: Mapping[str, Performer]) -> None:
        """Say who performs the kinds of leaf template that no runtime runs. Others go to the runtime."""
        self._desk.equip(performers)

    async def __aenter__(self) -> Self:
        self.failed = asyncio.get_running_loop().create_future()
        for header in await self.store.read(workflows.nonterminal):
            await self._load(header)
        self.spawn(self._claims.sweep(self.runtime), "sweep of claims")
        if self.runtime is not None:
            self.spawn(self._leftovers.run(self.runtime), "leftover pods")
        return self

    async def __aexit__(self, *exc: object) -> None:
        for runner in list(self._runners.values()):
            runner.drop()
        self._timers.close()
        await self._dispatcher.close()
        await self._desk.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- submitting ----------------------------------------------------------------------------------------------

    def admit(self, request: submission.Request) -> Work[Creation]:
        """Return the transaction that stores a workflow; to be followed, when it is durable, by `wake`."""
        return submission.admit(request, self.clock.now(), self.settings.workflow_defaults)

    async def submit(self, request: submission.Request) -> Creation:
        """Store a workflow and have it run. Raises UserError, Conflict if another one has its name."""
        creation = await self.store.write(lambda: self.admit(request))
        if not creation.created and not self._same(creation.header, request):
            raise Conflict(f"workflow {creation.header.name!r} already exists", hint="use generateName, or delete it")
        await self.wake(creation.header)
        return creation

    def _same(self, header: Header, request: submission.Request) -> bool:
        if request.firing is not None:
            return header.firing == request.firing
        metadata = request.manifest.get("metadata") or {}
        return not metadata.get("name")

    async def wake(self, header: Header) -> None:
        """Have a stored workflow run, unless it runs or has ended."""
        if header.seq not in self._runners and header.finished_at is None:
            await self._load(header)

    # -- signals and questions -----------------------------------------------------------------------------------

    async def signal(self, header: Header, make: Callable[[Workflow], Stimulus]) -> None:
        """Tell a running workflow something; returns when that is durable. Raises Conflict if it has ended.

        `make` gets the workflow, so that it can name nodes.
        """
        runner = self._runners.get(header.seq) or await self._load(header)
        if runner is None:
            raise Conflict(f"workflow {header.name!r} has ended", hint="use retry or resubmit")
        reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        runner.post(make(runner.workflow), reply)
        await reply

    async def find(self, namespace: str, name: str) -> Header:
        """Return a workflow's header by name, uid or `@latest`. Raises NotFound."""

        def look_up() -> Work[Header | None]:
            if name == "@latest":
                return (yield from workflows.latest(namespace))
            found = yield from workflows.load_named(namespace, name)
            return found if found is not None else (yield from workflows.load(name))

        header = await self.store.read(look_up)
        if header is None:
            raise NotFound(f"workflow {name!r} not found in namespace {namespace!r}", hint="eventflow list shows them")
        return header

    async def end_of(self, header: Header) -> str:
        """Wait for a workflow to end and return its phase."""
        waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ends.setdefault(header.uid, []).append(waiting)
        current = await self.store.read(lambda: workflows.load(header.uid))
        if current is None or current.finished_at is not None:
            self._ends[header.uid].remove(waiting)
            return current.phase if current is not None else header.phase
        return await waiting

    def live(self, seq: int) -> Workflow | None:
        """Return a workflow that is at work, None for any other."""
        runner = self._runners.get(seq)
        return runner.workflow if runner is not None else None

    def counts(self) -> dict[str, int]:
        """Return how many workflows and pods are at work, and how many pods wait."""
        return {
            "workflows": len(self._runners),
            "pods": self._dispatcher.working,
            "waiting": self._dispatcher.waiting,
        }

    # -- for runners ---------------------------------------------------------------------------------------------

    async def write_step(self, header: Header, change: Step, labels: Mapping[str, str] | None, now: float) -> None:
        """Make one step of a workflow durable."""
        fence = self.fence(header.shard)

        def work() -> Work[None]:
            yield from progress.step(header.seq, fence, change, now)
            if labels is not None:
                yield from workflows.set_labels(header.seq, labels)

        await self.store.write(work)

    def perform(self, runner: Runner, command: Command) -> None:
        """Carry out one command of a workflow whose step is durable."""
        match command:
            case StartPod():
                self._pods[command.pod] = runner
                workflow, node = runner.workflow, command.node
                line = self._desk if self._desk.takes(workflow.kind(node)) else self._dispatcher
                line.add(command.pod, lambda: workflow.pod(node, self.clock.now()))
            case StopPod():
                self._stop_pod(command.pod)
            case SetTimer():
                self._timers.set(runner.header.seq, command.key, command.at)
            case AcquireLocks() | ReleaseLocks():
                self._locks.perform(runner, command)
            case LoadMemo() | SaveMemo():
                self.spawn(self._memo.perform(runner, command), f"memo of {runner.header.name}")
            case FinishWorkflow():
                self._finish(runner, command.phase)

    def forget(self, runner: Runner, pod: str) -> None:
        """A pod's end is durable: the runtime need not keep it."""
        del runner
        self._pods.pop(pod, None)
        if self._desk.forget(pod):
            return
        if self.runtime is not None:
            forget = self.runtime.forget
            self.spawn(patiently(lambda: forget(pod)), f"forget {pod}")

    def make_room(self, pod: str) -> None:
        """A pod does not count against the limit any more, though it goes on."""
        self._dispatcher.done(pod)

    def drop(self, runner: Runner, error: BaseException) -> None:
        """A workflow's step failed: nothing of it is durable, so load it again from the store."""
        log.error("workflow %s is loaded again: %r", runner.header.name, error, exc_info=error)
        seq = runner.header.seq
        runner.drop()
        self._runners.pop(seq, None)
        self._timers.drop(seq)
        for pod in [pod for pod, of in self._pods.items() if of is runner]:
            del self._pods[pod]  # what is told of it meanwhile is told again when the loaded workflow asks for it
            self._dispatcher.drop(pod)
        if not isinstance(error, TemporaryError):
            self._falls[seq] = self._falls.get(seq, 0) + 1
        self.spawn(self._reload(runner.header, error), f"reload {runner.header.name}")

    async def _reload(self, header: Header, error: BaseException) -> None:
        await asyncio.sleep(1.0)
        if self._falls.get(header.seq, 0) >= MOST_FALLS:
            await quarantine(self, header, error)
        else:
            await self._load(header)

    def spawn(self, work: Any, name: str) -> None:
        """Run a coroutine beside everything else; what it raises is logged."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._spawned)

    def _spawned(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s failed", task.get_name(), exc_info=task.exception())

    # -- pods ----------------------------------------------------------------------------------------------------

    def observe(self, report: PodReport) -> None:
        """Take in what a runtime reports. Call it on the event loop."""
        ended = isinstance(report, PodFinished | PodLost)
        if ended:
            self._dispatcher.done(report.name)  # the next pod, which is durable, need not wait for this end to be it
        runner = self._pods.get(report.name)
        if runner is None:
            self._leftovers.take(report)
        elif not runner.dropped:
            runner.post(report)
        elif ended:  # its workflow has ended; nothing of the pod matters any more
            self.forget(runner, report.name)

    async def _start_pod(self, pod: Pod) -> None:
        if self.runtime is None:
            raise Conflict("there is no runtime")
        await self._claims.ensure(pod)
        await self.runtime.ensure(pod)

    def _stop_pod(self, pod: str) -> None:
        if self._desk.stop(pod):
            return
        if self._dispatcher.cancel(pod):
            self.observe(PodLost(pod, self.clock.now(), "stopped before it started"))
        elif self.runtime is not None:
            stop, grace = self.runtime.stop, self.settings.grace
            self.spawn(patiently(lambda: stop(pod, grace=grace)), f"stop {pod}")

    def _timer_fired(self, seq: int, key: str, at: float) -> None:
        runner = self._runners.get(seq)
        if runner is not None:
            runner.post(TimerFired(key, at))

    # -- loading and ending --------------------------------------------------------------------------------------

    async def _load(self, header: Header) -> Runner | None:
        loading = self._loading.get(header.seq)
        if loading is not None:
            return await loading
        future: asyncio.Future[Runner | None] = asyncio.get_running_loop().create_future()
        self._loading[header.seq] = future
        runner: Runner | None = None
        try:
            runner = await self._load_now(header)
        finally:
            future.set_result(runner)
            del self._loading[header.seq]
        return runner

    async def _load_now(self, header: Header) -> Runner | None:
        loaded = await self.store.read(lambda: load(header.seq))
        if loaded is None or loaded[1].ended:
            return None
        definition, state, stored = loaded
        now = self.clock.now()
        try:
            workflow = Workflow(definition, state, stored)
            decision = workflow.restore(now)
        except Exception as error:  # one broken workflow keeps neither the server nor the others from running
            log.exception("workflow %s cannot be restored", header.name)
            await quarantine(self, header, error)
            return None
        runner = self._runners[header.seq] = Runner(self, header, workflow)
        for pod in workflow.pods:
            self._pods[pod] = runner
        runner.begin(decision)
        if not state.phase:
            runner.post(Submitted(now))
        return runner

    def _finish(self, runner: Runner, phase: str) -> None:
        header = runner.header
        self._runners.pop(header.seq, None)
        self._timers.drop(header.seq)
        self._locks.forget(header.seq)
        spec = runner.workflow.definition.spec
        if spec.get("volumeClaimTemplates"):
            self.spawn(self._claims.release(header, spec, phase, self.runtime), f"claims of {header.name}")
        self._falls.pop(header.seq, None)
        self.tell_end(header, phase)

    def tell_end(self, header: Header, phase: str) -> None:
        """Let those go on who wait for a workflow's end."""
        for waiting in self._ends.pop(header.uid, []):
            if not waiting.done():
                waiting.set_result(phase)


def _unfenced(shard: int) -> Fence | None:
    """Where one process owns the store, nothing needs fencing."""
    del shard
    return None


def load(seq: int) -> Work[tuple[Definition, WorkflowState, list[Node]] | None]:
    """Return a workflow as it is stored: definition, state and nodes; None if there is none."""
    bodies = yield from workflows.bodies(seq)
    if bodies is None:
        return None
    rows = yield from nodes.of_workflow(seq)
    definition = Definition.from_json(orjson.loads(bodies.definition))
    state = WorkflowState.from_json(orjson.loads(bodies.state))
    return definition, state, [Node.from_json(row.ordinal, orjson.loads(row.data)) for row in rows]
