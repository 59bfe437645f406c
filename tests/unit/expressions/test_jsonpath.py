"""Argo's jsonpath()."""

from typing import Any

import pytest

from eventflow.expressions.expr import jsonpath
from eventflow.expressions.expr.errors import Fault

SHOP: dict[str, Any] = {
    "a": {"b": [1.0, 2.0, {"c": "deep"}], "length": 9.0},
    "people": [{"n": "ann", "v": 1.0}, {"n": "bob", "v": 5.0}, {"v": 7.0}],
    "x-y": 1.0,
    "x.y": 2.0,
    "none": None,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.a.b[2].c", "deep"),
        ("$.a.b[-1].c", "deep"),
        ("$['a']['b'][0]", 1.0),
        ("$.x-y", 1.0),
        ("$['x.y']", 2.0),
        ("$.a.length", 9.0),
        ("$.a.b.length", 3),
        ("$.a.b[(@.length-1)].c", "deep"),
        ("$.a.b[0:2]", [1.0, 2.0]),
        ("$.a.b[::2]", [1.0, {"c": "deep"}]),
        ("$.a.b[0,1]", [1.0, 2.0]),
        ("$.people[*].n", ["ann", "bob"]),
        ("$.people[?(@.n)].v", [1.0, 5.0]),
        ("$.people[?(@.v > 2 && @.n == 'bob')].v", [5.0]),
        ("$.people[?(@.v < 2 || @.v > 6)][1].v", 7.0),
        ("$.people[?(@.n =~ '^b')].n", ["bob"]),
        ("$.people[?(@.n in ['ann', 'x'])].v", [1.0]),
        ("$.people[?(!(@.n))].v", []),
        ("$.people[?(!(@.v > 2))].n", ["ann"]),
        ("$..c", ["deep"]),
        ("$..v", [1.0, 5.0, 7.0]),
        ("$['x-y','nope','x.y']", [1.0, 2.0]),
        ("$.none", None),
        ("$", SHOP),
    ],
)
def test_selections(path: str, value: Any) -> None:
    assert jsonpath.query(path, SHOP) == value


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a.b",
        "$a",
        "$.nope",
        "$.a.nope.b",
        "$.a.b[9]",
        "$.a[0]",
        "$.none.x",
        "$[",
        "$.a[",
        "$.people[?(@.v >)]",
        "$.a.b[0::0]",
    ],
)
def test_what_is_missing_or_wrong(path: str) -> None:
    with pytest.raises(Fault):
        jsonpath.query(path, SHOP)


def test_recursion_is_bounded() -> None:
    value: list[Any] = [1.0]
    for _ in range(60):
        value = [value, value]
    with pytest.raises(Fault):
        jsonpath.query("$..[0]", value)
