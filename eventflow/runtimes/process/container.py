# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH110, PTH113
"""One container of a running pod, as the supervisor sees it: waiting, running, waiting to be repeated, or ended."""

import os
import re
import signal
import sys
from collections.abc import Callable
from typing import Any, Protocol

from eventflow.clock import Clock
from eventflow.runtimes.process import cgroups
from eventflow.runtimes.process.child import Child, Keeper, Timer
from eventflow.runtimes.process.logfile import LogFile
from eventflow.runtimes.process.parking import Parked

Spec = dict[str, Any]

# What Argo's emissary exits with when it could not do its own work (Argo v4.1.2 cmd/argoexec/commands/emissary.go).
EMISSARY_ERROR = 64

# The unit of ru_maxrss in bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024

_BWRAP_SAYS = b"bwrap: "
_SHELL_SAYS = re.compile(rb"^[^\n]*: exec: ([^\n]*): ([^:\n]*)\n$")
_NOT_EXECUTED = (126, 127)


class Place(Keeper, Protocol):
    """What a container needs of the supervisor."""

    clock: Clock

    def groups(self) -> cgroups.Groups:
        """The control groups of this machine."""


class Container:
    """Runs one container to its end, repeating it as its retry strategy says.

    `spec`: `name`, `kind` (`init`, `main`, `sidecar`), `argv`, `again` (the command of a repetition, if another),
    `env`, `cwd`, `depends` (names), `retries`, `retry_wait` (seconds), `limits` (see cgroups), `log` (path),
    `log_limit` (bytes), `sandboxed`, `keep` (whether its output is the pod's result), `launcher` (what a sandbox that
    waits is to execute).
    `code` is None until it has ended; of a signal it is 128 + its number.
    """

    def __init__(self, place: Place, uid: str, spec: Spec, ended: Callable[[], None]) -> None:
        self.spec = spec
        self.name: str = spec["name"]
        self.code: int | None = None
        self.reason = ""
        self.message = ""
        self.started_at = 0.0
        self.finished_at = 0.0
        self.stopping = False
        self.sandbox_failed = False
        self._place = place
        self._uid = uid
        self._ended = ended
        self._child: Child | None = None
        self._group: cgroups.Group | None = None
        self._timer: Timer | None = None
        self._log = LogFile(spec["log"], spec["log_limit"], place.clock)
        self._left: int = spec.get("retries", 0)
        self._usage = [0.0, 0]
        self._parked = False

    @property
    def begun(self) -> bool:
        return self.started_at > 0

    @property
    def running(self) -> bool:
        return self.begun and self.code is None

    def enter(self, parked: Parked) -> None:
        """Start in a sandbox that waits; if it is gone, in another over the same root."""
        child = parked.become(self.spec["launcher"], self._log, self.spec["keep"], self._child_done)
        if child is None:
            self.start(fresh=False)
            return
        self._parked = True
        self._child = child
        self.started_at = self._place.clock.now()

    def start(self, fresh: bool = True) -> None:
        """Start the process; one that cannot start has ended with Argo's code 64.

        `fresh`: no sandbox was ever built over its root.
        """
        spec = self.spec
        words: list[str] = spec["argv"]
        if self.begun or not fresh:
            words = spec.get("again", words)
        self.started_at = self.started_at or self._place.clock.now()
        self._child = child = Child(self._place, self._log, spec["sandboxed"], spec["keep"], self._child_done)
        try:
            argv = self._limited(_found(words, spec["env"]))
            child.start(argv, spec["env"], spec.get("cwd"))
        except OSError as error:
            self._child = None
            self._over(EMISSARY_ERROR, "Error", f"failed to start command: {error.strerror or error}")
        except (LookupError, ValueError) as error:  # no such program; a null byte in an argument
            self._child = None
            self._over(EMISSARY_ERROR, "Error", str(error.args[0]))

    def end_unstarted(self, code: int, message: str) -> None:
        """Take note that it will never run."""
        self.started_at = self.started_at or self._place.clock.now()
        self._over(code, "Error", message)

    def terminate(self) -> None:
        """Ask it to end, and do not repeat it."""
        self.stopping = True
        if self._timer is not None:
            self._timer.cancel()
            self._over(128 + signal.SIGTERM, "Error", "")
        elif self._child is not None:
            self._child.terminate()

    def kill(self) -> None:
        """End it for good."""
        self.stopping = True
        if self._child is not None:
            self._child.kill()

    def output(self) -> str | None:
        """What it wrote on its standard output, when that was to be kept."""
        if self._child is None or not self.spec["keep"]:
            return None
        return self._child.tail().decode("utf-8", "replace")

    def record(self) -> dict[str, Any]:
        """Return what the exit record says of it."""
        return {
            "name": self.name,
            "kind": self.spec["kind"],
            "code": self.code if self.begun else None,
            "reason": self.reason,
            "message": self.message,
            "sandbox_failed": self.sandbox_failed,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "cpu_seconds": round(self._usage[0], 6),
            "max_rss": self._usage[1],
        }

    def _limited(self, argv: list[str]) -> list[str]:
        limits: cgroups.Limits | None = self.spec.get("limits")
        if not limits:
            return argv
        if self._group is None:
            self._group = self._place.groups().make(f"{self._uid}-{self.name}", limits)
        return self._group.wrap(argv) if self._group is not None else cgroups.without_groups(argv, limits)

    def _child_done(self) -> None:
        child = self._child
        assert child is not None
        assert child.status is not None
        self._usage[0] += child.usage.ru_utime + child.usage.ru_stime
        self._usage[1] = max(self._usage[1], child.usage.ru_maxrss * _RSS_UNIT)
        code = os.waitstatus_to_exitcode(child.status)
        code = 128 - code if code < 0 else code
        if code and self._left > 0 and not self.stopping:
            self._left -= 1
            self._timer = self._place.later(self.spec.get("retry_wait", 0.0), self._again)
            return
        self._conclude(child, code)

    def _again(self) -> None:
        self._timer = None
        if not self.stopping:
            self.start()

    def _conclude(self, child: Child, code: int) -> None:
        reason, message = ("Completed", "") if code == 0 else ("Error", "")
        if code == 128 + signal.SIGKILL and self._group is not None and self._group.killed_for_memory():
            reason = "OOMKilled"
        if code == 1 and self.spec["sandboxed"] and child.head.startswith(_BWRAP_SAYS):
            code, message = self._sandbox_refused(child.head)
        elif code in _NOT_EXECUTED and self._parked and (said := _SHELL_SAYS.match(child.head)):
            code, message = EMISSARY_ERROR, _not_found(said[1].decode("utf-8", "replace"), said[2].decode())
        self._over(code, reason, message)

    def _sandbox_refused(self, head: bytes) -> tuple[int, str]:
        """Tell a missing program (as Argo's emissary words it) from a sandbox that could not be built."""
        said = head.decode("utf-8", "replace").strip().removeprefix("bwrap: ")
        if said.startswith("execvp "):
            program, _, why = said.removeprefix("execvp ").rpartition(": ")
            return EMISSARY_ERROR, _not_found(program, why)
        self.sandbox_failed = True
        return EMISSARY_ERROR, said

    def _over(self, code: int, reason: str, message: str) -> None:
        self._timer = None
        self.code, self.reason, self.message = code, reason, message
        self.finished_at = self._place.clock.now()
        self._log.close()
        if self._group is not None:
            self._group.remove()
            if self._group.directories:
                self._place.later(1.0, self._group.remove)
        self._ended()


def _found(argv: list[str], env: dict[str, str]) -> list[str]:
    """Return the command with its program's path. Raises LookupError in the words of Argo's emissary."""
    program = argv[0]
    if program.startswith("/") and not os.path.exists(program):
        raise LookupError(_not_found(program, ""))
    if "/" in program:
        return argv
    for directory in env.get("PATH", "/usr/bin:/bin").split(":"):
        path = f"{directory}/{program}"
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return [path, *argv[1:]]
    raise LookupError(_not_found(program, ""))


def _not_found(program: str, why: str) -> str:
    if why and why not in ("No such file or directory", "not found"):
        return f"failed to start command: {program}: {why}"
    if "/" in program:
        return f'failed to find name in PATH: exec: "{program}": stat {program}: no such file or directory'
    return f'failed to find name in PATH: exec: "{program}": executable file not found in $PATH'
