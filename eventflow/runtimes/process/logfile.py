# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH103, PTH120
"""Writes what a container says, in the log format of Kubernetes' container runtime interface (CRI).

    2016-10-06T00:17:09.669794202Z stdout F The content of a line
    2016-10-06T00:17:09.669794202Z stderr P The beginning of a line longer than 16 KiB

One file a container, both streams in it. Beyond the size limit nothing more is kept, and a last line says so.
"""

import os
import time

from eventflow.clock import Clock

_LINE_LIMIT = 16 << 10


class LogFile:
    """The log of one container; the file comes to be with the first byte. Never raises: a full disk costs the log."""

    __slots__ = ("_clock", "_file", "_full", "_left", "_path", "_rest", "_second", "_stamp")

    def __init__(self, path: str, limit: int, clock: Clock) -> None:
        self._path = path
        self._left = limit
        self._clock = clock
        self._file = -1
        self._full = False
        self._rest: dict[str, bytes] = {}
        self._second = 0
        self._stamp = ""

    def write(self, stream: str, data: bytes) -> None:
        """Take the next bytes of `stdout` or `stderr`; whole lines are written at once."""
        if self._full:
            return
        rest = self._rest.get(stream)
        *lines, rest = ((rest + data) if rest else data).split(b"\n")
        head = f"{self._now()} {stream} ".encode()
        full = head + b"F "
        if len(rest) >= _LINE_LIMIT or any(len(line) > _LINE_LIMIT for line in lines):
            out, rest = _cut(lines, rest, head)
        else:
            out = [b"%b%b\n" % (full, line) for line in lines]
        self._rest[stream] = rest
        if out:
            self._append(b"".join(out))

    def close(self) -> None:
        """Write what came without a line's end, and close."""
        for stream, rest in self._rest.items():
            if rest and not self._full:
                self._append(f"{self._now()} {stream} F ".encode() + rest + b"\n")
        self._rest.clear()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        try:
            if self._file < 0:
                self._file = _open(self._path)
            if len(data) > self._left:
                data = self._truncated(data)
            self._left -= len(data)
            os.write(self._file, data)
        except OSError:
            self._full = True

    def _truncated(self, data: bytes) -> bytes:
        """Keep what fits, in whole lines, and say that the rest is missing."""
        self._full = True
        kept = data[: data.rfind(b"\n", 0, max(self._left, 0)) + 1]
        return kept + f"{self._now()} stderr F [truncated: the log's size limit is reached]\n".encode()

    def _now(self) -> str:
        now = self._clock.now()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int((now - second) * 1e9):09d}Z"


def _cut(lines: list[bytes], rest: bytes, head: bytes) -> tuple[list[bytes], bytes]:
    """Write lines longer than the limit in parts; return the records and what is left of the unfinished line."""
    out = []
    for line in lines:
        at = 0
        while len(line) - at > _LINE_LIMIT:
            out.append(b"%bP %b\n" % (head, line[at : at + _LINE_LIMIT]))
            at += _LINE_LIMIT
        out.append(b"%bF %b\n" % (head, line[at:]))
    while len(rest) >= _LINE_LIMIT:
        out.append(b"%bP %b\n" % (head, rest[:_LINE_LIMIT]))
        rest = rest[_LINE_LIMIT:]
    return out, rest


def _open(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o640)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, 0o640)
