"""The server under test as seen from outside: started, killed, its pod supervisor found and killed too."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(check: Callable[[], Any], seconds: float, what: str) -> None:
    """Wait until a check gives something true. Raises AssertionError, with what was awaited."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.005)


class ServerProcess:
    """A server of a data directory. It is forked from one that has everything imported; see server.py."""

    def __init__(self, data: Path, observer: int) -> None:
        self.data = data
        self.port = free_port()
        self.pid = 0
        self.ended: int | None = None
        self._log = Path(f"{data}.log").open("ab")  # noqa: SIM115
        command = [sys.executable, "-m", "tests.faults.server", str(data), str(self.port), str(observer), "--fork"]
        self._forker = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, bufsize=1
        )
        self._turn = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self.kill_supervisor()
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.close()
        self._forker.wait(10)
        self._reader.join()
        self._forker.stdout.close()
        self._log.close()

    @property
    def log(self) -> str:
        """All that servers wrote so far."""
        return Path(self._log.name).read_text(errors="replace")

    def start(self, failpoint: str = "") -> None:
        """Start a server, with a failpoint armed if one is named; does not wait until it listens."""
        assert self.pid == 0 or self.ended is not None, "a server runs"
        assert self._forker.stdin is not None
        with self._turn:
            before, self.ended = self.pid, None
            self._forker.stdin.write(f"{failpoint}\n")
            assert self._turn.wait_for(lambda: self.pid != before, 30), "the server was not started"

    def kill(self) -> bool:
        """Kill the server as the kernel would; whether it ran."""
        with self._turn:
            if self.pid == 0 or self.ended is not None:
                return False
            os.kill(self.pid, signal.SIGKILL)
            assert self._turn.wait_for(lambda: self.ended is not None, 30)
            return self.ended == -signal.SIGKILL

    def stop(self) -> int:
        """End the server politely; return its exit status."""
        with self._turn:
            os.kill(self.pid, signal.SIGTERM)
            assert self._turn.wait_for(lambda: self.ended is not None, 30), "the server does not stop"
            assert self.ended is not None
            return self.ended

    @property
    def listening(self) -> bool:
        """Whether the server takes connections."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def supervisor(self) -> int:
        """Return the process id of the pod supervisor, 0 if none answers."""
        with contextlib.suppress(OSError), self._supervisor_socket() as line:
            credentials = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return int(struct.unpack("3i", credentials)[0])
        return 0

    def kill_supervisor(self) -> bool:
        """Kill the pod supervisor; whether it ran."""
        pid = self.supervisor()
        if not pid:
            return False
        os.kill(pid, signal.SIGKILL)
        until(lambda: _dead(pid), 10, "the pod supervisor to die")
        return True

    def stop_supervisor(self) -> None:
        """End the pod supervisor politely."""
        pid = self.supervisor()
        os.kill(pid, signal.SIGTERM)
        until(lambda: _dead(pid), 15, "the pod supervisor to end")

    def supervised(self) -> list[dict[str, Any]]:
        """Return what the supervisor still knows of pods, as it tells a server that connects."""
        try:
            line = self._supervisor_socket()
        except OSError:
            return []
        with line, line.makefile("rwb") as stream:
            stream.write(b'{"op":"hello","version":1}\n')
            stream.flush()
            told: list[dict[str, Any]] = []
            for text in stream:
                message = json.loads(text)
                if message["event"] == "synced":
                    return told
                if message["event"] == "pod":
                    told.append(message)
        return []

    def _supervisor_socket(self) -> socket.socket:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(10)
            line.connect(str(self.data / "runtime" / "supervisor.sock"))
        except OSError:
            line.close()
            raise
        return line

    def _read(self) -> None:
        assert self._forker.stdout is not None
        for line in self._forker.stdout:
            word, *values = line.split()
            with self._turn:
                if word == "pid":
                    self.pid = int(values[0])
                elif word == "ended":
                    self.ended = int(values[1])
                self._turn.notify_all()


def sandboxes_of(data: Path) -> list[int]:
    """Return the sandboxes of a data directory: those of pods, and those that wait for one."""
    found = []
    for entry in Path("/proc").glob("[1-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes()
            if b"bwrap" in words.split(b"\0", 1)[0] and str(data).encode() in words:
                found.append(int(entry.name))
    return found


def _dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True
