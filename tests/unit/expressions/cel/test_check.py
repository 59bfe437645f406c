"""What is refused before any event arrives, with its place and advice."""

import pytest

from eventflow.errors import UserError
from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelCheckError, CelProblem, CelSyntaxError

VARIABLES = frozenset(("event", "headers"))


def refused(source: str, result: engine.Result = "any") -> CelProblem:
    with pytest.raises(CelProblem) as caught:
        engine.compile(source, variables=VARIABLES, result=result)
    assert isinstance(caught.value, UserError)
    return caught.value


@pytest.mark.parametrize(
    ("source", "line", "column", "hint"),
    [
        ("", 1, 1, ""),
        ("event.a ==", 1, 11, ""),
        ("event.a = 1", 1, 9, "=="),
        ("event.a and event.b", 1, 9, "&&"),
        ("event.a ==\n  'x", 2, 3, "closed"),
        ("event.a === 1", 1, 11, "=="),
        ("[1, 2", 1, 6, ""),
        ("event.a == 'x\\q'", 1, 12, "backslash"),
        ("99999999999999999999", 1, 1, "64 bits"),
        ("if", 1, 1, ""),
        ("event.`a$b`", 1, 7, "quoted"),
        ("Name{a: 1}", 1, 1, ""),
        ("has(event)", 1, 1, "has(event.data)"),
        ("event.l.map(x.y, 1)", 1, 13, "such as x"),
        ("event.l.all(x, x, x == 1)", 1, 1, ""),
        ("$event", 1, 1, "no $"),
    ],
)
def test_syntax(source: str, line: int, column: int, hint: str) -> None:
    error = refused(source)
    assert isinstance(error, CelSyntaxError)
    assert (error.line, error.column) == (line, column)
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("source", "line", "column", "message", "hint"),
    [
        ("evnt.data == 1", 1, 1, "undeclared reference to 'evnt'", "did you mean 'event'?"),
        ("event.a &&\n header.b", 2, 2, "undeclared reference to 'header'", "did you mean 'headers'?"),
        ("zzz", 1, 1, "undeclared reference to 'zzz'", "there are event, headers"),
        ("event.l.filter(x, y == 1)", 1, 19, "undeclared reference to 'y'", "there are"),
        (
            "event.a.startswith('x')",
            1,
            9,
            "undeclared reference to function 'startswith'",
            "did you mean 'startsWith'?",
        ),
        ("math.abss(1)", 1, 6, "undeclared reference to function 'math.abss'", "did you mean 'math.abs'?"),
        ("len(event.l)", 1, 1, "undeclared reference to function 'len'", "size(x)"),
        ("event.a.compareSecret('a', 'b')", 1, 9, "undeclared reference to function 'compareSecret'", "source"),
        ("event.l.exists(x)", 1, 9, "undeclared reference to function 'exists'", "x.exists(e, ...)"),
        ("event.a.size(1)", 1, 9, "size() does not take 1 arguments", "size("),
        ("contains(event.a, 'x')", 1, 1, "contains() is not called this way", "string.contains(string)"),
        ("event.a.matches('(')", 1, 17, "matches(): invalid regular expression (missing ))", ""),
        ("event.a.find('[z-a]')", 1, 14, "find(): invalid regular expression (invalid character class range)", ""),
        ("timestamp('2026-13-01T00:00:00Z') < event.t", 1, 11, "timestamp(): no such day or time", ""),
        ("duration('5 minutes') < duration(event.d)", 1, 10, "duration(): not a duration", ""),
        ("cidr('10.0.0.0').containsIP(event.ip)", 1, 6, "cidr(): not a network in CIDR notation", ""),
        ("event.l.size() > '3'", 1, 1, "found no matching overload for '>' applied to (int, string)", "convert"),
        ("event.a && 1", 1, 12, "operand of && is int, not bool", "compare"),
        ("event.a == 'x' || 'y'", 1, 19, "operand of || is string, not bool", "compare"),
        ("1 + 'a'", 1, 1, "found no matching overload for '+' applied to (int, string)", "convert"),
        ("'a' in 'abc'", 1, 1, "'in' needs a list or a map, not string", "contains"),
        ("!'a'", 1, 1, "found no matching overload for '!' applied to (string)", ""),
        ("size(1)", 1, 1, "found no matching overload for 'size' applied to (int)", "size("),
        ("'a'.b", 1, 1, "string has no field 'b'", ""),
        ("1[0]", 1, 1, "int cannot be indexed", ""),
        ("'a'.map(x, x)", 1, 1, "the macro map needs a list or a map, not string", ""),
        ("event.l.filter(x, 1)", 1, 19, "the condition of filter is int, not bool", ""),
        ("'a' ? 1 : 2", 1, 1, "the condition is string, not bool", ""),
        ("event.l.all(a, event.l.all(b, event.l.all(c, event.l.all(d, true))))", 1, 1, "may take", "nest fewer"),
    ],
)
def test_check(source: str, line: int, column: int, message: str, hint: str) -> None:
    error = refused(source)
    assert isinstance(error, CelCheckError)
    assert message in error.message
    assert (error.line, error.column) == (line, column)
    assert hint in (error.hint or "")


def test_the_text_of_an_error() -> None:
    assert str(refused("evnt.data")) == "expression:1:1: undeclared reference to 'evnt' (did you mean 'event'?)"


@pytest.mark.parametrize("source", ["event.a.size()", "'x'", "[event.a]", "event.?a"])
def test_a_filter_must_give_a_bool(source: str) -> None:
    engine.compile(source, variables=VARIABLES)
    if source == "event.a.size()":
        assert refused(source, "bool").message == "the filter gives int, not bool"
    else:
        assert "not bool" in refused(source, "bool").message


@pytest.mark.parametrize(
    "source", ["event.flag", "event.a == 1", "has(event.a)", "event.x ? event.y : event.z", "dyn(1)"]
)
def test_what_may_be_a_bool_may_be_a_filter(source: str) -> None:
    engine.compile(source, variables=VARIABLES, result="bool")


def test_warnings_do_not_forbid() -> None:
    program = engine.compile("event.a == 1 || 'a' == 1", variables=VARIABLES)
    assert [(w.line, w.column, w.message) for w in program.warnings] == [
        (1, 17, "comparing string with int is always false")
    ]
    costly = engine.compile("event.l.all(a, event.l.all(b, a.x + a.y + b.x + b.y == 1))", variables=VARIABLES)
    assert "steps" in costly.warnings[0].message


def test_unchecked_programs_fail_only_when_they_run() -> None:
    program = engine.unchecked("nothing.here() || event.nope(1) || true", variables=VARIABLES)
    assert program.evaluate({"event": {}}) is True


def test_lint_tells_everything_in_order() -> None:
    problems = engine.lint("evnt.a == 1 &&\n 'a' == 1 && event.b.foo()", variables=VARIABLES, result="bool")
    assert [(p.line, p.column, p.severity) for p in problems] == [
        (1, 1, "error"),
        (2, 2, "warning"),
        (2, 22, "error"),
    ]
    assert [(p.line, p.column, p.severity) for p in engine.lint("1 +", variables=VARIABLES)] == [(1, 4, "error")]
    assert engine.lint("event.a == 1", variables=VARIABLES, result="bool") == []
