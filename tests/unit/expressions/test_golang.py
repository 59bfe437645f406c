"""Go's text forms, checked against what Go prints."""

import math

import pytest

from eventflow.expressions.golang import (
    calendar,
    duration,
    json_text,
    layout,
    layout_parse,
    numbers,
    sprintf,
    text,
    zone,
)
from eventflow.expressions.golang.moment import Time, from_clock
from eventflow.expressions.golang.structs import NilList


@pytest.mark.parametrize(
    ("value", "general", "plain"),
    [
        (1.0, "1", "1"),
        (100000.0, "100000", "100000"),
        (1000000.0, "1e+06", "1000000"),
        (1234567.0, "1.234567e+06", "1234567"),
        (999999.5, "999999.5", "999999.5"),
        (0.0001, "0.0001", "0.0001"),
        (0.00001, "1e-05", "0.00001"),
        (1e100, "1e+100", "1" + "0" * 100),
        (-0.0, "-0", "-0"),
        (0.1 + 0.2, "0.30000000000000004", "0.30000000000000004"),
        (float("inf"), "+Inf", "+Inf"),
    ],
)
def test_floats(value: float, general: str, plain: str) -> None:
    assert numbers.general(value) == general
    assert numbers.plain(value) == plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-7, "1e-7"), (1.5e-9, "1.5e-9"), (1e-6, "0.000001")],
)
def test_floats_in_json(value: float, expected: str) -> None:
    assert numbers.json_number(value) == expected


@pytest.mark.parametrize("source", ["", " 1", "1_0", "0x10", "1.0", "9223372036854775808", "١"])
def test_what_is_no_integer(source: str) -> None:
    with pytest.raises(ValueError, match=r"strconv\.Atoi"):
        numbers.parse_int(source)


