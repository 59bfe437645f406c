"""Functions of times. `now` is the environment's, the local zone is UTC."""

from typing import Any

from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.golang import duration, layout, layout_parse, moment, zone
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.golang.numbers import Int64, parse_int
from eventflow.expressions.sprig.signatures import define

_UNITS = (("y", 31_536_000), ("mo", 2_592_000), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_SECOND = 1_000_000_000


def _time(frame: Frame, value: Any) -> Time:
    """Return a time, or Unix seconds as one; anything else is now."""
    if isinstance(value, Time):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Time(value * _SECOND)
    return frame.environment.time()


def _date_in_zone(frame: Frame, pattern: str, value: Any, place: str) -> str:
    try:
        shown_in = zone.load(place)
    except ValueError:
        shown_in = zone.UTC_ZONE
    return layout.format_time(_time(frame, value).show_in(shown_in), pattern)


def _date(frame: Frame, pattern: str, value: Any) -> str:
    return _date_in_zone(frame, pattern, value, "UTC")


def _html_date(frame: Frame, value: Any, place: str = "UTC") -> str:
    return _date_in_zone(frame, "2006-01-02", value, place)


def _must_modify(change: str, time: Time) -> Time:
    return time.add(duration.parse(change))


def _modify(change: str, time: Time) -> Time:
    try:
        return _must_modify(change, time)
    except ValueError:
        return time


def _ago(frame: Frame, value: Any) -> str:
    passed = frame.environment.time().subtract(_time(frame, value))
    return str(passed.round(Duration(_SECOND)))


def _duration(value: Any) -> str:
    seconds = 0
    if isinstance(value, Int64):
        seconds = int(value)
    elif isinstance(value, str):
        try:
            seconds = parse_int(value)
        except ValueError:
            seconds = 0
    return str(Duration(seconds * _SECOND))


def _duration_round(frame: Frame, value: Any) -> str:
    length = 0
    if isinstance(value, Time):
        length = frame.environment.time().subtract(value).nanoseconds
    elif isinstance(value, Int64):
        length = int(value)
    elif isinstance(value, str):
        try:
            length = duration.parse(value).nanoseconds
        except ValueError:
            length = 0
    for unit, seconds in _UNITS:
        if abs(length) > seconds * _SECOND:
            return f"{abs(length) // (seconds * _SECOND)}{unit}"
    return "0s"


def _to_date(pattern: str, source: str) -> Time:
    try:
        return layout_parse.parse_time(pattern, source)
    except ValueError:
        return moment.ZERO


def _must_to_date(pattern: str, source: str) -> Time:
    try:
        return layout_parse.parse_time(pattern, source)
    except ValueError as error:
        raise Fault(str(error)) from error


FUNCTIONS = (
    define("now", "", lambda frame: frame.environment.time(), framed=True),
    define("ago", "a", _ago, framed=True),
    define("date", "sa", _date, framed=True),
    *(define(name, "sas", _date_in_zone, framed=True) for name in ("dateInZone", "date_in_zone")),
    *(define(name, "st", _modify) for name in ("dateModify", "date_modify")),
    *(define(name, "st", _must_modify) for name in ("mustDateModify", "must_date_modify")),
    define("htmlDate", "a", _html_date, framed=True),
    define("htmlDateInZone", "as", _html_date, framed=True),
    define("toDate", "ss", _to_date),
    define("mustToDate", "ss", _must_to_date),
    define("unixEpoch", "t", lambda time: str(time.unix)),
    define("duration", "a", _duration),
    define("durationRound", "a", _duration_round, framed=True),
)
