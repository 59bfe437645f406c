"""`filters.time`: the time of day of the event (argo-events filter.go filterTime, pkg/shared/util ParseTime)."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from eventflow.sensors.decision import FilterError

_CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?$", re.ASCII)


def holds(window: Mapping[str, Any], event_time: str) -> bool:
    """Whether the event's time is in [start, stop), over midnight when stop is not after start.

    `timezone` (IANA) is the zone of start and stop, UTC without one. Raises FilterError("time") for a time or a zone
    that can not be read, and for an event without a time, which the peer takes for midnight of the year 1.
    """
    at = _instant(event_time)
    zone = _zone(str(window.get("timezone") or ""))
    day = at.astimezone(zone).date()
    start = _clock(str(window.get("start") or ""), day, zone)
    stop = _clock(str(window.get("stop") or ""), day, zone)
    if start < stop:
        return start <= at < stop
    return at >= start or at < stop


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise FilterError("time", f"the event's time {text!r} is not RFC 3339") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _zone(name: str) -> tzinfo:
    if name in ("", "UTC", "Local"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise FilterError(
            "time", f"unknown time zone {name!r}", hint="use an IANA name such as Europe/Berlin"
        ) from None


def _clock(text: str, day: date, zone: tzinfo) -> datetime:
    found = _CLOCK.match(text)
    if found is None:
        raise FilterError("time", f"{text!r} is not a time of day", hint="write HH:MM:SS")
    hour, minute, second, fraction = found.groups()
    micro = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        wall = datetime.combine(day, time(int(hour), int(minute), int(second), micro))
    except ValueError:
        raise FilterError("time", f"{text!r} is out of range", hint="write HH:MM:SS up to 23:59:59") from None
    return _resolved(wall, zone)


def _resolved(wall: datetime, zone: tzinfo) -> datetime:
    """Return the instant of a wall clock; where it is skipped or doubled, the one Go's time.Date chooses."""
    instant = wall.replace(tzinfo=UTC)
    guess = instant - _offset(instant, zone)
    return instant - _offset(guess, zone)


def _offset(instant: datetime, zone: tzinfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)