@pytest.mark.parametrize(
    ("source", "value"),
    [("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("1_0", 10.0), ("0x1p4", 16.0), ("-Inf", -math.inf)],
)
def test_float_texts(source: str, value: float) -> None:
    assert numbers.parse_float(source) == value


@pytest.mark.parametrize("source", ["", "1e", "_1", "1__0", "+nan", "0x1", "1e999", "abc"])
def test_what_is_no_float(source: str) -> None:
    with pytest.raises(ValueError, match=r"strconv\.ParseFloat"):
        numbers.parse_float(source)


def test_integers_wrap_at_64_bits() -> None:
    assert numbers.wrap(2**63) == -(2**63)
    assert numbers.wrap(-(2**63) - 1) == 2**63 - 1
    assert numbers.truncate(1e30) == numbers.MINIMUM


@pytest.mark.parametrize(
    ("source", "seconds", "printed"),
    [
        ("1h30m", 5400.0, "1h30m0s"),
        ("1.5h", 5400.0, "1h30m0s"),
        ("-1.5s", -1.5, "-1.5s"),
        ("100ms", 0.1, "100ms"),
        ("1µs", 1e-6, "1µs"),
        ("0", 0.0, "0s"),
        ("24h", 86400.0, "24h0m0s"),
    ],
)
def test_durations(source: str, seconds: float, printed: str) -> None:
    assert duration.parse_duration(source) == seconds
    assert duration.format_duration(seconds) == printed


@pytest.mark.parametrize("source", ["", "1", "1d", "h", "1h ", "-", ".s", "1e3s", "9999999h"])
def test_what_is_no_duration(source: str) -> None:
    with pytest.raises(ValueError, match="time: "):
        duration.parse(source)


def test_the_calendar_knows_all_years() -> None:
    assert calendar.days_from_date(1970, 1, 1) == 0
    assert calendar.date_from_days(calendar.days_from_date(0, 2, 29)) == (0, 2, 29)
    assert calendar.date_from_days(calendar.days_from_date(2023, 14, 31)) == (2024, 3, 2)
    assert calendar.iso_week(calendar.days_from_date(2021, 1, 3)) == (2020, 53)


def test_layouts_write_every_piece() -> None:
    time = from_clock((2024, 3, 5), 13 * 3600 + 4 * 60 + 9, 120_000_000, zone.FixedZone(-5400, "X"))
    pattern = (
        "Mon Monday Jan January 1 01 2 02 _2 002 06 2006 15 3 03 PM 4 04 5 05 .000 .999 -07 -0700 -07:00 Z07:00 MST"
    )
    assert layout.format_time(time, pattern) == (
        "Tue Tuesday Mar March 3 03 5 05  5 065 24 2024 13 1 01 PM 4 04 9 09 .120 .12 -01 -0130 -01:30 -01:30 X"
    )
    assert layout.format_time(Time(0), "Z07:00 2006-01-02") == "Z 1970-01-01"


@pytest.mark.parametrize(
    ("pattern", "source", "unix"),
    [
        (layout.RFC3339, "2024-03-05T10:30:00+02:00", 1709627400),
        (layout.RFC3339, "2024-03-05T10:30:00.25Z", 1709634600),
        (layout.RFC1123, "Tue, 05 Mar 2024 10:30:00 UTC", 1709634600),
        (layout.ANSIC, "Tue Mar  5 10:30:00 2024", 1709634600),
        (layout.KITCHEN, "3:04PM", -62167164960),
        ("2006-002", "2024-065", 1709596800),
        ("02 Jan 06", "05 mar 69", -26092800),
    ],
)
def test_times_are_read_by_layouts(pattern: str, source: str, unix: int) -> None:
    assert layout_parse.parse_time(pattern, source).unix == unix


@pytest.mark.parametrize(
    ("pattern", "source"),
    [
        ("2006-01-02", "2024-02-30"),
        ("2006-01-02", "2024-3-05"),
        ("2006-01-02", "2024-03-05x"),
        ("15:04", "24:00"),
        (layout.RFC3339, "2024-03-05 10:30:00Z"),
    ],
)
def test_times_that_do_not_fit(pattern: str, source: str) -> None:
    with pytest.raises(ValueError, match="parsing time"):
        layout_parse.parse_time(pattern, source)


def test_wall_clocks_in_gaps_and_folds_are_those_of_go() -> None:
    berlin = zone.load("Europe/Berlin")
    gap = from_clock((2024, 3, 31), 2 * 3600 + 1800, 0, berlin)
    assert layout.format_time(gap, "15:04 MST") == "03:30 CEST"
    assert layout.format_time(from_clock((2024, 10, 27), 2 * 3600, 0, berlin), "15:04 MST") == "02:00 CET"
    with pytest.raises(ValueError, match="unknown time zone Nope"):
        zone.load("Nope")


def test_values_print_as_go_prints_them() -> None:
    value = {"b": [1, "a", None, 1.5, True], "a": {"x": 1e6}, "c": Time(0)}
    assert text.format_value(value) == "map[a:map[x:1e+06] b:[1 a <nil> 1.5 true] c:1970-01-01 00:00:00 +0000 UTC]"


def test_quote_escapes_what_go_does_not_print() -> None:
    assert text.quote('a"\\\n\x1b\x7f\u200b\u00a0é🚀\U000e0001') == r'"a\"\\\n\x1b\x7f\u200b\u00a0é🚀\U000e0001"'


def test_json_sorts_and_escapes() -> None:
    assert json_text.encode({"b": "<é\u2028>", "a": [1, 2.0, None]}) == '{"a":[1,2,null],"b":"\\u003cé\\u2028\\u003e"}'
    assert json_text.encode(["<"], html=False, indent="  ") == '[\n  "<"\n]'
    assert json_text.encode([NilList(), [], {}, b"ab"]) == '[null,[],{},"YWI="]'
    with pytest.raises(ValueError, match="unsupported value: NaN"):
        json_text.encode(float("nan"))


def test_json_numbers_are_floats() -> None:
    assert json_text.decode("[1, 9007199254740993]") == [1.0, 9007199254740992.0]
    assert isinstance(json_text.decode("1"), float)
    for source in ("", "1 2", "NaN", "[1,]", "1e999"):
        with pytest.raises(ValueError, match=r"."):
            json_text.decode(source)


def test_small_values_that_print_large_are_refused() -> None:
    value: list[object] = [1]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(ValueError, match="parts"):
        text.format_value(value)
    with pytest.raises(ValueError, match=r"parts|longer"):
        json_text.encode(value)


@pytest.mark.parametrize(
    ("pattern", "values", "expected"),
    [
        ("%05d|%-5s|%5s|%+d|% d", (42, "ab", "ab", 3, 3), "00042|ab   |   ab|+3| 3"),
        ("%x %X %#x %o %b %c %q %U", (255, 255, 255, 8, 5, 65, 65, 65), "ff FF 0xff 10 101 A 'A' U+0041"),
        ("%6.2f|%e|%g|%.3g", (3.14159, 1000.0, 1e6, 3.14159), "  3.14|1.000000e+03|1e+06|3.14"),
        ("%v %+v %T %t %s", ([1, "a"], 1, 1.5, True, ["a", "b"]), "[1 a] +1 float64 true [a b]"),
        ("%q %x %.1s", ("a\n", "az", "xyz"), '"a\\n" 617a x'),
        ("%*d|%[2]d %[1]d", (5, 7), "    7|7 5"),
        ("%d %d", (1,), "1 %!d(MISSING)"),
        ("%d", ("a",), "%!d(string=a)"),
        ("%s", (1,), "%!s(int=1)"),
        ("x", (1,), "x%!(EXTRA int=1)"),
        ("100%%", (), "100%"),
        ("50%", (), "50%!(NOVERB)"),
    ],
)
def test_sprintf(pattern: str, values: tuple[object, ...], expected: str) -> None:
    assert sprintf.sprintf(pattern, *values) == expected
    assert sprintf.fits(pattern, *values) is ("%!" not in expected)
