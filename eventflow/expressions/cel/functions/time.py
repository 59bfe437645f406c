"""Fields of timestamps and durations; months and days count from 0.

Source: cel-spec doc/langdef.md, "Date/Time Functions".
"""

import datetime
from collections.abc import Callable
from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.temporal import SECOND, Timestamp
from eventflow.expressions.cel.values import no_overload

_Moment = datetime.datetime


def _calendar(name: str, read: Callable[[_Moment], int]) -> Function:
    def field(timestamp: Timestamp, zone: str | None = None) -> int:
        return read(_local(timestamp, zone))

    return define(name, field, "timestamp, string", "int", required=1)


def _local(timestamp: Timestamp, zone: str | None) -> _Moment:
    try:
        return timestamp.datetime(zone)
    except OverflowError:
        raise Failure("timestamp out of range in this time zone") from None


def _clock(name: str, read: Callable[[_Moment], int], unit: int) -> Function:
    """A field of the time of day; of a duration it is the whole length in that unit."""

    def field(value: Any, zone: str | None = None) -> int:
        if value.__class__ is Timestamp:
            return read(_local(value, zone))
        if zone is not None:
            raise no_overload(name, value, zone)
        return _whole(value.ns, unit)

    return define(name, field, "timestamp|duration, string", "int", required=1)


def _milliseconds(value: Any, zone: str | None = None) -> int:
    if value.__class__ is Timestamp:
        # Zones differ by whole seconds, but an unknown one is still an error.
        _local(value, zone)
        return int(value.ns % SECOND // 10**6)
    if zone is not None:
        raise no_overload("getMilliseconds", value, zone)
    # Of a duration, too, it is the part below a second, as the conformance tests have it.
    return _whole(value.ns, 10**6) % (1000 if value.ns >= 0 else -1000)


def _whole(ns: int, unit: int) -> int:
    return abs(ns) // unit * (1 if ns >= 0 else -1)


FUNCTIONS: tuple[Function, ...] = (
    _calendar("getFullYear", lambda moment: moment.year),
    _calendar("getMonth", lambda moment: moment.month - 1),
    _calendar("getDate", lambda moment: moment.day),
    _calendar("getDayOfMonth", lambda moment: moment.day - 1),
    _calendar("getDayOfWeek", lambda moment: moment.isoweekday() % 7),
    _calendar("getDayOfYear", lambda moment: moment.timetuple().tm_yday - 1),
    _clock("getHours", lambda moment: moment.hour, 3600 * SECOND),
    _clock("getMinutes", lambda moment: moment.minute, 60 * SECOND),
    _clock("getSeconds", lambda moment: moment.second, SECOND),
    define("getMilliseconds", _milliseconds, "timestamp|duration, string", "int", required=1),
)
