"""The server that is killed: `python -m tests.faults.server DATA PORT OBSERVER`, a process of its own.

Without more it applies the objects, unless that was done, and serves. With `--fork` it has everything imported, and
makes a new server with each line it reads: start-up is most of a second of imports, and a campaign of kills would
spend its time on these. A forked server is a process like any other; what it runs is `eventflow.app.run`.
"""

import asyncio
import importlib
import logging
import os
import sys
import traceback
from pathlib import Path

from eventflow import app, failpoints
from eventflow.api import server
from eventflow.expressions.cel.engine import compile as compile_filter
from eventflow.settings import Outbound, Seconds, Server, Settings
from tests.faults import objects


def settings(data: Path, port: int) -> Settings:
    """Return the settings that the server under test runs with."""
    listen = Server(port=port, shutdown_timeout=Seconds(2.0))
    return Settings(data_dir=data, server=listen, outbound=Outbound(allow=("127.0.0.1",)))


async def apply(chosen: Settings, observer: int) -> None:
    """Apply the objects."""
    async with app.open_app(chosen) as opened:
        await opened.catalog.apply_text(objects.manifests(observer), "objects.yaml")


def serve(data: Path, port: int, observer: int) -> int:
    """Apply the objects unless that was done, then serve until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    chosen = settings(data, port)
    applied = data / "applied"
    if not applied.exists():
        asyncio.run(apply(chosen, observer))
        applied.touch()
    return asyncio.run(app.run(chosen, server.build))


def fork(data: Path, port: int, observer: int) -> None:
    """Make a server with each line read, which is the failpoint to arm; answer `pid N`, and `ended N STATUS`."""
    compile_filter("true", variables=frozenset())  # the grammar of CEL is built on first use
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_forked(line.strip(), data, port, observer))
        print(f"pid {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"ended {pid} {os.waitstatus_to_exitcode(status)}", flush=True)


def _forked(point: str, data: Path, port: int, observer: int) -> int:
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.environ.pop(failpoints.VARIABLE, None)
    if point:
        os.environ[failpoints.VARIABLE] = point
    importlib.reload(failpoints)  # its variable was read when this process began
    try:
        return serve(data, port, observer)
    except BaseException:
        traceback.print_exc()
        return 1


def main() -> int:
    """Run as the module says."""
    data, port, observer = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    if sys.argv[4:] == ["--fork"]:
        fork(data, port, observer)
        return 0
    return serve(data, port, observer)


if __name__ == "__main__":
    sys.exit(main())
