"""What a dead supervisor left is ended, and nothing else."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from eventflow.runtimes.process.leftovers import end_leftovers, end_sandboxes

WAIT = "import sys; print(flush=True); sys.stdin.read()"


@contextmanager
def process(*words: str, name: str = "bwrap", **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run something that waits, under a name of our choice."""
    pipe = subprocess.PIPE
    command = [f"/usr/bin/{name}", "-c", WAIT, *words]
    with subprocess.Popen(command, executable=sys.executable, env=env, stdin=pipe, stdout=pipe) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running
        running.kill()


def test_sandboxes_of_a_data_directory_are_ended_and_no_others() -> None:
    with (
        process("--bind", "/nowhere/data/spare/parked-1", "/") as ours,
        process("--bind", "/nowhere/data-2/pods/a", "/") as anothers,
        process("/nowhere/data/pods/a", name="cat") as reader,
    ):
        assert end_sandboxes("/nowhere/data") == 1
        assert ours.wait(5) == -signal.SIGKILL
        assert anothers.poll() is None
        assert reader.poll() is None


def test_processes_of_lost_pods_are_ended_by_their_mark() -> None:
    with process(ARGO_POD_UID="leftover-1") as ours, process(ARGO_POD_UID="leftover-2") as anothers:
        assert end_leftovers({"leftover-1", ""}) == 1
        assert ours.wait(5) == -signal.SIGKILL
        assert anothers.poll() is None
