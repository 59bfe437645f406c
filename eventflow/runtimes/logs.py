"""Reads the logs of containers: files in the format of Kubernetes' container runtime interface, one a container.

A line is `<RFC 3339 with nanoseconds> stdout|stderr P|F <text>`; parts (P) go on in the next record of their stream.
"""

import asyncio
import calendar
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from eventflow.runtimes.contract import LogLine

_CHUNK = 1 << 20
_POLL = 0.1
_SUFFIX = ".log"


class _Reader:
    """Reads one file on from where it stopped; whole lines only."""

    def __init__(self, path: Path, container: str) -> None:
        self._path = path
        self._container = container
        self._at = 0
        self._parts: dict[str, str] = {}
        self._second = ("", 0)

    def read(self) -> list[LogLine]:
        """Return the lines that follow, at most about a megabyte of them. Blocking."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                data = file.read(_CHUNK)
        except FileNotFoundError:
            return []
        data = data[: data.rfind(b"\n") + 1]
        self._at += len(data)
        lines = (self._line(raw) for raw in data.decode("utf-8", "replace").split("\n")[:-1])
        return [line for line in lines if line is not None]

    def _line(self, raw: str) -> LogLine | None:
        stamp, _, rest = raw.partition(" ")
        stream, _, rest = rest.partition(" ")
        tag, _, text = rest.partition(" ")
        if tag not in ("F", "P"):
            return None
        text = self._parts.pop(stream, "") + text
        if tag == "P":
            self._parts[stream] = text
            return None
        return LogLine(self._seconds(stamp), self._container, stream, text)

    def _seconds(self, stamp: str) -> float:
        whole, _, fraction = stamp.rstrip("Z").partition(".")
        if whole != self._second[0]:
            self._second = (whole, calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")))
        return self._second[1] + float(f"0.{fraction or 0}")


async def read(directory: Path, container: str | None, running: Callable[[], bool]) -> AsyncIterator[LogLine]:
    """Yield the lines of one or all containers of a pod, in the order of their times; go on while `running()`."""
    readers: dict[str, _Reader] = {}
    while True:
        goes_on = running()
        lines = await asyncio.to_thread(_more, directory, container, readers)
        for line in lines:
            yield line
        if not lines and not goes_on:
            return
        if not lines:
            await asyncio.sleep(_POLL)


def write_text(log: Path, text: Path) -> bool:
    """Write what a log says as plain text; False if the container wrote nothing. Blocking."""
    reader = _Reader(log, "")
    lines = reader.read()
    if not lines:
        return False
    text.parent.mkdir(parents=True, exist_ok=True)
    with text.open("w", encoding="utf-8") as file:
        while lines:
            file.writelines(f"{line.text}\n" for line in lines)
            lines = reader.read()
    return True


def _more(directory: Path, container: str | None, readers: dict[str, _Reader]) -> list[LogLine]:
    for name in _containers(directory, container):
        if name not in readers:
            readers[name] = _Reader(directory / f"{name}{_SUFFIX}", name)
    lines = [line for reader in readers.values() for line in reader.read()]
    return sorted(lines, key=lambda line: line.at) if len(readers) > 1 else lines


def _containers(directory: Path, container: str | None) -> list[str]:
    if container is not None:
        return [container] if "/" not in container else []
    try:
        return sorted(path.stem for path in directory.iterdir() if path.suffix == _SUFFIX)
    except FileNotFoundError:
        return []
