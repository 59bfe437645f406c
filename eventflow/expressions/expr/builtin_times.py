"""Builtins over times (expr-lang v1.17 builtin). `now()` is the environment's."""

from collections.abc import Sequence
from typing import Any

from eventflow.expressions.expr import kinds
from eventflow.expressions.expr.builtin_texts import need_text
from eventflow.expressions.expr.errors import Fault
from eventflow.expressions.expr.frame import Frame
from eventflow.expressions.expr.functions import Function, overloads
from eventflow.expressions.expr.kinds import ANY, DURATION, LOCATION, STRING, TIME, Kind
from eventflow.expressions.golang import duration, layout, layout_parse, zone
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.golang.zone import FixedZone, NamedZone, Zone

_LAYOUTS = (
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    layout.RFC3339,
    layout.RFC822,
    layout.RFC850,
    layout.RFC1123,
)


def _now(frame: Frame, arguments: Sequence[Any]) -> Time:
    now = frame.environment.time()
    if not arguments:
        return now
    if isinstance(arguments[0], FixedZone | NamedZone):
        return now.show_in(arguments[0])
    raise Fault(f"invalid number of arguments (expected 0, got {len(arguments)})")


def _duration(_: Frame, arguments: Sequence[Any]) -> Duration:
    try:
        return duration.parse(need_text(arguments[0]))
    except ValueError as error:
        raise Fault(str(error)) from error


def load_zone(name: str) -> Zone:
    """Return a zone by name. Raises Fault."""
    try:
        return zone.load(name)
    except ValueError as error:
        raise Fault(str(error)) from error


def read_time(pattern: str, source: str, place: Zone) -> Time:
    """Return a time read by a layout. Raises Fault."""
    try:
        return layout_parse.parse_time(pattern, source, place)
    except ValueError as error:
        raise Fault(str(error)) from error


def _date(_: Frame, arguments: Sequence[Any]) -> Time:
    given, place = list(arguments), None
    if isinstance(given[0], FixedZone | NamedZone):
        place = given.pop(0)
    texts = [need_text(value) for value in given]
    if len(texts) == 3:
        place = load_zone(texts[2])
    if len(texts) > 1:
        return read_time(texts[1], texts[0], place or zone.UTC_ZONE)
    for pattern in _LAYOUTS if texts else ():
        try:
            return layout_parse.parse_time(pattern, texts[0], place or zone.UTC_ZONE)
        except ValueError:
            continue
    raise Fault(f"invalid date {texts[0] if texts else ''}")


def _check_date(given: Sequence[Kind]) -> Kind:
    if not given:
        raise Fault("invalid number of arguments (expected at least 1, got 0)")
    if len(given) - (given[0] == LOCATION) > 3:
        raise Fault(f"invalid number of arguments (expected at most 3, got {len(given)})")
    return TIME


def _check_now(given: Sequence[Kind]) -> Kind:
    if given and (len(given) > 1 or given[0] not in (LOCATION, ANY)):
        raise Fault(f"invalid number of arguments (expected 0, got {len(given)})")
    return TIME


def _timezone(_: Frame, arguments: Sequence[Any]) -> Zone:
    return load_zone(need_text(arguments[0]))


FUNCTIONS = (
    Function("now", _now, _check_now),
    Function("duration", _duration, overloads("duration", ((STRING,), DURATION))),
    Function("date", _date, _check_date),
    Function("timezone", _timezone, overloads("timezone", ((STRING,), kinds.LOCATION))),
)
