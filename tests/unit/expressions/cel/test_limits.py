"""Hostile expressions and hostile events: each ends soon, with an answer, an error or a limit. Never anything else."""

import time
from typing import Any

import pytest

from eventflow.expressions.cel import engine, limits
from eventflow.expressions.cel.errors import CelCheckError, CelError, CelLimitError, CelSyntaxError

VARIABLES = frozenset(("event",))
MEGABYTE = 1 << 20
# Ten times what the slowest takes on a slow machine, and a hundredth of what an unbounded one would take.
SECONDS = 3.0


def nested_list(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


EVENT: dict[str, Any] = {
    "l": [str(i) for i in range(10_000)],
    "nums": list(range(300)),
    "s": "a" * MEGABYTE,
    "deep": nested_list(3000),
    "big": 10**400,
    "units": "ms" * 22 + "!",
    "letters": "a" * 28 + "!",
    "surrogate": "\ud800",
    "patterns": [f"\\pL{{{60 + i % 30}}}{i}" for i in range(1000)],
    "refused": [f"\\pL{{{300 + i}}}" for i in range(500)],
    "yaml": "a: &a [x, x]\nb: &b [*a, *a]\n",
}


def doubling(body: str, times: int = 26) -> str:
    """A value that holds 2**times elements in little memory, and something that would walk them all."""
    binds = "".join(f"cel.bind(a{i}, {f'[a{i - 1}, a{i - 1}]' if i else '[1, 1]'}, " for i in range(times))
    return binds + body.format(last=f"a{times - 1}") + ")" * times


def outcome(source: str) -> Any:
    started = time.perf_counter()
    try:
        return engine.unchecked(source, variables=VARIABLES).evaluate({"event": EVENT})
    except (CelError, CelSyntaxError, CelCheckError) as error:
        return error
    finally:
        assert time.perf_counter() - started < SECONDS


@pytest.mark.parametrize(
    "source",
    [
        "event.nums.all(a, event.nums.all(b, event.nums.all(c, true)))",
        "event.l.all(x, x in event.l)",
        "event.l.all(x, event.l.all(y, x != y + 'z'))",
        "event.l.all(x, event.s.contains('b') || true)",
        "event.l.all(x, event.s.matches('(a+)+b') || true)",
        "event.deep == event.deep",
        "event.patterns.all(p, 'abc'.matches(p) || true)",
        "event.refused.all(p, 'abc'.matches(p) || true)",
        "event.s.matches('(a?){900}c')",
        "event.s.find('(a?){200}(.*)$')",
        "event.s.findAll('a')",
        "event.s.translate('a', '$0$0$0$0')",
        "regex.replace(event.s, 'a', 'bb')",
        "cel.bind(a, event.s + event.s, cel.bind(b, a + a, b + b))",
        "cel.bind(a, event.l + event.l, cel.bind(b, a + a, cel.bind(c, b + b, c + c)))",
        "event.l.map(x, event.s + x)",
        "event.l.map(x, event.s.replace('b', 'c'))",
        "event.l.map(x, event.s.lowerAscii())",
        "event.l.join(event.s)",
        "event.s.replace('a', 'bbbbbbbb')",
        "event.s.split('')",
        "lists.range(1000000000)",
        "event.l.distinct()",
        "sets.contains(event.l, event.l)",
        "event.l.map(x, event.l).map(y, y.map(z, event.l))",
        "event.s.parseYAML()",
        "event.s.urlEncode()",
        "marshalJSON(event.deep)",
        doubling("{last} == {last}"),
        doubling("marshalJSON({last})"),
        doubling("'%s'.format([{last}])"),
        doubling("{last}.flatten(30)"),
        doubling("[{last}].distinct() == [{last}, {last}].distinct()"),
    ],
)
def test_a_limit_stops_it(source: str) -> None:
    error = outcome(source)
    assert isinstance(error, CelLimitError), repr(error)[:200]
    assert error.line == 1
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("event.s.matches('(a+)+$')", True),
        ("event.big > 1.5 && event.big == event.big && event.big != 1.0", True),
        ("duration(event.letters) > duration('1s') || true", True),
        ("duration(event.units) == duration('0s') || true", True),
        ("timestamp(event.s) == timestamp(event.s) || true", True),
        ("event.l.all(x, event.s.startsWith(event.s))", True),
        ("(" * 200 + "1" + ")" * 200, 1),
        ("!" * 3000 + "true", True),
        ("||".join(["event.big == 1"] * 250), False),
    ],
)
def test_it_has_an_answer(source: str, value: Any) -> None:
    assert outcome(source) == value


@pytest.mark.parametrize(
    "source",
    [
        "event.big + 1",
        "int(event.big)",
        "double(event.big)",
        "event.surrogate.matches('a')",
        "sha256(event.surrogate)",
        "event.yaml.parseYAML()",
        "event.s.parseJSON()",
        "event.l[event.big]",
        "'%.101f'.format([1.0])",
        "event.deep.parseJSON()",
        "event.s.matches('\\\\pL{999}')",
    ],
)
def test_it_is_an_error(source: str) -> None:
    error = outcome(source)
    assert isinstance(error, CelError)
    assert not isinstance(error, CelLimitError)
    assert len(str(error)) < 200


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("1" + " " * limits.MAX_SOURCE, "characters"),
        ("+".join(["1"] * 1000), "levels deep"),
        ("[" * 300 + "]" * 300, "levels deep"),
        ("event" + ".a" * 40, "levels deep"),
        ("event" + "[0]" * 40, "levels deep"),
        ("event.a ? 1 : " * 40 + "1", "levels deep"),
        ("event.size(" * 40 + "1" + ")" * 40, "levels deep"),
        ("[" + "1," * 2040 + "]", "terms"),
        ("".join(f"event.l.all(x{i}, " for i in range(12)) + "true" + ")" * 12, "macros"),
    ],
)
def test_an_expression_too_large_is_refused(source: str, words: str) -> None:
    error = outcome(source)
    assert isinstance(error, CelCheckError), repr(error)[:200]
    assert words in error.message


@pytest.mark.parametrize("source", ["(" * 1000 + "1", "'" + "\\" * 2001 + "'", "\x00", "😀", "'\ud800"])
def test_nonsense_is_a_syntax_error(source: str) -> None:
    assert isinstance(outcome(source), CelSyntaxError)


def test_a_limit_is_not_absorbed() -> None:
    for source in (
        "lists.range(1000000000).size() > 0 || true",
        "[1].exists(x, lists.range(1000000000).size() > 0) || true",
    ):
        assert isinstance(outcome(source), CelLimitError)


def test_the_budget_starts_anew_with_each_evaluation() -> None:
    program = engine.compile("event.l.map(x, x).size()", variables=VARIABLES)
    assert [program.evaluate({"event": EVENT}) for _ in range(50)] == [10_000] * 50


def test_ordinary_sizes_are_well_within_the_limits() -> None:
    commits = [{"files": [f"src/{i}/{j}.py" for j in range(100)]} for i in range(100)]
    source = "event.commits.all(c, c.files.all(f, f.matches('^src/[0-9]+/') && !f.contains('docs') && f != 'x'))"
    program = engine.compile(source, variables=VARIABLES, result="bool")
    assert program.matches({"event": {"commits": commits}})
