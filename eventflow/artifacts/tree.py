"""Directories read and written without trusting what is in them.

A pod made these trees, so every name in them may be a trap: a link that leads out, or that changes while it is read.
All steps are taken relative to open directories, one component at a time, never following a link that the kernel
would follow; links are expanded here, and never above the root.
"""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from eventflow.errors import PermanentError

DEEPEST = 256
_MOST_LINKS = 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Escapes(PermanentError):
    """A link that leads out of its tree."""


class Dangling(PermanentError):
    """A link that leads to nothing."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a tree: `path` relative to the root with slashes, its lstat, and its name in an open directory."""

    path: str
    status: os.stat_result
    directory: int
    name: str

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(self.status.st_mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.status.st_mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.status.st_mode)

    def open(self) -> int:
        """Open a regular file for reading; a link put in its place meanwhile is refused with OSError."""
        return os.open(self.name, _FILE, dir_fd=self.directory)

    def is_empty(self) -> bool:
        """Whether a directory has no entries."""
        descriptor = os.open(self.name, _DIRECTORY, dir_fd=self.directory)
        try:
            return not names(descriptor)
        finally:
            os.close(descriptor)

    def target(self) -> str:
        """What a link says."""
        return os.readlink(self.name, dir_fd=self.directory)


def names(directory: int) -> list[str]:
    """The names in an open directory, in no order."""
    return os.listdir(directory)


def walk(root: int) -> Iterator[Item]:
    """Everything below an open directory, each directory before its content, names in byte order (Go's filepath.Walk).

    Raises PermanentError for trees deeper than 256.
    """
    yield from _walk(root, "", 0)


def _walk(directory: int, prefix: str, depth: int) -> Iterator[Item]:
    if depth > DEEPEST:
        raise PermanentError(f"the directory is nested deeper than {DEEPEST}: {prefix[:64]}...")
    for name in sorted(names(directory), key=os.fsencode):
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        item = Item(prefix + name, status, directory, name)
        yield item
        if item.is_directory:
            below = os.open(name, _DIRECTORY, dir_fd=directory)
            try:
                yield from _walk(below, f"{item.path}/", depth + 1)
            finally:
                os.close(below)


def open_directory(path: Path) -> int:
    """Open a directory whose own name is not followed if it is a link."""
    return os.open(path, _DIRECTORY)


@dataclass
class Beneath:
    """Resolves paths beneath an open directory, expanding links as the kernel would, but never above it."""

    root: int
    _cached: tuple[tuple[str, ...], int] | None = field(default=None, init=False)

    def close(self) -> None:
        """Close what was kept open; the root stays the caller's."""
        if self._cached:
            os.close(self._cached[1])
            self._cached = None

    def parent(self, parts: tuple[str, ...]) -> int:
        """The open directory that `parts` leads to, made on the way where the path itself (no link) needs it.

        The descriptor is valid until the next call. A directory stays what it is while only names are added, so the
        last one is kept. Raises Escapes, Dangling, OSError.
        """
        if not parts:
            return self.root
        if self._cached and self._cached[0] == parts:
            return self._cached[1]
        found = self._descend(parts)
        self.close()
        self._cached = (parts, found)
        return found

    def _descend(self, parts: tuple[str, ...]) -> int:
        walker = _Walker(self.root, create=True)
        try:
            walker.go(parts)
            return os.dup(walker.here())
        finally:
            walker.close()

    def check(self, parts: tuple[str, ...]) -> None:
        """See that `parts`, links expanded to the end, stays beneath the root, whether it exists or not."""
        walker = _Walker(self.root, create=False)
        try:
            walker.go(parts)
        finally:
            walker.close()


class _Walker:
    """One walk along a path. The stack holds the open directories from the root down; None stands for a missing one."""

    def __init__(self, root: int, *, create: bool) -> None:
        self.stack: list[int | None] = [os.dup(root)]
        self.create = create
        self.links = 0

    def here(self) -> int:
        """The directory reached. Only where missing ones are made, so there is one."""
        descriptor = self.stack[-1]
        assert descriptor is not None
        return descriptor

    def close(self) -> None:
        while self.stack:
            self._leave()

    def _leave(self) -> None:
        descriptor = self.stack.pop()
        if descriptor is not None:
            os.close(descriptor)

    def go(self, parts: tuple[str, ...]) -> None:
        pending = deque((part, self.create) for part in parts)
        while pending:
            part, create = pending.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                self._climb()
                continue
            target = self._link(part)
            if target is None:
                self.stack.append(self._enter(part, create))
                continue
            self.links += 1
            if self.links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), part)
            if target.startswith("/"):
                raise Escapes(f"the link {part} leads to {target}")
            pending.extendleft((step, False) for step in reversed(target.split("/")))

    def _climb(self) -> None:
        if len(self.stack) == 1:
            raise Escapes("a link leads above the top")
        self._leave()

    def _link(self, part: str) -> str | None:
        here = self.stack[-1]
        if here is None:
            return None
        try:
            return os.readlink(part, dir_fd=here)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def _enter(self, part: str, create: bool) -> int | None:
        here = self.stack[-1]
        if here is None:
            return None
        try:
            return os.open(part, _DIRECTORY, dir_fd=here)
        except FileNotFoundError:
            if create:
                os.mkdir(part, 0o755, dir_fd=here)
                return os.open(part, _DIRECTORY, dir_fd=here)
            if self.create:
                raise Dangling(f"a link leads to {part}, which does not exist") from None
            return None
        except NotADirectoryError:
            if self.create:
                raise
            return None


def check_links(root: int) -> None:
    """See that no link below an open directory leads out of it. Raises Escapes naming the first that does."""
    for item in walk(root):
        if item.is_link:
            check_link(root, item)


def check_link(root: int, item: Item) -> None:
    """See that one link of the tree stays beneath the root. Raises Escapes."""
    try:
        Beneath(root).check(tuple(item.path.split("/")))
    except Escapes as error:
        raise Escapes(f"the link {item.path} -> {item.target()} leads out of the artifact") from error
    except OSError as error:
        raise Escapes(f"the link {item.path} -> {item.target()} cannot be followed: {error.strerror}") from error
