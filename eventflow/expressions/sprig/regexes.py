"""Regular expressions of RE2."""

import re
from collections.abc import Callable

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import MAXIMUM_TEXT
from eventflow.expressions.expr.functions import Function
from eventflow.expressions.expr.patterns import compile_pattern
from eventflow.expressions.golang.structs import NilList
from eventflow.expressions.sprig.signatures import define

_GROUP = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_SPECIAL = frozenset("\\.+*?()|[]{}^$")


def _find(pattern: str, source: str) -> str:
    match = compile_pattern(pattern).search(source)
    return match[0] if match else ""


def _matches(pattern: str, source: str, limit: int) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for match in compile_pattern(pattern).finditer(source):
        if limit >= 0 and len(found) >= limit:
            break
        found.append(match)
    return found


def _find_all(pattern: str, source: str, limit: int) -> list[str]:
    return [match[0] for match in _matches(pattern, source, limit)] or NilList()


def _expand(match: re.Match[str], replacement: str) -> str:
    """Go's Regexp.Expand: $1, ${1} and $name; a group that is not there is empty."""

    def group(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if not name:
            return "$"
        key: int | str = int(name) if name.isdecimal() else name
        try:
            return match[key] or ""
        except (IndexError, KeyError):
            return ""

    return _GROUP.sub(group, replacement)


def _replace(pattern: str, source: str, make: Callable[[re.Match[str]], str]) -> str:
    parts: list[str] = []
    position = length = 0
    for match in _matches(pattern, source, -1):
        part = make(match)
        parts += (source[position : match.start()], part)
        position, length = match.end(), length + len(part)
        if length > MAXIMUM_TEXT:
            raise Fault(f"the text would be longer than {MAXIMUM_TEXT} characters")
    return "".join(parts) + source[position:]


def _replace_all(pattern: str, source: str, replacement: str) -> str:
    return _replace(pattern, source, lambda match: _expand(match, replacement))


def _replace_literal(pattern: str, source: str, replacement: str) -> str:
    return _replace(pattern, source, lambda _: replacement)


def _split(pattern: str, source: str, limit: int) -> list[str]:
    """Regexp.Split."""
    if limit == 0:
        return NilList()
    if pattern and not source:
        return [""]
    parts: list[str] = []
    begin = end = 0
    for match in _matches(pattern, source, -1):
        if 0 < limit == len(parts) + 1:
            break
        end = match.start()
        if match.end() != 0:
            parts.append(source[begin:end])
        begin = match.end()
    if end != len(source):
        parts.append(source[begin:])
    return parts


def _match(pattern: str, source: str) -> bool:
    try:
        return compile_pattern(pattern).search(source) is not None
    except Fault:
        return False


def _quote(source: str) -> str:
    return "".join("\\" + character if character in _SPECIAL else character for character in source)


def _both(name: str, parameters: str, run: Callable[..., object]) -> tuple[Function, Function]:
    return define(f"regex{name}", parameters, run), define(f"mustRegex{name}", parameters, run)


FUNCTIONS = (
    define("regexMatch", "ss", _match),
    define("mustRegexMatch", "ss", lambda pattern, source: compile_pattern(pattern).search(source) is not None),
    *_both("Find", "ss", _find),
    *_both("FindAll", "ssi", _find_all),
    *_both("ReplaceAll", "sss", _replace_all),
    *_both("ReplaceAllLiteral", "sss", _replace_literal),
    *_both("Split", "ssi", _split),
    define("regexQuoteMeta", "s", _quote),
)
