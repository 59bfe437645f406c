"""Finds `{{tags}}` in manifests, by the engine's own reading of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from eventflow.expressions import tags
from eventflow.expressions.errors import TemplateError
from eventflow.lint.findings import Place, Steps


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag: its text without braces and `=`, whether it is an expression, where its text begins (offset), and
    whether it ends.
    """

    text: str
    expression: bool
    offset: int
    closed: bool = True


def find(text: str) -> Iterator[Tag]:
    """Give the tags of a text; of nested ones the inner. One that never ends is the only one given."""
    try:
        template = tags.parse(text)
    except TemplateError:
        start = text.rfind("{{") + 2
        yield Tag(text[start:].strip(), False, start, closed=False)
        return
    offset = 0
    for part in template.parts if template else ():
        if isinstance(part, str):
            offset += len(part)
        elif isinstance(part, tags.SimpleTag):
            yield Tag(part.name, False, offset + 2 + len(part.raw) - len(part.raw.lstrip()))
            offset += len(part.raw) + 4
        elif isinstance(part, tags.NestedTag):
            yield Tag(part.inner.strip(), False, offset + len(part.prefix) + 4)
            offset += len(part.prefix) + len(part.inner) + (6 if part.suffix is None else len(part.suffix) + 8)
        else:
            yield Tag(part.raw, True, offset + 3)
            offset += len(part.raw) + 5


def filled(text: str, placeholder: str) -> str:
    """Return the text with a placeholder for each tag."""
    template = tags.parse(text)
    return "".join(part if isinstance(part, str) else placeholder for part in template.parts) if template else text


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of a character offset."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def texts(place: Place, *, without: frozenset[str] = frozenset()) -> Iterator[tuple[Place, str]]:
    """Give every text with a tag below a place, mappings' keys included (at the place of their value).

    `without` names entries directly below that are left out.
    """
    value = place.value
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if key not in without}
    for path, text in _texts(value, place.path):
        yield Place(place.resource, path), text


def _texts(value: Any, path: Steps) -> Iterator[tuple[Steps, str]]:
    if isinstance(value, str):
        if "{{" in value:
            yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            if "{{" in key:
                yield (*path, key), key
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
