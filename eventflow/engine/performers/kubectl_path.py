"""JSONPath templates as `kubectl -o jsonpath=` has them (k8s.io/client-go/util/jsonpath).

Text outside of braces stands for itself; `{.a.b}`, `{.list[*].x}`, `{.list[?(@.type=="Complete")].status}` and
`{range .items[*]}...{end}` select. Several results are joined by spaces; what is missing is empty.
"""

import re
from collections.abc import Iterator
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions.expr import jsonpath
from eventflow.expressions.expr.errors import Fault
from eventflow.model.document import dumps

_MANY = re.compile(r"\*|\.\.|\[\?|\[[^\]'\"]*[:,][^\]]*\]")
_ESCAPED = re.compile(r"\.((?:[^.\[\]\\]|\\.)*\\\.(?:[^.\[\]\\]|\\.)*)")
_QUOTED = re.compile(r"""^(["'])(.*)\1$""", re.DOTALL)

Part = tuple[str, str]  # ("text" or "path" or "range" or "end", what it is)


def expand(template: str, document: Any) -> str:
    """Return the text a template gives for an object. Raises UserError for a template that is none."""
    parts = list(_parts(template))
    text, rest = _expand(parts, 0, document, document)
    if rest < len(parts):
        raise UserError(f"jsonpath {template!r}: {{end}} without {{range}}")
    return text


def _expand(parts: list[Part], at: int, document: Any, current: Any) -> tuple[str, int]:
    """Return the text of the parts up to an `end`, and the place of that."""
    written: list[str] = []
    while at < len(parts) and parts[at][0] != "end":
        kind, said = parts[at]
        at += 1
        if kind == "range":
            end = at
            for item in _select(said, document, current):
                text, end = _expand(parts, at, document, item)
                written.append(text)
            at = _past_end(parts, at, end)
        elif kind == "path":
            written.append(" ".join(map(_shown, _select(said, document, current))))
        else:
            written.append(said)
    return "".join(written), at


def _past_end(parts: list[Part], at: int, end: int) -> int:
    """Return the place behind the `end` of a range whose body begins at `at`."""
    depth, place = 0, max(at, end)
    while place < len(parts):
        kind = parts[place][0]
        if kind == "end" and not depth:
            return place + 1
        depth += (kind == "range") - (kind == "end")
        place += 1
    raise UserError("jsonpath: {range} without {end}")


def _parts(template: str) -> Iterator[Part]:
    at = 0
    while at < len(template):
        opening = template.find("{", at)
        if opening < 0:
            yield "text", template[at:]
            return
        if opening > at:
            yield "text", template[at:opening]
        closing = _closing(template, opening)
        yield _action(template[opening + 1 : closing].strip(), template)
        at = closing + 1


def _closing(template: str, opening: int) -> int:
    quote = ""
    for place in range(opening + 1, len(template)):
        character = template[place]
        if quote:
            quote = "" if character == quote and template[place - 1] != "\\" else quote
        elif character in "\"'":
            quote = character
        elif character == "}":
            return place
    raise UserError(f"jsonpath {template!r}: unclosed action", hint="end it with }")


def _action(said: str, template: str) -> Part:
    quoted = _QUOTED.match(said)
    if quoted:
        return "text", quoted[2].replace("\\n", "\n").replace("\\t", "\t").replace("\\" + quoted[1], quoted[1])
    if said == "end":
        return "end", ""
    word, _, rest = said.partition(" ")
    if word == "range":
        return "range", rest.strip()
    if said[:1] in (".", "[", "$", "@"):
        return "path", said
    raise UserError(f"jsonpath {template!r}: {said!r} is no path", hint="write {.metadata.name}")


def _select(said: str, document: Any, current: Any) -> list[Any]:
    """Return what a path selects; a plain path gives one value, or none where something is missing."""
    root = document if said.startswith("$") else current
    path = _ESCAPED.sub(lambda found: f"['{found[1].replace(chr(92), '')}']", said.lstrip("$@"))
    if path in ("", "."):
        return [root]
    try:
        jsonpath.compile_path(f"${path}")
    except Fault as error:
        raise UserError(f"jsonpath {{{said}}}: {error}") from error
    try:
        found = jsonpath.query(f"${path}", root)
    except Fault:
        return []
    return found if _MANY.search(path) else [found]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return dumps(value)
