"""Durations as Argo's manifests write them and its messages say them."""

from datetime import UTC, datetime
from typing import Any

from eventflow.expressions.golang import duration, text

_UNITS = (("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400), ("week", 604800))
MONTH = 30 * 86400
YEAR = 12 * MONTH
LONG_TIME = 37 * YEAR


def seconds(value: Any) -> float:
    """Return a duration in seconds: a bare integer, or Go's notation (`1h30m`). Raises ValueError.

    Source: Argo v4.1.2 workflow_types.go ParseStringToDuration.
    """
    written = str(value)
    try:
        return float(int(written))
    except ValueError:
        pass
    try:
        return duration.parse_duration(written)
    except ValueError as error:
        raise ValueError(f"unable to parse {written} as a duration: {error}") from None


def plain(value: float) -> str:
    """Return seconds as Go prints a float64: no trailing zeros, nine digits of fraction at most."""
    return text.format_value(round(value, 9) + 0.0)


def moment(at: float) -> str:
    """Return an instant (seconds since the epoch) as Go prints a time in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def words(value: float) -> str:
    """Return a duration in at most two units, as Argo's messages do: `1 minute 30 seconds`.

    Source: Argo v4.1.2 util/humanize/humanize.go Duration.
    """
    if value < 60:
        return _one_unit(value)
    if value < 3600:
        return f"{_one_unit(value)} {int(value % 60)} seconds"
    if value < 86400:
        return f"{_one_unit(value)} {int(value / 60 % 60)} minutes"
    return f"{_one_unit(value)} {int(value / 3600 % 24)} hours"


def _one_unit(value: float) -> str:
    if value < 1:
        return "0 seconds"
    if value >= LONG_TIME:
        return "a long while"
    unit, size = "second", 1
    for name, length in _UNITS:
        if value >= length:
            unit, size = name, length
    if value >= YEAR:
        unit, size = "year", YEAR
    elif value >= MONTH:
        unit, size = "month", MONTH
    count = int(value // size)
    return f"{count} {unit}{'' if count == 1 else 's'}"
