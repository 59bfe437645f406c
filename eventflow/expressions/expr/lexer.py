"""Texts into tokens (expr-lang v1.17 parser/lexer)."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from eventflow.expressions.expr.errors import ExprSyntaxError, locate
from eventflow.expressions.golang import text


class Kind(Enum):
    """What a token is."""

    IDENTIFIER = auto()
    NUMBER = auto()
    STRING = auto()
    BYTES = auto()
    OPERATOR = auto()
    BRACKET = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the offset of its first character. Of a string, `value` is what it stands for."""

    kind: Kind
    value: str
    offset: int

    def __str__(self) -> str:
        if self.kind is Kind.END:
            return "end of expression"
        return f"'{self.value}'"


_WORD_OPERATORS = frozenset(
    ("not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else")
)
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*\n?|/\*(?:(?!\*/).)*\*/)
    |(?P<bytes>[bB](?=['"]))
    |(?P<string>['"])
    |(?P<raw>`)
    |(?P<number>\.?[0-9])
    |(?P<pointer>\#\#?)
    |(?P<operator>\?\.|\?\?|\?|\|\||\||::|:|\.\.|\.|[&!=*<>][&=*]|[,;%+\-^&!=*<>/])
    |(?P<bracket>[()\[\]{}])
    |(?P<word>[^\W\d]\w*|[$][\w$]*)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(
    r"(?:0[xX][0-9a-fA-F_]*|0[oO][0-7_]*|0[bB][01_]*|[0-9][0-9_]*|(?=\.))(?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9_]*)?"
)
_WORD = re.compile(r"[\w$]+")
_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(
    rf"\\(?:([abfnrtv\\])|([0-7]{{3}})|x({_HEX}{{2}})|u\{{({_HEX}{{1,6}})\}}|u({_HEX}{{4}})|U({_HEX}{{8}}))"
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_RAW = re.compile(r"`((?:[^`]|``)*)`(?!`)", re.DOTALL)


def tokenize(source: str) -> list[Token]:
    """Return the tokens, an END last. Raises ExprSyntaxError."""
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise _error(source, position, f"unrecognized character: {source[position]!r}")
        position = _take(source, match, tokens)
    tokens.append(Token(Kind.END, "", max(0, len(source) - 1)))
    return tokens


def _take(source: str, match: re.Match[str], tokens: list[Token]) -> int:
    group, start = match.lastgroup, match.start()
    if group == "space":
        return match.end()
    if group == "string":
        value, end = _string(source, start)
        tokens.append(Token(Kind.STRING, value, start))
    elif group == "bytes":
        value, end = _string(source, start + 1)
        tokens.append(Token(Kind.BYTES, value, start))
    elif group == "raw":
        value, end = _raw(source, start)
        tokens.append(Token(Kind.STRING, value, start))
    elif group == "number":
        end = _number_end(source, start)
        tokens.append(Token(Kind.NUMBER, source[start:end], start))
    elif group == "pointer":
        end = _pointer(source, match, tokens)
    elif group == "word":
        found = _WORD.match(source, start)
        end = found.end() if found else match.end()
        word = source[start:end]
        tokens.append(Token(Kind.OPERATOR if word in _WORD_OPERATORS else Kind.IDENTIFIER, word, start))
    else:
        end = match.end()
        tokens.append(Token(Kind.BRACKET if group == "bracket" else Kind.OPERATOR, match[0], start))
        if match[0] == "/" and source.startswith("/*", start):
            raise _error(source, len(source), "unclosed comment")
    return end


def _pointer(source: str, match: re.Match[str], tokens: list[Token]) -> int:
    tokens.append(Token(Kind.OPERATOR, match[0], match.start()))
    word = _WORD.match(source, match.end())
    if word is None:
        return match.end()
    tokens.append(Token(Kind.IDENTIFIER, word[0], match.end()))
    return word.end()


def _number_end(source: str, start: int) -> int:
    match = _NUMBER.match(source, start)
    end = match.end() if match else start + 1
    following = source[end : end + 1]
    if following and (following.isalnum() or following in "_$"):
        raise _error(source, end, f'bad number syntax: "{source[start : end + 1]}"')
    return end


def _string(source: str, start: int) -> tuple[str, int]:
    quote, position = source[start], start + 1
    parts: list[str] = []
    while True:
        character = source[position : position + 1]
        if character in ("", "\n"):
            raise _error(source, position, "literal not terminated")
        if character == quote:
            return text.from_bytes(text.to_bytes("".join(parts))), position + 1
        if character == "\\":
            decoded, position = _escape(source, position, quote)
            parts.append(decoded)
        else:
            parts.append(character)
            position += 1


def _escape(source: str, position: int, quote: str) -> tuple[str, int]:
    if source[position + 1 : position + 2] == quote:
        return quote, position + 2
    match = _ESCAPE.match(source, position)
    if match is None:
        raise _error(source, position + 1, "invalid char escape")
    simple, octal, *hexadecimal = match.groups()
    if simple:
        return _SIMPLE[simple], match.end()
    code = int(octal, 8) if octal else int(next(digits for digits in hexadecimal if digits), 16)
    if code > 0x10FFFF:
        raise _error(source, position + 1, "invalid char escape")
    return chr(code), match.end()


def _raw(source: str, start: int) -> tuple[str, int]:
    match = _RAW.match(source, start)
    if match is None:
        raise _error(source, len(source), "literal not terminated")
    return match[1].replace("``", "`"), match.end()


def _error(source: str, offset: int, message: str) -> ExprSyntaxError:
    return ExprSyntaxError(message, location=locate(source, offset))
