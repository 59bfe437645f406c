"""The values of the parts of an expression."""

from typing import Any

from eventflow.expressions.cel import engine
from eventflow.expressions.cel.explain import MOST_FINDINGS

VARIABLES = frozenset(("event",))
EVENT = {"event": {"a": "b", "l": [1, 2], "n": 2}}


def explained(source: str) -> list[tuple[str, int, int, Any]]:
    findings = engine.compile(source, variables=VARIABLES).explain(EVENT)
    return [(f.source, f.line, f.column, f.error if f.error is not None else f.value) for f in findings]


def test_parts_with_their_values_and_places() -> None:
    assert explained("event.a == 'b' &&\n  event.n + 1 > 5 || size(event.l) == 2") == [
        ("event.a == 'b' &&\n  event.n + 1 > 5 || size(event.l) == 2", 1, 1, True),
        ("event.a == 'b' &&\n  event.n + 1 > 5", 1, 1, False),
        ("event.a == 'b'", 1, 1, True),
        ("event.a", 1, 1, "b"),
        ("event.n + 1 > 5", 2, 3, False),
        ("event.n + 1", 2, 3, 3),
        ("event.n", 2, 3, 2),
        ("size(event.l) == 2", 2, 22, True),
        ("size(event.l)", 2, 22, 2),
        ("event.l", 2, 27, [1, 2]),
    ]


def test_a_part_is_shown_though_the_whole_did_not_need_it() -> None:
    assert explained("event.a == 'x' && event.missing.b == 1")[-1] == (
        "event.missing.b",
        1,
        19,
        "no such key: 'missing'",
    )


def test_a_macro_is_shown_with_what_it_walks_but_not_its_inside() -> None:
    assert explained("event.l.exists(x, x == 2) && !has(event.z)") == [
        ("event.l.exists(x, x == 2) && !has(event.z)", 1, 1, True),
        ("event.l.exists(x, x == 2)", 1, 1, True),
        ("event.l", 1, 1, [1, 2]),
        ("!has(event.z)", 1, 30, True),
        ("has(event.z)", 1, 31, False),
    ]


def test_parts_under_a_binding_need_no_variable() -> None:
    assert explained("cel.bind(x, event.n + 1, x * 2 == 6)") == [
        ("cel.bind(x, event.n + 1, x * 2 == 6)", 1, 1, True),
        ("event.n + 1", 1, 13, 3),
        ("event.n", 1, 13, 2),
    ]


def test_there_is_an_end_to_it() -> None:
    program = engine.compile(" || ".join(f"event.n == {i}" for i in range(100)), variables=VARIABLES)
    assert len(program.explain(EVENT)) == MOST_FINDINGS
