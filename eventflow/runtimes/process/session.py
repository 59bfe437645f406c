"""Starts a process that leads a session of its own. Part of the lean supervisor."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence

_DEFAULT_SIGNALS = [signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGTERM]
_LEAD = "import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])"


def spawn(argv: list[str], env: Mapping[str, str], handles: Sequence[tuple[int, int]]) -> int:
    """Start a process with `handles`, (descriptor, its number there); return its process id. Raises OSError."""
    actions = [(os.POSIX_SPAWN_DUP2, handle, number) for handle, number in handles]
    try:
        return os.posix_spawn(argv[0], argv, env, file_actions=actions, setsid=True, setsigdef=_DEFAULT_SIGNALS)
    except NotImplementedError:  # a Python built for a macOS before 10.15; then another one goes ahead
        words = [sys.executable, "-S", "-E", "-s", "-c", _LEAD, *argv]
        return os.posix_spawn(words[0], words, env, file_actions=actions, setsigdef=_DEFAULT_SIGNALS)
