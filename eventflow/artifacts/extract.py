"""Unpacking what a stranger packed: the part that tar and zip share.

Everything goes into a fresh directory beside the destination, one component at a time and never through a link that
leads out (see `tree`); what is there at the end is renamed into place, so a refused archive leaves nothing behind.
As in Argo v4.1.2 (`workflow/executor/executor.go`, unpack) a single top-level entry becomes the destination, and
otherwise the directory of them does. Entries that are no file, directory or symbolic link are left out.
"""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from eventflow.artifacts import tree
from eventflow.artifacts.contract import CHUNK
from eventflow.errors import EventflowError, PermanentError, TemporaryError


class Refused(PermanentError):
    """An archive that is not unpacked. `reason` is a word for programs, as in the conformance tables."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may grow to: bytes and files in all, and how many times its own size.

    The ratio counts only beyond `ratio_from` bytes: small files of equal bytes pack very well and harm nobody.
    """

    bytes: int = 16 << 30
    files: int = 1_000_000
    ratio: int = 100
    ratio_from: int = 256 << 20


@dataclass(slots=True)
class Extracted:
    """What came out: files, bytes, and the entries left out because of their type."""

    files: int = 0
    bytes: int = 0
    left_out: list[str] = field(default_factory=list)


class Sink:
    """The directory that an archive is unpacked into, with the limits counted."""

    def __init__(self, root: int, packed: int, limits: Limits) -> None:
        self.report = Extracted()
        self.links = 0
        self._beneath = tree.Beneath(root)
        self._limits = limits
        self._most_bytes = min(limits.bytes, max(limits.ratio_from, packed * limits.ratio))

    def close(self) -> None:
        self._beneath.close()

    def put_directory(self, parts: tuple[str, ...]) -> None:
        """Make a directory and those above it, mode 0755; one that exists is fine."""
        self._count()
        self._beneath.parent(parts)

    def put_file(self, parts: tuple[str, ...], content: IO[bytes], mode: int) -> None:
        """Write a file, replacing an earlier one of the name. Of the mode only the permission bits count."""
        self._count()
        descriptor = self._create(parts, mode)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            while chunk := content.read(CHUNK):
                self._grow(len(chunk))
                file.write(chunk)

    def put_link(self, parts: tuple[str, ...], target: str) -> None:
        """Make a symbolic link. Raises Refused when what it says leads out, or to the top itself."""
        self._count()
        resolved = inside((*parts[:-1], *target.split("/"))) if not target.startswith("/") else None
        if not resolved:
            raise Refused(f"illegal symlink target: {'/'.join(parts)} -> {target}", "illegal-path")
        os.symlink(target, parts[-1], dir_fd=self._beneath.parent(parts[:-1]))
        self.links += 1

    def leave_out(self, name: str) -> None:
        """Note an entry of a type that is not unpacked."""
        self._count()
        if len(self.report.left_out) < 100:
            self.report.left_out.append(name)

    def _create(self, parts: tuple[str, ...], mode: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        for _ in range(40):
            directory = self._beneath.parent(parts[:-1])
            try:
                return os.open(parts[-1], flags, mode & 0o777, dir_fd=directory)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
            target = os.readlink(parts[-1], dir_fd=directory)
            parts = (*parts[:-1], *(part for part in target.split("/") if part not in ("", ".")))
        raise Refused(f"too many links on the way to {'/'.join(parts)}", "illegal-path")

    def _count(self) -> None:
        self.report.files += 1
        if self.report.files > self._limits.files:
            raise Refused(f"the archive has more than {self._limits.files} entries", "too-large")

    def _grow(self, size: int) -> None:
        self.report.bytes += size
        if self.report.bytes > self._most_bytes:
            raise Refused(f"the archive unpacks to more than {self._most_bytes} bytes", "too-large")


def inside(parts: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the path with `.` and `..` worked out on the text, None if it climbs above its top."""
    clean: list[str] = []
    for part in parts:
        if part in ("", "."):
            continue
        if part != "..":
            clean.append(part)
        elif clean:
            clean.pop()
        else:
            return None
    return tuple(clean)


def illegal(name: str) -> Refused:
    """The refusal of an entry's name, in the peer's words."""
    return Refused(f"illegal file path: {name}", "illegal-path")


def unpack(archive: Path, destination: Path, limits: Limits, pour: Callable[[Path, Sink], None]) -> Extracted:
    """Unpack through `pour`, which feeds a format's entries to the sink; see the module's text.

    Raises Refused for what the archive holds, TemporaryError when the disk is full.
    """
    box = Path(tempfile.mkdtemp(prefix=".unpack-", dir=destination.parent))
    try:
        with _translated():
            return _unpack(archive, destination, limits, pour, box)
    finally:
        shutil.rmtree(box, ignore_errors=True)


def _unpack(
    archive: Path, destination: Path, limits: Limits, pour: Callable[[Path, Sink], None], box: Path
) -> Extracted:
    top = box / "content"
    top.mkdir(mode=0o755)
    root = tree.open_directory(top)
    try:
        sink = Sink(root, archive.stat().st_size, limits)
        try:
            pour(archive, sink)
        finally:
            sink.close()
        names = tree.names(root)
    finally:
        os.close(root)
    chosen = top / names[0] if len(names) == 1 else top
    if sink.links:
        _check_links(chosen)
    chosen.rename(destination)
    return sink.report


def _check_links(chosen: Path) -> None:
    """No link may lead out of what becomes the destination; links set one by one may do so only together."""
    if stat.S_ISLNK(chosen.lstat().st_mode):
        raise Refused(f"the archive is nothing but the link {chosen.name} -> {chosen.readlink()}", "illegal-path")
    if chosen.is_dir():
        root = tree.open_directory(chosen)
        try:
            tree.check_links(root)
        finally:
            os.close(root)


class _translated:  # noqa: N801 - reads as a word where it is used
    """Turns what the file system says about an archive's entries into refusals."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, tree.Escapes):
            raise Refused(str(error), "illegal-path") from error
        if isinstance(error, tree.Dangling):
            raise Refused(str(error), "missing") from error
        if isinstance(error, EventflowError) or error is None:
            return
        if isinstance(error, OSError):
            raise _of_os_error(error) from error
        if isinstance(error, ValueError):
            raise Refused(f"the archive holds a name that no file can have: {error}", "illegal-path") from error


_FULL = (errno.ENOSPC, errno.EDQUOT)
_REASONS = {
    errno.ENOENT: "missing",
    errno.EEXIST: "exists",
    errno.ENOTDIR: "not-a-directory",
    errno.EISDIR: "is-a-directory",
    errno.ENOTEMPTY: "exists",
    errno.ENAMETOOLONG: "illegal-path",
    errno.ELOOP: "illegal-path",
}


def _of_os_error(error: OSError) -> EventflowError:
    if error.errno in _FULL:
        return TemporaryError(f"no room to unpack the archive: {error}", retry_after=30.0)
    name = error.filename2 or error.filename or ""
    reason = _REASONS.get(error.errno or 0, "corrupt")
    return Refused(f"the archive cannot be unpacked: {error.strerror or error} {name}".rstrip(), reason)


def remove(path: Path) -> None:
    """Remove a file, link or tree; fine when there is none. Links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with suppress(FileNotFoundError):
            path.unlink()
