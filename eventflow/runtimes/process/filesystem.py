# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH112, PTH115, PTH119, PTH120, PTH208
"""Where a container's paths are on the machine: its root, its mounts, and the read-only trees it sees.

Paths are followed as the container would follow them, symbolic links included, so that a link a pod made (`/tmp/out ->
/etc/shadow`) leads to what the pod could see there, never to the machine's file of that name.
"""

import os
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from eventflow.errors import PermanentError
from eventflow.runtimes.process.sandbox import Mount, Trees

_LINKS_LIMIT = 40
_HIDDEN = "/.eventflow/host"


class View:
    """A container's file system. Without `trees` (plain processes) links lead where they lead on the machine."""

    def __init__(self, root: str, mounts: Sequence[Mount], trees: Trees | None) -> None:
        self.root = root
        self.mounts = sorted(mounts, key=lambda mount: len(mount.target), reverse=True)
        self._trees = trees
        self._links = dict(trees.links) if trees is not None else {}

    def locate(self, path: str) -> str:
        """Return the machine's path for a tidy path, which need not exist. Raises PermanentError for a loop."""
        if self._trees is None:
            return os.path.realpath(self._host(path))
        done: list[str] = []
        left = deque(path.split("/"))
        links = 0
        while left:
            part = left.popleft()
            if part == "..":
                del done[-1:]
            if part in ("", ".", ".."):
                continue
            target = self._link("/" + "/".join((*done, part)))
            if target is None:
                done.append(part)
                continue
            links += 1
            if links > _LINKS_LIMIT:
                raise PermanentError(f"{path}: too many levels of symbolic links")
            if target.startswith("/"):
                done = []
            left.extendleft(reversed(target.split("/")))
        return self._host("/" + "/".join(done))

    def mounted(self, path: str) -> Mount | None:
        """Return the mount a path lies on."""
        return next((mount for mount in self.mounts if _within(path, mount.target)), None)

    def read_only(self, path: str) -> bool:
        """Whether a path lies in a read-only tree of the machine, with nothing mounted over it."""
        return self._trees is not None and self._trees.holds(path) and self.mounted(path) is None

    def _host(self, path: str) -> str:
        mount = self.mounted(path)
        if mount is not None:
            return mount.source + path[len(mount.target) :]
        if self._trees is not None and self._trees.holds(path):
            return path
        return self.root + path

    def _link(self, path: str) -> str | None:
        if path in self._links:
            return self._links[path]
        try:
            return os.readlink(self._host(path))
        except OSError:
            return None


def farm(work: Path, path: str) -> list[Mount]:
    """Make the parent of a path in a read-only tree writable for one pod. Blocking.

    The nearest existing directory is shadowed by one of the pod's, whose entries are links to the machine's; what the
    pod writes beside them stays in the pod.
    """
    parent = os.path.dirname(path.rstrip("/"))
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    parent = os.path.realpath(parent)
    directory = work / "farm" / parent.strip("/").replace("/", "-")
    if not directory.exists():
        directory.mkdir(parents=True)
        for name in os.listdir(parent):
            (directory / name).symlink_to(f"{_HIDDEN}{parent}/{name}")
    own = directory / os.path.relpath(os.path.realpath(os.path.dirname(path)), parent) / os.path.basename(path)
    if own.is_symlink():
        own.unlink()
    return [Mount(parent, f"{_HIDDEN}{parent}", writable=False), Mount(str(directory), parent)]


def tidy(path: str) -> str:
    """Return a container's path without doubled slashes, dots and a slash at its end."""
    return os.path.normpath("/" + path.lstrip("/"))


def inside(directory: str, relative: str) -> str:
    """Return a path below a directory. Raises PermanentError if links or dots lead out of it."""
    joined = os.path.realpath(f"{directory}/{relative}")
    if not _within(joined, os.path.realpath(directory)):
        raise PermanentError(f"{relative!r} leads out of its volume")
    return joined


def unique(mounts: Iterable[Mount]) -> list[Mount]:
    """Return the mounts, of several at one place the last."""
    return list({mount.target: mount for mount in mounts}.values())


def _within(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")
