"""Values of our own: their text, order, equality, and their plain JSON form."""

import datetime
import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventflow.expressions.cel import engine, operators
from eventflow.expressions.cel.errors import CelError, CelLimitError, Failure
from eventflow.expressions.cel.functions import standard
from eventflow.expressions.cel.network import Cidr, Ip
from eventflow.expressions.cel.semver import Semver
from eventflow.expressions.cel.temporal import SECOND, Duration, Timestamp, parse_duration, parse_timestamp
from eventflow.expressions.cel.values import NONE, Optional, Type, Uint

INSTANTS = st.integers(-62135596800 * SECOND, 253402300799 * SECOND)


@given(INSTANTS)
def test_a_timestamp_reads_its_own_text(ns: int) -> None:
    assert parse_timestamp(str(Timestamp(ns))).ns == ns


@given(st.integers(-315576000000 * SECOND, 315576000000 * SECOND))
def test_a_duration_reads_its_own_text(ns: int) -> None:
    assert parse_duration(str(Duration(ns))).ns == ns


@given(st.floats(allow_nan=False))
def test_a_double_reads_its_own_text(value: float) -> None:
    assert standard.to_double(standard.to_string(value)) == value


@given(st.floats(), st.one_of(st.floats(), st.integers(-(2**63), 2**63 - 1)))
def test_one_order_of_numbers(a: float, b: float) -> None:
    assert operators.less(a, b) == operators.greater(b, a)
    if not math.isnan(a) and not math.isnan(b):
        assert operators.less(a, b) != operators.greater_equal(a, b)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
        ("2026-01-02T03:04:05.123456789123+02:30", "2026-01-02T00:34:05.123456789Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_timestamp_text(text: str, wanted: str) -> None:
    assert str(parse_timestamp(text)) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-02", "2026-02-30T00:00:00Z", "2026-01-02T03:04:05", "10000-01-01T00:00:00Z", "٢٠٢٦-01-02T03:04:05Z"],
)
def test_no_timestamp(text: str) -> None:
    with pytest.raises(Failure):
        parse_timestamp(text)


def test_timestamp_of_a_datetime() -> None:
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    assert str(Timestamp.of(moment)) == "2026-01-02T02:04:05.000678Z"


@pytest.mark.parametrize(
    ("text", "ns"), [("1h30m", 5400 * SECOND), ("-1.5s", -3 * SECOND // 2), (".5ms", 500_000), ("0", 0)]
)
def test_duration_text(text: str, ns: int) -> None:
    assert parse_duration(text).ns == ns


@pytest.mark.parametrize("text", ["", "-", "1", "1d", "s", "1s ", "٣s", "1h-1m", "99999999999999999999h"])
def test_no_duration(text: str) -> None:
    with pytest.raises(Failure):
        parse_duration(text)


def test_versions_are_ordered_as_the_specification_says() -> None:
    texts = (
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 2.0.0 2.1.0"
    )
    ordered = [Semver(text) for text in texts.split()]
    assert all(a < b and not b < a for a, b in itertools.pairwise(ordered))
    assert len(set(ordered)) == len(ordered)


def test_equality_of_kinds() -> None:
    assert operators.equal(1, 1.0)
    assert operators.equal(Uint(1), 1)
    assert not operators.equal(1, True)
    assert not operators.equal([1], [True])
    assert not operators.equal({1: 1}, {True: 1})
    assert not operators.equal(math.nan, math.nan)
    assert not operators.equal(Timestamp(1), Duration(1))
    assert operators.equal([{"a": [1, None]}], [{"a": [1.0, None]}])
    assert operators.equal(Optional(True, [1]), Optional(True, [1.0]))
    assert not operators.equal(Optional(True, None), NONE)


def test_plain_json() -> None:
    value: dict[Any, Any] = {
        "t": Timestamp(SECOND),
        "d": Duration(SECOND // 2),
        "u": Uint(3),
        "b": b"\xff",
        "o": [Optional(True, 1), NONE],
        "k": Type("int"),
        "i": Ip.parse("10.0.0.1"),
        "c": Cidr.parse("10.0.0.1/8"),
        "v": Semver("1.2.3"),
        1: {True: None, Uint(2): 1.5},
    }
    assert engine.to_json(value) == {
        "t": "1970-01-01T00:00:01Z",
        "d": "0.5s",
        "u": 3,
        "b": "/w==",
        "o": [1, None],
        "k": "int",
        "i": "10.0.0.1",
        "c": "10.0.0.1/8",
        "v": "1.2.3",
        "1": {"true": None, "2": 1.5},
    }
    assert type(engine.to_json(Uint(3))) is int


def test_plain_json_has_limits() -> None:
    with pytest.raises(CelError, match="infinity"):
        engine.to_json([math.inf])
    doubled: list[Any] = [1]
    for _ in range(40):
        doubled = [doubled, doubled]
    with pytest.raises(CelLimitError):
        engine.to_json(doubled)
