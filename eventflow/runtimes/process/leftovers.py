# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH112, PTH123, PTH208
"""Ends processes of pods whose supervisor died: those that bubblewrap did not take along (plain processes)."""

import os
import signal

MARK = "ARGO_POD_UID"


def end_leftovers(uids: set[str]) -> int:
    """Kill every process that carries one of these pod uids in its environment; return how many.

    A process that hid its environment, or that runs for another user, is not found. Only on systems with /proc.
    """
    wanted = {f"{MARK}={uid}".encode() for uid in uids if uid}
    if not wanted or not os.path.isdir("/proc/self"):
        return 0
    return sum(_end(int(entry), wanted) for entry in os.listdir("/proc") if entry.isdigit())


def _end(pid: int, wanted: set[bytes]) -> bool:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read().split(b"\0")
        if pid == os.getpid() or wanted.isdisjoint(environment):
            return False
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return False
    return True
