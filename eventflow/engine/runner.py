"""A runner: one workflow's mailbox, and the step that empties it.

A step is: handle all that waits, make it durable in one transaction, then perform the commands. Whatever fails before
the commit leaves the store as it was, and the workflow is loaded anew. Whatever fails after it is asked for again when
the workflow is loaded, because commands can be repeated.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from eventflow.engine.core.commands import Command, Decision, FinishWorkflow, StartPod
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.state import ROOT
from eventflow.engine.core.stimuli import Continued, Stimulus
from eventflow.errors import InvariantError, TemporaryError
from eventflow.failpoints import failpoint
from eventflow.model.pod import PodFinished, PodLost, PodStarted
from eventflow.store.attempts import Intent, Observation
from eventflow.store.nodes import NodeRow
from eventflow.store.progress import Step
from eventflow.store.workflows import Header

if TYPE_CHECKING:
    from eventflow.engine.service import Engine

log = logging.getLogger(__name__)

Reply = asyncio.Future[None]
START_PATIENCE = 0.02  # seconds that the start of a pod, which nobody waits for, may go unrecorded


class Runner:
    """Runs the steps of one workflow, one after the other, while there is mail."""

    def __init__(self, engine: "Engine", header: Header, workflow: Workflow) -> None:
        self._engine = engine
        self.header = header
        self.workflow = workflow
        self._mail: list[tuple[Stimulus, Reply | None]] = []
        self._task: asyncio.Task[None] | None = None
        self._labels = dict(header.labels)
        self._late: asyncio.TimerHandle | None = None
        self.dropped = False

    def post(self, stimulus: Stimulus, reply: Reply | None = None) -> None:
        """Put a stimulus into the mailbox. `reply` is resolved when it is durable, or gets what it raised.

        Who comes after the workflow's end is told to try again, and then learns of the end from the store.
        """
        if self.dropped:
            _fail([reply] if reply is not None else [], TemporaryError("the workflow was unloaded"))
            return
        self._mail.append((stimulus, reply))
        if isinstance(stimulus, PodStarted) and not self.workflow.awaits_start(stimulus.name):
            self._wake_later()
        else:
            self._wake()

    def begin(self, decision: Decision) -> None:
        """Perform what a restored workflow asks for."""
        if decision.changed or decision.whole or decision.more:
            self._mail.insert(0, (Continued(self._engine.clock.now()), None))
            self._pending = decision
            self._wake()
        else:
            self.perform(decision.commands)

    _pending: Decision | None = None

    def _wake(self) -> None:
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._work(), name=f"workflow {self.header.name}")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._engine.drop(self, error)
        elif self.dropped:  # it has ended, and what came meanwhile is too late
            self.drop()
        elif self._mail:
            self._wake()

    def _wake_later(self) -> None:
        """Wait a little: the end of a short pod then comes in the same step as its start, at half the cost."""
        if self._late is None:
            self._late = asyncio.get_running_loop().call_later(START_PATIENCE, self._wake_late)

    def _wake_late(self) -> None:
        self._late = None
        if self._mail and not self.dropped:
            self._wake()

    async def _work(self) -> None:
        while self._mail and not self.dropped:
            mail, self._mail = self._mail, []
            restored = self._pending is not None  # then the mail stays for the next round
            replies = [] if restored else [reply for _, reply in mail if reply is not None]
            try:
                decision, stimuli = self._handle(mail)
                await self._commit(decision, stimuli)
            except BaseException as error:
                _fail(replies, error)
                raise
            self._perform_after(decision, stimuli)
            for reply in replies:
                if not reply.done():
                    reply.set_result(None)

    def _handle(self, mail: Sequence[tuple[Stimulus, Reply | None]]) -> tuple[Decision, list[Stimulus]]:
        if self._pending is not None:
            pending, self._pending = self._pending, None
            rest = [each for each in mail if not isinstance(each[0], Continued)]
            self._mail = rest + self._mail
            return pending, []
        taken: list[Stimulus] = []
        for stimulus, reply in mail:
            try:
                self.workflow.take(stimulus)
                taken.append(stimulus)
            except InvariantError:
                raise
            except Exception as error:
                if reply is None:
                    raise
                reply.set_exception(error)
        return self.workflow.decide(), taken

    async def _commit(self, decision: Decision, stimuli: Sequence[Stimulus]) -> None:
        if not decision.changed and not decision.whole and not _observations(stimuli):
            return
        change = self._step(decision, stimuli)
        now = self._engine.clock.now()
        failpoint("engine.before-step")
        await self._engine.write_step(self.header, change, self._new_labels(), now)
        failpoint("engine.after-step")

    def _new_labels(self) -> dict[str, str] | None:
        labels = self.workflow.state.labels
        if labels == self._labels:
            return None
        self._labels = dict(labels)
        return self._labels

    def _step(self, decision: Decision, stimuli: Sequence[Stimulus]) -> Step:
        workflow = self.workflow
        header: dict[str, Any] = {"node_count": len(workflow.nodes)}
        if decision.whole:
            state = workflow.state
            header |= {
                "phase": state.phase,
                "message": state.message,
                "started_at": state.started_at or None,
                "finished_at": state.finished_at or None,
                "state": orjson.dumps(state.to_json()),
            }
        if decision.whole and workflow.state.ended:
            header["progress"] = workflow.progress()
        rows = [
            NodeRow(node.ordinal, node.id, node.phase.value, orjson.dumps(node.to_json())) for node in decision.changed
        ]
        intended = [
            Intent(command.pod, command.node, "") for command in decision.commands if isinstance(command, StartPod)
        ]
        journal = orjson.dumps([_entry(each) for each in stimuli]) if stimuli else b""
        return Step(header, rows, intended, _observations(stimuli), journal)

    def _perform_after(self, decision: Decision, stimuli: Sequence[Stimulus]) -> None:
        if decision.changed or decision.whole:
            for listener in self._engine.on_change:
                listener(self.header, decision.changed, self.workflow.state)
        self.perform(decision.commands)
        for stimulus in stimuli:
            if isinstance(stimulus, PodFinished | PodLost):
                self._engine.forget(self, stimulus.name)
            elif isinstance(stimulus, PodStarted) and self.workflow.serves(stimulus.name):
                self._engine.make_room(stimulus.name)
        if decision.more:
            self.post(Continued(self._engine.clock.now()))

    def perform(self, commands: Sequence[Command]) -> None:
        """Hand each command to whoever carries it out."""
        for command in commands:
            if isinstance(command, FinishWorkflow):
                self.dropped = True
            self._engine.perform(self, command)

    def drop(self) -> None:
        """Take no further part; what waits in the mailbox is lost on purpose."""
        self.dropped = True
        if self._late is not None:
            self._late.cancel()
        if self._task is not None and not self._task.done() and self._task is not asyncio.current_task():
            self._task.cancel()
        _fail([reply for _, reply in self._mail if reply is not None], TemporaryError("the workflow was unloaded"))
        self._mail = []


def _observations(stimuli: Sequence[Stimulus]) -> list[Observation]:
    """Return what the stimuli tell of pods, the last word of each pod only."""
    seen: dict[str, Observation] = {}
    for stimulus in stimuli:
        if isinstance(stimulus, PodStarted):
            seen[stimulus.name] = Observation(stimulus.name, "started", stimulus.uid, stimulus.at)
        elif isinstance(stimulus, PodLost):
            seen[stimulus.name] = Observation(stimulus.name, "lost", finished_at=stimulus.at)
        elif isinstance(stimulus, PodFinished):
            end = stimulus.end
            result = orjson.dumps({"outcome": end.outcome, "message": end.message, "exit_code": end.exit_code})
            before = seen.get(stimulus.name)
            uid = before.pod_uid if before is not None else ""
            started = end.started_at or (before.started_at if before is not None else None)
            seen[stimulus.name] = Observation(stimulus.name, "finished", uid, started, end.finished_at, result)
    return list(seen.values())


def _entry(stimulus: Stimulus) -> list[Any]:
    """Return what the journal keeps of a stimulus: its kind and what it was about."""
    about = getattr(stimulus, "name", None) or getattr(stimulus, "key", None)
    if about is None:
        about = getattr(stimulus, "node", None)
    if isinstance(stimulus, PodFinished):
        return ["PodFinished", about, stimulus.end.outcome]
    return [type(stimulus).__name__] if about is None or about == ROOT else [type(stimulus).__name__, about]


def _fail(replies: Sequence[Reply], error: BaseException) -> None:
    for reply in replies:
        if not reply.done():
            reply.set_exception(error if isinstance(error, Exception) else TemporaryError(repr(error)))


Post = Callable[[Stimulus], None]
