"""Conditions and joins: windows, edits, resets, and what can not be said."""

import pytest

from eventflow.errors import InvariantError
from eventflow.sensors import conditions, join
from eventflow.sensors.join import Arrival, Join, JoinState

NAMES = ["a", "b", "c", "my-dep"]


def run(condition: str, *arrivals: Arrival, window: float | None = None) -> tuple[JoinState, list[dict[str, str]]]:
    joined = Join(conditions.parse(condition, NAMES), window)
    state, fired = join.EMPTY, []
    for arrival in arrivals:
        state, firings = joined.advance(state, arrival)
        fired += [dict(firing) for firing in firings]
    return state, fired


def at(moment: float, key: str, *names: str) -> Arrival:
    return Arrival(frozenset(names), key, moment)


def test_one_event_that_fits_two_dependencies_fires_once() -> None:
    assert run("a || b", at(1, "e", "a", "b"))[1] == [{"a": "e", "b": "e"}]
    assert run("a && b", at(1, "e", "a", "b"))[1] == [{"a": "e", "b": "e"}]


def test_an_event_of_a_dependency_that_is_not_named_changes_nothing() -> None:
    assert run("a && b", at(1, "e", "c")) == (join.EMPTY, [])


def test_a_window_forgets_what_waited_too_long() -> None:
    assert run("a && b", at(0, "a1", "a"), at(10, "b1", "b"), window=10)[1] == [{"a": "a1", "b": "b1"}]
    state, fired = run("a && b", at(0, "a1", "a"), at(11, "b1", "b"), window=10)
    assert fired == []
    assert state.keys() == {"b1"}


def test_the_deadline_is_that_of_the_oldest() -> None:
    joined = Join(conditions.parse("a && b && c", NAMES), 10)
    state, _ = run("a && b && c", at(3, "a1", "a"), at(5, "b1", "b"))
    assert joined.deadline(state) == 13
    assert joined.expire(state, 14).keys() == {"b1"}
    assert joined.deadline(join.EMPTY) is None


def test_reset_and_edit() -> None:
    state, _ = run("a && b && c", at(3, "a1", "a"), at(5, "b1", "b"))
    assert join.reset(state) == join.EMPTY
    assert join.reset(state, before=5).keys() == {"b1"}
    assert join.adapt(state, {"a"}).keys() == {"a1"}


def test_states_survive_being_stored() -> None:
    state, _ = run("a && b", at(3.5, "a1", "a"))
    assert JoinState.load(state.dump()) == state
    with pytest.raises(InvariantError):
        JoinState.load({"waiting": {"a": 1}})


def test_no_condition_means_all() -> None:
    condition = conditions.parse(" ", ["a", "b"])
    assert condition.names == {"a", "b"}
    assert condition.joins
    assert str(condition) == "a && b"
    assert not conditions.parse("", ["a"]).joins


def test_precedence_and_text() -> None:
    condition = conditions.parse("a || b && (c || my-dep)", NAMES)
    assert str(condition) == "a || (b && (c || my-dep))"
    assert condition.holds({"b", "my-dep"})
    assert not condition.holds({"b"})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a &&", "expression"), ("a b", "expression"), ("!a", "expression"), ("a == b", "expression"),
        ("(a", "expression"), ("a & b", "expression"), ("1a", "expression"), ("a)", "expression"),
        ("nope", "unknown-dependency"),
        ("not", "expression"), ("true", "unknown-dependency"), ("a and b", "expression"),
        ("(" * 200 + "a" + ")" * 200, "expression"), ("a || " * 4000 + "a", "expression"),
    ],
)  # fmt: skip
def test_refuses(text: str, reason: str) -> None:
    with pytest.raises(conditions.BadCondition) as refusal:
        conditions.parse(text, NAMES)
    assert refusal.value.reason == reason


def test_a_refusal_says_where() -> None:
    with pytest.raises(conditions.BadCondition, match="conditions:1:6"):
        conditions.parse("a && nope", NAMES)
