"""`conditions` of a trigger: a boolean of dependency names with `&&`, `||` and parentheses.

A name starts with a letter or `_` and goes on with letters, digits, `_` and `-`, as with Argo. Comparisons, `!`,
constants and the words `and`/`or`, which the peer refuses when the sensor runs, or accepts and never fires on, are
refused when the condition is parsed.
"""

import re
from collections.abc import Collection, Iterable, Set
from dataclasses import dataclass
from functools import cached_property

from eventflow.errors import Location, UserError

MAX_LENGTH = 10_000
MAX_DEPTH = 100
_RESERVED = frozenset({"and", "or", "not", "in", "nil", "let", "contains", "matches", "startsWith", "endsWith"})
_TOKEN = re.compile(r"\s*(?:(?P<op>&&|\|\||[()])|(?P<name>[A-Za-z_][A-Za-z0-9_\-]*)|(?P<bad>\S))")


class BadCondition(UserError):
    """A condition that can not be parsed. `reason` is `expression` or `unknown-dependency`."""

    def __init__(self, reason: str, message: str, at: int, hint: str) -> None:
        super().__init__(message, location=Location("conditions", 1, at + 1), hint=hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple["Node", ...]


Node = Name | Both | Either


@dataclass(frozen=True)
class Condition:
    """A parsed condition; `node` is its tree."""

    node: Node

    @cached_property
    def names(self) -> frozenset[str]:
        """The dependencies it names."""
        return frozenset(_names(self.node))

    @cached_property
    def joins(self) -> bool:
        """Whether it has to gather events: it has an `&&` of more than one dependency."""
        return _joins(self.node)

    def holds(self, present: Set[str]) -> bool:
        """Whether it is true when just these dependencies have an event."""
        return _holds(self.node, present)

    def __str__(self) -> str:
        return _text(self.node, top=True)


def parse(text: str, dependencies: Collection[str]) -> Condition:
    """Parse a condition; an empty one is the `&&` of all dependencies in their order. Raises BadCondition."""
    if not text.strip():
        names: list[Node] = [Name(name) for name in dependencies]
        return Condition(names[0] if len(names) == 1 else Both(tuple(names)))
    if len(text) > MAX_LENGTH:
        raise BadCondition("expression", f"longer than {MAX_LENGTH} characters", 0, "split the sensor")
    return Condition(_Parser(text, frozenset(dependencies)).whole())


class _Parser:
    def __init__(self, text: str, known: frozenset[str]) -> None:
        self._text = text
        self._known = known
        self._tokens = [
            (match.lastgroup or "", match.group(match.lastgroup or 0), match.start(match.lastgroup or 0))
            for match in _TOKEN.finditer(text)
        ]
        self._at = 0

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def whole(self) -> Node:
        node = self._either(0)
        if self._at < len(self._tokens):
            raise self._unexpected()
        return node

    def _either(self, depth: int) -> Node:
        parts = [self._both(depth)]
        while self._peek() == "||":
            self._at += 1
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self, depth: int) -> Node:
        parts = [self._term(depth)]
        while self._peek() == "&&":
            self._at += 1
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _term(self, depth: int) -> Node:
        if self._at >= len(self._tokens) or depth > MAX_DEPTH:
            raise self._unexpected()
        kind, text, at = self._tokens[self._at]
        if text == "(":
            self._at += 1
            node = self._either(depth + 1)
            if self._peek() != ")":
                raise self._unexpected()
            self._at += 1
            return node
        if kind != "name":
            raise self._unexpected()
        if text in _RESERVED:
            raise BadCondition("expression", f"{text!r} is a word of the language", at, "call the dependency otherwise")
        if text not in self._known:
            known = ", ".join(sorted(self._known))
            raise BadCondition("unknown-dependency", f"no dependency is called {text!r}", at, f"there are: {known}")
        self._at += 1
        return Name(text)

    def _unexpected(self) -> BadCondition:
        hint = "use dependency names, &&, || and parentheses"
        if self._at >= len(self._tokens):
            return BadCondition("expression", "it ends too early", len(self._text), hint)
        _, text, at = self._tokens[self._at]
        return BadCondition("expression", f"unexpected {text!r}", at, hint)


def _names(node: Node) -> Iterable[str]:
    if isinstance(node, Name):
        yield node.name
        return
    for part in node.parts:
        yield from _names(part)


def _joins(node: Node) -> bool:
    if isinstance(node, Name):
        return False
    if isinstance(node, Both) and len(set(_names(node))) > 1:
        return True
    return any(map(_joins, node.parts))


def _holds(node: Node, present: Set[str]) -> bool:
    if isinstance(node, Name):
        return node.name in present
    if isinstance(node, Both):
        return all(_holds(part, present) for part in node.parts)
    return any(_holds(part, present) for part in node.parts)


def _text(node: Node, top: bool = False) -> str:
    if isinstance(node, Name):
        return node.name
    text = (" && " if isinstance(node, Both) else " || ").join(map(_text, node.parts))
    return text if top else f"({text})"
