"""A failpoint kills its process at the chosen hit, and otherwise does nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eventflow.failpoints import VARIABLE, failpoint

CODE = """
from eventflow.failpoints import failpoint
for n in range(3):
    failpoint("other")
    failpoint("here")
    print(n, flush=True)
"""


@pytest.mark.parametrize(
    ("setting", "lines", "status"),
    [("", 3, 0), ("here", 0, -signal.SIGKILL), ("here:3", 2, -signal.SIGKILL), ("here:4", 3, 0), ("nowhere", 3, 0)],
)
def test_the_nth_hit_is_the_last(setting: str, lines: int, status: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), VARIABLE: setting}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, check=False)
    assert (len(done.stdout.split()), done.returncode) == (lines, status)


def test_unarmed_it_returns() -> None:
    failpoint("store.before-commit")
    assert VARIABLE not in os.environ
