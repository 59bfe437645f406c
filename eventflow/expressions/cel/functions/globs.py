"""`string.glob(pattern)`: path patterns, turned into RE2.

`*` and `?` stay within a part between slashes, `**` does not; `[a-z]`, `[!a-z]` and `{a,b}` are as in shells.
"""

import functools
import re

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions import regex
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.limits import Budget

_LONGEST = 256
_PART = re.compile(r"(\*\*/)|(\*\*)|(\*)|(\?)|\[([!^]?)([^/\]][^/\]]*)\]|(.)", re.DOTALL)


def glob(budget: Budget, text: str, pattern: str) -> bool:
    """Whether the whole text has the form of the pattern."""
    if len(pattern) > _LONGEST:
        raise Failure(f"a glob pattern of more than {_LONGEST} characters")
    return regex.tested(budget, _translated(pattern), text).fullmatch(text) is not None


@functools.lru_cache(512)
def _translated(pattern: str) -> str:
    out, depth = ["(?s)"], 0
    for part in _PART.finditer(pattern):
        directories, deep, star, _one, negated, members, char = part.groups()
        if char in ("{", "}", ","):
            piece, depth = _alternative(char, depth)
        elif char is not None:
            piece = _literal(char)
        elif members is not None:
            piece = f"[{'^/' if negated else ''}{_members(members)}]"
        elif directories:
            # a/**/b also means a/b, but a**/b is only about what starts with a.
            piece = "(?:.*/)?" if part.start() == 0 or pattern[part.start() - 1] == "/" else ".*/"
        else:
            piece = ".*" if deep else "[^/]*" if star else "[^/]"
        out.append(piece)
    return "".join(out)


def _alternative(char: str, depth: int) -> tuple[str, int]:
    if char == "{":
        return "(?:", depth + 1
    if depth == 0:
        return _literal(char), 0
    return ("|", depth) if char == "," else (")", depth - 1)


def _members(body: str) -> str:
    return "".join(char if char == "-" else _literal(char) for char in body)


def _literal(char: str) -> str:
    return char if char.isalnum() or not char.isascii() else f"\\x{ord(char):02x}"


FUNCTIONS: tuple[Function, ...] = (define("glob", glob, "string, string", "bool", budgeted=True, linear=True),)
