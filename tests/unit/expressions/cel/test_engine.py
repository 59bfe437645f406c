"""What a program promises: values, errors with their place, no harm to the event, threads."""

import copy
import threading
from typing import Any

import pytest

from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelError
from eventflow.expressions.cel.temporal import Timestamp

VARIABLES = frozenset(("event", "deps"))
PUSH: dict[str, Any] = {
    "event": {
        "id": "1",
        "data": {
            "body": {
                "ref": "refs/heads/main",
                "n": 7,
                "price": 10.5,
                "whole": 10,
                "flag": True,
                "none": None,
                "commits": [
                    {"id": "a", "files": ["docs/a.md"]},
                    {"id": "b", "files": ["src/x.rs", "src/y.rs"]},
                    {"id": "c"},
                ],
                "labels": {"team": "core", "a-b": "quoted", "in": "keyword"},
            },
            "headers": {"X-GitHub-Event": ["push"]},
        },
    }
}


def evaluate(source: str, variables: dict[str, Any] = PUSH) -> Any:
    return engine.compile(source, variables=VARIABLES).evaluate(variables)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("event.data.body.ref == 'refs/heads/main' && event.data.headers['X-GitHub-Event'][0] == 'push'", True),
        ("event.data.body.price > 9.5 && event.data.body.whole > 9.5", True),
        ("event.data.body.whole == 10.0 && 10.5 == event.data.body.price", True),
        ("event.data.body.flag == 1", False),
        ("event.data.body.none == null && event.data.body.n != null", True),
        ("event.data.body.n in [1, 7.0, 'x']", True),
        ("event.data.body.flag in [1]", False),
        ("event.data.body.commits.exists(c, c.files.exists(f, f.endsWith('.rs')))", True),
        ("event.data.body.commits.exists(c, c.nothing == 1 || c.id == 'c')", True),
        ("event.data.body.commits.filter(c, has(c.files)).map(c, c.id)", ["a", "b"]),
        ("event.data.body.commits.map(c, c.?files.orValue([]).size())", [1, 2, 0]),
        ("event.data.body.labels.`a-b` + event.data.body.labels['in']", "quotedkeyword"),
        ("has(event.data.body.labels.`a-b`) && !has(event.data.body.labels.other)", True),
        ("cel.bind(b, event.data.body, b.n * b.whole)", 70),
        ("[3, 1, 2].sortBy(x, -x)", [3, 2, 1]),
        ("{'a': 1, ?'b': event.?nothing}", {"a": 1}),
        ("[1, 2, 3,].transformMap(i, v, v > 1, v * 10)", {1: 20, 2: 30}),
        ("event.data.body.n > 5 ? 'big' : 'small'", "big"),
    ],
)
def test_value(source: str, value: Any) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("event.nothing.at.all || true", True),
        ("true || event.nothing.at.all", True),
        ("event.nothing && false", False),
        ("false && event.nothing", False),
        ("'text' == event.data.body.n || event.data.body.ref.size() > 3", True),
        ("[1, 'a', 2].exists(x, x + 1 == 3)", True),
        ("![1, 'a', 2].all(x, x + 1 == 2)", True),
        ("(event.nothing ? 1 : 2) == 1 || true", True),
    ],
)
def test_errors_are_absorbed_when_they_do_not_matter(source: str, value: bool) -> None:
    assert evaluate(source) is value


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("event.data.body.reff == 'x'", 1, 1, "no such key: 'reff'"),
        ("true &&\n  event.data.nothing.x", 2, 3, "no such key: 'nothing'"),
        ("event.data.body.n + 1.5", 1, 1, "no such overload: _+_(int, double); convert with int() or double()"),
        ("1 < 2 && size(event.data.body.n) > 1", 1, 10, "no such overload: size(int)"),
        ("event.data.body.commits[9]", 1, 1, "index out of bounds"),
        ("event.data.body.commits.exists(c, c.size > 1)", 1, 35, "no such key: 'size'"),
        ("event.data.body.n / 0", 1, 1, "division by zero"),
        ("event.data.body.ref ? 1 : 2", 1, 1, "no such overload: _?_:_(string)"),
        ("event.data.body.n && true", 1, 1, "no such overload: _&&_(int)"),
        ("9223372036854775807 + event.data.body.n", 1, 1, "integer overflow"),
        ("-9223372036854775808 % -1", 1, 1, "integer overflow"),
        ("deps.push.data", 1, 1, "no such key: 'deps'"),
    ],
)
def test_error_has_its_place(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(CelError) as caught:
        evaluate(source)
    assert (caught.value.line, caught.value.column, caught.value.message) == (line, column, message)
    assert str(caught.value) == f"{line}:{column}: {message}"


@pytest.mark.parametrize(
    "source",
    [
        "event.m[event.secret]",
        "event.l[event.secret]",
        "int(event.secret)",
        "double(event.secret)",
        "bool(event.secret)",
        "timestamp(event.secret)",
        "duration(event.secret)",
        "ip(event.secret)",
        "cidr(event.secret)",
        "semver(event.secret)",
        "'x'.matches(event.secret)",
        "'x'.glob(event.secret)",
        "event.secret.parseJSON()",
        "event.secret.parseYAML()",
        "event.secret.decodeb64()",
        "event.secret.urlDecode()",
        "event.secret.format([1])",
        "timestamp(0).getHours(event.secret)",
        "{event.secret: 1, event.secret: 2}",
        "regex.replace('x', 'x', event.secret)",
    ],
)
def test_no_content_of_the_event_in_messages(source: str) -> None:
    event = {"secret": "hunter2(%Q [%zz: { \\9", "m": {}, "l": []}
    with pytest.raises(CelError) as caught:
        evaluate(source, {"event": event})
    assert "hunter" not in str(caught.value)
    assert "zz" not in str(caught.value)


def test_matches_is_true_only_for_true() -> None:
    for source, matches in (("true", True), ("1", False), ("'true'", False), ("[true]", False), ("null", False)):
        assert engine.compile(source, variables=VARIABLES).matches({}) is matches


def test_the_event_is_not_changed() -> None:
    event = copy.deepcopy(PUSH)
    for source in (
        "event.data.body.commits + [1]",
        "event.data.body.commits.map(c, c).sortBy(c, c.id)",
        "event.data.body.commits.flatten().distinct().reverse()",
        "{'a': event.data.body}",
        "event.data.body.labels.transformMap(k, v, v + 'x')",
    ):
        evaluate(source, event)
    assert event == PUSH


def test_names_of_python_are_ordinary_names() -> None:
    names = frozenset(("from", "class", "is", "V", "B", "__class__", "ABSORBED", "g1", "v1", "None", "lambda"))
    values = {name: position for position, name in enumerate(sorted(names))}
    for name in names:
        program = engine.compile(f"[{name}].map(v1, v1 + {name}).map(g1, g1)", variables=names)
        assert program.evaluate(values) == [2 * values[name]]


@pytest.mark.parametrize(
    "source", ["event.__class__", "event.data.keys", "'x'.__class__", "timestamp(0).ns", "int.name"]
)
def test_attributes_of_python_objects_cannot_be_reached(source: str) -> None:
    program = engine.unchecked(f"{source} == 1 ? 1 : 2", variables=VARIABLES)
    with pytest.raises(CelError, match="no such"):
        program.evaluate(PUSH)


def test_paths_and_cost() -> None:
    program = engine.compile(
        "event.data.body.ref == 'x' && has(event.data.b) && event.l.exists(e, e.x == deps['push'].id) && event.l[0].y",
        variables=VARIABLES,
    )
    assert program.paths == {
        ("event", "data", "body", "ref"),
        ("event", "data", "b"),
        ("event", "l"),
        ("deps", "push", "id"),
    }
    nested = engine.compile("event.a.all(x, event.b.all(y, x == y))", variables=VARIABLES)
    assert 100 * 100 < nested.cost < 5 * 100 * 100
    assert engine.compile("event.a == 1", variables=VARIABLES).cost < 10


def test_programs_are_cached() -> None:
    assert engine.compile("event.a", variables=VARIABLES) is engine.compile("event.a", variables=VARIABLES)
    assert engine.compile("event.a", variables=VARIABLES) is not engine.compile(
        "event.a", variables=frozenset(("event",))
    )


def test_timestamps_may_be_variables() -> None:
    moment = Timestamp(1767323045 * 10**9)
    program = engine.compile(
        "event.time > timestamp('2026-01-01T00:00:00Z') && event.time.getDate() == 2", variables=VARIABLES
    )
    assert program.evaluate({"event": {"time": moment}}) is True


def test_many_threads_compile_and_evaluate() -> None:
    wrong: list[str] = []

    def work(seed: int) -> None:
        for i in range(150):
            number = seed * 1000 + i
            pattern = f"^k{{1,{i + 1}}}"
            source = (
                f"event.n + {number} == {number + 1} && event.l.exists(x, x == {i % 7}) && 'k'.matches('{pattern}')"
            )
            expected = i % 7 in (1, 2, 3)
            if (
                engine.compile(source, variables=VARIABLES).evaluate({"event": {"n": 1, "l": [1, 2, 3]}})
                is not expected
            ):
                wrong.append(source)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
