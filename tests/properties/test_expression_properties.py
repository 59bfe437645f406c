"""Properties of the expression languages that hold for any input."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.errors import UserError
from eventflow.expressions import template
from eventflow.expressions.errors import WhenError
from eventflow.expressions.expr import jsonpath, program
from eventflow.expressions.expr.errors import ExprError, Fault
from eventflow.expressions.golang import calendar, duration, json_text, layout, layout_parse, numbers, sprintf
from eventflow.expressions.golang.duration import Duration
from eventflow.expressions.golang.moment import Time
from eventflow.expressions.when import evaluate_when

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12
)
_SYMBOLS = [*"()[]{}.,:;|?+-*/%^!<>=&`#$~\\'\" \n", "{{", "}}", "{{=", "??", "?.", "..", "=~"]
_WORDS = ["a", "x.y", "item", "1", "2.5", "1e3", "true", "nil", "not", "in", "let", "if", "else", "and", "matches"]
_CALLS = ["map(", "filter(", "len(", "sprig.trim(", "date(", "é", "🚀"]
PIECES = st.sampled_from([*_SYMBOLS, *_WORDS, *_CALLS])
SOURCES = st.lists(PIECES, max_size=14).map("".join)


@given(st.text(), st.text())
def test_a_value_arrives_whole_and_is_never_expanded(value: str, other: str) -> None:
    tree = {"a": ["<{{x}}|{{ y }}>"], "key {{x}}": 1}
    expected = {"a": [f"<{value}|{other}>"], f"key {value}": 1}
    assert template.substitute(tree, {"x": value, "y": other}, allow_unresolved=False) == expected


@given(VALUES)
def test_trees_without_tags_come_back_untouched(tree: Any) -> None:
    if "{{" not in json.dumps(tree):
        assert template.substitute(tree, {}, allow_unresolved=False) is tree


@given(SOURCES)
@settings(max_examples=400)
def test_any_text_is_evaluated_or_refused(source: str) -> None:
    with suppress(ExprError):
        program.compile(source).evaluate({"a": "1", "x": {"y": [1, "b"]}})
    with suppress(WhenError):
        evaluate_when(source)
    with suppress(UserError):
        template.substitute({"v": source}, {"a": "1"}, allow_unresolved=True)


@given(st.text(alphabet="$@.[]()*?:,'\"ab01-=!<>&| ", max_size=20))
def test_any_path_selects_or_is_refused(path: str) -> None:
    with suppress(Fault):
        jsonpath.query("$" + path, {"a": [{"b": 1.0}, 2.0], "b": {"a": "x"}})


@given(VALUES)
def test_json_survives(value: Any) -> None:
    assert json_text.decode(json_text.encode(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_survive_every_form(value: float) -> None:
    for written in (
        numbers.general(value),
        numbers.plain(value),
        numbers.json_number(value),
        numbers.scientific(value),
    ):
        assert numbers.parse_float(written) == value


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_durations_survive(nanoseconds: int) -> None:
    assert duration.parse(str(Duration(nanoseconds))) == Duration(nanoseconds)


@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9))
def test_times_survive(nanoseconds: int) -> None:
    written = layout.format_time(Time(nanoseconds), layout.RFC3339_NANO)
    assert layout_parse.parse_time(layout.RFC3339_NANO, written).nanoseconds == nanoseconds


@given(st.integers(-800_000, 3_000_000))
def test_days_survive(days: int) -> None:
    year, month, day = calendar.date_from_days(days)
    assert calendar.days_from_date(year, month, day) == days
    assert 1 <= day <= calendar.month_length(year, month)


@given(st.text(alphabet="%dsvxq05.+-#[]*1 a", max_size=12), st.lists(SCALARS, max_size=3))
def test_any_format_prints_something(pattern: str, values: list[Any]) -> None:
    assert isinstance(sprintf.sprintf(pattern, *values), str)
