"""Cutting a template into text and actions, and an action into tokens (Go text/template/parse/lex.go)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from eventflow.expressions.gotemplate.values import TemplateError

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<raw>`[^`]*`)
  | (?P<char>'(?:\\.[^']*|[^'\\\n])')
  | (?P<number>[+-]?(?:
        0[xX][0-9a-fA-F_]+ | 0[bB][01_]+ | 0[oO][0-7_]+
      | (?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?
    )(?![A-Za-z0-9_]))
  | (?P<declare>:=)
  | (?P<assign>=)
  | (?P<pipe>\|)
  | (?P<open>\()
  | (?P<close>\))
  | (?P<comma>,)
  | (?P<field>\.[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)
  | (?P<dot>\.)
  | (?P<variable>\$[A-Za-z0-9_\u0080-\U0010ffff]*)
  | (?P<name>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_\u0080-\U0010ffff]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"'}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its kind (a group of the pattern above), its text or decoded constant, whether a space precedes it."""

    kind: str
    value: Any
    spaced: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """The tokens of one `{{ }}` and the line it starts on."""

    tokens: list[Token]
    line: int


def pieces(source: str) -> Iterator[str | Action]:
    """Yield the texts and the actions of a template in order; comments vanish, `{{-` and `-}}` trim. TemplateError."""
    at = 0
    trim = False
    while True:
        start = source.find("{{", at)
        text = source[at:] if start < 0 else source[at:start]
        text = text.lstrip(" \t\r\n") if trim else text
        if start < 0:
            yield text
            return
        line = source.count("\n", 0, start) + 1
        inner = start + 2
        if source[inner : inner + 1] == "-" and source[inner + 1 : inner + 2].isspace():
            text = text.rstrip(" \t\r\n")
            inner += 1
        yield text
        tokens, at, trim = _action(source, inner, line)
        if tokens is not None:
            yield Action(tokens, line)


def _action(source: str, at: int, line: int) -> tuple[list[Token] | None, int, bool]:
    """Read one action from behind its opening; return its tokens (None = a comment), its end, whether it trims."""
    comment = re.compile(r"[ \t\r\n]*/\*.*?\*/([ \t\r\n]+-)?\}\}", re.DOTALL).match(source, at)
    if comment:
        return None, comment.end(), bool(comment.group(1))
    tokens: list[Token] = []
    spaced = False
    while True:
        if source.startswith("}}", at):
            return tokens, at + 2, False
        if spaced and source.startswith("-}}", at):
            return tokens, at + 3, True
        found = _TOKEN.match(source, at)
        if found is None or found.lastgroup is None:
            raise _unreadable(source, at, line)
        at = found.end()
        spaced = found.lastgroup == "space"
        if not spaced:
            tokens.append(_token(found.lastgroup, found.group(), source[found.start() - 1].isspace(), line))


def _unreadable(source: str, at: int, line: int) -> TemplateError:
    char = source[at : at + 1]
    if not char or "}}" not in source[at:]:
        return TemplateError(f"template: line {line}: unclosed action", hint="close it with }}")
    if char in "\"'`":
        return TemplateError(f"template: line {line}: unterminated quoted text")
    return TemplateError(f"template: line {line}: unexpected {char!r} in an action")


def _token(kind: str, text: str, spaced: bool, line: int) -> Token:
    if kind == "string":
        return Token("constant", unquote(text[1:-1], line), spaced)
    if kind == "raw":
        return Token("constant", text[1:-1], spaced)
    if kind == "char":
        char = unquote(text[1:-1], line)
        if len(char) != 1:
            raise TemplateError(f"template: line {line}: malformed character constant: {text}")
        return Token("constant", ord(char), spaced)
    if kind == "number":
        return Token("constant", _number(text, line), spaced)
    return Token(kind, text, spaced)


def unquote(text: str, line: int) -> str:
    """Decode the escapes of a Go text literal without its quotes."""

    def decode(match: re.Match[str]) -> str:
        escape = match.group(1)
        if escape[0] in "xuU" and len(escape) > 1:
            return chr(int(escape[1:], 16))
        if len(escape) == 3:
            return chr(int(escape, 8))
        if escape not in _ESCAPES:
            raise TemplateError(f"template: line {line}: unknown escape \\{escape}")
        return _ESCAPES[escape]

    return _ESCAPE.sub(decode, text)


def _number(text: str, line: int) -> int | float:
    plain = text.replace("_", "")
    digits = plain.lstrip("+-")
    try:
        if digits[:2].lower() in ("0x", "0b", "0o"):
            return int(plain, 0)
        if digits.isdigit():
            return int(plain, 8) if len(digits) > 1 and digits[0] == "0" else int(plain)
        return float(plain)
    except ValueError:
        raise TemplateError(f"template: line {line}: bad number syntax: {text}") from None


def json_quote(text: str) -> str:
    """Return a text as a JSON string, for messages."""
    return orjson.dumps(text).decode()
