"""What a user wrote, as a plain tree, with the place of every key and value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from eventflow.errors import Location, UserError

Path = Sequence[str | int]

_WORD: Final = re.compile(r"[^\s,\]}#]*")
MISSING: Final = object()

Style = Literal["plain", "quoted", "block", "mapping", "list"]


class UnreadableText(UserError):
    """Text that is not YAML or JSON within the limits. Carries the place."""


def line_of(text: str, number: int) -> str:
    """Return a line of a text by its number from 1, empty if there is none."""
    lines = text.split("\n", number)
    return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


@dataclass(slots=True)
class Mark:
    """Where a node begins: line and column from 1, and the marks of what it holds.

    For a mapping `keys` has the place of each key and `entries` the mark of each value; for a list `items`.
    """

    line: int
    column: int
    style: Style
    keys: dict[str, tuple[int, int]]
    entries: dict[str, "Mark"]
    items: list["Mark"]

    def child(self, step: str | int) -> "Mark | None":
        """Return the mark of a value below, None if there is none."""
        if isinstance(step, str):
            return self.entries.get(step)
        return self.items[step] if 0 <= step < len(self.items) else None


_NO_KEYS: Final[dict[str, tuple[int, int]]] = {}
_NO_ENTRIES: Final[dict[str, Mark]] = {}
_NO_ITEMS: Final[list[Mark]] = []


def mark(line: int, column: int, style: Style) -> Mark:
    """Return a mark with room for what the node holds; scalars, the many, share one empty room."""
    if style == "mapping":
        return Mark(line, column, style, {}, {}, _NO_ITEMS)
    return Mark(line, column, style, _NO_KEYS, _NO_ENTRIES, [] if style == "list" else _NO_ITEMS)


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd that was read all the same: a duplicate key, `yes` taken for true."""

    rule: str
    message: str
    location: Location
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML or JSON document: its tree of dicts, lists and scalars, where each part stands, and the file's text."""

    tree: Any
    positions: Mark
    source: str
    file: str
    notes: tuple[Note, ...] = ()

    def locate(self, path: Path) -> Location:
        """Return where the value at `path` begins, or the closest thing above it that exists."""
        mark = self._mark(path)[0]
        return Location(self.file, mark.line, mark.column)

    def locate_key(self, path: Path) -> Location:
        """Return where the key of the entry at `path` stands; for a list's item or the root, where the value begins."""
        if path and isinstance(path[-1], str):
            parent, depth = self._mark(path[:-1])
            if depth == len(path) - 1 and path[-1] in parent.keys:
                return Location(self.file, *parent.keys[path[-1]])
        return self.locate(path)

    def locate_within(self, path: Path, line: int, column: int) -> Location:
        """Return where a line and column (from 1) of the text value at `path` stand in the file.

        Exact for block scalars and text without escapes; a folded scalar counts as if its lines were joined by one
        space each.
        """
        mark, depth = self._mark(path)
        value = value_at(self.tree, path)
        if depth < len(path) or not isinstance(value, str):
            return Location(self.file, mark.line, mark.column)
        lines = value.split("\n")
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        return self._within(mark, offset)

    def word_at(self, place: Location) -> str:
        """Return the plain word that is written at a place, as it stands: `010`, `yes`."""
        found = _WORD.match(line_of(self.source, place.line), place.column - 1)
        return found[0] if found else ""

    def at(self, path: Path) -> "Document":
        """Return the part at `path` as a document of its own, with the same file and places."""
        return Document(value_at(self.tree, path), self._mark(path)[0], self.source, self.file)

    def _within(self, mark: Mark, offset: int) -> Location:
        lines = self.source.split("\n")
        if mark.style != "block":
            first = mark.column - 1 + (1 if mark.style == "quoted" else 0)
            line = mark.line - 1
        else:
            line, first = _block_start(lines, mark.line)
        while line < len(lines):
            length = len(lines[line].rstrip("\r")) - first
            if offset <= length or line + 1 == len(lines):
                break
            offset -= max(length, 0) + 1
            line += 1
            if mark.style != "block":
                first = _indentation(lines[line]) if line < len(lines) else 0
        return Location(self.file, line + 1, first + offset + 1)

    def _mark(self, path: Path) -> tuple[Mark, int]:
        """Return the deepest known mark on the way, and how many steps lead there."""
        mark = self.positions
        for depth, step in enumerate(path):
            below = mark.child(step)
            if below is None:
                return mark, depth
            mark = below
        return mark, len(path)


def _block_start(lines: list[str], header: int) -> tuple[int, int]:
    """Return index and indentation of a block scalar's first line; `header` is the number of the line with `|`."""
    index = header
    while index < len(lines) - 1 and not lines[index].strip():
        index += 1
    return header, _indentation(lines[min(index, len(lines) - 1)])


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def value_at(tree: Any, path: Path, default: Any = None) -> Any:
    """Return the value at `path` in a tree of dicts and lists, `default` if it is not there."""
    for step in path:
        if isinstance(tree, dict) and isinstance(step, str):
            tree = tree.get(step, MISSING)
        elif isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree):
            tree = tree[step]
        else:
            return default
        if tree is MISSING:
            return default
    return tree
