"""The server's line to the supervisor: starts it where none runs, connects, connects again when it is cut."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

import eventflow
from eventflow.clock import Clock
from eventflow.errors import TemporaryError, UserError
from eventflow.runtimes.process import protocol, session

_START_SECONDS = 10.0
_LOOK_EVERY = 0.004

# Runs without site-packages: the supervisor needs the standard library and this package only.
_COMMAND = "import sys; sys.path.insert(0, sys.argv[1]); from eventflow.runtimes.process import host; " \
    "sys.exit(host.main(sys.argv[2:]))"  # fmt: skip

Told = Callable[[protocol.Message], None]
Cut = Callable[["Link"], None]


class Link(asyncio.Protocol):
    """One connection. `told` is called with every message, `cut` once when the connection ends."""

    def __init__(self, told: Told, cut: Cut) -> None:
        self._told = told
        self._cut = cut
        self._lines = protocol.Lines()
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._told(orjson.loads(line))

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(None)
        self._cut(self)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message. Raises TemporaryError when the line is cut."""
        if self._transport is None:
            raise TemporaryError("the pod supervisor is being restarted", retry_after=0.1)
        self._transport.write(orjson.dumps(message) + b"\n")

    def close(self) -> None:
        """Hang up; the supervisor and its pods go on."""
        if self._transport is not None:
            self._transport.close()


async def connect(
    directory: Path, idle: float, clock: Clock, park: dict[str, Any] | None, told: Told, cut: Cut
) -> Link:
    """Connect to the supervisor of a directory, started if need be. Raises TemporaryError if none answers in time."""
    until = clock.monotonic() + _START_SECONDS
    pid = 0
    while True:
        link = await _try(directory, told, cut)
        if link is not None:
            link.send({"op": "hello", "version": protocol.VERSION, "park": park})
            return link
        if not _alive(pid):
            pid = start(directory, idle)
        if clock.monotonic() > until:
            raise TemporaryError(f"the pod supervisor does not start; see {directory}/supervisor.log")
        await asyncio.sleep(_LOOK_EVERY)


def start(directory: Path, idle: float) -> int:
    """Start a supervisor in a session of its own; return its process id. It ends by itself if there is one already."""
    log = os.open(directory / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
    root = str(Path(eventflow.__file__).parent.parent)
    try:
        argv = [sys.executable, "-S", "-E", "-s", "-B", "-c", _COMMAND, root, str(directory), str(idle)]
        return session.spawn(argv, os.environ, ((null, 0), (log, 1), (log, 2)))
    finally:
        os.close(log)
        os.close(null)


def check_version(message: protocol.Message) -> None:
    """Raise UserError if the supervisor that runs is of another version of eventflow."""
    if message["version"] != protocol.VERSION:
        raise UserError(
            f"the pod supervisor that runs (process {message['pid']}) is of another version of eventflow",
            hint="let its pods end; then it ends by itself a minute after the last server has gone",
        )


async def _try(directory: Path, told: Told, cut: Cut) -> Link | None:
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as opened:
        address = f"{directory}/{protocol.SOCKET}"
        if len(address.encode()) >= protocol.ADDRESS_LIMIT and not protocol.has_descriptors():
            address = protocol.socket_address(str(directory))
        elif len(address.encode()) >= protocol.ADDRESS_LIMIT:
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(os.close, handle)
            address = f"/proc/self/fd/{handle}/{protocol.SOCKET}"
        try:
            _, link = await loop.create_unix_connection(lambda: Link(told, cut), address)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
    return link


def _alive(pid: int) -> bool:
    """Whether a supervisor that was started here still runs; one that has ended is reaped."""
    if pid == 0:
        return False
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    except ChildProcessError:
        return False
