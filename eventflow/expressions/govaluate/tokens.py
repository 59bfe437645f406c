"""Texts into tokens (govaluate parsing.go). Its rules are its own: either quote ends a text, `\\` escapes anything."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from eventflow.expressions.golang import layout, layout_parse, numbers
from eventflow.expressions.govaluate.errors import GovaluateSyntaxError


class Kind(Enum):
    """What a token is; the value is its name in messages."""

    START = "UNKNOWN"
    PREFIX = "PREFIX"
    NUMERIC = "NUMERIC"
    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    PATTERN = "PATTERN"
    TIME = "TIME"
    VARIABLE = "VARIABLE"
    FUNCTION = "FUNCTION"
    SEPARATOR = "SEPARATOR"
    ACCESSOR = "ACCESSOR"
    COMPARATOR = "COMPARATOR"
    LOGICAL = "LOGICALOP"
    MODIFIER = "MODIFIER"
    OPEN = "CLAUSE"
    CLOSE = "CLAUSE_CLOSE"
    TERNARY = "TERNARY"


@dataclass(frozen=True, slots=True)
class Token:
    """A token: of operators the symbol, of a number a float, of an accessor its parts, of a time Unix seconds."""

    kind: Kind
    value: Any


PREFIXES = ("-", "!", "~")
_SYMBOLS = {
    **dict.fromkeys(("+", "-", "*", "/", "%", "**", "&", "|", "^", ">>", "<<"), Kind.MODIFIER),
    **dict.fromkeys(("&&", "||"), Kind.LOGICAL),
    **dict.fromkeys(("==", "!=", ">", ">=", "<", "<=", "=~", "!~"), Kind.COMPARATOR),
    **dict.fromkeys(("?", ":", "??"), Kind.TERNARY),
}
_LAYOUTS = (
    layout.ANSIC,
    layout.UNIX_DATE,
    layout.RUBY_DATE,
    layout.KITCHEN,
    layout.RFC3339,
    layout.RFC3339_NANO,
    "2006-01-02",
    "2006-01-02 15:04",
    "2006-01-02 15:04:05",
    "2006-01-02 15:04:05-07:00",
    "2006-01-02T15Z0700",
    "2006-01-02T15:04Z0700",
    "2006-01-02T15:04:05Z0700",
    "2006-01-02T15:04:05.999999999Z0700",
)
_VALUES = (Kind.NUMERIC, Kind.BOOLEAN, Kind.VARIABLE, Kind.FUNCTION, Kind.ACCESSOR)
_OPERAND = (Kind.PREFIX, *_VALUES, Kind.STRING, Kind.TIME, Kind.OPEN)
_AFTER_VALUE = (Kind.MODIFIER, Kind.COMPARATOR, Kind.LOGICAL, Kind.CLOSE, Kind.TERNARY, Kind.SEPARATOR)
_AFTER_TIME = (Kind.MODIFIER, Kind.COMPARATOR, Kind.LOGICAL, Kind.CLOSE, Kind.SEPARATOR)
_FOLLOWERS: dict[Kind, tuple[Kind, ...]] = {
    Kind.START: (*_OPERAND, Kind.PATTERN),
    Kind.OPEN: (*_OPERAND, Kind.PATTERN, Kind.CLOSE),
    Kind.CLOSE: (
        *_AFTER_VALUE,
        Kind.NUMERIC,
        Kind.BOOLEAN,
        Kind.VARIABLE,
        Kind.STRING,
        Kind.PATTERN,
        Kind.TIME,
        Kind.OPEN,
    ),
    **dict.fromkeys((Kind.NUMERIC, Kind.BOOLEAN, Kind.STRING, Kind.VARIABLE), _AFTER_VALUE),
    **dict.fromkeys((Kind.TIME, Kind.PATTERN), _AFTER_TIME),
    Kind.MODIFIER: (Kind.PREFIX, *_VALUES, Kind.STRING, Kind.OPEN, Kind.CLOSE),
    Kind.COMPARATOR: (*_OPERAND, Kind.CLOSE, Kind.PATTERN),
    Kind.LOGICAL: (*_OPERAND, Kind.CLOSE),
    Kind.PREFIX: (*_VALUES, Kind.OPEN, Kind.CLOSE),
    Kind.TERNARY: (*_OPERAND, Kind.SEPARATOR),
    Kind.FUNCTION: (Kind.OPEN,),
    Kind.ACCESSOR: (Kind.OPEN, *_AFTER_VALUE),
    Kind.SEPARATOR: _OPERAND,
}
_MAY_END = (
    Kind.CLOSE,
    Kind.NUMERIC,
    Kind.BOOLEAN,
    Kind.STRING,
    Kind.TIME,
    Kind.PATTERN,
    Kind.VARIABLE,
    Kind.ACCESSOR,
)


def tokenize(source: str) -> list[Token]:
    """Return the tokens of a text, not yet checked for their order. Raises GovaluateSyntaxError."""
    return _Lexer(source).tokens()


def check(tokens: list[Token]) -> None:
    """Check balance and order. Raises GovaluateSyntaxError."""
    if sum((token.kind is Kind.OPEN) - (token.kind is Kind.CLOSE) for token in tokens):
        raise GovaluateSyntaxError("Unbalanced parenthesis")
    last = Token(Kind.START, "<nil>")
    for token in tokens:
        if token.kind not in _FOLLOWERS[last.kind]:
            if last.kind is Kind.VARIABLE and token.kind is Kind.OPEN:
                raise GovaluateSyntaxError(f"Undefined function {last.value}")
            raise GovaluateSyntaxError(
                f"{token.kind.value} [{token.value}] cannot follow {last.kind.value} [{last.value}]",
                hint="put texts in quotes",
            )
        last = token
    if last.kind not in _MAY_END:
        raise GovaluateSyntaxError("Unexpected end of expression")


class _Lexer:
    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._last = Kind.START

    def tokens(self) -> list[Token]:
        found: list[Token] = []
        while True:
            while self._position < len(self._source) and self._source[self._position].isspace():
                self._position += 1
            if self._position >= len(self._source):
                return found
            found.append(self._token(self._source[self._position]))
            self._last = found[-1].kind

    def _token(self, character: str) -> Token:
        if _is_numeric(character):
            return self._number()
        if character.isalpha():
            return self._word()
        if character in "'\"":
            return self._text()
        if character == "[":
            self._position += 1
            name = self._quoted(lambda c: c != "]", "Unclosed parameter bracket")
            return Token(Kind.VARIABLE, name)
        if character in ",()":
            self._position += 1
            return Token({",": Kind.SEPARATOR, "(": Kind.OPEN, ")": Kind.CLOSE}[character], character)
        return self._symbol()

    def _number(self) -> Token:
        if self._source[self._position : self._position + 2] == "0x" and self._position + 2 < len(self._source):
            self._position += 2
            digits = self._read(lambda c: c.lower() in "abcdef" or c.isdecimal())
            try:
                value = int(digits, 16)
            except ValueError as error:
                raise GovaluateSyntaxError(f"Unable to parse hex value '{digits}' to uint64") from error
            return Token(Kind.NUMERIC, float(value))
        digits = self._read(_is_numeric)
        try:
            return Token(Kind.NUMERIC, numbers.parse_float(digits))
        except ValueError as error:
            raise GovaluateSyntaxError(f"Unable to parse numeric value '{digits}' to float64") from error

    def _word(self) -> Token:
        word = self._read(lambda c: c.isalpha() or c.isdecimal() or c in "_.")
        if word in ("true", "false"):
            return Token(Kind.BOOLEAN, word == "true")
        if word in ("in", "IN"):
            return Token(Kind.COMPARATOR, "in")
        if word.find(".") <= 0:
            return Token(Kind.VARIABLE, word)
        if word.endswith("."):
            raise GovaluateSyntaxError(f"Hanging accessor on token '{word}'")
        parts = word.split(".")
        for part in parts[1:]:
            if part[:1] != part[:1].upper():
                raise GovaluateSyntaxError(
                    f"Unable to access unexported field '{part}' in token '{word}'", hint="put texts in quotes"
                )
        return Token(Kind.ACCESSOR, tuple(parts))

    def _text(self) -> Token:
        self._position += 1
        value = self._quoted(lambda c: c not in "'\"", "Unclosed string literal")
        for pattern in _LAYOUTS:
            try:
                return Token(Kind.TIME, float(layout_parse.parse_time(pattern, value).unix))
            except ValueError:
                continue
        return Token(Kind.STRING, value)

    def _symbol(self) -> Token:
        symbol = self._read(lambda c: not (c.isalpha() or c.isdecimal() or c in "()[]'\""))
        if symbol in PREFIXES and Kind.PREFIX in _FOLLOWERS[self._last]:
            return Token(Kind.PREFIX, symbol)
        if symbol not in _SYMBOLS:
            raise GovaluateSyntaxError(f"Invalid token: '{symbol}'", hint='wrap the affected expression in quotes (")')
        return Token(_SYMBOLS[symbol], symbol)

    def _read(self, accepts: Callable[[str], bool]) -> str:
        """Read while characters are accepted, up to a space; a backslash takes the next character as it is."""
        result = ""
        while self._position < len(self._source):
            character = self._source[self._position]
            self._position += 1
            if character == "\\":
                result += self._escaped()
            elif character.isspace():
                if result:
                    break
            elif accepts(character):
                result += character
            else:
                self._position -= 1
                break
        return result

    def _quoted(self, accepts: Callable[[str], bool], unclosed: str) -> str:
        result: list[str] = []
        while self._position < len(self._source):
            character = self._source[self._position]
            self._position += 1
            if character == "\\":
                result.append(self._escaped())
            elif accepts(character):
                result.append(character)
            else:
                return "".join(result)
        raise GovaluateSyntaxError(unclosed)

    def _escaped(self) -> str:
        if self._position >= len(self._source):
            raise GovaluateSyntaxError("The expression ends with a backslash")
        self._position += 1
        return self._source[self._position - 1]


def _is_numeric(character: str) -> bool:
    return character.isdecimal() or character == "."
