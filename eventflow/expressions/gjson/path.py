"""`get`: follow a GJSON path through a document.

The search follows tidwall/gjson v1.19 `Get`, `parseObject` and `parseArray`, over decoded values: a wildcard goes on to
the next key when the first leads nowhere, a dot after `#` applies to each element, a bar to the whole list.
"""

from collections.abc import Iterator
from typing import Any

from eventflow.expressions.gjson import modifiers, syntax
from eventflow.expressions.gjson.comparison import holds, like
from eventflow.expressions.gjson.result import MISSING, Result, found
from eventflow.model.document import Document, InvalidJson, Place, loads

_KNOWN = frozenset(modifiers.NAMES)


def get(document: Document, path: str) -> Result:
    """Return what a path finds in a document; `Result.exists` is false when it finds nothing.

    Never raises for a path, however odd. Raises InvalidJson when the document is not JSON.
    """
    return _apply(document, found(document, document.value, ()), path)


def get_value(value: Any, path: str) -> Result:
    """Return what a path finds in a decoded value."""
    return get(Document.of(value), path)


def _apply(document: Document, root: Result, path: str) -> Result:
    if len(path) > 1:
        special = _special(document, root, path)
        if special is not None:
            return special
    search = _Search(document)
    base = root.places[0] if len(root.places) == 1 and not root.gathered else None
    if path.startswith(".."):
        search.array([root.value] if root.exists else [], None, path[2:])
    elif isinstance(root.value, dict):
        search.object(root.value, base, path)
    elif isinstance(root.value, list):
        search.array(root.value, base, path)
    if search.pipe is None:
        return search.result
    return _detached(_follow(document, search.result, search.pipe))


def _follow(document: Document, result: Result, path: str) -> Result:
    """Apply a path to a result as to a document of its own; its spelling is kept where the sender's was special."""
    if not result.exists or document.canonical:
        return _apply(document, _detached(result), path)
    inner = Document(result.raw)
    return _apply(inner, found(inner, inner.value, ()), path)


def _detached(result: Result) -> Result:
    return Result(result.value, (), False, lambda: result.raw) if result.exists else result


def _special(document: Document, root: Result, path: str) -> Result | None:
    """Handle what stands for a whole component at the start: a modifier, a literal, a multipath."""
    if path[0] == "@":
        changed = _modified(root, path)
    elif path[0] == "!":
        changed = _literal(path)
    elif path[0] in "[{":
        changed = _multipath(document, root, path)
    else:
        return None
    if changed is None:
        return None
    result, rest = changed
    if rest[:1] in ("|", "."):
        return _detached(_follow(document, result, rest[1:]))
    return result


def _modified(root: Result, path: str) -> tuple[Result, str] | None:
    end = next((i for i, char in enumerate(path) if char in ":|."), len(path))
    name, rest = path[1:end], path[end:]
    if name not in _KNOWN:
        return None
    argument = ""
    if rest[:1] == ":":
        argument, rest = _argument(rest[1:])
    return modifiers.apply(name, root, argument, lambda value, inner: get_value(value, inner)), rest


def _argument(text: str) -> tuple[str, str]:
    if text[:1] in ("{", "[", '"'):
        block = syntax.balanced(text)
        return block, text[len(block) :]
    at = 0
    while at < len(text) and text[at] != "|":
        if text[at] in '{["(':
            at += len(syntax.balanced(text[at:])) - 1
        at += 1
    return text[:at], text[at:]


def _literal(path: str) -> tuple[Result, str] | None:
    text = path[1:]
    if text[:1] in ("{", "[", '"'):
        block = syntax.balanced(text)
        return _parsed(block), text[len(block) :]
    end = next((i for i, char in enumerate(text) if char in "|."), len(text))
    if text[:1] in "+-0123456789":
        end = next((i for i, char in enumerate(text) if char not in "+-.0123456789eE"), len(text))
        return _parsed(text[:end]), text[end:]
    if text[:end].lower() in ("true", "false", "null"):
        return _parsed(text[:end].lower()), text[end:]
    return None


def _parsed(text: str) -> Result:
    try:
        return Result(loads(text), (), False, text)
    except InvalidJson:
        return Result()


