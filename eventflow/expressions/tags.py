"""Texts cut into literal parts and tags: `{{name}}` and `{{= expression }}` (Argo v4.1.2 util/template).

A tag ends at the first `}}`; that of an expression at the first `}}` that leaves an expression, so that maps and
texts with braces work.
"""

from dataclasses import dataclass
from functools import lru_cache

from eventflow.expressions.errors import TemplateError
from eventflow.expressions.expr import program
from eventflow.expressions.expr.errors import ExprError

OPEN, CLOSE = "{{", "}}"
_MAXIMUM_ENDS = 32


@dataclass(frozen=True, slots=True)
class SimpleTag:
    """`{{ name }}`: `raw` is the text between the braces."""

    raw: str
    name: str


@dataclass(frozen=True, slots=True)
class NestedTag:
    """`{{ prefix {{inner}} suffix }}`. Without a suffix (None) the outer tag ends further on, in parts of its own."""

    prefix: str
    inner: str
    suffix: str | None


@dataclass(frozen=True, slots=True)
class ExpressionTag:
    """`{{= expression }}`: its program, or why it is none."""

    raw: str
    program: program.Program | None
    error: TemplateError | None = None


Part = str | SimpleTag | NestedTag | ExpressionTag


@dataclass(frozen=True, slots=True)
class Template:
    """A text with tags."""

    text: str
    parts: tuple[Part, ...]


@lru_cache(maxsize=16_384)
def _parse(text: str) -> Template:
    parts: list[Part] = []
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        if start > position:
            parts.append(text[position:start])
        tag, position = _tag(text, start + len(OPEN))
        parts.append(tag)
    if position < len(text):
        parts.append(text[position:])
    return Template(text, tuple(parts))


def parse(text: str) -> Template | None:
    """Return the parts of a text, None when it has no tag. Raises TemplateError for a tag that is never closed."""
    return _parse(text) if OPEN in text else None


def _tag(text: str, start: int) -> tuple[Part, int]:
    end = text.find(CLOSE, start)
    if end < 0:
        shown = text[start - len(OPEN) : start + 30]
        raise TemplateError(f"a tag is opened but never closed: {shown!r}", hint="close it with }}")
    if text.startswith("=", start):
        return _expression(text, start + 1, end)
    raw = text[start:end]
    opening = raw.rfind(OPEN)
    if opening > 0:
        return _nested(text, raw, opening, end + len(CLOSE))
    return SimpleTag(raw, raw.strip()), end + len(CLOSE)


def _nested(text: str, raw: str, opening: int, position: int) -> tuple[Part, int]:
    prefix, inner = raw[:opening], raw[opening + len(OPEN) :]
    close, following = text.find(CLOSE, position), text.find(OPEN, position)
    if close < 0 or 0 <= following < close:
        return NestedTag(prefix, inner, None), position
    return NestedTag(prefix, inner, text[position:close]), close + len(CLOSE)


def _expression(text: str, start: int, end: int) -> tuple[Part, int]:
    first_error: ExprError | None = None
    candidate = end
    for _ in range(_MAXIMUM_ENDS):
        try:
            return ExpressionTag(text[start:candidate], program.compile(text[start:candidate])), candidate + len(CLOSE)
        except ExprError as error:
            first_error = first_error or error
        candidate = text.find(CLOSE, candidate + 1)
        if candidate < 0:
            break
    refusal = TemplateError(f"{OPEN}={text[start:end]}{CLOSE} is no expression: {first_error}")
    refusal.__cause__ = first_error
    return ExpressionTag(text[start:end], None, refusal), end + len(CLOSE)
