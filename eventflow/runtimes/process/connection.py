"""The server's connection to the supervisor as something that lasts: cut, it is made again, and all is told anew."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eventflow.clock import Clock
from eventflow.errors import TemporaryError, UserError
from eventflow.runtimes.process import link, protocol

_SYNC_SECONDS = 30.0
_BUSY = "the pod supervisor is being restarted"


class Connection:
    """Keeps one link to the supervisor of a directory.

    `told` is called with every message but the greeting, `cut` when the link is lost: what was asked may not have
    arrived. Between a new link and `synced` the supervisor tells of every pod it knows.
    """

    def __init__(
        self,
        directory: Path,
        idle: float,
        clock: Clock,
        told: Callable[[protocol.Message], None],
        cut: Callable[[], None],
    ) -> None:
        self.ready = asyncio.Event()
        self._directory = directory
        self._idle = idle
        self._clock = clock
        self._on_message = told
        self._on_cut = cut
        self._park: dict[str, Any] | None = None
        self._link: link.Link | None = None
        self._refusal: UserError | None = None
        self._again: asyncio.Task[None] | None = None
        self._closing = False

    async def open(self, park: dict[str, Any] | None) -> None:
        """Connect, starting a supervisor if none runs, and hear of all its pods.

        `park` says which sandboxes it is to have ready (see light.plan).
        Raises TemporaryError if it does not answer, UserError if it is of another version.
        """
        self._park = park
        until = self._clock.monotonic() + _SYNC_SECONDS
        while True:
            try:
                await self._open_once()
            except TemporaryError as error:
                if self._clock.monotonic() > until:
                    raise
                await asyncio.sleep(error.retry_after)
            else:
                return

    async def _open_once(self) -> None:
        self.ready.clear()
        made = await link.connect(self._directory, self._idle, self._clock, self._park, self._told, self._gone)
        self._link = None if made.closed.done() else made
        ready = asyncio.create_task(self.ready.wait(), name="first word of the pod supervisor")
        # One that is just being killed may take the connection and never say a word.
        await asyncio.wait((ready, made.closed), timeout=_SYNC_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._refusal is not None:
            made.close()
            raise self._refusal
        if not self.ready.is_set():
            made.close()
            raise TemporaryError("the pod supervisor does not answer", retry_after=0.02)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message. Raises TemporaryError while there is no supervisor to hear it."""
        if self._link is None or not self.ready.is_set():
            raise TemporaryError(_BUSY, retry_after=0.1)
        self._link.send(message)

    async def close(self, ending: float | None) -> None:
        """Hang up; with `ending`, have the supervisor end its pods within so many seconds, and itself."""
        self._closing = True
        if self._again is not None:
            self._again.cancel()
            await asyncio.gather(self._again, return_exceptions=True)
        if self._link is None:
            return
        if ending is None:
            self._link.close()
        else:
            self._link.send({"op": "end", "grace": ending})
        await asyncio.wait([self._link.closed], timeout=(ending or 0.0) + 1.0)

    def _told(self, message: protocol.Message) -> None:
        if message["event"] == "hello":
            try:
                link.check_version(message)
            except UserError as error:
                self._refusal = error
                self.ready.set()
            return
        self._on_message(message)
        if message["event"] == "synced":
            self.ready.set()

    def _gone(self, gone: link.Link) -> None:
        if self._link is not None and self._link is not gone:
            return
        self._link = None
        self.ready.clear()
        self._on_cut()
        if not self._closing and self._again is None:
            self._again = asyncio.create_task(self._reconnect(), name="connection to the pod supervisor")

    async def _reconnect(self) -> None:
        while not self.ready.is_set():
            try:
                await self.open(self._park)
            except TemporaryError as error:
                await asyncio.sleep(error.retry_after)
        self._again = None
