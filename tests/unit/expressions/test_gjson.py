"""GJSON paths: what the recorded tables do not try."""

import pytest

from eventflow.expressions.gjson.path import get, get_value
from eventflow.model.document import Document, InvalidJson

PEOPLE = {
    "name": {"first": "Tom"},
    "friends": [
        {"first": "Dale", "last": "Murphy", "age": 44, "nets": ["ig", "fb"], "ok": True},
        {"first": "Roger", "last": "Craig", "age": 68, "nets": ["fb"], "ok": False},
        {"first": "Jane", "last": "Murphy", "age": 47, "nets": [], "ok": "t"},
    ],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ('friends.#(last=="Murphy")#.first', ["Dale", "Jane"]),
        ('friends.#(last=="Murphy")#|0.first', "Dale"),
        ('friends.#(last=="Murphy")#|#', 2),
        ('friends.#(nets.#(=="fb"))#.first', ["Dale", "Roger"]),
        ("friends.#(ok==~true)#.first", ["Dale", "Jane"]),
        ("friends.#(ok==~false)#.first", ["Roger"]),
        ("friends.#(gone==~null)#|#", 3),
        ("friends.#(age>=47)#.last", ["Craig", "Murphy"]),
        ('friends.#(first!%"D*")#.first', ["Roger", "Jane"]),
        ("friends.@reverse.0.first", "Jane"),
        ("friends|@dig:first", ["Dale", "Roger", "Jane"]),
        ('friends.#.nets|@flatten:{"deep":true}', ["ig", "fb", "fb"]),
        ("n*.f*t", "Tom"),
        ("*.#(age==68).first", "Roger"),
        ("{name.first,friends.#}", {"first": "Tom", "#": 3}),
        ('[name.first,!"x",friends.#.age]', ["Tom", "x", [44, 68, 47]]),
        ("name.@keys", ["first"]),
        ("name|@tostr|@fromstr|first", "Tom"),
    ],
)
def test_paths(path: str, value: object) -> None:
    found = get_value(PEOPLE, path)
    if path.startswith("{"):
        assert list(found.value.values()) == list(value.values())  # type: ignore[attr-defined]
    else:
        assert found.value == value


@pytest.mark.parametrize(
    "path", ["friends.9", "friends.first", "name.first.x", "friends.#(", "name|@none", "friends.-1"]
)
def test_paths_that_find_nothing(path: str) -> None:
    assert not get_value(PEOPLE, path).exists


def test_a_wildcard_goes_on_when_the_first_key_leads_nowhere() -> None:
    assert get_value({"ab": {"x": 1}, "ac": {"y": 2}}, "a*.y").value == 2


def test_raw_text_is_the_senders_spelling() -> None:
    document = Document('{"a": [ 1.50, {"b" : 2} ], "big": 123456789012345678901}')
    assert get(document, "a").raw == '[ 1.50, {"b" : 2} ]'
    assert get(document, "a.1").raw == '{"b" : 2}'
    assert get(document, "a.0").text() == "1.5"
    assert get(document, "big").text() == "123456789012345678901"


def test_places_tell_where_values_stand() -> None:
    document = Document.of(PEOPLE)
    assert get(document, "friends.#(age==68).first").places == (("friends", 1, "first"),)
    assert get(document, "friends.#.age").places == (
        ("friends", 0, "age"),
        ("friends", 1, "age"),
        ("friends", 2, "age"),
    )
    assert get(document, "friends|0").places == ()


def test_patterns_stay_cheap_on_hostile_text() -> None:
    assert not get_value({"a" * 5000: 1}, "*a" * 50 + "b").exists


def test_a_document_that_is_no_json() -> None:
    with pytest.raises(InvalidJson):
        get(Document("{"), "a")
    with pytest.raises(InvalidJson):
        get(Document('{"a":NaN}'), "a")
