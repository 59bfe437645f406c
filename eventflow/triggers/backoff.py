"""When a trigger that failed is tried again: a sensor's `retryStrategy`.

Source of the fields: Argo Events pkg/apis/events/v1alpha1/common.go Backoff (`steps` counts attempts, a bare number as
`duration` counts nanoseconds). Unlike Argo Events, whose retries need `atLeastOnce: true`, they always apply.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from eventflow.errors import UserError
from eventflow.expressions.golang import duration

LONGEST = 300.0
"""No wait is longer than this many seconds, unless `duration` itself is."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """`steps` attempts; the wait after the first is `seconds`, each further one `factor` times as long.

    `jitter` adds up to that share of the wait. The defaults, ten attempts over nine minutes, hold without a strategy.
    """

    steps: int = 10
    seconds: float = 1.0
    factor: float = 2.0
    jitter: float = 0.1

    @classmethod
    def parse(cls, strategy: Mapping[str, Any] | None) -> Self:
        """Read a `retryStrategy`. Raises UserError."""
        given = strategy or {}
        default = cls()
        return cls(
            steps=max(1, int(given.get("steps") or default.steps)),
            seconds=_seconds(given["duration"]) if given.get("duration") else default.seconds,
            factor=_number(given, "factor", default.factor),
            jitter=_number(given, "jitter", default.jitter),
        )

    def wait(self, attempt: int, name: str) -> float | None:
        """Return the seconds to wait after a failed attempt (from 1), None when it was the last.

        `name` decides the jitter, so that a wait can be computed twice.
        """
        if attempt >= self.steps:
            return None
        longest = max(LONGEST, self.seconds)
        length = min(self.seconds * self.factor ** min(attempt - 1, 64), longest)
        share = int.from_bytes(hashlib.sha256(f"{name} {attempt}".encode()).digest()[:4]) / 2**32
        return length * (1 + self.jitter * share)

    def to_json(self) -> dict[str, Any]:
        """Return the strategy as the outbox keeps it; `Backoff(**record)` reads it."""
        return {"steps": self.steps, "seconds": self.seconds, "factor": self.factor, "jitter": self.jitter}


def _seconds(value: Any) -> float:
    text = str(value)
    if text.isdigit():
        return int(text) / 1e9
    try:
        return duration.parse_duration(text)
    except ValueError as error:
        raise UserError(
            f"retryStrategy.duration {text!r} is no duration", hint="write a number with a unit, as in 10s or 1m30s"
        ) from error


def _number(given: Mapping[str, Any], name: str, default: float) -> float:
    try:
        return float(given[name]) if given.get(name) is not None else default
    except ValueError as error:
        raise UserError(f"retryStrategy.{name} {given[name]!r} is no number", hint='write for example "2"') from error
