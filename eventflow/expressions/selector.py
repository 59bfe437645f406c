"""Kubernetes label selectors over gjson paths: `successCondition` and `failureCondition` of resource templates.

The grammar is that of k8s.io/apimachinery/pkg/labels/selector.go, used as in Argo (workflow/executor/resource.go): a
key is a path into the object. Beyond it, a key may query a list or escape a character, which the grammar of labels
leaves no way to: `status.conditions.#(type=="Complete").status == True`, `metadata.labels.example\\.com/team == core`;
and `<` and `>` compare fractions too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from eventflow.errors import UserError
from eventflow.expressions.gjson import path as gjson
from eventflow.expressions.gjson.result import parse_float
from eventflow.expressions.gjson.syntax import balanced
from eventflow.model.document import Document

_SPECIAL = "=!(),><"
_SYMBOLS = ("==", "!=", "=", "!", "(", ")", ",", ">", "<")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
_INTEGER = re.compile(r"[+-]?[0-9]+$")
_EXACT = {"=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt"}
_END = ""


class SelectorError(UserError):
    """A text that is no selector."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term. `operator` is =, ==, !=, in, notin, exists, !, gt or lt."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, document: Document) -> bool:
        """Whether the object fits. A missing value is unequal to all values, and neither more nor less than any."""
        result = gjson.get(document, self.key)
        text = result.text()
        match self.operator:
            case "exists":
                return result.exists
            case "!":
                return not result.exists
            case "!=" | "notin":
                return not result.exists or text not in self.values
            case "gt" | "lt":
                return result.exists and self._ordered(text)
        return result.exists and text in self.values

    def _ordered(self, text: str) -> bool:
        wanted = int(self.values[0])
        given = int(text) if _INTEGER.match(text) else parse_float(text)
        if given is None:
            return False
        return given > wanted if self.operator == "gt" else given < wanted

    def __str__(self) -> str:
        return f"{{{self.key} {self.operator} [{' '.join(self.values)}]}}"


def parse(text: str) -> tuple[Requirement, ...]:
    """Return the terms of a selector, all of which must hold, ordered by key. Raises SelectorError."""
    return tuple(sorted(_Parser(list(_tokens(text))).requirements(), key=lambda term: term.key))


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    word: bool


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        if text[at] in " \t\r\n":
            at += 1
        elif text[at] in _SPECIAL:
            symbol = next(symbol for symbol in _SYMBOLS if text.startswith(symbol, at))
            yield _Token(symbol, False)
            at += len(symbol)
        else:
            end = _word_end(text, at)
            yield _Token(text[at:end], True)
            at = end


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at] not in " \t\r\n" + _SPECIAL:
        if text[at] == "\\":
            at += 1
        elif text.startswith("#(", at):
            at += len(balanced(text[at + 1 :]))
        at += 1
    return min(at, len(text))


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _Token(_END, False)

    def _next(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while True:
            token = self._peek()
            if not token.word and token.text != "!":
                if token.text == _END and not found:
                    return found
                raise _expected(token, "identifier after ','" if found else "!, identifier, or the end")
            found.append(self._requirement())
            following = self._next()
            if following.text == _END and not following.word:
                return found
            if following.text != ",":
                raise _expected(following, "',' or the end")

    def _requirement(self) -> Requirement:
        negated = self._peek().text == "!" and not self._peek().word
        if negated:
            self._at += 1
        key = self._next()
        if not key.word:
            raise _expected(key, "identifier")
        _check_key(key.text)
        if negated:
            return Requirement(key.text, "!")
        if not self._peek().word and self._peek().text in (_END, ","):
            return Requirement(key.text, "exists")
        operator = self._next()
        if operator.word and operator.text in ("in", "notin"):
            return _checked(Requirement(key.text, operator.text, self._set()))
        if operator.word or operator.text not in _EXACT:
            raise _expected(operator, "in, notin, =, ==, !=, gt, lt")
        return _checked(Requirement(key.text, _EXACT[operator.text], (self._exact(),)))

    def _exact(self) -> str:
        if not self._peek().word and self._peek().text in (_END, ","):
            return ""
        value = self._next()
        if not value.word:
            raise _expected(value, "identifier")
        return value.text

    def _set(self) -> tuple[str, ...]:
        opening = self._next()
        if opening.word or opening.text != "(":
            raise _expected(opening, "'('")
        values: list[str] = []
        current = ""
        while True:
            token = self._next()
            if token.word:
                if current:
                    raise _expected(token, "',' or ')'")
                current = token.text
            elif token.text in (",", ")"):
                values.append(current)
                current = ""
                if token.text == ")":
                    return tuple(sorted(set(values)))
            else:
                raise _expected(token, "',', ')' or identifier")


def _expected(token: _Token, wanted: str) -> SelectorError:
    return SelectorError(f"found {token.text!r}, expected: {wanted}", hint="write path == value, path in (a, b), !path")


def _check_key(key: str) -> None:
    if "#" in key or "\\" in key:
        return
    prefix, slash, name = key.rpartition("/")
    valid = len(name) <= 63 and _NAME.match(name)
    if slash:
        valid = valid and len(prefix) <= 253 and _PREFIX.match(prefix)
    if not valid:
        raise SelectorError(f"{key[:80]!r} is not a path that a selector takes", hint="use letters, digits, - _ and .")


def _checked(requirement: Requirement) -> Requirement:
    if requirement.operator in ("gt", "lt") and not _INTEGER.match(requirement.values[0]):
        raise SelectorError(f"{requirement.values[0]!r} is not a whole number", hint="< and > take whole numbers")
    for value in requirement.values:
        if value and (len(value) > 63 or not _NAME.match(value)):
            raise SelectorError(
                f"{value[:80]!r} is not a value that a selector takes",
                hint="up to 63 letters, digits, - _ and ., without quotes",
            )
    return requirement
