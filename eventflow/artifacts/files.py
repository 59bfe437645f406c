"""Files written so that they survive a crash, and downloads that go on where they broke off."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from eventflow.artifacts.contract import CHUNK, Saved
from eventflow.errors import TemporaryError


def digest(path: Path) -> Saved:
    """The digest and size of a file."""
    total = hashlib.sha256()
    size = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            total.update(chunk)
            size += len(chunk)
    return Saved(f"sha256:{total.hexdigest()}", size)


def of_tree(members: dict[str, Saved]) -> Saved:
    """The digest and size of a directory from those of its files by relative path; see `Saved`."""
    total = hashlib.sha256()
    for path in sorted(members, key=os.fsencode):
        total.update(f"{members[path].digest.removeprefix('sha256:')}  ".encode() + os.fsencode(path) + b"\n")
    return Saved(f"sha256:{total.hexdigest()}", sum(saved.size for saved in members.values()))


def synchronize(path: Path) -> None:
    """Make a file's content, or a directory's names, durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directories(path: Path, root: Path) -> None:
    """Make a directory below `root`, and each new name on the way durable."""
    missing = []
    while path != root and not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        synchronize(directory.parent)


@dataclass(frozen=True, slots=True)
class Body:
    """An answer being read: the chunks from byte `start` on, and what identifies this version (an ETag) or `""`."""

    chunks: AsyncIterator[bytes]
    start: int
    version: str


Ask = Callable[[int, str], AbstractAsyncContextManager[Body]]
"""Asks for the bytes from an offset on, of a version if one is named; the answer may start at 0 instead."""


async def download(ask: Ask, destination: Path, *, resumes: int = 8) -> None:
    """Fill a file from a source that may break off, going on from there as long as the attempts bring something.

    Raises what `ask` raises; a TemporaryError once two attempts in a row have brought nothing.
    """
    file = await asyncio.to_thread(destination.open, "wb", 0)
    version, idle = "", 0
    try:
        for attempt in range(resumes + 1):
            offset = begin = file.tell()
            try:
                async with ask(offset, version) as body:
                    version = body.version
                    begin = body.start
                    if begin != offset:
                        await asyncio.to_thread(_restart, file.fileno())
                        file.seek(0)
                    async for block in _blocks(body.chunks):
                        await asyncio.to_thread(file.write, block)
                return
            except TemporaryError:
                idle = 0 if file.tell() > begin else idle + 1
                if idle > 1 or attempt == resumes or not version:
                    raise
    finally:
        await asyncio.to_thread(file.close)


def _restart(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Gather small chunks, so that not each of them costs a turn of a thread; what came before an error counts."""
    held = bytearray()
    failure: TemporaryError | None = None
    try:
        async for chunk in chunks:
            held += chunk
            if len(held) >= CHUNK:
                yield bytes(held)
                held.clear()
    except TemporaryError as error:
        failure = error
    if held:
        yield bytes(held)
    if failure:
        raise failure


async def stream(path: Path) -> AsyncIterator[bytes]:
    """The bytes of a file in chunks of a megabyte."""
    file = await asyncio.to_thread(path.open, "rb", 0)
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(file.close)
