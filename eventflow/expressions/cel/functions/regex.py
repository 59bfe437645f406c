"""Regular expressions: RE2 only, so that the time is linear in the text whatever the pattern.

`matches` is standard; `find` and `findAll` are Kubernetes'; `regex.*` is cel-go's ext/regex.go; `translate` Tekton's.
"""

import re
from typing import Any

import re2

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.limits import (
    LINEAR_PATTERN_PROGRAM,
    MATCHED_PER_UNIT,
    MAX_PATTERN,
    MAX_PATTERN_PROGRAM,
    PATTERN_UNITS,
    Budget,
    charge,
    charge_list,
    charge_string,
)
from eventflow.expressions.cel.values import NONE, Optional, no_overload

_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)
_BACKSLASH = re.compile(r"\\(?:([0-9])|(\\)|(?s:.)|\Z)")


_MEMORY = 2 << 20
_CACHE_SIZE = 64
# RE2 may have worked for some milliseconds before it gave up.
_REFUSED_UNITS = 10_000
_cache: dict[str, Any] = {}


def _options() -> Any:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    return options


_OPTIONS = _options()


def compiled(pattern: str, budget: Budget | None = None) -> Any:
    """The pattern as an RE2 object. Raises Failure when it is no pattern, or too large.

    Patterns may come from events, so compiling one that is not known yet is charged.
    """
    if len(pattern) > MAX_PATTERN:
        raise Failure(f"a regular expression of more than {MAX_PATTERN} characters")
    regex = _cache.get(pattern)
    if regex is None:
        regex = _compile(pattern)
        if budget is not None:
            charge(budget, PATTERN_UNITS + (_REFUSED_UNITS if isinstance(regex, Failure) else regex.programsize // 4))
        if len(_cache) >= _CACHE_SIZE:
            # Another thread may have taken the oldest away meanwhile.
            _cache.pop(next(iter(_cache.copy())), None)
        _cache[pattern] = regex
    if isinstance(regex, Failure):
        raise Failure(*regex.args)
    return regex


def _compile(pattern: str) -> Any:
    try:
        regex = re2.compile(pattern, _OPTIONS)  # type: ignore[no-untyped-call]
    except re2.error as error:
        # RE2 quotes the offending part of the pattern, which may come from an event: name only the kind.
        reason = error.args[0] if error.args else b""
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        return Failure(f"invalid regular expression ({text.partition(':')[0]})")
    return regex if regex.programsize <= MAX_PATTERN_PROGRAM else Failure("a regular expression that is too complex")


def tested(budget: Budget, pattern: str, text: str) -> Any:
    """The pattern, ready to tell whether it matches the text; charged when that may take more than one pass."""
    regex = compiled(pattern, budget)
    return regex if is_linear(regex) else _charged(budget, regex, text)


def is_linear(regex: Any) -> bool:
    """Whether telling that it matches takes one pass over the text, whatever the text."""
    return bool(regex.programsize <= LINEAR_PATTERN_PROGRAM)


def matches(budget: Budget, text: Any, pattern: Any) -> bool:
    if text.__class__ is str and pattern.__class__ is str:
        return tested(budget, pattern, text).search(text) is not None
    raise no_overload("matches", text, pattern)


def matches_constant(text: Any, search: Any) -> bool:
    """`matches` with a pattern that was compiled beforehand; `search` is its method."""
    if text.__class__ is str:
        return search(text) is not None
    raise no_overload("matches", text, "")


def _charged(budget: Budget, regex: Any, text: str) -> Any:
    """The regex, charged for finding what it matches in the text, which takes the product of their sizes."""
    charge(budget, len(text) * regex.programsize // MATCHED_PER_UNIT)
    return regex


def find(budget: Budget, text: str, pattern: str) -> str:
    """The first match, or the empty string."""
    found = _charged(budget, compiled(pattern, budget), text).search(text)
    return found[0] if found else ""


def find_all(budget: Budget, text: str, pattern: str, limit: int = -1) -> list[str]:
    """All matches, or the first `limit`."""
    return [match[0] for match in _every(budget, compiled(pattern, budget), text, limit)]


def _every(budget: Budget, regex: Any, text: str, limit: int) -> list[Any]:
    found: list[Any] = []
    for match in _charged(budget, regex, text).finditer(text):
        if 0 <= limit <= len(found):
            break
        charge(budget, 4)
        found.append(match)
    charge_list(budget, len(found))
    return found


def _replace(budget: Budget, text: str, regex: Any, expansion: Any, limit: int) -> str:
    parts, at, length = [], 0, 0
    for match in _every(budget, regex, text, limit):
        replacement = expansion(match)
        length += len(replacement)
        charge_string(budget, length)
        parts += [text[at : match.start()], replacement]
        at = match.end()
    charge_string(budget, length + len(text))
    return "".join(parts) + text[at:]


def translate(budget: Budget, text: str, pattern: str, template: str) -> str:
    """Every match replaced; $1, ${1} and ${name} in the replacement stand for groups, as in Go's regexp.Expand."""

    def expand(match: Any) -> str:
        return _REFERENCE.sub(lambda ref: "$" if ref[0] == "$$" else _group(match, ref[1] or ref[2]), template)

    return _replace(budget, text, compiled(pattern, budget), expand, -1)


def _group(match: Any, name: str) -> str:
    key = int(name) if name.isdigit() else name
    known = key <= match.re.groups if isinstance(key, int) else key in match.re.groupindex
    return (match[key] or "") if known else ""


def regex_replace(budget: Budget, text: str, pattern: str, template: str, limit: int = -1) -> str:
    r"""Every match, or the first `limit`, replaced; \1 in the replacement stands for a group."""
    regex = compiled(pattern, budget)
    for reference in _BACKSLASH.finditer(template):
        if reference[2] is None and (reference[1] is None or int(reference[1]) > regex.groups):
            raise Failure("invalid reference in the replacement")

    def expand(match: Any) -> str:
        return _BACKSLASH.sub(lambda ref: "\\" if ref[2] else match[int(ref[1])] or "", template)

    return _replace(budget, text, regex, expand, limit)


def extract(budget: Budget, text: str, pattern: str) -> Optional:
    """The first match, or its only group, as an optional."""
    regex = _charged(budget, _with_one_group(budget, pattern), text)
    match = regex.search(text)
    return NONE if match is None or match[regex.groups] is None else Optional(True, match[regex.groups])


def extract_all(budget: Budget, text: str, pattern: str) -> list[str]:
    """All matches, or what their only group matched."""
    regex = _with_one_group(budget, pattern)
    return [match[regex.groups] for match in _every(budget, regex, text, -1) if match[regex.groups] is not None]


def _with_one_group(budget: Budget, pattern: str) -> Any:
    regex = compiled(pattern, budget)
    if regex.groups > 1:
        raise Failure("the regular expression has more than one group")
    return regex


FUNCTIONS: tuple[Function, ...] = (
    define(
        "matches",
        matches,
        "string, string",
        "bool",
        form="either",
        budgeted=True,
        linear=True,
        pattern=1,
        guarded=False,
    ),
    define("find", find, "string, string", "string", budgeted=True, pattern=1),
    define("findAll", find_all, "string, string, int", "list", required=2, budgeted=True, pattern=1),
    define("translate", translate, "string, string, string", "string", budgeted=True, pattern=1),
    define(
        "regex.replace",
        regex_replace,
        "string, string, string, int",
        "string",
        form="free",
        required=3,
        budgeted=True,
        pattern=1,
    ),
    define("regex.extract", extract, "string, string", "optional", form="free", budgeted=True, pattern=1),
    define("regex.extractAll", extract_all, "string, string", "list", form="free", budgeted=True, pattern=1),
)
