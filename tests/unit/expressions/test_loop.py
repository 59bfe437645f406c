"""Loops."""

import itertools
from typing import Any

import pytest

from eventflow.expressions import loop
from eventflow.expressions.errors import LoopError, MissingVariable
from eventflow.expressions.scope import Scope


def task(**members: Any) -> dict[str, Any]:
    return {"name": "t", "template": "c", "arguments": {"parameters": [{"name": "p", "value": "{{item}}"}]}, **members}


def expand(value: dict[str, Any], lookup: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    expanded = (each for _, each in loop.expand(value, lookup or {}))
    return [(each["name"], each["arguments"]["parameters"][0]["value"]) for each in expanded]


@pytest.mark.parametrize(
    ("item", "name", "inserted"),
    [
        ("a(b)c", "t(0:abc)", "a(b)c"),
        ('say "hi"\n', 't(0:say \\"hi\\"\\n)', 'say "hi"\n'),
        (1000000, "t(0:1000000)", "1000000"),
        (2.5, "t(0:2.5)", "2.5"),
        (True, "t(0:true)", "true"),
        (None, "t(0:[])", "null"),
        ([1, "a b", ["x"]], 't(0:[1 a b ["x"]])', '[1,"a b",["x"]]'),
        ({"n": 1, "k": {"z": "<"}}, 't(0:k:{"z":"<"},n:1)', '{"k":{"z":"\\u003c"},"n":1}'),
    ],
)
def test_items(item: Any, name: str, inserted: str) -> None:
    assert expand(task(withItems=[item])) == [(name, inserted)]


def test_fields_of_maps_are_their_values() -> None:
    body = task(withItems=[{"name": 'x"y\n', "n": 2.5, "a.b": "dot"}])
    body["arguments"]["parameters"][0]["value"] = "{{item.name}}|{{item.n}}|{{item.a.b}}|{{=item.name}}"
    assert expand(body)[0][1] == 'x"y\n|2.5|dot|x"y\n'


def test_numbers_of_lists_in_texts_stay_as_written() -> None:
    assert expand(task(withParam=" [2.50, 9007199254740993, 1e3] ")) == [
        ("t(0:2.50)", "2.50"),
        ("t(1:9007199254740993)", "9007199254740993"),
        ("t(2:1e3)", "1e3"),
    ]


@pytest.mark.parametrize("source", ['"a"', "3", "['a']", '["a",]', "nope", "[NaN]", '{"a": 1}'])
def test_what_is_no_list(source: str) -> None:
    with pytest.raises(LoopError, match="JSON list"):
        expand(task(withParam=source))
    assert expand(task(withParam=source, when="false")) == []
    with pytest.raises(LoopError):
        expand(task(withParam=source, when="(("))


@pytest.mark.parametrize(
    ("sequence", "values"),
    [
        ({"count": 3}, ["0", "1", "2"]),
        ({"count": "2", "start": "5"}, ["5", "6"]),
        ({"start": "3", "end": "1"}, ["3", "2", "1"]),
        ({"end": "0"}, ["0"]),
        ({"count": "0"}, []),
        ({"count": "2", "format": "h%02X"}, ["h00", "h01"]),
    ],
)
def test_sequences(sequence: dict[str, Any], values: list[str]) -> None:
    assert [value for _, value in expand(task(withSequence=sequence))] == values


@pytest.mark.parametrize(
    "sequence",
    [
        {},
        {"start": "1"},
        {"count": "x"},
        {"count": "1.5"},
        {"count": ""},
        {"count": "-1"},
        {"count": "1", "end": "2"},
        {"count": "1", "format": "%d-%d"},
        {"count": "1", "format": "x"},
        {"count": "100000000"},
    ],
)
def test_sequences_that_make_no_sense(sequence: dict[str, Any]) -> None:
    with pytest.raises(LoopError):
        expand(task(withSequence=sequence))


def test_every_tag_must_be_known_unless_nothing_runs() -> None:
    body = task(withItems=["a"])
    body["arguments"]["parameters"][0]["value"] = "{{item}}-{{steps.x.outputs.result}}"
    with pytest.raises(MissingVariable):
        expand(body)
    assert expand(body | {"when": "false"})[0][1] == "a-{{steps.x.outputs.result}}"
    assert expand(body | {"when": "false"}, {"steps.x.outputs.result": None})[0][1] == "a-{{steps.x.outputs.result}}"


def test_items_are_data() -> None:
    assert expand(task(withItems=["{{workflow.name}}"]), {"workflow.name": "w"})[0][1] == "{{workflow.name}}"


def test_items_come_one_by_one() -> None:
    body = loop.Body(task(withSequence={"count": "1000000"}))
    scope = Scope({"workflow.name": "w"})
    found = [
        body.expand(item, scope)["name"]
        for item in itertools.islice(loop.items(task(withSequence={"count": "1000000"})), 2)
    ]
    assert found == ["t(0:0)", "t(1:1)"]
    assert "withSequence" not in body.expand(next(iter(loop.items(task(withItems=["a"])))), scope)


def test_loops_are_told_from_single_tasks() -> None:
    assert not loop.is_loop(task())
    assert not loop.is_loop(task(withItems=[], withParam=""))
    assert loop.is_loop(task(withSequence={}))
