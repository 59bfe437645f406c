"""Named points at which a test may have the process killed, as the kernel or the power would: nothing is cleaned up.

`EVENTFLOW_FAILPOINT=store.before-commit:3`, set when the process starts, kills it with SIGKILL the third time it comes
by that point. Unset, a failpoint costs one comparison.
"""

import os
import signal

VARIABLE = "EVENTFLOW_FAILPOINT"


class _Armed:
    """The one point that is armed in this process, and how often it may still be passed."""

    def __init__(self, setting: str) -> None:
        name, _, nth = setting.partition(":")
        self.name = name
        self.left = int(nth or 1)

    def hit(self, name: str) -> None:
        if name != self.name:
            return
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


_armed = _Armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def failpoint(name: str) -> None:
    """Die here if this point was armed; otherwise do nothing."""
    if _armed is not None:
        _armed.hit(name)
