"""CEL's timestamp and duration: whole nanoseconds, in the ranges that the language definition allows.

Source: cel-spec doc/langdef.md, "Abstract types" and "Date/Time"; text forms as in RFC 3339 and Go's time package.
"""

import datetime
import functools
import re
import zoneinfo

from eventflow.expressions.cel.errors import Failure

SECOND = 10**9
_EARLIEST = -62135596800 * SECOND
_LATEST = 253402300799 * SECOND + SECOND - 1
_LONGEST = 315576000000 * SECOND
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_RFC3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9})[0-9]*)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})\Z"
)
_OFFSET = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})\Z")
_UNITS = {"h": 3600 * SECOND, "m": 60 * SECOND, "s": SECOND, "ms": 10**6, "us": 10**3, "µs": 10**3, "ns": 1}
_TERM = re.compile(r"(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(ns|us|µs|ms|s|m|h)")
# Longer than any sensible text: keeps the caches small and the scanner short, whatever an event holds.
_LONGEST_TEXT = 64


class Nanoseconds:
    """A count of nanoseconds, compared only with its own kind."""

    __slots__ = ("ns",)

    def __init__(self, ns: int) -> None:
        self.ns = ns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Nanoseconds) and other.__class__ is self.__class__ and other.ns == self.ns

    def __hash__(self) -> int:
        return hash(self.ns)

    def __lt__(self, other: "Nanoseconds") -> bool:
        return self.ns < other.ns

    def __le__(self, other: "Nanoseconds") -> bool:
        return self.ns <= other.ns

    def __gt__(self, other: "Nanoseconds") -> bool:
        return self.ns > other.ns

    def __ge__(self, other: "Nanoseconds") -> bool:
        return self.ns >= other.ns


class Timestamp(Nanoseconds):
    """An instant: nanoseconds since 1970-01-01T00:00:00Z. Its text is RFC 3339 in UTC."""

    __slots__ = ()

    def __init__(self, ns: int) -> None:
        if not _EARLIEST <= ns <= _LATEST:
            raise Failure("timestamp out of range")
        super().__init__(ns)

    @classmethod
    def of(cls, moment: datetime.datetime) -> "Timestamp":
        """The instant of an aware datetime, to the microsecond."""
        since = moment - _EPOCH
        return cls((since.days * 86400 + since.seconds) * SECOND + since.microseconds * 1000)

    def datetime(self, zone: str | None = None) -> datetime.datetime:
        """The calendar fields (whole seconds) in `zone`, an IANA name or ±hh:mm; UTC by default."""
        moment = _EPOCH + datetime.timedelta(seconds=self.ns // SECOND)
        return moment if zone is None else moment.astimezone(_zone(zone))

    def __str__(self) -> str:
        moment = self.datetime().replace(tzinfo=None).isoformat()
        return f"{moment}{_fraction(self.ns % SECOND)}Z"

    __repr__ = __str__


class Duration(Nanoseconds):
    """A span of time, up to ten thousand years either way. Its text is in seconds, such as 1.5s."""

    __slots__ = ()

    def __init__(self, ns: int) -> None:
        if not -_LONGEST <= ns <= _LONGEST:
            raise Failure("duration out of range")
        super().__init__(ns)

    def __str__(self) -> str:
        seconds, rest = divmod(abs(self.ns), SECOND)
        return f"{'-' if self.ns < 0 else ''}{seconds}{_fraction(rest)}s"

    __repr__ = __str__


def _fraction(ns: int) -> str:
    return f".{ns:09d}".rstrip("0") if ns else ""


def _zone(name: str) -> datetime.tzinfo:
    if len(name) > _LONGEST_TEXT:
        raise Failure("unknown time zone")
    return _cached_zone(name)


@functools.lru_cache(256)
def _cached_zone(name: str) -> datetime.tzinfo:
    offset = _OFFSET.match(name)
    if offset:
        ahead = datetime.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return datetime.timezone(-ahead if offset[1] == "-" else ahead)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise Failure("unknown time zone") from None


def parse_timestamp(text: str) -> Timestamp:
    """RFC 3339 text to an instant. Raises Failure."""
    if len(text) > _LONGEST_TEXT:
        raise Failure("not an RFC 3339 timestamp")
    return _cached_timestamp(text)


@functools.lru_cache(4096)
def _cached_timestamp(text: str) -> Timestamp:
    match = _RFC3339.match(text)
    if match is None:
        raise Failure("not an RFC 3339 timestamp")
    try:
        moment = datetime.datetime(*(int(field) for field in match.groups()[:6]), tzinfo=datetime.UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        raise Failure("no such day or time") from None
    ns = Timestamp.of(moment).ns + int((match[7] or "0").ljust(9, "0"))
    offset = match[8]
    if offset not in "Zz":
        ahead = (int(offset[1:3]) * 3600 + int(offset[4:6]) * 60) * SECOND
        ns -= ahead if offset[0] == "+" else -ahead
    return Timestamp(ns)


def parse_duration(text: str) -> Duration:
    """Text such as 1h30m, -1.5s or 100ms to a span, as Go's time.ParseDuration. Raises Failure."""
    if len(text) > _LONGEST_TEXT:
        raise Failure("not a duration")
    return _cached_duration(text)


@functools.lru_cache(4096)
def _cached_duration(text: str) -> Duration:
    at = 1 if text[:1] in ("+", "-") else 0
    if text[at:] == "0":
        return Duration(0)
    if at == len(text):
        raise Failure("not a duration")
    total = 0
    while at < len(text):
        term = _TERM.match(text, at)
        if term is None:
            raise Failure("not a duration")
        fraction = term[2] or term[3] or ""
        unit = _UNITS[term[4]]
        total += int(term[1] or 0) * unit + int(fraction or 0) * unit // 10 ** len(fraction)
        at = term.end()
    return Duration(-total if text[0] == "-" else total)
