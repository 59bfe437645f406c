"""The five fields of a crontab line, read by the rules of robfig/cron v3.0.1, which both Argo projects use.

Where the text is a mistake that robfig lets pass (an empty list item, a date that no month has), it is refused here;
docs/differences-cron.md lists these.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from eventflow.errors import UserError

DAYS_IN_MONTH: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
DESCRIPTORS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_NUMBER = re.compile(r"[-+]?[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one field may hold."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)


_MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY_NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
MINUTE: Final = Bounds("minute", 0, 59)
HOUR: Final = Bounds("hour", 0, 23)
DAY: Final = Bounds("day of month", 1, 31)
MONTH: Final = Bounds("month", 1, 12, {name: number for number, name in enumerate(_MONTH_NAMES, 1)})
WEEKDAY: Final = Bounds("day of week", 0, 6, {name: number for number, name in enumerate(_DAY_NAMES)})


@dataclass(frozen=True, slots=True)
class Field:
    """The values that match, and whether the field is a star (a star with a step above 1 is none)."""

    values: frozenset[int]
    star: bool


@dataclass(frozen=True, slots=True)
class Crontab:
    """A parsed line: seconds of the day and the days on which they apply.

    `either_day`: neither day field is a star, so one of them is enough. `fixed`: minute and hour do not start with a
    star, which Vixie cron treats as a job for a set time of day.
    """

    times: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    fixed: bool

    def matches_day(self, day: int, weekday: int) -> bool:
        """Tell whether a day of a month (1-31) that is a weekday (0 = Sunday) fits both day fields."""
        if self.either_day:
            return day in self.days or weekday in self.weekdays
        return day in self.days and weekday in self.weekdays


def parse(text: str) -> Crontab:
    """Read five fields or a descriptor such as `@daily` (not `@every`). Raises UserError."""
    fields = DESCRIPTORS.get(text, text).split()
    if len(fields) != 5:
        raise UserError(
            f"a schedule has 5 fields (minute, hour, day of month, month, day of week); {text!r} has {len(fields)}",
            hint="seconds are not supported; use @every 30s for that" if len(fields) == 6 else None,
        )
    minute, hour, day, month, weekday = (
        _field(part, bounds) for part, bounds in zip(fields, (MINUTE, HOUR, DAY, MONTH, WEEKDAY), strict=True)
    )
    either_day = not day.star and not weekday.star
    if not either_day:
        _refuse_impossible_date(text, day.values, month.values)
    return Crontab(
        times=tuple(h * 3600 + m * 60 for h in sorted(hour.values) for m in sorted(minute.values)),
        days=day.values,
        months=month.values,
        weekdays=weekday.values,
        either_day=either_day,
        fixed=not fields[0].startswith("*") and not fields[1].startswith("*"),
    )


def _refuse_impossible_date(text: str, days: frozenset[int], months: frozenset[int]) -> None:
    if min(days) > max(DAYS_IN_MONTH[month] for month in months):
        raise UserError(
            f"the schedule {text!r} never fires: no such day in the months given", hint="correct the day or the month"
        )


def _field(text: str, bounds: Bounds) -> Field:
    values: set[int] = set()
    star = False
    for item in text.split(","):
        if not item:
            raise UserError(f"empty item in the {bounds.name} field {text!r}", hint="remove the spare comma")
        found = _item(item, bounds)
        values |= found.values
        star = star or found.star
    return Field(frozenset(values), star)


def _item(text: str, bounds: Bounds) -> Field:
    span, *steps = text.split("/")
    if len(steps) > 1:
        raise UserError(f"too many slashes in {text!r} ({bounds.name})")
    step = _number(steps[0], text, bounds) if steps else 1
    low, high, star = _span(span, text, bounds)
    if steps and not star and "-" not in span:
        high = bounds.high
    _check_span(low, high, step, text, bounds)
    return Field(frozenset(range(low, high + 1, step)), star and step == 1)


def _span(span: str, text: str, bounds: Bounds) -> tuple[int, int, bool]:
    """Return first value, last value and whether the span is a star. robfig ignores what follows `*-`."""
    ends = span.split("-")
    if ends[0] in ("*", "?"):
        return bounds.low, bounds.high, True
    if len(ends) > 2:
        raise UserError(f"too many hyphens in {text!r} ({bounds.name})")
    low = _value(ends[0], text, bounds)
    return low, (_value(ends[1], text, bounds) if len(ends) == 2 else low), False


def _check_span(low: int, high: int, step: int, text: str, bounds: Bounds) -> None:
    if low < bounds.low or high > bounds.high:
        hint = "Sunday is 0" if bounds is WEEKDAY and high == 7 else None
        raise UserError(f"{text!r} is outside of {bounds.low}-{bounds.high} ({bounds.name})", hint=hint)
    if low > high:
        raise UserError(f"the range {text!r} ends before it begins ({bounds.name})")
    if step == 0:
        raise UserError(f"the step in {text!r} must be at least 1 ({bounds.name})")


def _value(text: str, whole: str, bounds: Bounds) -> int:
    named = bounds.names.get(text.lower())
    return _number(text, whole, bounds) if named is None else named


def _number(text: str, whole: str, bounds: Bounds) -> int:
    if not _NUMBER.fullmatch(text) or int(text) < 0:
        names = f" or a name such as {next(iter(bounds.names)).upper()}" if bounds.names else ""
        raise UserError(
            f"{whole!r} is no value for {bounds.name}", hint=f"a number {bounds.low}-{bounds.high}{names}, * or a range"
        )
    return int(text)
