"""Judge of cron/next: the next five times of a CronWorkflow's schedule or a calendar's, as Argo computed them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from eventflow.errors import UserError
from eventflow.expressions.calendar import Calendar
from eventflow.expressions.cron import Schedule

TABLE = "cron/next"


def judge(case: dict[str, Any]) -> str | None:
    """Return None where the case holds, else what differs. Errors are compared by kind, not by words."""
    try:
        actual = _times(case)
    except UserError as error:
        return _judge_error(case, str(error))
    if case.get("error"):
        return f"accepted, expected an error: {case['error_text']}"
    expected = case["outcome"]["next"]
    if actual == expected or (case.get("defect") and _documented(case, actual)):
        return None
    return f"expected {expected}, got {actual}"


def _documented(case: dict[str, Any], actual: list[str | None]) -> bool:
    """Whether docs/differences-cron.md gives our answer: no day is excluded in vain, and far leap days are found."""
    excluded = {"".join(filter(str.isdigit, each.split(":")[-1]))[:8] for each in case.get("exclusionDates") or ()}
    if excluded:
        return not any((each or "").replace("-", "")[:8] in excluded for each in actual)
    return all(each is not None and each[5:10] == "02-29" for each in actual)


def _judge_error(case: dict[str, Any], message: str) -> str | None:
    if not case.get("error"):
        # Refusing what can never fire, or fires without end, is our documented answer (docs/differences-cron.md).
        return None if case.get("defect") else f"refused: {message}"
    if case["error_class"] == "zone" and "time zone" not in message:
        return f"an error that does not speak of the zone: {message}"
    return None


def _times(case: dict[str, Any]) -> list[str | None]:
    following = _following(case)
    at: float | None = datetime.fromisoformat(case["from"]).timestamp()
    times: list[str | None] = []
    while len(times) < 5:
        assert at is not None
        at = following(at)
        times.append(None if at is None else _text(at))
        if at is None:
            break
    return times


def _following(case: dict[str, Any]) -> Callable[[float], float | None]:
    timezone = case.get("timezone") or ""
    if case["kind"] == "cronworkflow":
        return Schedule.parse(case["schedule"], timezone).next
    return Calendar.parse(
        case.get("schedule") or "", case.get("interval") or "", timezone, case.get("exclusionDates") or []
    ).next


def _text(at: float) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{moment.microsecond / 1e6:.6f}".rstrip("0").removeprefix("0").rstrip(".")
    return f"{text}{fraction}Z"
