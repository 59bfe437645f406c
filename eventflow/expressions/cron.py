"""When a schedule fires: robfig/cron v3.0.1's semantics, as Argo has them, or Vixie cron's across clock changes.

Pure: the caller says what time it is, in seconds since the epoch. Rules by robfig/cron v3.0.1 (parser.go, spec.go,
constantdelay.go) and, for `dst="vixie"`, Debian's cron(8).
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Literal, Self
from zoneinfo import ZoneInfo

from eventflow.errors import UserError
from eventflow.expressions import crontab
from eventflow.expressions.golang import duration

DstRule = Literal["argo", "vixie"]

DAY_SECONDS: Final = 86400
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
YEARS_SEARCHED: Final = 40

_ZONE_PREFIX = re.compile(r"(?:CRON_)?TZ=(\S*)\s+")


def zone_named(name: str) -> ZoneInfo | None:
    """Return the IANA time zone of that name; None stands for UTC. Raises UserError.

    The empty name and `Local` are UTC, as in Argo's containers.
    """
    if name in ("", "UTC", "Local"):
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as cause:
        raise UserError(
            f"unknown time zone {name!r}", hint="use an IANA name such as Europe/Berlin or America/New_York"
        ) from cause


def split_zone(text: str) -> tuple[str | None, str]:
    """Take a leading `CRON_TZ=Zone ` or `TZ=Zone ` off a schedule: (zone name or None, the rest)."""
    found = _ZONE_PREFIX.match(text)
    return (found[1], text[found.end() :].strip()) if found else (None, text)


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule: crontab fields in a time zone, or a fixed interval (`@every`, whole seconds)."""

    text: str
    crontab: crontab.Crontab | None
    interval: int
    zone: ZoneInfo | None
    dst: DstRule

    @classmethod
    def parse(cls, text: str, timezone: str | None = None, *, dst: DstRule = "argo") -> Self:
        """Read a CronWorkflow's schedule. `timezone` is the field beside it.

        With `dst="argo"` a time that the clock skips is left out and a time that it repeats comes twice; with "vixie"
        a job for a set time of day runs once, at the end of the gap or the first of the two. Raises UserError for a
        bad field, an unknown zone, a zone given twice, and a schedule that can never fire.
        """
        prefix, rest = split_zone(text)
        if prefix is not None and timezone:
            raise UserError(
                f"the time zone is given twice: {timezone!r} and in the schedule {text!r}", hint="keep one of them"
            )
        zone = zone_named(prefix if prefix is not None else timezone or "")
        if rest.startswith("@every "):
            return cls(text, None, _interval(rest), zone, dst)
        if rest.startswith("@") and rest not in crontab.DESCRIPTORS:
            known = ", ".join([*crontab.DESCRIPTORS, "@every 5m"])
            raise UserError(f"unknown schedule {rest!r}", hint=f"known are {known}")
        return cls(text, crontab.parse(rest), 0, zone, dst)

    def next(self, after: float) -> float | None:
        """Return the first instant later than `after` at which this fires; None if there is none within 40 years."""
        if self.crontab is None:
            return float(int(after // 1) + self.interval)
        first = int(after // 1) + 1
        if self.zone is None:
            return _as_float(_next_wall(self.crontab, first))
        if self.dst == "vixie" and self.crontab.fixed:
            return _as_float(_next_once(self.crontab, self.zone, first))
        return _as_float(_next_real(self.crontab, self.zone, first))


def _as_float(value: int | None) -> float | None:
    return None if value is None else float(value)


def _interval(text: str) -> int:
    """Return the whole seconds of `@every D`; what is below one second counts as one (robfig's Every)."""
    return max(1, int(positive_seconds(text.removeprefix("@every "), "@every")))


def positive_seconds(text: str, name: str) -> float:
    """Return the seconds of a Go duration such as `1h30m`. Raises UserError where it is none or not above zero."""
    try:
        length = duration.parse_duration(text)
    except ValueError as cause:
        raise UserError(
            f"{name} {text!r} is no duration: {str(cause).removeprefix('time: ')}",
            hint="write a number with a unit, as in 90s, 1h30m or 500ms; a day is 24h",
        ) from cause
    if length <= 0:
        raise UserError(f"{name} {text!r} must be longer than zero")
    return length


def _offset(zone: ZoneInfo, instant: int) -> int:
    """Return how many seconds the zone's wall clock is ahead of UTC at that instant."""
    delta = datetime.fromtimestamp(instant, zone).utcoffset()
    assert delta is not None
    return int(delta.total_seconds())


def _next_real(fields: crontab.Crontab, zone: ZoneInfo, at: int) -> int | None:
    """Walk real time, one stretch of constant offset within a local day after the other.

    Skipped wall times never come up that way and repeated ones come up twice.
    """
    while True:
        offset = _offset(zone, at)
        wall = at + offset
        midnight = at + DAY_SECONDS - wall % DAY_SECONDS
        change = _change(zone, at, midnight, offset)
        found = _next_wall(fields, wall)
        if found is None:
            return None
        if found - offset < (change or midnight):
            return found - offset
        at = change or max(midnight, _instant(zone, found - found % DAY_SECONDS))


def _next_once(fields: crontab.Crontab, zone: ZoneInfo, at: int) -> int | None:
    """Walk wall time; each match is one instant, the first that is not before it on the real clock."""
    wall = at + _offset(zone, at)
    while True:
        found = _next_wall(fields, wall)
        if found is None:
            return None
        instant = _instant(zone, found)
        if instant + _offset(zone, instant) != found:
            offset = _offset(zone, instant)
            instant = _change(zone, instant - DAY_SECONDS, instant, _offset(zone, instant - DAY_SECONDS)) or (
                found - offset
            )
        if instant >= at:
            return instant
        wall = found + 60


def _instant(zone: ZoneInfo, wall: int) -> int:
    """Return the first instant at which the zone's clock shows `wall` (seconds since 1970 on that clock)."""
    return int(datetime.fromtimestamp(wall, UTC).replace(tzinfo=zone).timestamp())


def _change(zone: ZoneInfo, after: int, until: int, offset: int) -> int | None:
    """Return the instant in (after, until] from which the offset is another one, None if it stays."""
    if _offset(zone, until) == offset:
        return None
    low, high = after, until
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle) == offset:
            low = middle
        else:
            high = middle
    return high


def _next_wall(fields: crontab.Crontab, wall: int) -> int | None:
    """Return the first matching wall time at or after `wall`, both seconds since 1970 on a clock that never changes."""
    day_number, second = divmod(wall, DAY_SECONDS)
    day = date.fromordinal(EPOCH_ORDINAL + day_number)
    if day.month in fields.months and fields.matches_day(day.day, day.isoweekday() % 7):
        index = bisect_left(fields.times, second)
        if index < len(fields.times):
            return day_number * DAY_SECONDS + fields.times[index]
    following = _next_day(fields, day)
    return None if following is None else (following - EPOCH_ORDINAL) * DAY_SECONDS + fields.times[0]


def _next_day(fields: crontab.Crontab, after: date) -> int | None:
    """Return the ordinal of the first matching day later than `after`."""
    year, month, first = after.year, after.month, after.day + 1
    while year <= min(after.year + YEARS_SEARCHED, date.max.year):
        if month in fields.months:
            found = _day_in_month(fields, year, month, first)
            if found is not None:
                return found
        year, month, first = (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)
    return None


def _day_in_month(fields: crontab.Crontab, year: int, month: int, first: int) -> int | None:
    start = date(year, month, 1).toordinal()
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    length = 28 if month == 2 and not leap else crontab.DAYS_IN_MONTH[month]
    for day in range(first, length + 1):
        ordinal = start + day - 1
        if fields.matches_day(day, ordinal % 7):
            return ordinal
    return None
