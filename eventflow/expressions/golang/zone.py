"""Time zones as Go's time.Location: UTC, a fixed offset, or a named zone of the zone data base."""

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

_EARLIEST = int(datetime(1, 1, 3, tzinfo=UTC).timestamp())
_LATEST = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())


class Zone(Protocol):
    """What a time needs of its zone."""

    @property
    def name(self) -> str:
        """The name that time.Location.String gives."""

    def at(self, seconds: int) -> tuple[int, str]:
        """Return the offset in seconds east of UTC and its abbreviation at a Unix time."""


@dataclass(frozen=True, slots=True)
class FixedZone:
    """A zone that never changes."""

    offset: int
    abbreviation: str

    @property
    def name(self) -> str:
        return self.abbreviation

    def at(self, seconds: int) -> tuple[int, str]:  # noqa: ARG002 - the same at any time
        return self.offset, self.abbreviation


@dataclass(frozen=True, slots=True)
class NamedZone:
    """A zone of the zone data base."""

    name: str

    def at(self, seconds: int) -> tuple[int, str]:
        moment = datetime.fromtimestamp(max(_EARLIEST, min(_LATEST, seconds)), _load(self.name))
        offset = moment.utcoffset()
        return (int(offset.total_seconds()) if offset else 0), moment.tzname() or self.name


UTC_ZONE = FixedZone(0, "UTC")


def load(name: str) -> Zone:
    """time.LoadLocation, with UTC as the local zone. Raises ValueError for a name that nobody knows."""
    if name in ("", "UTC", "Local"):
        return UTC_ZONE
    try:
        _load(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name}") from error
    return NamedZone(name)


def to_utc(local_seconds: int, zone: Zone) -> int:
    """Return the Unix time of a wall clock reading; in a gap or fold as Go's time.Date decides."""
    offset = zone.at(local_seconds)[0]
    if offset:
        offset = zone.at(local_seconds - offset)[0]
    return local_seconds - offset


@lru_cache(maxsize=64)
def _load(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)
