"""Go's time.Duration: parsed and printed as Go does, counted in whole nanoseconds."""

import re
from dataclasses import dataclass

from eventflow.expressions.golang import numbers

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_SECOND = _UNITS["s"]
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)")


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in nanoseconds."""

    nanoseconds: int

    def __str__(self) -> str:
        return format_nanoseconds(self.nanoseconds)

    def seconds(self) -> float:
        """Return the length in seconds."""
        return self.nanoseconds / _SECOND

    def truncate(self, unit: "Duration") -> "Duration":
        """time.Duration.Truncate: rounded toward zero to a multiple of `unit`."""
        size = unit.nanoseconds
        if size <= 0:
            return self
        sign = -1 if self.nanoseconds < 0 else 1
        return Duration(self.nanoseconds - sign * (abs(self.nanoseconds) % size))

    def round(self, unit: "Duration") -> "Duration":
        """time.Duration.Round: to the nearest multiple of `unit`, halves away from zero."""
        size = unit.nanoseconds
        if size <= 0:
            return self
        sign = -1 if self.nanoseconds < 0 else 1
        rest = abs(self.nanoseconds) % size
        whole = abs(self.nanoseconds) - rest
        return Duration(sign * (whole + size if rest * 2 >= size else whole))


def parse(text: str) -> Duration:
    """time.ParseDuration. Raises ValueError with Go's words for it."""
    body = text[1:] if text[:1] in ("+", "-") else text
    if body == "0":
        return Duration(0)
    if not body:
        raise ValueError(f'time: invalid duration "{text}"')
    total, position = 0, 0
    while position < len(body):
        match = _PART.match(body, position)
        if match is None or not (match[1] or match[2]):
            raise ValueError(f'time: invalid duration "{text}"')
        total += _part(match, text)
        position = match.end()
    if total > numbers.MAXIMUM + (text[0] == "-"):
        raise ValueError(f'time: invalid duration "{text}"')
    return Duration(-total if text[0] == "-" else total)


def _part(match: re.Match[str], text: str) -> int:
    whole, fraction, unit = match[1], match[2] or "", match[3]
    if not unit:
        raise ValueError(f'time: missing unit in duration "{text}"')
    if unit not in _UNITS:
        raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
    size = _UNITS[unit]
    return int(whole or "0") * size + (int(fraction) * size // 10 ** len(fraction) if fraction else 0)


def parse_duration(text: str) -> float:
    """Return a Go duration such as `1h30m` in seconds. Raises ValueError."""
    return parse(text).seconds()


def format_duration(seconds: float) -> str:
    """Return seconds as Go prints a duration: `1h30m0s`, `1.5s`, `100ms`, `0s`."""
    return format_nanoseconds(round(seconds * _SECOND))


def format_nanoseconds(nanoseconds: int) -> str:
    """time.Duration.String."""
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < _SECOND:
        for unit in ("ns", "µs", "ms"):
            if rest < _UNITS[unit] * 1000:
                return f"{sign}{_decimal(rest, _UNITS[unit])}{unit}"
    minutes, rest = divmod(rest, _UNITS["m"])
    text = f"{_decimal(rest, _SECOND)}s"
    if minutes:
        hours, minutes = divmod(minutes, 60)
        text = f"{minutes}m{text}"
        if hours:
            text = f"{hours}h{text}"
    return sign + text


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    if not rest:
        return str(whole)
    digits = str(rest).rjust(len(str(unit)) - 1, "0").rstrip("0")
    return f"{whole}.{digits}"
