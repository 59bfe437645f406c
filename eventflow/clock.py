"""Time as a collaborator. Nothing but this module asks the machine what time it is."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is stored and shown; monotonic time for what is measured and awaited. Both in seconds."""

    def now(self) -> float:
        """Seconds since the Unix epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never stepping back."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def rfc3339(at: float) -> str:
    """Return an instant (seconds since the epoch) as Kubernetes writes it: `2026-11-22T20:40:37Z`."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_rfc3339(text: str) -> float:
    """Return the seconds since the epoch of an RFC 3339 text. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()
