"""A server connected to the supervisor: what it says, and what it is to be told."""

import selectors
import socket
import sys
from typing import Protocol

from eventflow.runtimes.process import protocol

_CHUNK = 256 << 10
_UNREAD_LIMIT = 256 << 20


class Served(Protocol):
    """What a client needs of the supervisor."""

    selector: selectors.BaseSelector

    def receive(self, client: "Client", message: protocol.Message) -> None: ...

    def gone(self, client: "Client") -> None: ...


class Client:
    """One connection. What is sent waits for `flush`, so that one turn of the loop makes one write."""

    def __init__(self, host: Served, connection: socket.socket) -> None:
        self._host = host
        self._connection = connection
        self._lines = protocol.Lines()
        self._out: list[bytes] = []
        self._blocked = False
        connection.setblocking(False)
        host.selector.register(connection, selectors.EVENT_READ, self._ready)

    @property
    def flushed(self) -> bool:
        """Whether all that was sent has left."""
        return not self._out

    def send(self, message: protocol.Message) -> None:
        """Take a message for the next flush."""
        self._out.append(protocol.encode(message))

    def flush(self) -> None:
        """Write as much as the socket takes; the rest goes when it takes more."""
        if not self._out:
            return
        data = b"".join(self._out)
        try:
            sent = self._connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._hang_up()
            return
        if len(data) - sent > _UNREAD_LIMIT:  # it does not listen; when it connects again it is told everything
            self._hang_up()
            return
        self._out = [data[sent:]] if sent < len(data) else []
        self._watch(bool(self._out))

    def _ready(self, _: int) -> None:
        if self._blocked:
            self.flush()
        try:
            data = self._connection.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        for line in self._lines.feed(data):
            try:
                self._host.receive(self, protocol.decode(line))
            except (ValueError, KeyError, TypeError) as error:
                print(f"not understood: {error!r}", file=sys.stderr, flush=True)
                self._hang_up()
                return

    def _watch(self, blocked: bool) -> None:
        if blocked == self._blocked:
            return
        self._blocked = blocked
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if blocked else 0)
        self._host.selector.modify(self._connection, events, self._ready)

    def _hang_up(self) -> None:
        if self._connection.fileno() >= 0:
            self._host.selector.unregister(self._connection)
            self._connection.close()
            self._host.gone(self)
        self._out = []
