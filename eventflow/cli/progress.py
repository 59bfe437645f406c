"""What `eventflow run` shows while workflows run: a live tree on a terminal, a line for each change anywhere else."""

import asyncio
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import IO, Self

from eventflow.cli import tree
from eventflow.cli.live import Screen
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.state import Node, NodeType, Phase, WorkflowState
from eventflow.engine.core.stimuli import OutputsSupplied, ResumeRequested, Stimulus, StopRequested
from eventflow.errors import UserError
from eventflow.local import Local
from eventflow.store.workflows import Header

_GROUPS = frozenset({NodeType.STEP_GROUP, NodeType.TASK_GROUP})
_SUSPENDED = "Enter resumes what is suspended; NAME=VALUE sets an output; Ctrl-C stops"
_BEGUN = frozenset({Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED, Phase.ERROR})


class Shown:
    """Follows the workflows of a place. `async with`; `logs` is where lines of pods go, None for nowhere."""

    def __init__(self, local: Local, logs: IO[str] | None) -> None:
        self.local = local
        self._logs = logs
        self._followed: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self.local.engine.on_change.append(self._changed)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.local.engine.on_change.remove(self._changed)
        if exc[0] is None:
            await asyncio.gather(*self._followed.values(), return_exceptions=True)
        for task in self._followed.values():
            task.cancel()

    def add(self, header: Header) -> None:
        """Show a workflow that was submitted."""

    def _changed(self, header: Header, nodes: Sequence[Node], state: WorkflowState) -> None:
        if self._logs is not None:
            for node in nodes:
                if node.pod and node.phase in _BEGUN and node.pod not in self._followed:
                    name = f"logs of {node.pod}"
                    follow = self._follow(node.pod, node.display_name)
                    self._followed[node.pod] = asyncio.get_running_loop().create_task(follow, name=name)
        self.changed(header, nodes, state)

    def changed(self, header: Header, nodes: Sequence[Node], state: WorkflowState) -> None:
        """Show what changed."""

    async def _follow(self, pod: str, label: str) -> None:
        async for line in self.local.runtime.logs(pod, follow=True):
            prefix = label if line.container == "main" else f"{label}/{line.container}"
            self.say(f"{prefix}: {line.text}")

    def say(self, text: str) -> None:
        """Print a line of a pod."""
        print(text, file=self._logs, flush=True)

    def note(self, text: str) -> None:
        """Tell the person something, beside what is shown."""
        print(text, file=sys.stderr)


class Lines(Shown):
    """One line for each change of a node's phase or message."""

    def __init__(self, local: Local, logs: IO[str] | None) -> None:
        super().__init__(local, logs)
        self._seen: dict[tuple[int, int], tuple[str, str]] = {}
        self._phases: dict[int, str] = {}

    def changed(self, header: Header, nodes: Sequence[Node], state: WorkflowState) -> None:
        for node in nodes:
            if node.type in _GROUPS:
                continue
            now = (str(node.phase), node.message)
            if self._seen.get((header.seq, node.ordinal)) != now:
                self._seen[header.seq, node.ordinal] = now
                self._line(node.name, node.phase, node.message)
                if node.type is NodeType.SUSPEND and node.phase is Phase.RUNNING:
                    self._line(node.name, "suspended", "it ends by its duration, or `eventflow resume` under a server")
        if state.ended and self._phases.get(header.seq) != state.phase:
            self._phases[header.seq] = state.phase
            self._line(f"workflow {header.name}", state.phase, state.message)

    def _line(self, name: str, phase: str, message: str) -> None:
        stamp = time.strftime("%H:%M:%S", time.localtime(self.local.engine.clock.now()))
        note = f"  {message}" if message else ""
        print(f"{stamp}  {phase:<9}  {name}{note}", file=sys.stderr)


class Tree(Shown):
    """The live tree on a terminal."""

    def __init__(self, local: Local, logs: IO[str] | None) -> None:
        super().__init__(local, logs)
        self._headers: list[Header] = []
        self._states: dict[int, tuple[Sequence[Node], WorkflowState]] = {}
        self._screen = Screen(self._draw)
        self._terminal = ExitStack()
        self._answering: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self._screen.__aenter__()
        if sys.stdin.isatty():
            self._terminal.enter_context(_silent())
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._typed)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await super().__aexit__(*exc)
        if sys.stdin.isatty():
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._terminal.close()
        await self._screen.__aexit__(*exc)

    def add(self, header: Header) -> None:
        self._headers.append(header)
        self._note(header)

    def _note(self, header: Header) -> None:
        workflow = self.local.engine.live(header.seq)
        if workflow is not None:
            self._states[header.seq] = (workflow.nodes, workflow.state)

    def changed(self, header: Header, nodes: Sequence[Node], state: WorkflowState) -> None:
        del nodes, state
        self._note(header)
        self._screen.dirty = True

    def say(self, text: str) -> None:
        self._screen.say(text, self._logs)

    def note(self, text: str) -> None:
        self._screen.say(text, sys.stderr)

    def _draw(self, height: int) -> list[tree.Row]:
        now = self.local.engine.clock.now()
        shown = [self._states[each.seq] for each in self._headers if each.seq in self._states]
        rows: list[tree.Row] = []
        for nodes, state in shown:
            room = max(3, (height - 2) // len(shown) - 1)
            rows += tree.headed(_heading(state, nodes, now), tree.fitted(tree.of_nodes(nodes), now, room))
        if any(self._waiting()):
            rows.append(tree.Row("", "Running", _SUSPENDED))
        return rows

    def _waiting(self) -> list[tuple[Header, Node]]:
        return [
            (header, node)
            for header in self._headers
            for node in self._states.get(header.seq, ((), None))[0]
            if node.type is NodeType.SUSPEND and node.phase is Phase.RUNNING
        ]

    def _typed(self) -> None:
        line = sys.stdin.readline()
        if not line:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            return
        task = asyncio.get_running_loop().create_task(self._answer(line.strip()))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, line: str) -> None:
        """Resume all suspended nodes, or set the output that was typed."""
        engine, at = self.local.engine, self.local.engine.clock.now()
        name, equals, value = line.partition("=")
        try:
            for header, node in self._waiting():
                stimulus: Stimulus = ResumeRequested(at, (node.ordinal,))
                if equals:
                    stimulus = OutputsSupplied(at, node.ordinal, {name.strip(): value.strip()})
                elif line == "stop":
                    stimulus = StopRequested(at, nodes=(node.ordinal,), message="stopped at the terminal")
                await engine.signal(header, partial(_same, stimulus))
        except UserError as error:
            self.note(f"{error.message}; type NAME=VALUE and Enter to set one")


@contextmanager
def _silent() -> Iterator[None]:
    """Have the terminal not echo what is typed, which would shift the drawing."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    quiet = [*before[:3], before[3] & ~(termios.ECHO | termios.ECHONL), *before[4:]]
    termios.tcsetattr(terminal, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSANOW, before)


def _same(stimulus: Stimulus, workflow: Workflow) -> Stimulus:
    del workflow
    return stimulus


def _heading(state: WorkflowState, nodes: Sequence[Node], now: float) -> tree.Row:
    seconds = (state.finished_at or now) - state.started_at if state.started_at else None
    done = sum(1 for node in nodes if node.fulfilled)
    hold = "held back" if state.suspended else ""
    note = state.message or state.waiting or hold
    return tree.Row("", state.phase, f"{state.name}  {done:,}/{len(nodes):,} nodes", note, seconds)
