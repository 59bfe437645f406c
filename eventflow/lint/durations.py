"""Lengths of time and numbers in manifests, unless a tag fills them in later."""

from eventflow.expressions.golang import duration
from eventflow.lint.findings import Place, Report


def check(place: Place, report: Report, *, bare: bool) -> None:
    """Check a Go duration such as `1h30m`; `bare`: a whole number counts seconds."""
    text = place.text()
    if not text or "{{" in text or (bare and text.lstrip("+-").isdigit()):
        return
    try:
        duration.parse(text)
    except ValueError as error:
        hint = "write a number with a unit, as in 90s, 1h30m or 500ms; a day is 24h"
        if text.isdigit():
            hint = f"write {text}s for seconds"
        report.error("duration", f"{text!r} is no duration: {str(error).removeprefix('time: ')}", place, hint)


def check_count(place: Place, report: Report, *, least: int = 0) -> None:
    """Check a whole number, also written as text."""
    value = place.value
    if value is None or (isinstance(value, str) and "{{" in value):
        return
    try:
        fits = int(value) >= least
    except ValueError:
        fits = False
    if not fits:
        report.error("argument-value", f"{value!r} is no whole number from {least} up", place)
