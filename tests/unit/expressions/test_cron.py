"""Schedules: fields, zones, clock changes, and what is refused."""

from datetime import UTC, datetime

import pytest

from eventflow.errors import UserError
from eventflow.expressions.calendar import Calendar
from eventflow.expressions.cron import Schedule


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def following(schedule: Schedule | Calendar, start: str, count: int) -> list[str]:
    moments = []
    moment: float | None = at(start)
    for _ in range(count):
        assert moment is not None
        moment = schedule.next(moment)
        assert moment is not None
        moments.append(datetime.fromtimestamp(moment, UTC).strftime("%m-%dT%H:%M"))
    return moments


def test_a_match_is_later_than_the_moment_asked_for() -> None:
    schedule = Schedule.parse("30 10 * * *")
    assert schedule.next(at("2024-03-05T10:30:00Z")) == at("2024-03-06T10:30:00Z")
    assert schedule.next(at("2024-03-05T10:29:59.9+00:00")) == at("2024-03-05T10:30:00Z")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 10 * 0", ["03-10T00:00", "03-17T00:00"]),
        ("0 0 */20 * 1", ["03-11T00:00", "03-18T00:00", "03-21T00:00"]),
        ("0 0 */1 * 1", ["03-11T00:00", "03-18T00:00"]),
        ("5/20 8-9 ? mar TUE,thu", ["03-07T08:05", "03-07T08:25", "03-07T08:45", "03-07T09:05"]),
        ("@weekly", ["03-10T00:00", "03-17T00:00"]),
        ("@every 90m", ["03-05T12:00", "03-05T13:30"]),
    ],
)
def test_fields(text: str, expected: list[str]) -> None:
    assert following(Schedule.parse(text), "2024-03-05T10:30:15Z", len(expected)) == expected


def test_a_skipped_time_is_left_out_and_a_repeated_one_comes_twice() -> None:
    schedule = Schedule.parse("30 2 * * *", "Europe/Berlin")
    assert following(schedule, "2024-03-30T12:00:00Z", 1) == ["04-01T00:30"]
    assert following(schedule, "2024-10-26T12:00:00Z", 3) == ["10-27T00:30", "10-27T01:30", "10-28T01:30"]


def test_vixie_runs_a_job_for_a_set_time_once_on_the_day_of_a_clock_change() -> None:
    schedule = Schedule.parse("30 2 * * *", "Europe/Berlin", dst="vixie")
    assert following(schedule, "2024-03-30T12:00:00Z", 2) == ["03-31T01:00", "04-01T00:30"]
    assert following(schedule, "2024-10-26T12:00:00Z", 2) == ["10-27T00:30", "10-28T01:30"]


def test_vixie_leaves_jobs_that_follow_the_clock_alone() -> None:
    schedule = Schedule.parse("*/30 * * * *", "Europe/Berlin", dst="vixie")
    assert following(schedule, "2024-10-27T00:00:00Z", 3) == ["10-27T00:30", "10-27T01:00", "10-27T01:30"]


def test_a_change_by_half_an_hour() -> None:
    schedule = Schedule.parse("*/15 1-2 * * *", "Australia/Lord_Howe")
    found = following(schedule, "2024-04-06T14:20:00Z", 6)
    assert found == ["04-06T14:30", "04-06T14:45", "04-06T15:00", "04-06T15:15", "04-06T15:30", "04-06T15:45"]


def test_midnight_that_does_not_exist_starts_the_day_later() -> None:
    schedule = Schedule.parse("0 0,1 * * *", "America/Sao_Paulo")
    assert following(schedule, "2018-11-03T12:00:00Z", 2) == ["11-04T03:00", "11-05T02:00"]


def test_leap_days_are_found_over_a_century_without_one() -> None:
    assert Schedule.parse("0 0 29 2 *").next(at("2096-03-01T00:00:00Z")) == at("2104-02-29T00:00:00Z")


def test_the_zone_may_stand_in_front_but_not_twice() -> None:
    assert Schedule.parse("CRON_TZ=Asia/Tokyo 0 9 * * *").next(at("2024-03-05T10:30:15Z")) == at("2024-03-06T00:00:00Z")
    with pytest.raises(UserError, match="given twice"):
        Schedule.parse("TZ=Asia/Tokyo 0 9 * * *", "UTC")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "5 fields"),
        ("* * * * * *", "has 6"),
        ("60 * * * *", "outside of 0-59"),
        ("* * * * 7", "Sunday is 0"),
        ("5-1 * * * *", "ends before"),
        ("1-2-3 * * * *", "too many hyphens"),
        ("1/2/3 * * * *", "too many slashes"),
        ("*/0 * * * *", "at least 1"),
        ("1_0 * * * *", "no value for minute"),
        ("٣ * * * *", "no value for minute"),
        ("* * L * *", "no value for day of month"),
        ("1,,2 * * * *", "empty item"),
        ("0 0 30 2 *", "never fires"),
        ("@reboot", "unknown schedule"),
        ("@every 1", "missing unit"),
        ("@every 0s", "longer than zero"),
    ],
)
def test_bad_schedules_say_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        Schedule.parse(text)


@pytest.mark.parametrize("zone", ["Mars/Base", "+09:00", "../../etc/passwd", "a\0b"])
def test_unknown_zones(zone: str) -> None:
    with pytest.raises(UserError, match="unknown time zone"):
        Schedule.parse("0 9 * * *", zone)


def test_calendar_excludes_days_of_its_own_zone() -> None:
    calendar = Calendar.parse("0 1 * * *", timezone="Asia/Tokyo", exclusions=["EXDATE:20240307T000000Z", "2024-03-08"])
    assert following(calendar, "2024-03-05T10:30:15Z", 2) == ["03-05T16:00", "03-08T16:00"]


def test_calendar_interval_counts_from_the_whole_second() -> None:
    calendar = Calendar.parse(interval="1500ms")
    assert calendar.next(16.5) == 17.5


def test_calendar_with_only_excluded_days_ends() -> None:
    calendar = Calendar.parse("0 0 29 2 *", exclusions=[f"{year}-02-29" for year in range(2024, 2084, 4)])
    assert calendar.next(at("2024-01-01T00:00:00Z")) == at("2084-02-29T00:00:00Z")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "needs a schedule or an interval"),
        ({"schedule": "@daily"}, "0 0 \\* \\* \\*"),
        ({"interval": "1d"}, "unknown unit"),
        ({"schedule": "0 0 * * *", "exclusions": ["EXRULE:FREQ=DAILY"]}, "no excluded date"),
        ({"schedule": "0 0 * * *", "exclusions": ["EXDATE:20241306T000000Z"]}, "month must be"),
    ],
)
def test_bad_calendars(fields: dict[str, str], says: str) -> None:
    with pytest.raises(UserError, match=says):
        Calendar.parse(**fields)  # type: ignore[arg-type]
