"""Documents with any white space: places, writes and joins hold for all of them, not only for the recorded ones."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eventflow.expressions import sjson
from eventflow.expressions.gjson.path import get
from eventflow.model.document import Document, dumps, loads
from eventflow.sensors import conditions, join
from eventflow.sensors.join import Arrival, Join, JoinState

texts = st.text(st.characters(codec="utf-8"), max_size=6)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
spaces = st.text(" \t\n\r", max_size=2)


def spelled(value: Any, draw: Any) -> str:
    """Return JSON text with white space anywhere it may stand."""

    def gap() -> str:
        return str(draw(spaces))

    if isinstance(value, dict):
        inner = ",".join(f"{gap()}{dumps(k)}{gap()}:{gap()}{spelled(v, draw)}{gap()}" for k, v in value.items())
        return "{" + (inner or gap()) + "}"
    if isinstance(value, list):
        return "[" + (",".join(f"{gap()}{spelled(item, draw)}{gap()}" for item in value) or gap()) + "]"
    return json.dumps(value)


def places(value: Any) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key, item in inner for rest in places(item))]


def at(value: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


def escaped(place: tuple[str | int, ...]) -> str:
    steps = ["".join("\\" + char if char in "\\.*?|#@!{}[]():" else char for char in str(step)) for step in place]
    return ".".join(steps)


@given(values, st.data())
def test_every_place_is_cut_out_whole(value: Any, data: st.DataObject) -> None:
    text = spelled(value, data.draw)
    document = Document(text)
    for place in places(value):
        assert loads(document.raw(place)) == at(value, place)


@given(st.dictionaries(texts, values, max_size=4), texts, st.data())
def test_what_is_written_is_read_and_nothing_else_changes(value: dict[str, Any], new: str, data: st.DataObject) -> None:
    text = spelled(value, data.draw)
    chosen = [place for place in places(value) if place and all(str(step) for step in place)]
    if not chosen:
        return
    place = data.draw(st.sampled_from(chosen))
    path = escaped(place)
    if any(char < " " for char in path):
        return
    written = Document(sjson.set_text(text, path, new))
    assert get(written, path).value == new
    parent = at(value, place[:-1])
    for key in parent if isinstance(parent, dict) else range(len(parent)):
        if key != place[-1]:
            assert at(written.value, (*place[:-1], key)) == parent[key]


@given(values, texts)
def test_no_path_breaks_the_search(value: Any, path: str) -> None:
    result = get(Document.of(value), path)
    assert isinstance(result.text(), str)
    assert isinstance(result.number(), float)
    assert isinstance(result.truth(), bool)


@given(st.text('ab.#()|@*?\\[]{}"=<>!%~:,1', max_size=12))
def test_no_syntax_breaks_the_search(path: str) -> None:
    get(Document.of({"a": [{"b": 1, "a": "ab"}, {"b": 2}], "b": {"a": [1, 2]}}), path)


arrivals = st.lists(st.tuples(st.sets(st.sampled_from("abc"), min_size=1), st.integers(0, 5)), max_size=20)


@given(st.sampled_from(["a && b", "a || b", "(a && b) || c", "a && (b || c)", "a && b && c"]), arrivals)
def test_joins_fire_just_when_the_condition_holds_and_keep_nothing(text: str, given_arrivals: list[Any]) -> None:
    joined = Join(conditions.parse(text, "abc"))
    state = join.EMPTY
    for moment, (names, _) in enumerate(given_arrivals):
        before = set(state.waiting) | (names & joined.condition.names)
        state, fired = joined.advance(JoinState.load(state.dump()), Arrival(frozenset(names), f"e{moment}", moment))
        if names & joined.condition.names and joined.condition.holds(before):
            assert len(fired) == 1
            assert set(fired[0]) == before
            assert state == join.EMPTY
        else:
            assert not fired
            assert set(state.waiting) == before
