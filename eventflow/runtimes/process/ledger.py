# Part of the lean supervisor, which does without pathlib.
# ruff: noqa: PTH104, PTH120, PTH123
"""The supervisor's ledger: which pods were ever started, and how they ended. Durable before anyone is told.

An append-only file of JSON lines, `{"k": kind, "n": pod, "v": value}`, with one fdatasync for all that waits (group
commit). Kinds: `claim` (written before the first process of a pod exists; a pod is claimed once), `end`, `result`,
`forget`. One process at a time holds the ledger, by a lock file, so a claim is exclusive as O_EXCL would make it; one
file for all pods because an fsync of its own for each pod's claim and end cost ten times as much (measured: 300 to
400 µs each against 15 µs in a batch).

The file is filled with zeros ahead of what is written, so that a commit changes no metadata: then it need not wait for
the file system's journal, which pods fill with the directories they make. It also means that the ends of pods can be
recorded when the disk has become full.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable
from typing import Any

Value = dict[str, Any]
Done = Callable[[], None]
Failed = Callable[[OSError], None]

_COMPACT_ABOVE = 8 << 20
_AHEAD = 1 << 20


class Locked(Exception):
    """Another supervisor holds the ledger."""


class Entry:
    """What is known of one pod. `end` and `result` are None until they are written."""

    __slots__ = ("claim", "end", "result", "size")

    def __init__(self, claim: Value) -> None:
        self.claim = claim
        self.end: Value | None = None
        self.result: Value | None = None
        self.size = 0


class Ledger:
    """Pods by name in `entries`; changes go through `append` and become durable with `commit`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise Locked(path) from error
        self.entries: dict[str, Entry] = {}
        self._waiting: list[tuple[bytes, Done | None, Failed | None]] = []
        self._lazy: list[bytes] = []
        self._size = self._load()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._room = self._size
        _sync_directory(os.path.dirname(path))

    @property
    def waiting(self) -> bool:
        """Whether something is not durable yet."""
        return bool(self._waiting)

    def append(
        self, kind: str, name: str, value: Value | None, done: Done | None = None, failed: Failed | None = None
    ) -> None:
        """Take a record; `done` is called once it is durable.

        A record with `failed` is given up when the disk refuses it, any other is tried again with the next commit.
        """
        line = _line(kind, name, value)
        self._apply(kind, name, value, len(line))
        self._waiting.append((line, done, failed))

    def forget(self, name: str) -> None:
        """Drop what is known of a pod. Durable with the next commit: lost before, the pod is told of once more."""
        self._lazy.append(_line("forget", name, None))
        self.entries.pop(name, None)

    def commit(self) -> None:
        """Make durable all that waits, then call back. Raises OSError when the disk refuses; see `append`."""
        batch, self._waiting = self._waiting, []
        data = b"".join((*self._lazy, *(line for line, _, _ in batch)))
        try:
            self._write(data)
        except OSError as error:
            self._waiting = [item for item in batch if item[2] is None] + self._waiting
            for _, _, failed in batch:
                if failed is not None:
                    failed(error)
            raise
        self._size += len(data)
        self._lazy = []
        for _, done, _ in batch:
            if done is not None:
                done()
        self._compact_if_due()

    def drop(self, name: str) -> None:
        """Unlearn a claim that never became durable."""
        self.entries.pop(name, None)

    def close(self) -> None:
        """Let another process have the ledger."""
        if self._lazy:
            self.commit()
        os.close(self._file)
        os.close(self._lock)

    def _write(self, data: bytes) -> None:
        end = self._size + len(data)
        if end > self._room:
            self._room = _fill(self._file, self._room, end + _AHEAD)
        try:
            _write_at(self._file, data, self._size)
            _sync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                _write_at(self._file, bytes(len(data)), self._size)
            raise

    def _load(self) -> int:
        """Read the file, cut off the zeros, and return the size. A line that a crash cut short was never acted on."""
        try:
            with open(self._path, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            return 0
        data = data.rstrip(b"\0")
        end = data.rfind(b"\n") + 1
        os.truncate(self._path, end)
        for line in data[:end].splitlines():
            self._replay(line)
        return end

    def _replay(self, line: bytes) -> None:
        try:
            record = json.loads(line)
            self._apply(record["k"], record["n"], record["v"], len(line) + 1)
        except (ValueError, KeyError, TypeError):
            return  # a block that the disk lost: the pods in it are unknown, all others are not

    def _apply(self, kind: str, name: str, value: Value | None, size: int) -> None:
        if kind == "forget":
            self.entries.pop(name, None)
            return
        entry = self.entries.get(name)
        if entry is None:
            entry = self.entries[name] = Entry(value if kind == "claim" and value is not None else {})
        if kind == "end":
            entry.end = value
        elif kind == "result":
            entry.result = value
        entry.size += size

    def _compact_if_due(self) -> None:
        if self._size < _COMPACT_ABOVE or self._waiting:
            return
        if 2 * sum(entry.size for entry in self.entries.values()) > self._size:
            return
        fresh = f"{self._path}.new"
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        size = 0
        for name, entry in self.entries.items():
            data = _lines_of(name, entry)
            _write_at(file, data, size)
            size += len(data)
        room = _fill(file, size, size + _AHEAD)
        os.rename(fresh, self._path)
        _sync_directory(os.path.dirname(self._path))
        os.close(self._file)
        self._file, self._size, self._room = file, size, room


def _lines_of(name: str, entry: Entry) -> bytes:
    lines = [_line("claim", name, entry.claim)]
    if entry.end is not None:
        lines.append(_line("end", name, entry.end))
    if entry.result is not None:
        lines.append(_line("result", name, entry.result))
    return b"".join(lines)


def _line(kind: str, name: str, value: Value | None) -> bytes:
    return json.dumps({"k": kind, "n": name, "v": value}, separators=(",", ":")).encode() + b"\n"


def _write_at(handle: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, at)
        view, at = view[written:], at + written


def _fill(handle: int, start: int, end: int) -> int:
    """Fill a file with zeros that are on the disk, from one place to another; return that."""
    _write_at(handle, bytes(end - start), start)
    os.fsync(handle)
    return end


def _sync(handle: int) -> None:
    """Have the disk hold what was written. The fsync of macOS, which has no fdatasync, stops at the drive's cache."""
    to_the_platter = getattr(fcntl, "F_FULLFSYNC", None)
    if to_the_platter is None:
        os.fdatasync(handle)
        return
    try:
        fcntl.fcntl(handle, to_the_platter)
    except OSError:  # a file system that does not know it
        os.fsync(handle)


def _sync_directory(path: str) -> None:
    handle = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
