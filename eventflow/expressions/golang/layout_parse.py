"""Times read by a Go layout (time.Parse, time.ParseInLocation), as strict and as lenient as Go is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from eventflow.expressions.golang import calendar, layout, moment, zone
from eventflow.expressions.golang.moment import Time

_FRACTION = re.compile(r"[.,]([0-9]+)")
_OFFSETS = {
    ":mm": re.compile(r"([+-])([0-9]{2}):([0-9]{2})"),
    "mm": re.compile(r"([+-])([0-9]{2})([0-9]{2})"),
    ":mm:ss": re.compile(r"([+-])([0-9]{2}):([0-9]{2}):([0-9]{2})"),
    "mmss": re.compile(r"([+-])([0-9]{2})([0-9]{2})([0-9]{2})"),
    "": re.compile(r"([+-])([0-9]{2})"),
}
_OFFSET_FORMS = {3: "", 5: "mm", 6: ":mm", 7: "mmss", 9: ":mm:ss"}
_ABBREVIATION = re.compile(r"ChST|MeST|GMT[+-][0-9]{1,2}|[A-Z]{3}T(?![A-Z])|[A-Z]{3}(?![A-Z])|[A-Z]{4}T|[+-][0-9]{2}")


@dataclass(slots=True)
class _Reading:
    rest: str
    year: int = 0
    month: int = 0
    day: int | None = None
    yearday: int = 0
    hour: int = 0
    minute: int = 0
    second: int = 0
    nanosecond: int = 0
    afternoon: bool | None = None
    offset: int | None = None
    abbreviation: str = ""


def parse_time(pattern: str, text: str, place: zone.Zone = zone.UTC_ZONE) -> Time:
    """time.ParseInLocation. Raises ValueError with the text and the layout."""
    reading = _Reading(text)
    parts = layout.pieces(pattern)
    try:
        for index, (literal, piece) in enumerate(parts):
            reading.rest = _skip(reading.rest, literal)
            if piece:
                following = parts[index + 1][1] if not parts[index + 1][0] else ""
                _read(reading, piece, following)
        if reading.rest:
            raise ValueError(f"extra text: {reading.rest}")
        return _build(reading, place)
    except (ValueError, IndexError) as error:
        raise ValueError(f'parsing time "{text}" as "{pattern}": {error}') from error


def _skip(rest: str, literal: str) -> str:
    while literal:
        if literal[0] == " ":
            if rest and rest[0] != " ":
                raise ValueError(f'cannot parse "{rest}" as " "')
            literal, rest = literal.lstrip(" "), rest.lstrip(" ")
            continue
        if not rest or rest[0] != literal[0]:
            raise ValueError(f'cannot parse "{rest}" as "{literal}"')
        literal, rest = literal[1:], rest[1:]
    return rest


def _read(reading: _Reading, piece: str, following: str) -> None:
    reader = _READERS.get(piece)
    if reader is not None:
        reader(reading)
        if piece in ("05", "5") and following[:1] not in (".", ","):
            _free_fraction(reading)
    elif piece[0] in ".,":
        _fraction(reading, piece)
    else:
        _offset(reading, piece)


def _digits(reading: _Reading, low: int, high: int) -> int:
    count = 0
    while count < high and count < len(reading.rest) and reading.rest[count] in "0123456789":
        count += 1
    if count < low:
        raise ValueError(f'cannot parse "{reading.rest}" as a number')
    value = int(reading.rest[:count])
    reading.rest = reading.rest[count:]
    return value


def _number(name: str, low: int, high: int, first: int, last: int) -> Callable[[_Reading], None]:
    def read(reading: _Reading) -> None:
        value = _digits(reading, low, high)
        if not first <= value <= last:
            raise ValueError(f"{name} out of range")
        setattr(reading, name, value)

    return read


def _padded_day(reading: _Reading) -> None:
    reading.rest = reading.rest.removeprefix(" ")
    reading.day = _digits(reading, 1, 2)


def _padded_yearday(reading: _Reading) -> None:
    reading.rest = reading.rest[:2].lstrip(" ") + reading.rest[2:]
    reading.yearday = _digits(reading, 1, 3)


def _short_year(reading: _Reading) -> None:
    value = _digits(reading, 2, 2)
    reading.year = value + (1900 if value >= 69 else 2000)


def _name(names: tuple[str, ...], length: int | None, target: str) -> Callable[[_Reading], None]:
    def read(reading: _Reading) -> None:
        for index, full in enumerate(names):
            word = full[:length] if length else full
            if reading.rest[: len(word)].lower() == word.lower():
                reading.rest = reading.rest[len(word) :]
                if target:
                    setattr(reading, target, index + 1)
                return
        raise ValueError(f'cannot parse "{reading.rest}" as a name')

    return read


def _half_day(morning: str, afternoon: str) -> Callable[[_Reading], None]:
    def read(reading: _Reading) -> None:
        word = reading.rest[:2]
        if word not in (morning, afternoon):
            raise ValueError(f'cannot parse "{reading.rest}" as "{afternoon}"')
        reading.afternoon = word == afternoon
        reading.rest = reading.rest[2:]

    return read


def _free_fraction(reading: _Reading) -> None:
    match = _FRACTION.match(reading.rest)
    if match:
        reading.nanosecond = int(match[1][:9].ljust(9, "0"))
        reading.rest = reading.rest[match.end() :]


def _fraction(reading: _Reading, piece: str) -> None:
    if piece[1] == "9":
        _free_fraction(reading)
        return
    match = _FRACTION.match(reading.rest[: len(piece)])
    if not match or len(match[0]) != len(piece):
        raise ValueError(f'cannot parse "{reading.rest}" as "{piece}"')
    reading.nanosecond = int(match[1][:9].ljust(9, "0"))
    reading.rest = reading.rest[len(piece) :]


def _offset(reading: _Reading, piece: str) -> None:
    if piece[0] == "Z" and reading.rest.startswith("Z"):
        reading.offset, reading.abbreviation, reading.rest = 0, "UTC", reading.rest[1:]
        return
    match = _OFFSETS[_OFFSET_FORMS[len(piece)]].match(reading.rest)
    if not match:
        raise ValueError(f'cannot parse "{reading.rest}" as "{piece}"')
    fields = [int(group) for group in match.groups()[1:]] + [0, 0]
    if fields[0] > 24 or fields[1] >= 60 or fields[2] >= 60:
        raise ValueError("time zone offset out of range")
    seconds = fields[0] * 3600 + fields[1] * 60 + fields[2]
    reading.offset = -seconds if match[1] == "-" else seconds
    reading.rest = reading.rest[match.end() :]


def _zone_name(reading: _Reading) -> None:
    if reading.rest.startswith("UTC"):
        reading.offset, reading.abbreviation, reading.rest = 0, "UTC", reading.rest[3:]
        return
    match = _ABBREVIATION.match(reading.rest)
    if not match:
        raise ValueError(f'cannot parse "{reading.rest}" as "MST"')
    reading.abbreviation = match[0]
    reading.rest = reading.rest[match.end() :]


def _build(reading: _Reading, place: zone.Zone) -> Time:
    if reading.afternoon is not None:
        reading.hour = reading.hour % 12 + (12 if reading.afternoon else 0)
    date = _date(reading)
    seconds = reading.hour * 3600 + reading.minute * 60 + reading.second
    if reading.offset is not None:
        return _with_offset(reading, date, seconds, place)
    if reading.abbreviation:
        offset = int(reading.abbreviation[3:]) * 3600 if re.match(r"GMT[+-]", reading.abbreviation) else 0
        return moment.from_clock(date, seconds, reading.nanosecond, zone.FixedZone(offset, reading.abbreviation))
    return moment.from_clock(date, seconds, reading.nanosecond, place)


def _with_offset(reading: _Reading, date: tuple[int, int, int], seconds: int, place: zone.Zone) -> Time:
    offset = reading.offset or 0
    if reading.abbreviation == "UTC":
        return moment.from_clock(date, seconds, reading.nanosecond, zone.UTC_ZONE)
    result = moment.from_clock(date, seconds, reading.nanosecond, zone.FixedZone(offset, reading.abbreviation))
    local_offset, local_name = place.at(result.unix)
    if local_offset == offset and reading.abbreviation in ("", local_name):
        return result.show_in(place)
    return result


def _date(reading: _Reading) -> tuple[int, int, int]:
    if reading.yearday:
        if reading.yearday > 365 + calendar.is_leap(reading.year):
            raise ValueError("day-of-year out of range")
        days = calendar.days_from_date(reading.year, 1, 1) + reading.yearday - 1
        return calendar.date_from_days(days)
    month, day = reading.month or 1, 1 if reading.day is None else reading.day
    if not 1 <= day <= calendar.month_length(reading.year, month):
        raise ValueError("day out of range")
    return reading.year, month, day


_READERS: dict[str, Callable[[_Reading], None]] = {
    "2006": _number("year", 4, 4, 0, 9999),
    "06": _short_year,
    "January": _name(calendar.MONTHS, None, "month"),
    "Jan": _name(calendar.MONTHS, 3, "month"),
    "Monday": _name(calendar.WEEKDAYS, None, ""),
    "Mon": _name(calendar.WEEKDAYS, 3, ""),
    "01": _number("month", 2, 2, 1, 12),
    "1": _number("month", 1, 2, 1, 12),
    "02": _number("day", 2, 2, 0, 99),
    "2": _number("day", 1, 2, 0, 99),
    "_2": _padded_day,
    "002": _number("yearday", 3, 3, 1, 366),
    "__2": _padded_yearday,
    "15": _number("hour", 1, 2, 0, 23),
    "03": _number("hour", 2, 2, 0, 12),
    "3": _number("hour", 1, 2, 0, 12),
    "04": _number("minute", 2, 2, 0, 59),
    "4": _number("minute", 1, 2, 0, 59),
    "05": _number("second", 2, 2, 0, 59),
    "5": _number("second", 1, 2, 0, 59),
    "PM": _half_day("AM", "PM"),
    "pm": _half_day("am", "pm"),
    "MST": _zone_name,
}
