"""Elements, map entries and methods: what `base.name` and `base[key]` give (expr-lang v1.17 vm/runtime Fetch)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from eventflow.expressions.expr import operators
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.functions import OpenMap, method
from eventflow.expressions.golang import calendar, layout, moment, text
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.golang.structs import Struct
from eventflow.expressions.golang.zone import UTC_ZONE, FixedZone, NamedZone


def fetch(base: Any, key: Any) -> Any:
    """Return a member. A map gives nil for what it lacks; everything else raises Fault."""
    if isinstance(base, dict):
        if not isinstance(key, str) and not isinstance(base, OpenMap):
            raise Fault(f"cannot use {text.type_name(key)} as a key of a map")
        return base.get(key)
    if isinstance(base, list | str | bytes):
        return _element(base, operators.to_integer(key))
    found = _method(base, key)
    if found is None:
        raise Fault(f"cannot fetch {text.format_value(key)} from {text.type_name(base)}")
    return found


def get(base: Any, key: Any) -> Any:
    """Return a member, nil for what is not there (the builtin `get`)."""
    if base is None:
        return None
    if isinstance(base, list | str | bytes):
        index = operators.to_integer(key)
        return _element(base, index) if -len(base) <= index < len(base) else None
    return fetch(base, key) if isinstance(base, dict) else _method(base, key)


def _element(base: list[Any] | str | bytes, index: int) -> Any:
    items = text.to_bytes(base) if isinstance(base, str) else base
    position = index + len(items) if index < 0 else index
    if not 0 <= position < len(items):
        raise Fault(f"index out of range: {position} (array length is {len(items)})")
    return items[position]


def _method(base: Any, key: Any) -> Any:
    if isinstance(base, Struct) and isinstance(key, str):
        try:
            return base.member(key)
        except KeyError:
            return None
    for kind, table in _METHODS:
        if isinstance(base, kind) and key in table:
            low, high, run = table[key]
            return method(key, low, high, partial(run, base))
    return None


_Table = Mapping[str, tuple[int, int, Callable[..., Any]]]


def _need(kind: type, value: object) -> Any:
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise Fault(f"cannot use {text.type_name(value)} as argument of type {kind.__name__}")


def _reader(read: Callable[[moment.Clock], Any]) -> tuple[int, int, Callable[[Time], Any]]:
    return 0, 0, lambda time: read(time.clock())


def _compare(left: Time, right: Time) -> int:
    return (left.nanoseconds > right.nanoseconds) - (left.nanoseconds < right.nanoseconds)


def _add_date(time: Time, years: object, months: object, days: object) -> Time:
    return time.add_date(*(_need(int, amount) for amount in (years, months, days)))


def _format(time: Time, pattern: object) -> str:
    return layout.format_time(time, _need(str, pattern))


_TIME: _Table = {
    "Year": _reader(lambda clock: clock.year),
    "Month": _reader(lambda clock: text.Month(clock.month)),
    "Day": _reader(lambda clock: clock.day),
    "Hour": _reader(lambda clock: clock.hour),
    "Minute": _reader(lambda clock: clock.minute),
    "Second": _reader(lambda clock: clock.second),
    "Nanosecond": _reader(lambda clock: clock.nanosecond),
    "Weekday": _reader(lambda clock: text.Weekday(clock.weekday)),
    "YearDay": _reader(lambda clock: clock.yearday),
    "Zone": _reader(lambda clock: clock.abbreviation),
    "Date": _reader(lambda clock: clock.year),
    "Clock": _reader(lambda clock: clock.hour),
    "ISOWeek": (0, 0, lambda time: calendar.iso_week(time.days())[0]),
    "Unix": (0, 0, lambda time: time.unix),
    "UnixMilli": (0, 0, lambda time: time.nanoseconds // 1_000_000),
    "UnixMicro": (0, 0, lambda time: time.nanoseconds // 1_000),
    "UnixNano": (0, 0, lambda time: time.nanoseconds),
    "UTC": (0, 0, lambda time: time.show_in(UTC_ZONE)),
    "Local": (0, 0, lambda time: time.show_in(UTC_ZONE)),
    "Location": (0, 0, lambda time: time.zone),
    "IsZero": (0, 0, lambda time: time.nanoseconds == moment.ZERO.nanoseconds),
    "String": (0, 0, text.format_value),
    "Format": (1, 1, _format),
    "In": (1, 1, lambda time, zone: time.show_in(zone if isinstance(zone, NamedZone) else _need(FixedZone, zone))),
    "Add": (1, 1, lambda time, length: time.add(_need(Duration, length))),
    "Sub": (1, 1, lambda time, other: time.subtract(_need(Time, other))),
    "AddDate": (3, 3, _add_date),
    "Truncate": (1, 1, lambda time, unit: time.truncate(_need(Duration, unit))),
    "Round": (1, 1, lambda time, unit: time.round(_need(Duration, unit))),
    "After": (1, 1, lambda time, other: _compare(time, _need(Time, other)) > 0),
    "Before": (1, 1, lambda time, other: _compare(time, _need(Time, other)) < 0),
    "Equal": (1, 1, lambda time, other: _compare(time, _need(Time, other)) == 0),
    "Compare": (1, 1, lambda time, other: _compare(time, _need(Time, other))),
}
_DURATION: _Table = {
    "Hours": (0, 0, lambda length: length.nanoseconds / 3.6e12),
    "Minutes": (0, 0, lambda length: length.nanoseconds / 6e10),
    "Seconds": (0, 0, lambda length: length.nanoseconds / 1e9),
    "Milliseconds": (0, 0, lambda length: int(length.nanoseconds / 1_000_000)),
    "Microseconds": (0, 0, lambda length: int(length.nanoseconds / 1_000)),
    "Nanoseconds": (0, 0, lambda length: length.nanoseconds),
    "String": (0, 0, str),
    "Abs": (0, 0, lambda length: Duration(abs(length.nanoseconds))),
    "Truncate": (1, 1, lambda length, unit: length.truncate(_need(Duration, unit))),
    "Round": (1, 1, lambda length, unit: length.round(_need(Duration, unit))),
}
_NAMED: _Table = {"String": (0, 0, text.format_value)}
_METHODS: tuple[tuple[type, _Table], ...] = (
    (Time, _TIME),
    (Duration, _DURATION),
    (text.Month, _NAMED),
    (text.Weekday, _NAMED),
    (FixedZone, _NAMED),
    (NamedZone, _NAMED),
)
