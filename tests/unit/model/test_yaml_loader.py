"""The positional loader: values as Kubernetes reads them, places, notes, limits."""

from typing import Any

import pytest

from eventflow.errors import Location
from eventflow.model import yaml_loader
from eventflow.model.source import UnreadableText
from eventflow.model.yaml_scalars import plain_number


def tree(text: str) -> Any:
    (document,) = yaml_loader.load(text, "f.yaml")
    return document.tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("OFF", False),
        ("y", True),
        ("yEs", "yEs"),
        ("~", None),
        ("", None),
        ("010", 8),
        ("0o17", 15),
        ("08", 8),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("+1", 1),
        ("1.0", 1),
        ("1e3", 1000),
        (".5", 0.5),
        ("1e999", "1e999"),
        ("18446744073709551615", 18446744073709551615),
        ("18446744073709551616", 1.8446744073709552e19),
        ("12:30:45", "12:30:45"),
        ("2024-03-05", "2024-03-05"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        (".", "."),
        ("_1", "_1"),
        ("'1'", "1"),
        ('"yes"', "yes"),
        ("!!str 1", "1"),
        ("!!float 1", 1),
        ("!custom 1", "1"),
        ("!!binary aGVsbG8=", "hello"),
    ],
)
def test_scalars_mean_what_they_mean_to_kubernetes(text: str, value: object) -> None:
    found = tree(f"a: {text}" if text != "-" else 'a: "-"')["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.5, "1.5"),
        (1.8446744073709552e19, "18446744073709552000"),
        (1e-7, "0.0000001"),
        (-2.5e-8, "-0.000000025"),
        (3, "3"),
        (1.25e21, "1250000000000000000000"),
        (100.0, "100"),
    ],
)
def test_numbers_become_text_without_exponents(value: float, text: str) -> None:
    assert plain_number(value) == text


def test_keys_keep_their_text() -> None:
    assert tree("on: 1\n1: 2\ntrue: 3\n~: 4") == {"on": 1, "1": 2, "true": 3, "~": 4}


def test_documents_and_their_places() -> None:
    first, second = yaml_loader.load("# c\n---\na: 1\n---\n---\nb:\n- x\n- y:  2\n", "f.yaml")
    assert (first.tree, second.tree) == ({"a": 1}, {"b": ["x", {"y": 2}]})
    assert second.locate(("b", 1, "y")) == Location("f.yaml", 8, 7)
    assert second.locate_key(("b", 1, "y")) == Location("f.yaml", 8, 3)
    assert second.locate(("b", 1, "z", "more")) == Location("f.yaml", 8, 3)
    assert second.at(("b", 1)).locate(("y",)) == Location("f.yaml", 8, 7)


WRITTEN = """\
plain: one two
quoted: "one two"
literal: |

    one
    two
folded: >-
  one two
  three four
flow: one
  two
"""


@pytest.mark.parametrize(
    ("key", "line", "column", "expected"),
    [
        ("plain", 1, 5, (1, 12)),
        ("quoted", 1, 5, (2, 14)),
        ("literal", 2, 1, (5, 5)),
        ("literal", 3, 3, (6, 7)),
        ("folded", 1, 9, (9, 3)),
        ("folded", 1, 15, (9, 9)),
        ("flow", 1, 5, (11, 3)),
    ],
)
def test_places_within_text(key: str, line: int, column: int, expected: tuple[int, int]) -> None:
    (document,) = yaml_loader.load(WRITTEN, "f.yaml")
    place = document.locate_within((key,), line, column)
    assert (place.line, place.column) == expected


def test_anchors_are_copied_and_merged() -> None:
    found = tree("base: &b {a: 1, l: [1]}\nx: {<<: *b, a: 2}\ny: {<<: [{z: 1, a: 9}, *b]}\nl: *b")
    assert found["x"] == {"a": 2, "l": [1]}
    assert found["y"] == {"z": 1, "a": 9, "l": [1]}
    found["l"]["l"].append(2)
    assert found["base"]["l"] == [1]


def test_duplicate_keys_and_doubtful_booleans_are_noted() -> None:
    (document,) = yaml_loader.load("a: 1\nb: no\na: 2\n", "f.yaml")
    assert document.tree == {"a": 2, "b": False}
    assert [(note.rule, note.location.line, note.location.column) for note in document.notes] == [
        ("yaml-boolean", 2, 4),
        ("duplicate-key", 3, 1),
    ]


def test_json_has_places_too() -> None:
    (document,) = yaml_loader.load('{\n "a": [1, {"b":\t"c\\u00e9\\ud83d\\ude00"}],\n "a": 2, "x": {}}', "f.json")
    assert document.tree == {"a": 2, "x": {}}
    assert document.locate(("x",)) == Location("f.json", 3, 15)
    assert [note.message for note in document.notes] == ['duplicate key "a": the one in line 2 is lost']


def test_yaml_in_braces_is_yaml() -> None:
    assert tree("{a: b, c: [d,]}") == {"a": "b", "c": ["d"]}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: {{inputs.x}}", "f.yaml:1:5", "must be quoted"),
        ("a:\n\t- b", "f.yaml:2:1", "spaces, not tabs"),
        ("a: b: c", "f.yaml:1:5", "quote text that holds"),
        ("a:\n  b: 1\n c: 1", "f.yaml:3:2", "check the indentation"),
        ('b: 1\na: "abc\n', "f.yaml:2:4", "never closed"),
        ("é: 1\nü: @a", "f.yaml:2:4", "cannot start"),
        ("a: *x", "f.yaml:1:4", "no anchor"),
        ("&a [*a]", "f.yaml:1:5", "inside its own anchor"),
        ("a: .inf", "f.yaml:1:4", "no JSON number"),
        ("? [a]\n: b", "f.yaml:1:3", "key must be text"),
        ("a: !!int x", "f.yaml:1:4", "no int"),
        ('b: 1\na: "\x01"', "f.yaml:2:5", "control character"),
        ("[" * 100 + "]" * 100, "f.yaml:1:65", "levels deep"),
        ("a: 1\n<<: 3", "f.yaml:2:1", "alias of a mapping"),
    ],
)
def test_broken_text_is_refused_with_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(UnreadableText) as caught:
        yaml_loader.load(text, "f.yaml")
    assert str(caught.value).startswith(place + ": ")
    assert says in str(caught.value)


def test_broken_json_says_where() -> None:
    with pytest.raises(UnreadableText, match=r"^f\.json:2:8: not valid JSON"):
        yaml_loader.load('{\n "a": 1,}', "f.json")
    with pytest.raises(UnreadableText, match="levels deep"):
        yaml_loader.load("[" * 500 + "]" * 500, "f.json")


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(UnreadableText, match=r"^f\.yaml:2:4: the text is not UTF-8"):
        yaml_loader.load(b"a: 1\nb: \xff", "f.yaml")


def test_aliases_cannot_multiply_without_bound() -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 12)
    )
    with pytest.raises(UnreadableText, match="aliases expand to more than"):
        yaml_loader.load(bomb, "f.yaml")


def test_size_is_limited() -> None:
    with pytest.raises(UnreadableText, match="more than the limit of 10"):
        yaml_loader.load("a: 1234567890", "f.yaml", max_bytes=10)
