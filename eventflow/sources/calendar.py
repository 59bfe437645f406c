"""`calendar`: an event at each tick of a schedule, or each so many seconds.

A tick's key is (EventSource, instant in UTC), and the cursor moves in the transaction that stores the event: a tick
comes once, whatever crashes. What was missed is caught up with `persistence.catchup`, bounded by its `maxDuration`;
without it, missed ticks are skipped. Argo's `persistence.configMap` is not needed. Source: Argo Events
pkg/eventsources/sources/calendar/start.go.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from eventflow.clock import rfc3339
from eventflow.errors import UserError
from eventflow.expressions import cron
from eventflow.expressions.calendar import Calendar
from eventflow.model.document import dumps
from eventflow.model.identity import event_key
from eventflow.sources import intake, ticks
from eventflow.sources.contract import Entry, Services, Source, SourcePlugin
from eventflow.sources.payloads.request import Received
from eventflow.store import sources
from eventflow.store.contract import Work


class CalendarSource:
    """Brings in the ticks of one calendar."""

    def __init__(self, entry: Entry, services: Services) -> None:
        self._entry = entry
        self._services = services
        self._calendar = parse(entry.config)
        self._catch_up = catch_up(entry.config)

    async def run(self) -> None:
        """Store an event at each tick; returns if the schedule has none left."""
        clock = self._services.clock
        position = await self._start()
        while True:
            due = self._calendar.next(self._honoured(position, clock.now()))
            if due is None:
                return
            await ticks.until(clock, due)
            position = due
            if self._catch_up is not None or clock.now() - due <= ticks.LATE:
                await self._tick(due)

    async def _start(self) -> float:
        """Return the last tick that was seen to; for a new calendar, now, kept so that a crash cannot move it."""
        now = self._services.clock.now()
        stored = await self._services.store.read(lambda: sources.get_cursor(self._entry.id))
        if stored is not None:
            return float(stored)
        await self._services.store.write(lambda: sources.set_cursor(self._entry.id, repr(now), now))
        return now

    def _honoured(self, position: float, now: float) -> float:
        """Return where to go on from: what lies further back than it is caught up is skipped.

        An interval keeps its phase.
        """
        back = ticks.LATE if self._catch_up is None else self._catch_up
        if now - position <= back:
            return position
        if self._calendar.schedule is None:
            missed = int((now - back - position) // self._calendar.interval)
            return position + missed * self._calendar.interval
        return now - back

    async def _tick(self, due: float) -> None:
        entry, now = self._entry, self._services.clock.now()
        key = event_key(entry.uid or entry.id, int(due) if due.is_integer() else due)
        received = Received(_data(entry, due), time=rfc3339(due))
        keep, why = intake.wanted(entry.config, received.data)

        def cursor() -> Work[None]:
            yield from sources.set_cursor(entry.id, repr(due), now)

        if not keep:
            self._services.metrics.events(entry.source_name, entry.event_name, "filtered").inc()
            await self._services.store.write(cursor)
            return
        del why
        await self._services.log.receive([intake.event_of(entry, received, key, now)], cursor)


def _data(entry: Entry, due: float) -> str:
    """Return Argo's data: the time as Go prints it; and ours, which other languages can read."""
    zone = cron.zone_named(str(entry.config.get("timezone") or ""))
    at = datetime.fromtimestamp(due, zone or UTC)
    members: dict[str, Any] = {
        "eventTime": at.strftime("%Y-%m-%d %H:%M:%S %z %Z"),
        "time": rfc3339(due),
    }
    if entry.config.get("metadata"):
        members["metadata"] = entry.config["metadata"]
    return dumps(members)


def parse(config: Mapping[str, Any]) -> Calendar:
    """Read a calendar's configuration. Raises UserError."""
    dst: cron.DstRule = "vixie" if config.get("dst") == "vixie" else "argo"
    return Calendar.parse(
        str(config.get("schedule") or ""),
        str(config.get("interval") or ""),
        str(config.get("timezone") or ""),
        config.get("exclusionDates") or (),
        dst=dst,
    )


def catch_up(config: Mapping[str, Any]) -> float | None:
    """Return how many seconds back missed ticks are brought in, None when they are not. Raises UserError."""
    held = (config.get("persistence") or {}).get("catchup") or {}
    if not held.get("enabled"):
        return None
    longest = str(held.get("maxDuration") or "")
    return cron.positive_seconds(longest, "persistence.catchup.maxDuration") if longest else float("inf")


def check(config: Mapping[str, Any]) -> None:
    """Raise UserError for a calendar that cannot work."""
    catch_up(config)
    if parse(config).next(0.0) is None:
        raise UserError("the calendar has no tick that is not excluded", hint="look at exclusionDates")


def build(entry: Entry, services: Services) -> Source:
    """Return the source of an entry."""
    return CalendarSource(entry, services)


PLUGIN = SourcePlugin("calendar", "ticks of a schedule or an interval", check, build)
