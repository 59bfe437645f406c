# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH103, PTH106, PTH110, PTH112, PTH123
"""Limits of memory, processor and number of processes by control groups, version 1 or 2, where they may be written.

    limits = {"memory": bytes, "cpu": processors (0.5), "pids": count}

The supervisor makes one group a container that asks for limits; a shell in front of the command joins it before the
command starts, so no process is ever outside. Where no group can be made, the shell sets resource limits of the
process instead (`ulimit`): weaker, because they hold for each process alone.
"""

import os
import sys

Limits = dict[str, float]

_PERIOD = 100_000

# $1: how many groups, then their directories, then the command. Ends with 125 rather than run without its limits.
_JOIN = (
    'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; n=$((n-1)); done; exec "$@"'
)
_ULIMIT = 'ulimit -v "$1" || exit 125; shift; exec "$@"'


class Group:
    """The control groups of one container: a directory a controller (version 1) or one directory (version 2)."""

    def __init__(self, directories: list[str]) -> None:
        self.directories = directories

    def wrap(self, argv: list[str]) -> list[str]:
        """Return the command that joins the groups and then becomes `argv`."""
        return ["/bin/sh", "-c", _JOIN, "sh", str(len(self.directories)), *self.directories, *argv]

    def killed_for_memory(self) -> bool:
        """Whether the kernel ended a process of the group because memory ran out."""
        return any(
            _count(f"{directory}/{name}", "oom_kill") > 0
            for directory in self.directories
            for name in ("memory.oom_control", "memory.events")
        )

    def remove(self) -> None:
        """Remove the directories; one whose last process is still being reaped is left to the next attempt."""
        self.directories = [directory for directory in self.directories if not _rmdir(directory)]


class Groups:
    """Makes groups below the place where this process may. `version` is 0 where it may not."""

    def __init__(self) -> None:
        self.parents: dict[str, str] = {}
        self.version = 0
        if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            self._find_unified()
        else:
            self._find_separate()

    def make(self, name: str, limits: Limits) -> Group | None:
        """Return a new group with these limits, or None where that is not possible."""
        if not self.version:
            return None
        try:
            return Group(self._make_unified(name, limits) if self.version == 2 else self._make_separate(name, limits))
        except OSError:
            return None

    def _find_separate(self) -> None:
        for controller, path in _own_groups().items():
            for base in (f"/sys/fs/cgroup/{controller}{path}", f"/sys/fs/cgroup/{controller}"):
                if controller in ("memory", "cpu", "pids") and controller not in self.parents and _usable(base):
                    self.parents[controller] = f"{base.rstrip('/')}/eventflow"
        self.version = 1 if self.parents else 0

    def _find_unified(self) -> None:
        own = _own_groups().get("", "/")
        for base in (f"/sys/fs/cgroup{own}", "/sys/fs/cgroup"):
            if _usable(base) and _enable(base.rstrip("/")):
                self.parents[""] = f"{base.rstrip('/')}/eventflow"
                self.version = 2
                return

    def _make_separate(self, name: str, limits: Limits) -> list[str]:
        made = []
        for controller, amount in limits.items():
            parent = self.parents.get(controller)
            if parent is None:
                raise FileNotFoundError(controller)
            made.append(_directory(parent, name))
            if controller == "memory":
                _write(f"{made[-1]}/memory.limit_in_bytes", int(amount))
            elif controller == "cpu":
                _write(f"{made[-1]}/cpu.cfs_period_us", _PERIOD)
                _write(f"{made[-1]}/cpu.cfs_quota_us", max(1000, int(amount * _PERIOD)))
            else:
                _write(f"{made[-1]}/pids.max", int(amount))
        return made

    def _make_unified(self, name: str, limits: Limits) -> list[str]:
        directory = _directory(self.parents[""], name)
        for controller, amount in limits.items():
            if controller == "memory":
                _write(f"{directory}/memory.max", int(amount))
            elif controller == "cpu":
                _write(f"{directory}/cpu.max", f"{max(1000, int(amount * _PERIOD))} {_PERIOD}")
            else:
                _write(f"{directory}/pids.max", int(amount))
        return [directory]


def available() -> int:
    """Return the version of control groups that could be made here, 0 for none, without changing anything."""
    own = _own_groups()
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        bases = (f"/sys/fs/cgroup{own.get('', '/')}", "/sys/fs/cgroup")
        return 2 if any(_usable(base) for base in bases) else 0
    bases = (f"/sys/fs/cgroup/memory{own.get('memory', '/')}", "/sys/fs/cgroup/memory")
    return 1 if any(_usable(base) for base in bases) else 0


def without_groups(argv: list[str], limits: Limits) -> list[str]:
    """Return the command with the limits that a single process can have: its address space, on Linux."""
    if "memory" not in limits or sys.platform != "linux":
        return argv
    return ["/bin/sh", "-c", _ULIMIT, "sh", str(max(1, int(limits["memory"]) // 1024)), *argv]


def _own_groups() -> dict[str, str]:
    """Return this process's group by controller (version 2: the empty name)."""
    groups = {}
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            for line in file:
                _, controllers, path = line.rstrip("\n").split(":", 2)
                for controller in controllers.split(","):
                    groups[controller] = path
    except OSError:
        return {}
    return groups


def _usable(base: str) -> bool:
    return os.path.isdir(base) and os.access(base, os.W_OK)


def _enable(base: str) -> bool:
    """Let groups below `base` limit memory, processor and processes (version 2).

    A group that holds processes cannot hand out controllers, so this process first moves to a leaf of its own.
    """
    try:
        leaf = _directory(base, "eventflow-supervisor")
        if base != "/sys/fs/cgroup":
            _write(f"{leaf}/cgroup.procs", os.getpid())
        _write(f"{base}/cgroup.subtree_control", "+memory +cpu +pids")
        _write(f"{_directory(base, 'eventflow')}/cgroup.subtree_control", "+memory +cpu +pids")
    except OSError:
        return False
    return True


def _directory(parent: str, name: str) -> str:
    path = f"{parent}/{name}"
    os.makedirs(path, exist_ok=True)
    return path


def _write(path: str, value: int | str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))


def _count(path: str, key: str) -> int:
    try:
        with open(path, encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(f"{key} ")), 0)
    except OSError:
        return 0


def _rmdir(path: str) -> bool:
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