def _multipath(document: Document, root: Result, path: str) -> tuple[Result, str] | None:
    cut = syntax.selectors(path)
    if cut is None or (cut[1] and cut[1][0] not in "|."):
        return None
    members = [(selector, _apply(document, root, selector.path)) for selector in cut[0]]
    present = [(selector, result) for selector, result in members if result.exists]
    if path[0] == "[":
        return _listed([result for _, result in present]), cut[1]
    named = [(_member_name(selector), result) for selector, result in present]
    return modifiers.object_of(named), cut[1]


def _member_name(selector: syntax.Selector) -> str:
    if not selector.name:
        return syntax.last_name(selector.path)
    if selector.name[0] == '"':
        parsed = _parsed(selector.name)
        if isinstance(parsed.value, str):
            return parsed.value
    return selector.name


def _listed(results: list[Result], gathered: bool = False) -> Result:
    places = tuple(result.places[0] for result in results if result.places) if gathered else ()
    return Result(
        [result.value for result in results],
        places,
        gathered,
        lambda: "[" + ",".join(result.raw for result in results) + "]",
    )


class _Search:
    """One descent: `result` is what was found so far, `pipe` what is to be applied to it afterwards."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.result = Result()
        self.pipe: str | None = None

    def _here(self, value: Any, base: Place | None, step: str | int) -> Result:
        return Result(value) if base is None else found(self._document, value, (*base, step))

    def object(self, value: dict[str, Any], base: Place | None, path: str) -> bool:
        part = syntax.object_part(path, _KNOWN)
        if part.rest is None and part.pipe is not None:
            self.pipe = part.pipe
        for key in _matching(value, part):
            if part.rest is None:
                self.result = self._here(value[key], base, key)
                return True
            if self._descend(value[key], base, key, part.rest):
                return True
        return False

    def _descend(self, value: Any, base: Place | None, step: str | int, path: str) -> bool:
        inside = None if base is None else (*base, step)
        if isinstance(value, dict):
            return self.object(value, inside, path)
        if isinstance(value, list):
            return self.array(value, inside, path)
        return False

    def array(self, values: list[Any], base: Place | None, path: str) -> bool:
        part = syntax.array_part(path, _KNOWN)
        if part.rest is None and part.pipe is not None:
            self.pipe = part.pipe
        if part.query is not None:
            return self._query(values, base, part, part.query)
        if part.hashed:
            return self._every(values, base, part)
        index = int(part.name) if part.name.isascii() and part.name.isdigit() else -1
        if not 0 <= index < len(values):
            return False
        if part.rest is not None:
            return self._descend(values[index], base, index, part.rest)
        self.result = self._here(values[index], base, index)
        return True

    def _every(self, values: list[Any], base: Place | None, part: syntax.Part) -> bool:
        if part.name != "#":
            return False
        if part.each is None:
            self.result = Result(len(values))
            return True
        path, pipe = syntax.split_pipe(part.each)
        if pipe is not None:
            self.pipe = pipe
        inner = [_apply(self._document, self._here(v, base, i), path) for i, v in enumerate(values)]
        self.result = _listed([result for result in inner if result.exists], gathered=True)
        return True

    def _query(self, values: list[Any], base: Place | None, part: syntax.Part, query: syntax.Query) -> bool:
        matches = self._matches(values, base, part, query)
        if query.every:
            self.result = _listed([result for result in matches if result.exists], gathered=True)
            return False
        for match in matches:
            self.result = match
            return True
        return False

    def _matches(
        self, values: list[Any], base: Place | None, part: syntax.Part, query: syntax.Query
    ) -> Iterator[Result]:
        for index, value in enumerate(values):
            element = self._here(value, base, index)
            if not isinstance(value, dict | list) and query.path:
                continue
            tested = element
            if isinstance(value, dict | list):
                tested = _apply(self._document, element, query.path)
            if not holds(query, tested):
                continue
            if part.rest is None:
                yield element
                continue
            path, pipe = syntax.split_pipe(part.rest)
            if pipe is not None:
                self.pipe = pipe
            yield _apply(self._document, element, path)


def _matching(value: dict[str, Any], part: syntax.Part) -> Iterator[str]:
    if part.wild:
        yield from (key for key in value if like(key, part.name))
    elif part.name in value:
        yield part.name


__all__ = ["MISSING", "Result", "get", "get_value"]
