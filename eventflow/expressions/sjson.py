"""SJSON: write a value at a dot path of a JSON text, leaving every other character as it is.

Rules of tidwall/sjson v1.2.5: missing objects and lists are made on the way, `-1` appends to a list, an index past the
end fills with null, `:` keeps a numeric component a key, `\\` escapes; a scalar on the way is replaced. A path with
`*`, `?`, `#`, `@` or `|` writes only where it finds something. Unlike the peer, which then does nothing without a
word, a path that can not be written raises.
"""

import re
from dataclasses import dataclass

from eventflow.errors import UserError
from eventflow.expressions.gjson import path as gjson
from eventflow.model.document import Document, Place, dumps, locate

MAX_INDEX = 10_000
_COMPLEX = re.compile(r"[|#@*?]")


class BadDestination(UserError):
    """A destination path that can not be written to."""


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    forced: bool = False

    @property
    def index(self) -> int | None:
        if self.forced or not (self.name.isascii() and self.name.isdigit()):
            return None
        return int(self.name)

    @property
    def appends(self) -> bool:
        return self.name == "-1" and not self.forced


def quote(text: str) -> str:
    """Return a text as a JSON string, spelled as sjson spells it (Go's escapes where anything needs escaping)."""
    quoted = dumps(text)
    if text.isascii() and len(quoted) == len(text) + 2:
        return quoted
    for char, escape in (
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u2028", "\\u2028"),
        ("\u2029", "\\u2029"),
    ):
        quoted = quoted.replace(char, escape)
    return quoted


def set_text(document: str, path: str, value: str) -> str:
    """Return the document with a string written at the path. Raises BadDestination."""
    return set_raw(document, path, quote(value))


def set_raw(document: str, path: str, raw: str) -> str:
    """Return the document with JSON text written at the path. An empty document becomes an object or a list.

    Raises BadDestination when the path is empty, has an empty component, names a key of a list, is an index beyond
    10000, or is a pattern that finds nothing.
    """
    if not path:
        raise BadDestination(
            "the destination is empty", hint="name the field to write, such as spec.arguments.parameters.0.value"
        )
    steps = _steps(path)
    if steps is None:
        return _set_matches(document, path, raw)
    if any(not step.name for step in steps):
        raise BadDestination(f"destination {path!r} has an empty component", hint="remove the extra dot")
    if any((step.index or 0) > MAX_INDEX for step in steps):
        raise BadDestination(f"destination {path!r} has an index beyond {MAX_INDEX}", hint="use -1 to append")
    return _set_steps(document, path, steps, raw)


def _steps(path: str) -> list[_Step] | None:
    """Cut a plain path into components; None when it is a pattern or a query."""
    steps: list[_Step] = []
    for component in _components(path):
        forced = component.startswith(":")
        name = component[1:] if forced else component
        if _COMPLEX.search(re.sub(r"\\.", "", name, flags=re.DOTALL)):
            return None
        steps.append(_Step(re.sub(r"\\(.?)", r"\1", name, flags=re.DOTALL), forced))
    return steps


def _components(path: str) -> list[str]:
    return [match.group(1) for match in re.finditer(r"(?:^|\.)((?:\\.|[^.\\]|\\$)*)", path, flags=re.DOTALL)]


def _set_matches(text: str, path: str, raw: str) -> str:
    result = gjson.get(Document(text), path) if text.strip() else gjson.Result()
    if not result.exists or not all(result.places) or not result.places:
        raise BadDestination(
            f"destination {path!r} finds nothing to write to",
            hint="escape a literal character as \\*, \\?, \\#, \\@ or \\|",
        )
    for start, end in sorted((locate(text, place) for place in result.places), reverse=True):
        text = text[:start] + raw + text[end:]
    return text


def _set_steps(text: str, path: str, steps: list[_Step], raw: str) -> str:
    if not text.strip():
        return _container(steps, raw)
    value = Document(text).value
    place: Place = ()
    for depth, step in enumerate(steps):
        key: str | int | None = _find(value, step)
        if key is None:
            return _splice(text, place, _extended(text, place, value, path, steps[depth:], raw))
        value = value[key]
        place = (*place, key)
    return _splice(text, place, raw)


def _splice(text: str, place: Place, raw: str) -> str:
    start, end = locate(text, place)
    return text[:start] + raw + text[end:]


def _find(value: object, step: _Step) -> str | int | None:
    if isinstance(value, dict):
        return step.name if step.name in value else None
    if isinstance(value, list):
        index = int(step.name) if step.name.isascii() and step.name.isdigit() else None
        return index if index is not None and index < len(value) else None
    return None


def _extended(text: str, place: Place, value: object, path: str, steps: list[_Step], raw: str) -> str:
    """Return the text of the value at `place` with the missing steps added."""
    if not isinstance(value, dict | list):
        return _container(steps, raw)
    start, end = locate(text, place)
    body = text[start + 1 : end - 1].rstrip() if value else ""
    comma = "," if value else ""
    if isinstance(value, dict):
        return f"{{{body}{comma}{quote(steps[0].name)}:{_built(steps[1:], raw)}}}"
    index = steps[0].index
    if index is None and not steps[0].appends:
        raise BadDestination(
            f"destination {path!r}: {steps[0].name!r} is not an index of a list", hint="use a number, or -1 to append"
        )
    fill = "null," * ((index or 0) - len(value)) if index is not None else ""
    return f"[{body}{comma}{fill}{_built(steps[1:], raw)}]"


def _container(steps: list[_Step], raw: str) -> str:
    """Return a fresh document for the steps; only an index makes a list of it (`-1` alone is a key there)."""
    if steps[0].index is not None:
        return f"[{'null,' * steps[0].index}{_built(steps[1:], raw)}]"
    return f"{{{quote(steps[0].name)}:{_built(steps[1:], raw)}}}"


def _built(steps: list[_Step], raw: str) -> str:
    if not steps:
        return raw
    if steps[0].appends:
        return f"[{_built(steps[1:], raw)}]"
    return _container(steps, raw)
