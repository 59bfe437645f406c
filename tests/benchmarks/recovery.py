"""How long a server takes, killed with -9, until all its workflows are at work again in the next process.

    python -m tests.benchmarks.recovery [count]

From the start of the new process, Python and all imports included. Most workflows are suspended; some have a pod that
sleeps, went on meanwhile, and is adopted. The floor is a process that imports the same and reads the same rows.
"""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from eventflow.app import App, open_app
from eventflow.engine.core.stimuli import StopRequested
from eventflow.engine.submission import Request
from eventflow.settings import Settings
from tests.benchmarks.figure import Figure, median

_ROOT = Path(__file__).resolve().parents[2]
_ONE_IN = 20  # workflows of which one has a pod
_SUSPENDED: dict[str, Any] = {"name": "main", "suspend": {}}
_SLEEPING: dict[str, Any] = {"name": "main", "container": {"image": "busybox", "command": ["sleep", "300"]}}


def run(quick: bool) -> list[Figure]:
    """Measure with 1,000 workflows."""
    return _measure(40 if quick else 1000, 1 if quick else 3)


def _measure(count: int, times: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="recovery-", ignore_cleanup_errors=True) as name:
        data = Path(name) / "data"
        _killed(data, "fill", count)
        floor = median(lambda: _killed(data, "read", count), times)
        back = median(lambda: _killed(data, "recover", count), times)
        _killed(data, "end", count)
    return [Figure(f"{count:,} workflows at work again after kill -9", back, "s", floor, "import and read", "<= 5 s")]


def _killed(data: Path, act: str, count: int) -> float:
    """Start a process, wait until it says that it is done, kill it; return the seconds until it said so."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.benchmarks.recovery", act, str(data), str(count)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        seconds = time.monotonic() - began
        process.send_signal(signal.SIGKILL)
        if said != "done\n":
            raise RuntimeError(f"{act} of {count} workflows ended early")
    return seconds


async def _act(act: str, data: Path, count: int) -> None:
    """Be the process that is killed."""
    async with open_app(Settings(data_dir=data)) as app:
        if act == "fill":
            await _fill(app, count)
        await _until_at_work(app, count)
        if act == "end":
            await _end(app, count)
        print("done", flush=True)
        await asyncio.sleep(60)


async def _fill(app: App, count: int) -> None:
    for number in range(count):
        template = _SLEEPING if number % _ONE_IN == 0 else _SUSPENDED
        manifest = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": f"wf-{number}"},
            "spec": {"entrypoint": "main", "templates": [template]},
        }
        await app.engine.submit(Request(manifest, f"wf-{number}"))


async def _until_at_work(app: App, count: int) -> None:
    """Wait until every workflow is loaded, and its one node runs."""

    def at_work() -> int:
        live = (app.engine.live(seq) for seq in range(1, count + 1))
        return sum(each is not None and bool(each.nodes) and each.nodes[0].phase == "Running" for each in live)

    while at_work() < count:
        await asyncio.sleep(0.01)


async def _end(app: App, count: int) -> None:
    """End the workflows that have pods, so that none outlives the measurement."""
    ends = []
    for number in range(0, count, _ONE_IN):
        header = await app.engine.find("default", f"wf-{number}")
        await app.engine.signal(header, lambda workflow: StopRequested(app.clock.now(), "Terminate"))
        ends.append(app.engine.end_of(header))
    await asyncio.gather(*ends)


def _read(data: Path, count: int) -> None:
    """Be the floor: read, and decode, what a start has to."""
    with closing(sqlite3.connect(f"file:{data}/eventflow.db?mode=ro", uri=True)) as connection:
        tables = ("workflow_sources", "workflow_states", "nodes")
        columns = ("definition", "state", "data")
        rows = [
            json.loads(row[0])
            for table, column in zip(tables, columns, strict=True)
            for row in connection.execute(f"SELECT {column} FROM {table}")
        ]
    assert len(rows) == 3 * count
    print("done", flush=True)
    time.sleep(60)


def main() -> None:
    """Print the figures; or, with an act, a directory and a count, be the process that is killed."""
    if len(sys.argv) == 4:
        act, data, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
        if act == "read":
            _read(data, count)
        asyncio.run(_act(act, data, count))
        return
    for figure in _measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, 3):
        print(" | ".join(figure.cells()))


if __name__ == "__main__":
    main()
