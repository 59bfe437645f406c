# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH101, PTH102, PTH103, PTH104, PTH120, PTH123, PTH208
"""Sandboxes that are built before they are needed, and roots that are used again.

Building a sandbox takes bubblewrap longer than many commands run. So while little else goes on, the supervisor has a
few built: each waits, inside, in a shell that reads from a pipe what it is to become. A pod that asks for nothing but
the common sandbox takes one: its claim being durable, the pipe is given its environment and command.

Their roots are directories of `spare`, which a pod's own directory takes over by a rename. The server puts roots there
that a forgotten pod left as they were.
"""

import errno
import itertools
import os
from collections.abc import Callable
from typing import Any

from eventflow.runtimes.process.child import Child, Keeper, Log

ROOT = "{root}"
PIPE = 3

# A line says that the sandbox is built; then the shell reads its environment and command from the pipe, to its end.
WAIT = ("/bin/sh", "-c", f"echo; . /proc/self/fd/{PIPE}")

LAUNCHER_LIMIT = 60 << 10
SPARE_ROOT = "root-"
_PARKED_ROOT = "parked-"
_NUMBERS = itertools.count(1)  # of the process: a server that comes back gets a Parking of its own


class Light:
    """A light pod: `work`, its directory; `root`, the one below it that is its `/`; `files` to write in there."""

    def __init__(self, tree: dict[str, Any]) -> None:
        self.work: str = tree["work"]
        self.root: str = tree["root"]
        self.files: list[tuple[str, str, int]] = tree["files"]


class Parked:
    """A sandbox that waits, once it is `ready`. It takes what comes out of it until then for the word that it is."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.pipe = -1
        self.ready = False
        self.child: Child | None = None

    def write(self, stream: str, data: bytes) -> None:
        self.ready = self.ready or (stream == "stdout" and data == b"\n")

    def close(self) -> None:
        if self.pipe >= 0:
            os.close(self.pipe)
            self.pipe = -1

    def become(self, launcher: str, log: Log, keep: bool, done: Callable[[], None]) -> Child | None:
        """Let it become a container: attach its log, and write what it is to execute.

        None if it is not there any more: then nothing of the launcher was executed.
        """
        child = self.child
        if child is None or child.status is not None:
            return None
        data = memoryview(launcher.encode("utf-8", "surrogateescape"))
        try:
            while data:
                data = data[os.write(self.pipe, data) :]
        except BrokenPipeError:
            return None
        finally:
            self.close()
        child.attach(log, keep, done)
        return child


class Parking:
    """Keeps sandboxes ready, and gives light pods their directories.

    `plan`: the command lines `fresh` (over a root that is empty) and `again`, with ROOT for the root's path and WAIT to
    be run; `env`; the directories `spare` and `trash`; `count`, how many to have ready.
    """

    def __init__(self, keeper: Keeper, plan: dict[str, Any]) -> None:
        self._keeper = keeper
        self._plan = plan
        self._count: int = plan["count"]
        self._roots: list[str] = []
        self._parked: list[Parked] = []
        for name in os.listdir(plan["spare"]):
            if name.startswith(_PARKED_ROOT):  # of a supervisor that is no more
                self._discard(f"{plan['spare']}/{name}")

    def fill(self) -> bool:
        """Build one more sandbox if there are fewer than wanted; say whether there were."""
        if len(self._parked) >= self._count:
            return False
        spare = f"{self._plan['spare']}/{_PARKED_ROOT}{_unique()}"
        fresh = not self._move_spare_to(spare)
        if fresh:
            os.mkdir(spare)
        words = self._plan["fresh" if fresh else "again"]
        parked = Parked(spare)
        read, parked.pipe = os.pipe()
        child = parked.child = Child(self._keeper, parked, True, False, lambda: self._died(parked))
        try:
            child.start([spare if word == ROOT else word for word in words], self._plan["env"], None, (read, PIPE))
            self._parked.append(parked)
        except OSError:
            parked.close()
            self._count = 0  # no memory or no processes: leave what there is to the pods
        finally:
            os.close(read)
        return True

    def take(self, light: Light) -> Parked | None:
        """Give a light pod a sandbox that waits, its directory and files in place; None if there is none."""
        parked = next((one for one in self._parked if one.ready), None)
        if parked is None:
            return None
        self._parked.remove(parked)
        self._make_work(light)
        os.rename(parked.root, light.root)
        _write_files(light)
        return parked

    def make_root(self, light: Light) -> bool:
        """Make a light pod's directory and files; say whether its root is empty but for these."""
        self._make_work(light)
        fresh = not self._move_spare_to(light.root)
        if fresh:
            os.mkdir(light.root)
        _write_files(light)
        return fresh

    def close(self) -> None:
        """End all that wait."""
        for parked in self._parked:
            if parked.child is not None:
                parked.child.kill()
        self._count = 0

    def _make_work(self, light: Light) -> None:
        try:
            os.mkdir(light.work)
        except FileExistsError:  # prepared once, but never claimed
            self._discard(light.work)
            os.mkdir(light.work)

    def _move_spare_to(self, path: str) -> bool:
        """Take a spare root; False if there is none."""
        if not self._roots:
            spare = self._plan["spare"]
            self._roots = [f"{spare}/{name}" for name in os.listdir(spare) if name.startswith(SPARE_ROOT)]
        while self._roots:
            try:
                os.rename(self._roots.pop(), path)
            except FileNotFoundError:
                continue
            return True
        return False

    def _discard(self, path: str) -> None:
        while True:
            try:
                return os.rename(path, f"{self._plan['trash']}/{_PARKED_ROOT}{_unique()}")
            except OSError as error:  # an earlier process of this number has left something there
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise

    def _died(self, parked: Parked) -> None:
        """A sandbox ended before it was needed: do not build others that may do the same."""
        parked.close()
        if parked in self._parked:
            self._parked.remove(parked)
            self._count = 0


def _unique() -> str:
    return f"{os.getpid()}-{next(_NUMBERS)}"


def _write_files(light: Light) -> None:
    for path, text, mode in light.files:
        target = f"{light.root}{path}"
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        os.chmod(target, mode)
