"""Trigger parameters: CEL, defaults and refusals that the recorded table does not try."""

from typing import Any

import pytest

from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document
from eventflow.triggers import parameters
from eventflow.triggers.resolve import ParameterError, resolve, whole

WORKFLOW = {"kind": "Workflow", "spec": {"arguments": {"parameters": [{"name": "a", "value": "x"}]}, "n": 1.5}}
BODY = {"header": {"X-Kind": ["k"]}, "body": {"n": 3, "ref": "main", "list": [1]}}


def event(data: Any = BODY, **attributes: str) -> CloudEvent:
    return CloudEvent("e1", "hooks", "webhook", "push", "2024-03-05T10:30:00Z", data=Document.of(data), **attributes)


EVENTS = {"dep": event(), "other": event({"v": 7})}


@pytest.mark.parametrize(
    ("src", "value"),
    [
        ({"cel": "deps.other.data.v + deps.dep.data.body.n", "useRawData": True}, 10),
        ({"cel": "body.n * 2", "dependencyName": "dep"}, "6"),
        ({"cel": "body.n * 2", "dependencyName": "dep", "useRawData": True}, 6),
        ({"cel": "{'a': body.ref}", "dependencyName": "dep", "useRawData": True}, {"a": "main"}),
        ({"cel": "event.subject + header['x-kind'][0]", "dependencyName": "dep"}, "pushk"),
        ({"cel": "body.gone", "dependencyName": "dep", "value": "dflt"}, "dflt"),
        ({"cel": "body.n", "dependencyName": "absent"}, None),
        ({"dependencyName": "dep", "dataTemplate": "{{ .Input.body.n }}00000000", "value": "d"}, "300000000"),
        ({"dependencyName": "dep", "dataTemplate": "x-{{ .Input.body.gone }}", "value": "d"}, "d"),
        ({"dependencyName": "dep", "dataTemplate": "{{ now | date `2006` }}"}, "2024"),
    ],
)
def test_sources(src: dict[str, Any], value: Any) -> None:
    made = parameters.apply(WORKFLOW, [{"src": src, "dest": "spec.made"}], EVENTS, now=1_709_634_600.0)
    assert made["spec"].get("made") == value
    assert made["spec"]["n"] == 1.5


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ({"src": {"cel": "body.gone", "dependencyName": "dep"}, "dest": "spec.x"}, "cel"),
        ({"src": {"dependencyName": "dep", "dataTemplate": "{{ .Input.gone }}"}, "dest": "spec.x"}, "unresolved"),
        ({"src": {"dependencyName": "dep", "value": "v"}, "dest": "spec.*.x"}, "destination"),
        (
            {"src": {"dependencyName": "dep", "value": "v"}, "dest": "spec.arguments", "operation": "append"},
            "destination",
        ),
        ({"src": {"dependencyName": "absent", "value": "v"}, "dest": "a", "operation": "add"}, "unknown-operation"),
        ({"src": {"dependencyName": "dep", "value": ""}, "dest": "kind"}, "destination"),
    ],
)
def test_refusals(parameter: dict[str, Any], reason: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        parameters.apply(WORKFLOW, [parameter], EVENTS)
    assert refusal.value.reason == reason


def test_the_given_resource_is_not_changed() -> None:
    before = repr(WORKFLOW)
    parameters.apply(WORKFLOW, [{"src": {"dependencyName": "dep", "value": "v"}, "dest": "spec.n"}], EVENTS)
    assert repr(WORKFLOW) == before


def test_payloads_leave_out_what_took_no_part_and_refuse_a_whole_beside_parts() -> None:
    part = {"src": {"dependencyName": "dep", "dataKey": "body.ref"}, "dest": "ref"}
    absent = {"src": {"dependencyName": "absent", "dataKey": "x"}, "dest": "y"}
    assert parameters.payload([part, absent], EVENTS) == '{"ref":"main"}'
    assert parameters.payload([absent], EVENTS) is None
    with pytest.raises(ParameterError):
        parameters.payload([part, {"src": {"dependencyName": "dep", "value": "all"}, "dest": ""}], EVENTS)


def test_append_in_a_payload_appends() -> None:
    entries = [
        {"src": {"dependencyName": "dep", "value": "x"}, "dest": "a"},
        {"src": {"dependencyName": "dep", "value": "y"}, "dest": "a", "operation": "append"},
    ]
    assert parameters.payload(entries, EVENTS) == '{"a":"xy"}'


def test_templates_keep_their_shape() -> None:
    template = {"name": "t", "http": {"url": "http://x", "timeout": 10}}
    text = {"src": {"dependencyName": "dep", "value": "3"}, "dest": "http.timeout"}
    with pytest.raises(ParameterError, match=r"http\.timeout: a whole number"):
        parameters.apply_template(template, [text], EVENTS)
    raw = {"src": {"dependencyName": "dep", "dataKey": "body.n", "useRawData": True}, "dest": "http.timeout"}
    assert parameters.apply_template(template, [raw], EVENTS)["http"]["timeout"] == 3
    assert parameters.apply_template(template, [], EVENTS) == template


def test_an_absent_time_is_not_the_text_null() -> None:
    timeless = {"dep": CloudEvent("e", "s", data=Document.of({}))}
    with pytest.raises(ParameterError):
        resolve({"dependencyName": "dep", "contextKey": "time"}, timeless)


def test_the_whole_event_carries_its_data_in_base64() -> None:
    assert whole(CloudEvent("e", "s", data=Document("{}"))).endswith('"data":"e30="}')
    assert whole(CloudEvent("e", "s")).endswith('"data":null}')


def test_of_several_whole_payloads_the_one_that_takes_part_counts() -> None:
    wholes = [{"src": {"dependencyName": name, "dataKey": "v"}, "dest": ""} for name in ("absent", "other")]
    assert parameters.payload(wholes, EVENTS) == "7"


def test_any_document_can_be_written_to() -> None:
    assert parameters.apply_json([1], [{"src": {"dependencyName": "dep", "value": "v"}, "dest": "-1"}], EVENTS) == [
        1,
        "v",
    ]
