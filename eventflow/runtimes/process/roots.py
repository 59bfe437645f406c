# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH115, PTH208
"""Roots that a pod left as it found them, and which another may have: that is cheaper than making and removing one."""

import os
import stat
from collections.abc import Iterable, Mapping


class Skeleton:
    """What an untouched root holds: directories (path: mode, None for any), links (path: target), empty files."""

    def __init__(self, directories: Mapping[str, int | None], links: Mapping[str, str], files: Iterable[str]) -> None:
        self._links = dict(links)
        self._files = tuple(files)
        self._modes: dict[str, int | None] = {"": None, **directories}
        self._names: dict[str, set[str]] = {"": set(), **{path: set() for path in directories}}
        for path in (*directories, *links, *self._files):
            self._add_to_parent(path)

    def fits(self, root: str) -> bool:
        """Whether a root is as it was. Blocking."""
        try:
            return (
                all(self._same(root, path) for path in sorted(self._names))
                and all(os.readlink(root + path) == target for path, target in self._links.items())
                and all(_is_empty_file(root + path) for path in self._files)
            )
        except OSError:
            return False

    def _add_to_parent(self, path: str) -> None:
        parent, _, name = path.rpartition("/")
        if parent not in self._names:
            self._names[parent] = set()
            self._add_to_parent(parent)
        self._names[parent].add(name)

    def _same(self, root: str, path: str) -> bool:
        """Whether a directory is one, with its mode, and holds what it should; parents were looked at before."""
        found = os.lstat(root + path)
        wanted = self._modes.get(path)
        if not stat.S_ISDIR(found.st_mode) or (wanted is not None and stat.S_IMODE(found.st_mode) != wanted):
            return False
        return set(os.listdir(root + path)) == self._names[path]


def _is_empty_file(path: str) -> bool:
    found = os.lstat(path)
    return stat.S_ISREG(found.st_mode) and found.st_size == 0
