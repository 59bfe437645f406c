"""Reads JSON text into a `Document`: decoded strictly, then walked once for the places of keys and values."""

import json
import re
from bisect import bisect_right
from typing import Any, Final

import orjson

from eventflow.errors import Location
from eventflow.model import source
from eventflow.model.source import Document, Mark, Note, UnreadableText

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:,"\s]+')


def load(text: str, file: str, *, max_depth: int) -> Document | None:
    """Return the document, or None if the text is not JSON and its name does not claim so.

    Raises UnreadableText for broken JSON in a file named *.json and for too deep nesting.
    """
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not file.endswith(".json"):
            return None
        place = Location(file, error.lineno, error.colno)
        raise UnreadableText(f"not valid JSON: {error.msg}", location=place) from error
    walk = _Walk(text, file, max_depth)
    mark = walk.value()
    return Document(tree, mark, text, file, tuple(walk.notes))


class _Walk:
    """One pass over the tokens of a text that is known to be JSON."""

    def __init__(self, text: str, file: str, max_depth: int) -> None:
        self.tokens = _TOKEN.finditer(text)
        self.starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self.file = file
        self.max_depth = max_depth
        self.notes: list[Note] = []

    def value(self) -> Mark:
        """Return the mark of the whole text. Iterative: the depth is the sender's to choose."""
        root = self.mark(next(self.tokens))
        open_marks = [root] if root.style in ("mapping", "list") else []
        while open_marks:
            self.member(open_marks)
            if len(open_marks) > self.max_depth:
                place = Location(self.file, open_marks[-1].line, open_marks[-1].column)
                raise UnreadableText(f"nested more than {self.max_depth} levels deep", location=place)
        return root

    def member(self, open_marks: list[Mark]) -> None:
        """Read one token's worth below the innermost open mapping or list."""
        token = next(self.tokens)
        text = token[0]
        inner = open_marks[-1]
        if text in "]}":
            open_marks.pop()
        elif text != ",":
            if inner.style == "mapping":
                below = self.entry(inner, token)
            else:
                below = self.mark(token)
                inner.items.append(below)
            if below.style in ("mapping", "list"):
                open_marks.append(below)

    def entry(self, mapping: Mark, token: re.Match[str]) -> Mark:
        key: str = json.loads(token[0])
        place = self.place(token.start())
        if key in mapping.keys:
            first = mapping.keys[key][0]
            message = f'duplicate key "{key}": the one in line {first} is lost'
            self.notes.append(Note("duplicate-key", message, Location(self.file, *place), "remove one of them"))
        next(self.tokens)  # the colon
        mapping.keys[key] = place
        mapping.entries[key] = self.mark(next(self.tokens))
        return mapping.entries[key]

    def mark(self, token: re.Match[str]) -> Mark:
        styles: dict[str, Any] = {"{": "mapping", "[": "list", '"': "quoted"}
        return source.mark(*self.place(token.start()), styles.get(token[0][0], "plain"))

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1
