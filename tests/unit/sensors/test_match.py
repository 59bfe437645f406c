"""Matching: reasons, the order of transform and filters, CEL, and what a defect of the peer became."""

from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document
from eventflow.sensors import filters_cel
from eventflow.sensors.decision import FilterError
from eventflow.sensors.evaluators import NOTHING, Evaluators
from eventflow.sensors.match import Matcher

DATA = {"header": {"X-Github-Event": ["push"]}, "body": {"ref": "refs/heads/main", "n": 3}}


def event(data: Any = DATA, time: str = "2024-03-05T10:30:00Z") -> CloudEvent:
    document = None if data is None else Document.of(data)
    return CloudEvent("e1", "hooks", "webhook", "push", time, data=document, key="k1")


def data_filter(path: str, *values: str, kind: str = "string", comparator: str = "") -> dict[str, Any]:
    return {"path": path, "type": kind, "value": list(values), "comparator": comparator}


def decide(dependency: dict[str, Any], data: Any = DATA, **evaluators: Any) -> tuple[str, str]:
    given = Evaluators(evaluators.get("jq", lambda *_: NOTHING), evaluators.get("lua", lambda *_: NOTHING))
    decision = Matcher.parse(dependency, given).decide(event(data))
    return decision.kind, decision.reason


def test_no_filters_match() -> None:
    assert decide({}) == ("matched", "")
    assert decide({"filters": {}, "filtersLogicalOperator": "or"}) == ("matched", "")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (data_filter("body.ref", "main", "dev", comparator="!="), ("filtered", "data")),
        (data_filter("body.ref", "prod", "dev", comparator="!="), ("matched", "")),
        (data_filter("body.n", "3", "4", kind="number", comparator="!="), ("filtered", "data")),
        (data_filter("body.n", "9007199254740993", kind="number"), ("filtered", "data")),
        (data_filter("body.ref", "3", kind="number"), ("error", "type-mismatch")),
        (data_filter("body", "true", kind="bool"), ("error", "type-mismatch")),
        (data_filter("body.n", "3", kind="number", comparator="=="), ("error", "comparator")),
        (data_filter("body.ref", "a", comparator=">"), ("error", "comparator")),
        (data_filter("body.gone", "a"), ("error", "missing-path")),
        (data_filter("body.ref", "("), ("error", "pattern")),
    ],
)
def test_data_filters_do_what_is_written(entry: dict[str, Any], expected: tuple[str, str]) -> None:
    assert decide({"filters": {"data": [entry]}}) == expected


def test_or_lets_a_kind_that_holds_win_over_one_in_error() -> None:
    filters = {"data": [data_filter("body.gone", "x")], "context": {"type": "webhook"}}
    assert decide({"filters": filters, "filtersLogicalOperator": "or"}) == ("matched", "")
    assert decide({"filters": filters}) == ("error", "missing-path")


def test_an_event_without_data_fails_what_looks_at_data() -> None:
    assert decide({"filters": {"data": [data_filter("a", "x")]}}, None) == ("error", "no-data")
    assert decide({"filters": {"script": "return true"}}, None) == ("error", "no-data")
    assert decide({"filters": {"context": {"type": "webhook"}}}, None) == ("matched", "")


def test_an_expression_without_fields_is_evaluated() -> None:
    assert decide({"filters": {"exprs": [{"expr": "1 > 2", "fields": []}]}}) == ("filtered", "exprs")


def test_the_transform_comes_first_and_its_data_go_on() -> None:
    dependency = {"transform": {"jq": "x"}, "filters": {"data": [data_filter("made", "yes")]}}
    decision = Matcher.parse(dependency, Evaluators(lambda *_: {"made": "yes"}, lambda *_: NOTHING)).decide(event())
    assert decision.matched
    assert decision.event is not None
    assert decision.event.data is not None
    assert decision.event.data.value == {"made": "yes"}
    assert decision.event.key == "k1"


@pytest.mark.parametrize("made", [NOTHING, None, [1], "text", 3])
def test_a_jq_transform_must_give_an_object(made: Any) -> None:
    assert decide({"transform": {"jq": "x"}}, jq=lambda *_: made) == ("error", "transform")


def test_a_failing_script_is_an_error_with_its_reason() -> None:
    def fail(*_: Any) -> Any:
        raise FilterError("script", "it broke")

    assert decide({"filters": {"script": "x"}}, lua=fail) == ("error", "script")
    assert decide({"transform": {"script": "x"}}, lua=fail) == ("error", "script")
    assert decide({"filters": {"script": "x"}}, lua=lambda *_: 1) == ("filtered", "script")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('body.ref == "refs/heads/main" && event.type == "webhook"', ("matched", "")),
        ('header.match("x-github-event", "push")', ("matched", "")),
        ('headers["x-github-event"][0] == "push" && headers["X-Github-Event"][0] == "push"', ("matched", "")),
        ("data.body.n > 2.5 && context.subject == 'push'", ("matched", "")),
        ("body.n > 3", ("filtered", "cel")),
        ("body.gone == 1", ("error", "cel")),
    ],
)
def test_cel(source: str, expected: tuple[str, str]) -> None:
    assert decide({"filters": {"cel": source}}) == expected


def test_cel_sees_data_without_a_body_as_the_body() -> None:
    assert decide({"filters": {"cel": "body.x == 1"}}, {"x": 1}) == ("matched", "")
    assert decide({"filters": {"cel": "data == null"}}, None) == ("matched", "")


@pytest.mark.parametrize("source", ["nope == 1", "1 + 1", "body.", "deps.a.data == 1"])
def test_bad_cel_is_refused_when_the_sensor_is_read(source: str) -> None:
    with pytest.raises(UserError):
        filters_cel.compile_filter(source)


def test_time_without_a_zone_is_utc_and_an_unknown_time_is_an_error() -> None:
    window = {"filters": {"time": {"start": "10:00:00", "stop": "11:00:00"}}}
    matcher = Matcher.parse(window)
    assert matcher.decide(event(time="2024-03-05T10:30:00Z")).matched
    assert matcher.decide(event(time="")).reason == "time"
