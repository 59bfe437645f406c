"""Go's time.Time: an instant to the nanosecond together with the zone it is shown in."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from eventflow.expressions.golang import calendar
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.zone import UTC_ZONE, Zone, to_utc

_BILLION = 1_000_000_000


class Clock(NamedTuple):
    """A calendar reading of a time in its zone. `weekday` is 0 for Sunday, `offset` in seconds east of UTC."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    weekday: int
    yearday: int
    offset: int
    abbreviation: str


@dataclass(frozen=True, slots=True)
class Time:
    """`nanoseconds` since 1970-01-01T00:00:00Z, shown in `zone`. Equality is of both."""

    nanoseconds: int
    zone: Zone = UTC_ZONE

    @property
    def unix(self) -> int:
        """Whole seconds since 1970."""
        return self.nanoseconds // _BILLION

    def clock(self) -> Clock:
        """Return the calendar reading."""
        seconds = self.unix
        offset, abbreviation = self.zone.at(seconds)
        days, rest = divmod(seconds + offset, calendar.DAY)
        year, month, day = calendar.date_from_days(days)
        return Clock(
            year,
            month,
            day,
            rest // 3600,
            rest % 3600 // 60,
            rest % 60,
            self.nanoseconds % _BILLION,
            calendar.weekday(days),
            days - calendar.days_from_date(year, 1, 1) + 1,
            offset,
            abbreviation,
        )

    def days(self) -> int:
        """Return the local day as days since 1970-01-01."""
        return (self.unix + self.zone.at(self.unix)[0]) // calendar.DAY

    def show_in(self, place: Zone) -> "Time":
        """time.Time.In."""
        return replace(self, zone=place)

    def add(self, length: Duration) -> "Time":
        """time.Time.Add."""
        return replace(self, nanoseconds=self.nanoseconds + length.nanoseconds)

    def subtract(self, other: "Time") -> Duration:
        """time.Time.Sub."""
        return Duration(self.nanoseconds - other.nanoseconds)

    def add_date(self, years: int, months: int, days: int) -> "Time":
        """time.Time.AddDate: the wall clock stays, a day past the month's end carries over."""
        now = self.clock()
        return from_clock(
            (now.year + years, now.month + months, now.day + days),
            now.hour * 3600 + now.minute * 60 + now.second,
            now.nanosecond,
            self.zone,
        )

    def truncate(self, unit: Duration) -> "Time":
        """time.Time.Truncate: down to a multiple of `unit` counted from year 1."""
        if unit.nanoseconds <= 0:
            return self
        return replace(self, nanoseconds=self.nanoseconds - (self.nanoseconds - ZERO.nanoseconds) % unit.nanoseconds)

    def round(self, unit: Duration) -> "Time":
        """time.Time.Round: to the nearest multiple of `unit`, halves up."""
        if unit.nanoseconds <= 0:
            return self
        rest = (self.nanoseconds - ZERO.nanoseconds) % unit.nanoseconds
        up = unit.nanoseconds if rest * 2 >= unit.nanoseconds else 0
        return replace(self, nanoseconds=self.nanoseconds - rest + up)


def from_clock(date: tuple[int, int, int], seconds_of_day: int, nanosecond: int, place: Zone) -> Time:
    """Return the time of a wall clock reading in a zone; `date` is (year, month, day)."""
    local = calendar.days_from_date(*date) * calendar.DAY + seconds_of_day
    return Time(to_utc(local, place) * _BILLION + nanosecond, place)


def from_unix(seconds: float) -> Time:
    """Return a UTC time from Unix seconds."""
    whole = int(seconds // 1)
    return Time(whole * _BILLION + round((seconds - whole) * _BILLION))


ZERO = from_clock((1, 1, 1), 0, 0, UTC_ZONE)
