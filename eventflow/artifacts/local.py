"""Artifacts on this machine's disk: the default repository, at `<data directory>/artifacts`.

A key is a path below the root. Writes go to `.staging` below the same root, are made durable and renamed; a reader
sees the old or the new, never a part. Names in a key are never followed as links, since directories stored without
an archive hold what a pod made.
"""

import asyncio
import errno
import hashlib
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from eventflow.artifacts import extract, files, keys, tree
from eventflow.artifacts.contract import CHUNK, Absent, ArtifactStore, BadLocation, Entry, Location, Saved
from eventflow.artifacts.environment import Environment, StorePlugin
from eventflow.errors import PermanentError, TemporaryError

log = logging.getLogger(__name__)

T = TypeVar("T")

_STAGING = ".staging"


class LocalStore(ArtifactStore):
    """Keeps artifacts below a directory. Reads `local: {key}`."""

    kind = "local"

    def __init__(self, root: Path) -> None:
        self._root = root

    async def fetch(self, location: Location, destination: Path) -> None:
        await asyncio.to_thread(_run, lambda: self._fetch(location, destination))

    async def read(self, location: Location) -> AsyncIterator[bytes]:
        path = await asyncio.to_thread(self._find, location)
        if await asyncio.to_thread(path.is_dir):
            raise PermanentError(f"the artifact {path.name} is a directory")
        async for chunk in files.stream(path):
            yield chunk

    async def write(self, location: Location, source: Path) -> Saved:
        return await asyncio.to_thread(_run, lambda: self._write(location, source, _stage))

    async def adopt(self, location: Location, source: Path) -> Saved:
        return await asyncio.to_thread(_run, lambda: self._write(location, source, _link))

    async def exists(self, location: Location) -> bool:
        return await asyncio.to_thread(self._exists, location)

    async def delete(self, location: Location) -> None:
        await asyncio.to_thread(_run, lambda: self._delete(location))

    async def entries(self, location: Location) -> AsyncIterator[Entry]:
        for entry in await asyncio.to_thread(self._list, location):
            yield entry

    async def place(self, location: Location) -> Path | None:
        return await asyncio.to_thread(self._find, location)

    def _path(self, location: Location) -> Path:
        parts = keys.segments(str(location.get("key") or ""))
        if parts[0] == _STAGING:
            raise BadLocation(f"the artifact key {parts[0]} is reserved")
        return self._root.joinpath(*parts)

    def _find(self, location: Location) -> Path:
        path = self._path(location)
        walked = self._root
        for part in path.relative_to(self._root).parts:
            walked /= part
            try:
                status = walked.lstat()
            except (FileNotFoundError, NotADirectoryError) as error:
                raise Absent(f"no artifact has the key {location.get('key')}") from error
            if stat.S_ISLNK(status.st_mode):
                raise Absent(f"the key {location.get('key')} leads through a link")
        return path

    def _exists(self, location: Location) -> bool:
        try:
            self._find(location)
        except Absent:
            return False
        return True

    def _fetch(self, location: Location, destination: Path) -> None:
        found = self._find(location)
        if found.is_dir():
            shutil.copytree(found, destination, symlinks=True, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(found, destination)

    def _write(self, location: Location, source: Path, stage: Callable[[Path, Path], Saved]) -> Saved:
        target = self._path(location)
        staging = self._root / _STAGING
        staging.mkdir(parents=True, exist_ok=True)
        box = Path(tempfile.mkdtemp(dir=staging))
        try:
            staged = box / "content"
            saved = stage(source, staged)
            files.make_directories(target.parent, self._root)
            self._swap(staged, target, box)
            return saved
        finally:
            shutil.rmtree(box, ignore_errors=True)

    def _swap(self, staged: Path, target: Path, box: Path) -> None:
        """Put the new in place of the old. Only where a directory is replaced there is a moment with neither."""
        try:
            staged.rename(target)
        except OSError:
            if not target.exists():
                raise
            target.rename(box / "old")
            staged.rename(target)
        files.synchronize(target.parent)

    def _delete(self, location: Location) -> None:
        try:
            path = self._find(location)
        except Absent:
            return
        extract.remove(path)
        with suppress(OSError):  # a directory that still holds something ends the pruning
            while (path := path.parent) != self._root:
                path.rmdir()

    def _list(self, location: Location) -> list[Entry]:
        path = self._find(location)
        if not path.is_dir():
            return [Entry("", path.stat().st_size)]
        root = tree.open_directory(path)
        try:
            found = [Entry(item.path, item.status.st_size) for item in tree.walk(root) if item.is_file]
        finally:
            os.close(root)
        return sorted(found, key=lambda entry: os.fsencode(entry.path))


def _run(work: Callable[[], T]) -> T:
    """Do file work, and say what the system's errors mean for an artifact."""
    try:
        return work()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise Absent(f"{error.filename}: no such file or directory") from error
        if error.errno == errno.ENAMETOOLONG:
            raise BadLocation("a part of the artifact key is longer than a file name may be") from error
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE):
            raise TemporaryError(f"the artifact directory cannot be used now: {error}", retry_after=5.0) from error
        raise PermanentError(f"the artifact cannot be stored or read: {error}") from error


def _stage(source: Path, staged: Path) -> Saved:
    """Copy a file or directory into the staging directory, durable."""
    if source.is_dir():
        return _stage_tree(source, staged)
    return _copy(os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), staged)


def _link(source: Path, staged: Path) -> Saved:
    """Give a file a second name in the staging directory, durable; copy it if it is on another disk."""
    try:
        os.link(source, staged, follow_symlinks=False)
    except OSError:
        return _stage(source, staged)
    files.synchronize(staged)
    return files.digest(staged)


def _copy(descriptor: int, staged: Path) -> Saved:
    total = hashlib.sha256()
    size = 0
    with os.fdopen(descriptor, "rb", buffering=0) as file, staged.open("xb", buffering=0) as copy:
        while chunk := file.read(CHUNK):
            total.update(chunk)
            size += len(chunk)
            copy.write(chunk)
        os.fsync(copy.fileno())
    return Saved(f"sha256:{total.hexdigest()}", size)


def _stage_tree(source: Path, staged: Path) -> Saved:
    """Copy a directory: files, directories, and links that stay inside; other links are left out, and logged."""
    root = tree.open_directory(source)
    members: dict[str, Saved] = {}
    left: list[str] = []
    try:
        staged.mkdir()
        for item in tree.walk(root):
            copy = staged / item.path
            if item.is_directory:
                copy.mkdir()
            elif item.is_link:
                left += _stage_link(root, item, copy)
            elif item.is_file:
                members[item.path] = _copy(item.open(), copy)
    finally:
        os.close(root)
    if left:
        log.warning("%d links were left out of the artifact, the first because %s", len(left), left[0])
    for directory, _, _ in os.walk(staged):
        files.synchronize(Path(directory))
    return files.of_tree(members)


def _stage_link(root: int, item: tree.Item, copy: Path) -> list[str]:
    """Copy a link that stays inside; return why it was left out."""
    try:
        tree.check_link(root, item)
    except tree.Escapes as error:
        return [str(error)]
    copy.symlink_to(item.target())
    return []


def _build(environment: Environment) -> LocalStore:
    return LocalStore(environment.root)


PLUGIN = StorePlugin("local", "this machine's disk, below the data directory", _build)
