# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH112, PTH123, PTH208
"""Ends what is left of pods that bubblewrap does not take along: plain processes, and what they started.

By the marks in their environment where there is a /proc, or where ps shows it; by their session everywhere. A process
that left its session and hid its environment (macOS hides that of its own programs), or of another user, is not found.

Bubblewrap ends with its parent, and what it runs with it. Only its own child, while new, is not bound to it yet: if the
parent is killed then, that child waits for ever for a word of it.
"""

import contextlib
import os
import signal
from collections.abc import Container, Mapping

MARK = "ARGO_POD_UID"

_CONTAINER_MARK = "ARGO_CONTAINER_NAME"
_PS_SECONDS = 10.0


def end_leftovers(uids: set[str]) -> int:
    """Kill every process that carries one of these pod uids in its environment; return how many."""
    wanted = {f"{MARK}={uid}".encode() for uid in uids if uid}
    if not wanted:
        return 0
    if not _has_proc():
        return sum(_kill(pid) for pid, said in _ps("-E", "-ww", "-o", "pid=,command=") if wanted & set(said.split()))
    return sum(_kill(pid) for pid in _pids() if not wanted.isdisjoint(_environment(pid)))


def end_sandboxes(data: str) -> int:
    """Kill every bubblewrap that binds something below a data directory, whose supervisor is no more; return how many.

    Only where there is a /proc: bubblewrap needs Linux.
    """
    below = f"{data}/".encode()
    return sum(_kill(pid) for pid in _pids() if _has_proc() and _builds_below(_words(pid), below))


def _builds_below(words: list[bytes], below: bytes) -> bool:
    return words[0].rpartition(b"/")[2] == b"bwrap" and any(word.startswith(below) for word in words)


def _words(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return [b""]


def end_tree(leader: int, env: Mapping[str, str]) -> int:
    """Kill what a container's first process, which has ended or is to, has left behind; return how many.

    `env` is the container's. A descendant has a higher process id, as long as these have not begun anew.
    """
    return sum(_kill(pid) for pid in _pids() if pid > leader and belongs(pid, leader, env))


def belongs(pid: int, leader: int, env: Mapping[str, str]) -> bool:
    """Whether a process is of the container whose first process was `leader`, as its session or environment tells."""
    if _session(pid) == leader:
        return True
    marks = _marks(env)
    return bool(marks) and marks <= _environment(pid)


def is_anothers(pid: int, known: Container[int], leader: int, env: Mapping[str, str]) -> bool:
    """Whether a process tells that it is of another container: by a `known` leader of its session, or by its marks."""
    session = _session(pid)
    if session == leader or session in known:
        return session != leader
    said = _environment(pid)
    return any(one.startswith(f"{MARK}=".encode()) for one in said) and not _marks(env) <= said


def _marks(env: Mapping[str, str]) -> set[bytes]:
    return {f"{name}={env[name]}".encode() for name in (MARK, _CONTAINER_MARK) if name in env}


def _has_proc() -> bool:
    return os.path.isdir("/proc/self")


def _pids() -> list[int]:
    if _has_proc():
        return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]
    return [pid for pid, _ in _ps("-o", "pid=")]


def _ps(*options: str) -> list[tuple[int, bytes]]:
    """Return process ids with what ps says of them."""
    import subprocess  # only where there is no /proc, and slow to load

    try:
        done = subprocess.run(("ps", "-A", *options), capture_output=True, timeout=_PS_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    lines = (line.split(None, 1) for line in done.stdout.splitlines())
    return [(int(words[0]), words[1] if len(words) > 1 else b"") for words in lines if words and words[0].isdigit()]


def _environment(pid: int) -> set[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return set(file.read().split(b"\0"))
    except OSError:
        return set()


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _kill(pid: int) -> bool:
    if pid == os.getpid():
        return False
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
