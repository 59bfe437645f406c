"""Go's reference-time layouts (`2006-01-02T15:04:05Z07:00`): cut into pieces, and times written by them."""

import re
from collections.abc import Callable
from functools import lru_cache

from eventflow.expressions.golang import calendar
from eventflow.expressions.golang.moment import Clock, Time

ANSIC = "Mon Jan _2 15:04:05 2006"
UNIX_DATE = "Mon Jan _2 15:04:05 MST 2006"
RUBY_DATE = "Mon Jan 02 15:04:05 -0700 2006"
RFC822 = "02 Jan 06 15:04 MST"
RFC850 = "Monday, 02-Jan-06 15:04:05 MST"
RFC1123 = "Mon, 02 Jan 2006 15:04:05 MST"
RFC3339 = "2006-01-02T15:04:05Z07:00"
RFC3339_NANO = "2006-01-02T15:04:05.999999999Z07:00"
KITCHEN = "3:04PM"
STRING = "2006-01-02 15:04:05.999999999 -0700 MST"

_PIECE = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|__2|_2(?!006)|002|2006|15|0[1-6]|PM|pm"
    r"|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07"
    r"|[.,]0+(?!\d)|[.,]9+(?!\d)|[1-5]"
)
_ZONE_FORMS = ("Z", "-")


@lru_cache(maxsize=512)
def pieces(layout: str) -> tuple[tuple[str, str], ...]:
    """Return ((literal before, piece), …); the last piece is "" and holds what literal remains."""
    found: list[tuple[str, str]] = []
    position = 0
    for match in _PIECE.finditer(layout):
        found.append((layout[position : match.start()], match[0]))
        position = match.end()
    found.append((layout[position:], ""))
    return tuple(found)


def format_time(time: Time, layout: str) -> str:
    """time.Time.Format."""
    clock = time.clock()
    parts: list[str] = []
    for literal, piece in pieces(layout):
        parts.append(literal)
        if piece:
            parts.append(_write(piece, clock))
    return "".join(parts)


def _write(piece: str, clock: Clock) -> str:
    if piece in _WRITERS:
        return _WRITERS[piece](clock)
    if piece[0] in _ZONE_FORMS:
        return _offset(piece, clock.offset)
    return _fraction(piece, clock.nanosecond)


def _fraction(piece: str, nanosecond: int) -> str:
    digits = f"{nanosecond:09d}"[: len(piece) - 1].ljust(len(piece) - 1, "0")
    if piece[1] == "9":
        digits = digits.rstrip("0")
        return piece[0] + digits if digits else ""
    return piece[0] + digits


def _offset(piece: str, offset: int) -> str:
    if piece[0] == "Z" and offset == 0:
        return "Z"
    sign, rest = ("-", -offset) if offset < 0 else ("+", offset)
    fields = [f"{rest // 3600:02d}"]
    if len(piece) > 3:
        fields.append(f"{rest // 60 % 60:02d}")
    if len(piece) > 6:
        fields.append(f"{rest % 60:02d}")
    return sign + (":" if ":" in piece else "").join(fields)


def _year(clock: Clock) -> str:
    return f"{clock.year:04d}" if clock.year >= 0 else f"-{-clock.year:04d}"


def _zone_name(clock: Clock) -> str:
    return clock.abbreviation or _offset("-0700", clock.offset)


def _half_day_hour(clock: Clock) -> int:
    return clock.hour % 12 or 12


_WRITERS: dict[str, Callable[[Clock], str]] = {
    "January": lambda c: calendar.MONTHS[c.month - 1],
    "Jan": lambda c: calendar.MONTHS[c.month - 1][:3],
    "Monday": lambda c: calendar.WEEKDAYS[c.weekday],
    "Mon": lambda c: calendar.WEEKDAYS[c.weekday][:3],
    "MST": _zone_name,
    "2006": _year,
    "06": lambda c: f"{c.year % 100:02d}",
    "01": lambda c: f"{c.month:02d}",
    "1": lambda c: str(c.month),
    "02": lambda c: f"{c.day:02d}",
    "_2": lambda c: f"{c.day:2d}",
    "2": lambda c: str(c.day),
    "002": lambda c: f"{c.yearday:03d}",
    "__2": lambda c: f"{c.yearday:3d}",
    "15": lambda c: f"{c.hour:02d}",
    "03": lambda c: f"{_half_day_hour(c):02d}",
    "3": lambda c: str(_half_day_hour(c)),
    "04": lambda c: f"{c.minute:02d}",
    "4": lambda c: str(c.minute),
    "05": lambda c: f"{c.second:02d}",
    "5": lambda c: str(c.second),
    "PM": lambda c: "PM" if c.hour >= 12 else "AM",
    "pm": lambda c: "pm" if c.hour >= 12 else "am",
}
