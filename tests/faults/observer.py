"""The outside observer: an append-only record of what senders and pods say, in the order in which they said it.

It lives in the test's own process, which nobody kills, and writes one line with one write to a file opened O_APPEND.
A client sends a line and gets `ok` when it is written; an HTTP POST to the same port is recorded as `called BODY`.
"""

import os
import socketserver
import threading
import time
from pathlib import Path
from typing import Any


class Observer:
    """Records lines; `with` opens the file and listens at `port` on loopback."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.at = time.monotonic()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._lock = threading.Lock()
        self._server = _Listener(("127.0.0.1", 0), _Client)
        self._server.observer = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        os.close(self._file)

    def record(self, line: str) -> None:
        """Append one line."""
        with self._lock:
            self.at = time.monotonic()
            os.write(self._file, line.encode() + b"\n")

    def lines(self) -> list[list[str]]:
        """Return the words of all lines so far."""
        return [line.split(" ") for line in self.path.read_text().splitlines()]


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 256
    observer: Observer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed hangs up as it likes."""


class _Client(socketserver.StreamRequestHandler):
    server: _Listener

    def handle(self) -> None:
        for line in self.rfile:
            text = line.decode().strip()
            if text.startswith("POST "):
                self._take_call()
                return
            self.server.observer.record(text)
            self.wfile.write(b"ok\n")

    def _take_call(self) -> None:
        length = 0
        for line in self.rfile:
            name, _, value = line.decode().partition(":")
            if name.lower() == "content-length":
                length = int(value)
            if not name.strip():
                break
        self.server.observer.record(f"called {self.rfile.read(length).decode()}")
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
