"""Semantic versions and constraints (Masterminds/semver v3.3)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.functions import method
from eventflow.expressions.golang.numbers import MAXIMUM
from eventflow.expressions.golang.structs import Struct
from eventflow.expressions.sprig.signatures import define

_SUFFIX = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_VERSION = re.compile(rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?{_SUFFIX}\Z", re.ASCII)
_PARTIAL = rf"v?([0-9xX*]+)(?:\.([0-9xX*]+))?(?:\.([0-9xX*]+))?{_SUFFIX}"
_CONSTRAINT = re.compile(rf"\s*(!=|>=|=>|<=|=<|~>|=|>|<|~|\^|)\s*{_PARTIAL}", re.ASCII)
_RANGE = re.compile(r"(\S+)\s+-\s+(\S+)")
_WILDCARDS = ("x", "X", "*", None)


@dataclass(frozen=True)
class Version(Struct):
    """A version as Masterminds/semver has it: missing parts count as 0."""

    major: int
    minor: int
    patch: int
    prerelease: str
    metadata: str
    original: str

    def __str__(self) -> str:
        prerelease = f"-{self.prerelease}" if self.prerelease else ""
        metadata = f"+{self.metadata}" if self.metadata else ""
        return f"{self.major}.{self.minor}.{self.patch}{prerelease}{metadata}"

    def compare(self, other: "Version") -> int:
        """Return -1, 0 or 1 by precedence; build metadata does not count."""
        mine, theirs = self.numbers(), other.numbers()
        if mine != theirs:
            return 1 if mine > theirs else -1
        return _compare_prerelease(self.prerelease, other.prerelease)

    def numbers(self) -> tuple[int, int, int]:
        """Return (major, minor, patch)."""
        return self.major, self.minor, self.patch

    def member(self, name: str) -> Any:
        if name in _COMPARISONS:
            return method(name, 1, 1, lambda other: _COMPARISONS[name](self.compare(_need(other))))
        reader = _READERS[name]
        return method(name, 0, 0, lambda: reader(self))


def _need(value: Any) -> Version:
    if isinstance(value, Version):
        return value
    raise Fault("a version is needed here: use sprig.semver")


def _bumped(version: Version, part: int) -> Version:
    numbers = list(version.numbers())
    if part < 2 or not version.prerelease:
        numbers[part] += 1
    numbers[part + 1 :] = [0] * (2 - part)
    major, minor, patch = numbers
    prefix = "v" if version.original.startswith("v") else ""
    return Version(major, minor, patch, "", "", f"{prefix}{major}.{minor}.{patch}")


_READERS: dict[str, Callable[[Version], Any]] = {
    "Major": lambda version: version.major,
    "Minor": lambda version: version.minor,
    "Patch": lambda version: version.patch,
    "Prerelease": lambda version: version.prerelease,
    "Metadata": lambda version: version.metadata,
    "Original": lambda version: version.original,
    "String": str,
    "IncMajor": lambda version: _bumped(version, 0),
    "IncMinor": lambda version: _bumped(version, 1),
    "IncPatch": lambda version: _bumped(version, 2),
}
_COMPARISONS: dict[str, Callable[[int], Any]] = {
    "Compare": lambda order: order,
    "Equal": lambda order: order == 0,
    "LessThan": lambda order: order < 0,
    "LessThanEqual": lambda order: order <= 0,
    "GreaterThan": lambda order: order > 0,
    "GreaterThanEqual": lambda order: order >= 0,
}


def _compare_prerelease(left: str, right: str) -> int:
    if left == right:
        return 0
    if not left or not right:
        return 1 if not left else -1
    mine, theirs = left.split("."), right.split(".")
    for one, other in zip(mine, theirs, strict=False):
        if one != other:
            ordered = sorted((one, other), key=cmp_to_key(_compare_identifiers))
            return -1 if ordered[0] == one else 1
    return 1 if len(mine) > len(theirs) else -1


def _compare_identifiers(left: str, right: str) -> int:
    if left.isdecimal() and right.isdecimal():
        return int(left) - int(right)
    if left.isdecimal() != right.isdecimal():
        return -1 if left.isdecimal() else 1
    return -1 if left < right else 1


def parse(source: str) -> Version:
    """Return a version; `v1`, `1.2` are fine. Raises Fault."""
    match = _VERSION.match(source)
    if match is None or any(part and int(part) > MAXIMUM for part in match.groups()[:3]):
        raise Fault(f"invalid semantic version: {source}")
    major, minor, patch, prerelease, metadata = match.groups()
    for identifier in (prerelease or "").split("."):
        if identifier.isdecimal() and len(identifier) > 1 and identifier[0] == "0":
            raise Fault(f"version segment starts with 0: {source}")
    return Version(int(major), int(minor or 0), int(patch or 0), prerelease or "", metadata or "", source)


@dataclass(frozen=True, slots=True)
class _Constraint:
    """An operator and a version of which only the first `given` numbers were written."""

    operator: str
    version: Version
    given: int

    def accepts(self, version: Version) -> bool:
        if self.operator in ("!=", "!") and self.given == 3:
            return version.compare(self.version) != 0
        if version.prerelease and not self.version.prerelease:
            return False
        return _CHECKS[self.operator](version, self)


def _not_equal(version: Version, limit: _Constraint) -> bool:
    return version.numbers()[: limit.given] != limit.version.numbers()[: limit.given]


def _greater(version: Version, limit: _Constraint) -> bool:
    if limit.given == 3:
        return version.compare(limit.version) > 0
    return version.numbers()[: limit.given] > limit.version.numbers()[: limit.given]


def _less_or_equal(version: Version, limit: _Constraint) -> bool:
    if limit.given == 3:
        return version.compare(limit.version) <= 0
    return version.numbers()[: limit.given] <= limit.version.numbers()[: limit.given]


def _tilde(version: Version, limit: _Constraint) -> bool:
    if version.compare(limit.version) < 0:
        return False
    if limit.version.numbers() == (0, 0, 0) and limit.given in (0, 3):
        return True
    fixed = 1 if limit.given == 1 else 2
    return version.numbers()[:fixed] == limit.version.numbers()[:fixed]


def _tilde_or_equal(version: Version, limit: _Constraint) -> bool:
    return version.compare(limit.version) == 0 if limit.given == 3 else _tilde(version, limit)


def _caret(version: Version, limit: _Constraint) -> bool:
    if version.compare(limit.version) < 0:
        return False
    if limit.version.major > 0 or limit.given == 1:
        return version.major == limit.version.major
    if version.major > 0:
        return False
    if limit.version.minor > 0 or limit.given == 2:
        return version.minor == limit.version.minor
    return version.minor == 0 and (limit.given == 0 or version.patch == limit.version.patch)


_CHECKS: dict[str, Callable[[Version, _Constraint], bool]] = {
    "": _tilde_or_equal,
    "=": _tilde_or_equal,
    "!=": _not_equal,
    ">": _greater,
    "<": lambda version, limit: version.compare(limit.version) < 0,
    ">=": lambda version, limit: version.compare(limit.version) >= 0,
    "=>": lambda version, limit: version.compare(limit.version) >= 0,
    "<=": _less_or_equal,
    "=<": _less_or_equal,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}


def _constraints(source: str) -> list[_Constraint]:
    found: list[_Constraint] = []
    rewritten = _RANGE.sub(r">= \1, <= \2 ", source)
    position = 0
    while rewritten[position:].strip(" \t,") or not found:
        match = _CONSTRAINT.match(rewritten, position)
        if match is None:
            raise Fault(f"improper constraint: {source}")
        found.append(_constraint(match))
        position = match.end()
        separator = re.compile(r"\s*,\s*|\s+|\Z").match(rewritten, position)
        if separator is None:
            raise Fault(f"improper constraint: {source}")
        position = separator.end()
    return found


def _constraint(match: re.Match[str]) -> _Constraint:
    operator, major, minor, patch, prerelease, metadata = match.groups()
    parts: list[str] = []
    for part in (major, minor, patch):
        if part in _WILDCARDS:
            break
        parts.append(part)
    text = ".".join([*parts, "0", "0", "0"][:3]) + (f"-{prerelease}" if prerelease else "")
    return _Constraint(operator, parse(text + (f"+{metadata}" if metadata else "")), len(parts))


def compare(constraint: str, version: str) -> bool:
    """Return whether a version meets a constraint such as `>=1.2, <2 || ~3.1`. Raises Fault."""
    alternatives = [_constraints(part) for part in constraint.split("||")]
    checked = parse(version)
    return any(all(limit.accepts(checked) for limit in limits) for limits in alternatives)


FUNCTIONS = (define("semver", "s", parse), define("semverCompare", "ss", compare))
