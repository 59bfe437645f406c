# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH110, PTH123
"""Ends what plain processes leave behind when they end, without looking at every process of the machine (Linux).

The supervisor has orphans of its descendants given to it, as an init process has. So whatever a container started, and
wherever that hid, it is a child of the supervisor once its parents are gone; a child that is no container is an orphan.
"""

import contextlib
import os
import signal
from collections.abc import Container, Mapping

from eventflow.runtimes.process import leftovers

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> bool:
    """Have orphans given to this process; False where the system does not do that, or does not show them."""
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        return False
    import ctypes  # slow to load, and of use only here

    try:
        return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (OSError, AttributeError):
        return False


def end(known: Container[int], leader: int, env: Mapping[str, str]) -> int:
    """Kill what a container left behind, with all that these started; return how many.

    `leader` was its first process, `env` is its environment; `known` are the first processes of containers that go on.
    What those orphaned (a daemon) is theirs, unless it hides whose it is.
    """
    orphans = [pid for pid in _children(os.getpid()) if pid not in known]
    return sum(_end_tree(pid) for pid in orphans if not leftovers.is_anothers(pid, known, leader, env))


def _end_tree(pid: int) -> int:
    below = _children(pid)
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    return 1 + sum(_end_tree(child) for child in below)


def _children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []
