"""How a GJSON path is cut into parts (tidwall/gjson v1.19 SYNTAX.md; its own parser decides where that is silent)."""

from dataclasses import dataclass, field
from functools import lru_cache

import orjson

_OPENERS = "[({"
_CLOSERS = "])}"


@dataclass(slots=True)
class Query:
    """`#(path op value)`; without an operator it asks whether `path` exists. `every` is the form `#(...)#`."""

    path: str = ""
    operator: str = ""
    value: str = ""
    every: bool = False


@dataclass(slots=True)
class Part:
    """The first component of a path, and what follows it.

    `rest` continues inside the value found (after a dot), `pipe` continues on the whole result (after a bar).
    """

    name: str
    rest: str | None = None
    pipe: str | None = None
    wild: bool = False
    hashed: bool = False
    each: str | None = None
    query: Query | None = field(default=None)


def starts_pipe(path: str, modifiers: frozenset[str]) -> bool:
    """Whether what follows a dot is a modifier or a multipath, which take the whole value as a bar would."""
    if path[:1] != "@":
        return path[:1] in ("[", "{")
    end = next((i for i, char in enumerate(path) if char in ".|:"), len(path))
    return path[1:end] in modifiers


@lru_cache(4096)
def object_part(path: str, modifiers: frozenset[str]) -> Part:
    """Cut the first component of a path that is applied to an object. The part is shared: never change it."""
    name: list[str] = []
    part = Part("")
    at = 0
    while at < len(path):
        char = path[at]
        if char == "\\":
            name.append(path[at + 1 : at + 2])
            at += 2
            continue
        if char in ".|":
            _continue(part, char, path[at + 1 :], modifiers)
            break
        part.wild = part.wild or char in "*?"
        name.append(char)
        at += 1
    part.name = "".join(name)
    return part


def _continue(part: Part, separator: str, following: str, modifiers: frozenset[str]) -> None:
    if separator == "|" or (following and starts_pipe(following, modifiers)):
        part.pipe = following
    else:
        part.rest = following


@lru_cache(4096)
def array_part(path: str, modifiers: frozenset[str]) -> Part:
    """Cut the first component of a path that is applied to an array: an index, `#`, `#.path` or a query. Shared too."""
    part = Part(path)
    at = 0
    while at < len(path):
        char = path[at]
        if char == "#":
            part.hashed = True
            if at == 0 and path[1:2] == ".":
                part.each = path[2:]
            elif at == 0 and path[1:2] in ("(", "["):
                end = _read_query(part, path)
                if end is None:
                    return part
                at = end
                continue
        elif char == "|":
            part.name, part.pipe = path[:at], path[at + 1 :]
            return part
        elif char == ".":
            part.name = path[:at]
            if part.hashed:
                part.rest = path[at + 1 :]
            else:
                _continue(part, char, path[at + 1 :], modifiers)
            return part
        at += 1
    return part


def _read_query(part: Part, path: str) -> int | None:
    """Read the query at the start of `path` into `part`; return where it ends, None when it is not closed."""
    part.query = Query()
    start, end, escaped = _query_extent(path)
    if end is None:
        return None
    if start is None:
        part.query.path = path[2:end].strip()
    else:
        part.query.path = path[2:start].strip()
        part.query.operator, part.query.value = _comparison(path[start:end].strip(), escaped)
    part.query.every = path[end + 1 : end + 2] == "#"
    return end + 1


def _query_extent(path: str) -> tuple[int | None, int | None, bool]:
    """Return where the comparison starts, where the query closes, and whether a quoted text has escapes."""
    start: int | None = None
    escaped = False
    depth = 1
    at = 2
    while at < len(path):
        char = path[at]
        if depth == 1 and start is None and char in "!=<>%":
            start = at
        elif char == "\\":
            at += 1
        elif char in "[(":
            depth += 1
        elif char in "])":
            depth -= 1
            if depth == 0:
                return start, at, escaped
        elif char == '"':
            end = string_end(path, at)
            escaped = escaped or "\\" in path[at:end]
            at = end
        at += 1
    return start, None, escaped


def _comparison(text: str, escaped: bool) -> tuple[str, str]:
    for operator in ("!=", "!%", "<=", ">=", "==", "<", ">", "=", "%"):
        if text.startswith(operator):
            value = text[len(operator) :].strip()
            return ("=" if operator == "==" else operator), _unquote(value, escaped)
    return text[:1] if len(text) == 1 else "", text[1:] if len(text) == 1 else text


def _unquote(value: str, escaped: bool) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    if escaped:
        try:
            return str(orjson.loads(value))
        except orjson.JSONDecodeError:
            return value[1:-1]
    return value[1:-1]


def string_end(path: str, at: int) -> int:
    """Return where the quoted text that opens at `at` closes (the end of the path when it does not)."""
    at += 1
    while at < len(path):
        if path[at] == "\\":
            at += 1
        elif path[at] == '"':
            return at
        at += 1
    return len(path)


def balanced(path: str) -> str:
    """Return the start of the path up to the bracket or quote that closes its first character."""
    if path[:1] == '"':
        return path[: string_end(path, 0) + 1]
    depth = 0
    at = 0
    while at < len(path):
        char = path[at]
        if char == "\\":
            at += 1
        elif char == '"':
            at = string_end(path, at)
        elif char in _OPENERS:
            depth += 1
        elif char in _CLOSERS:
            depth -= 1
            if depth == 0:
                return path[: at + 1]
        at += 1
    return path


def split_pipe(path: str) -> tuple[str, str | None]:
    """Split at the first bar that is not inside a query or a multipath."""
    if path[:1] == "{":
        block = balanced(path)
        return (block, path[len(block) + 1 :]) if path[len(block) : len(block) + 1] == "|" else (path, None)
    at = 0
    while at < len(path):
        char = path[at]
        if char == "\\":
            at += 1
        elif char == "." and path[at + 1 : at + 2] == "#" and path[at + 2 : at + 3] in ("[", "("):
            at += 1 + len(balanced(path[at + 2 :]))
        elif char == "|":
            return path[:at], path[at + 1 :]
        at += 1
    return path, None


@dataclass(frozen=True, slots=True)
class Selector:
    """One member of a multipath: its path, and its name where one was given."""

    path: str
    name: str = ""


def selectors(path: str) -> tuple[list[Selector], str] | None:
    """Cut `[a,b]` or `{"n":a,b}` into its members and what follows it; None when it is not closed."""
    found: list[Selector] = []
    depth, start, colon, modifier = 1, 1, 0, False
    at = 1
    while at < len(path):
        char = path[at]
        if char == "\\":
            at += 1
        elif char == "@":
            modifier = modifier or path[at - 1] in ".|"
        elif char == ":":
            if not modifier and not colon and depth == 1:
                colon = at
        elif char == '"':
            at = string_end(path, at)
        elif char in _OPENERS:
            depth += 1
        elif char in _CLOSERS:
            depth -= 1
        if (char == "," and depth == 1) or depth == 0:
            found.append(Selector(path[colon + 1 : at], path[start:colon]) if colon else Selector(path[start:at]))
            colon, modifier, start = 0, False, at + 1
            if depth == 0:
                return found, path[at + 1 :]
        at += 1
    return None


def last_name(path: str) -> str:
    """Return the name a multipath member gets from its path: the last component, `_` when that is not a plain name."""
    at = len(path) - 1
    while at >= 0 and not (path[at] in "|." and (at == 0 or path[at - 1] != "\\")):
        at -= 1
    name = path[at + 1 :]
    return "_" if any(char < " " or char in "[]{}()#|!" for char in name) else name
