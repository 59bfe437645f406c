# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH123
"""One process that the supervisor started: its pipes, its end, and the signals that end it."""

import os
import selectors
import signal
from collections.abc import Callable
from typing import Any, Protocol

from eventflow.runtimes.process import session

_CHUNK = 64 << 10
_READS_A_TURN = 8
_PIPE_GRACE = 0.5
_HEAD = 512

RESULT_LIMIT = 256 << 10


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None: ...


class Log(Protocol):
    """Takes what a process writes."""

    def write(self, stream: str, data: bytes) -> None: ...


class Keeper(Protocol):
    """What a child needs of the supervisor."""

    selector: selectors.BaseSelector
    null: int

    def adopt(self, pid: int, child: "Child") -> None:
        """Tell the child by `exited` when this process ends."""

    def later(self, delay: float, call: Callable[[], None]) -> Timer:
        """Call after a delay in seconds."""

    def end_orphans(self, leader: int, env: dict[str, str]) -> None:
        """Kill what a plain process, which has ended, left behind."""


class Child:
    """A started process. `done` is called once it has ended and its output is read to the end.

    In the sandbox the process is bubblewrap, whose end takes everything inside along; otherwise it leads a session of
    its own, and what is left of it is killed when it ends, as far as it can be found (see orphans.py, leftovers.py).
    """

    __slots__ = ("_done", "_env", "_keep", "_keeper", "_log", "_pipes", "_sandboxed", "_tail", "_tail_size", "head",
                 "pid", "status", "usage")  # fmt: skip

    def __init__(self, keeper: Keeper, log: Log, sandboxed: bool, keep: bool, done: Callable[[], None]) -> None:
        self._keeper = keeper
        self._log = log
        self._sandboxed = sandboxed
        self._done = done
        self._keep = keep
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._pipes: dict[int, str] = {}
        self._env: dict[str, str] = {}
        self.pid = 0
        self.status: int | None = None
        self.usage: Any = None
        self.head = b""

    def attach(self, log: Log, keep: bool, done: Callable[[], None]) -> None:
        """Give what it writes, and the news of its end, to another."""
        self._log, self._keep, self._done = log, keep, done

    def start(
        self, argv: list[str], env: dict[str, str], directory: str | None, pipe: tuple[int, int] | None = None
    ) -> None:
        """Start the process; `pipe` is a descriptor and the number it is to have there.

        Raises OSError: no such program, no memory, arguments too long ...
        """
        self._env = env
        out_end, out = os.pipe()
        err_end, err = os.pipe()
        try:
            handles = [(self._keeper.null, 0), (out, 1), (err, 2)]
            self.pid = _spawn(argv, env, directory, [*handles, pipe] if pipe is not None else handles)
        except OSError:
            os.close(out_end)
            os.close(err_end)
            raise
        finally:
            os.close(out)
            os.close(err)
        self._keeper.adopt(self.pid, self)
        for handle, stream in ((out_end, "stdout"), (err_end, "stderr")):
            os.set_blocking(handle, False)
            self._pipes[handle] = stream
            self._keeper.selector.register(handle, selectors.EVENT_READ, self.read)

    def read(self, handle: int) -> None:
        """Take what a pipe holds, in fair portions."""
        stream = self._pipes.get(handle)
        if stream is None:
            return
        for _ in range(_READS_A_TURN):
            try:
                data = os.read(handle, _CHUNK)
            except BlockingIOError:
                return
            if not data:
                self._close(handle)
                return
            self._take(stream, data)

    def exited(self, status: int, usage: Any) -> None:
        """Learn that the process ended. What still holds its pipes gets a moment to let go."""
        self.status = status
        self.usage = usage
        if not self._sandboxed:
            _signal_group(self.pid, signal.SIGKILL)
            self._keeper.end_orphans(self.pid, self._env)
        for handle in list(self._pipes):
            self.read(handle)
        if self._pipes:
            self._keeper.later(_PIPE_GRACE, self._let_go)
        else:
            self._done()

    def terminate(self) -> None:
        """Ask politely: SIGTERM to the container's first process."""
        if self.status is not None:
            return
        if not self._sandboxed:
            _signal_group(self.pid, signal.SIGTERM)
            return
        inside = _first_child(_first_child(self.pid))
        _signal(inside or self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it, and all it started, for good."""
        if self.status is not None:
            return
        if self._sandboxed:
            _signal(self.pid, signal.SIGKILL)
        else:
            _signal_group(self.pid, signal.SIGKILL)

    def tail(self) -> bytes:
        """The end of the standard output: one newline trimmed, at most 256 KiB (Argo's CaptureScriptResult)."""
        data = b"".join(self._tail)
        return (data[:-1] if data.endswith(b"\n") else data)[-RESULT_LIMIT:]

    def _take(self, stream: str, data: bytes) -> None:
        self._log.write(stream, data)
        if stream == "stderr":
            if len(self.head) < _HEAD:
                self.head += data[:_HEAD]
        elif self._keep:
            self._tail.append(data)
            self._tail_size += len(data)
            while self._tail_size - len(self._tail[0]) > RESULT_LIMIT:
                self._tail_size -= len(self._tail.pop(0))

    def _close(self, handle: int) -> None:
        del self._pipes[handle]
        self._keeper.selector.unregister(handle)
        os.close(handle)
        if not self._pipes and self.status is not None:
            self._done()

    def _let_go(self) -> None:
        for handle in list(self._pipes):
            self.read(handle)
        for handle in list(self._pipes):
            self._close(handle)


def _spawn(argv: list[str], env: dict[str, str], directory: str | None, handles: list[tuple[int, int]]) -> int:
    if directory is not None:
        os.chdir(directory)
    try:
        return session.spawn(argv, env, handles)
    finally:
        if directory is not None:
            os.chdir("/")


def _first_child(pid: int) -> int:
    """Return the first child of a process, 0 if there is none (or the kernel does not tell)."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = file.read().split()
    except OSError:
        return 0
    return int(children[0]) if children else 0


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return
