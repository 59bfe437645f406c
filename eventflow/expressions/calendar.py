"""A calendar event source's timing: a schedule or an interval, less the excluded days.

Rules by Argo Events (pkg/eventsources/sources/calendar/start.go, pkg/shared/util/recurrence.go).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Self
from zoneinfo import ZoneInfo

from eventflow.errors import UserError
from eventflow.expressions import cron, crontab

MOST_EXCLUDED: Final = 20_000

_EXCLUSION = re.compile(r"EXDATE(?:;[A-Z]+=[^:;]+)*:", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:T(\d{2}):?(\d{2}):?(\d{2})Z?)?", re.ASCII)
_EXCLUSION_HINT = "write EXDATE:20240306T000000Z, several separated by commas, or a plain date 2024-03-06"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Fires by a schedule or each `interval` seconds, but never on an excluded day of `zone` (None = UTC)."""

    schedule: cron.Schedule | None
    interval: float
    zone: ZoneInfo | None
    excluded: frozenset[date]

    @classmethod
    def parse(
        cls,
        schedule: str = "",
        interval: str = "",
        timezone: str = "",
        exclusions: Sequence[str] = (),
        *,
        dst: cron.DstRule = "argo",
    ) -> Self:
        """Read the fields of a calendar event source; a schedule wins over an interval. Raises UserError."""
        zone = cron.zone_named(timezone)
        excluded = frozenset(day for text in exclusions for day in excluded_days(text))
        if schedule:
            return cls(_schedule(schedule, timezone, dst), 0.0, zone, excluded)
        if not interval:
            raise UserError("a calendar needs a schedule or an interval", hint='schedule: "0 9 * * *" or interval: 10m')
        return cls(None, cron.positive_seconds(interval, "interval"), zone, excluded)

    def next(self, after: float) -> float | None:
        """Return the first instant later than `after`; None if the schedule gives none, or only excluded ones."""
        for _ in range(MOST_EXCLUDED):
            moment = self._step(after)
            if moment is None or datetime.fromtimestamp(moment, self.zone or UTC).date() not in self.excluded:
                return moment
            after = moment
        return None

    def _step(self, after: float) -> float | None:
        if self.schedule is not None:
            return self.schedule.next(after)
        return float(int(after // 1)) + self.interval


def _schedule(text: str, timezone: str, dst: cron.DstRule) -> cron.Schedule:
    """Read a schedule of five fields. A `CRON_TZ=` in front wins over the field `timezone`, as in Argo Events."""
    prefix, rest = cron.split_zone(text)
    if rest.startswith("@"):
        fields = crontab.DESCRIPTORS.get(rest)
        hint = f'write "{fields}"' if fields else "use interval: 1h instead of @every 1h"
        raise UserError(f"a calendar's schedule has five fields; {rest!r} is not accepted", hint=hint)
    return cron.Schedule.parse(text, None if prefix is not None else timezone, dst=dst)


def excluded_days(text: str) -> list[date]:
    """Read one entry of exclusionDates: `EXDATE:20240306T000000Z,…` or a plain date. The time of day is ignored.

    Argo Events overlooks every other form in silence; here a parameter (`EXDATE;TZID=…:`), small letters and plain
    dates count, and what is none of these is refused. Raises UserError.
    """
    found = _EXCLUSION.match(text)
    items = (text[found.end() :] if found else text).split(",")
    return [_day(item, text) for item in items]


def _day(item: str, text: str) -> date:
    found = _DAY.fullmatch(item.strip())
    if found is None:
        raise UserError(f"{text!r} is no excluded date", hint=_EXCLUSION_HINT)
    parts = [int(part or 0) for part in found.groups()]
    try:
        return datetime(*parts, tzinfo=UTC).date()  # type: ignore[misc,arg-type]
    except ValueError as cause:
        raise UserError(f"{item.strip()!r} is no date: {cause}", hint=_EXCLUSION_HINT) from cause
