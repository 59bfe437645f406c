"""expr-lang: what it evaluates to, what it refuses and where, and its limits."""

from typing import Any

import pytest

from eventflow.expressions.expr import kinds, program
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError, ExprSyntaxError
from eventflow.expressions.golang.duration import Duration

VARIABLES: dict[str, Any] = {"n": "3", "i": {"s": "abc", "j": '{"a": [1, 2.5, null]}'}, "list": [3, 1, 2]}


def evaluate(source: str, **variables: Any) -> Any:
    return program.compile(source).evaluate({**VARIABLES, **variables}, Environment(now=1_709_634_600.25, seed="s"))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 2 * 3 ** 2", 19.0),
        ("7 / 2", 3.5),
        ("-7 % 3", -1),
        ("-2 ** 2", -4.0),
        ("9223372036854775807 + 1", -(2**63)),
        ("1 < 2 < 3", True),
        ("3 > 2 > 5", False),
        ("not true == false", True),
        ('"a" not in ["a"]', False),
        ('"a" in {"a": 1}', True),
        ('"10" < "9"', True),
        ("1 == 1.0", True),
        ("[1, [2]] == [1.0, [2.0]]", True),
        ("1..4", [1, 2, 3, 4]),
        ("[1, 2, 3][-1]", 3),
        ("[1, 2, 3][1:]", [2, 3]),
        ('"héllo"[1:3]', "é"),
        ('len("héllo")', 5),
        ('indexOf("héllo", "l")', 3),
        ("i?.x?.y", None),
        ('i.x ?? "d"', "d"),
        ('(i.x ?? "d") + "e"', "de"),
        ("true ? 1 : 2", 1),
        ('if n == "3" { "a" } else if true { "b" } else { "c" }', "a"),
        ("let x = 2; let y = x * 2; x + y", 6),
        ("1; 2", 2),
        ("[3, 1, 2] | sort() | first()", 1),
        ("0xff + 0b11 + 0o17 + 1_000", 1273),
        ("`a\\b`", "a\\b"),
        ('"\\u00e9\\x41\\101\\u{1F600}"', "éAA😀"),
        ("/* c */ 1 // d", 1),
        ("map(1..3, {# * #index})", [0, 2, 6]),
        ("map([[1], [2]], {map(#, {# + 1})})", [[2], [3]]),
        ("filter(list, # > 1) | sum()", 5),
        ("reduce(1..4, #acc + #, 10)", 20),
        ('groupBy(["a", "bb", "c"], len(#))[1]', ["a", "c"]),
        ('sortBy([{"n": 2}, {"n": 1}], .n, "desc")[0].n', 2),
        ("findIndex([1, 2], # == 5)", None),
        ("count([1, 2, 3], # > 1)", 2),
        ("all([], #) and none([1], # > 1) and one([1, 2], # == 2)", True),
        ("median([5, 1, 3, 2])", 2.5),
        ("max([1, [7, 2.5]], 3)", 7),
        ("flatten([1, [2, [3]]])", [1, 2, 3]),
        ("uniq([1, 1.0, 2])", [1, 2]),
        ('fromJSON(i.j).a | map(type(#)) | join(",")', "float,float,nil"),
        ('split("a,b,c", ",", 2)', ["a", "b,c"]),
        ('replace("aaa", "a", "b", 2)', "bba"),
        ('trim("xxaxx", "x")', "a"),
        ('upper("straße")', "STRAßE"),
        ("string([1.5, nil, true])", "[1.5 <nil> true]"),
        ("keys({b: 1, a: 2})", ["a", "b"]),
        ("toPairs({b: 1, a: 2})", [["a", 2], ["b", 1]]),
        ("int(2.9) + int('42')", 44),
        ("round(-2.5)", -3.0),
        ("bitushr(-1, 1)", 2**63 - 1),
        ('date("2024-03-05").AddDate(0, 1, 0).Format("02 Jan")', "05 Apr"),
        ('(date("2024-03-06") - date("2024-03-05")).Hours()', 24.0),
        ('duration("1h") * 2 == duration("2h")', True),
        ("now().Unix()", 1_709_634_600),
        ('string(date("2024-03-05").Month())', "March"),
        ('date("2024-03-05").In(timezone("Asia/Tokyo")).Hour()', 9),
        ('"a1" matches `^[a-z]\\d$`', True),
        ("asInt(n) + 1", 4),
        ('toJson({"b": [1.0, "<"]})', '{"b":[1,"\\u003c"]}'),
        ("$env.n", "3"),
    ],
)
def test_values(source: str, value: Any) -> None:
    found = evaluate(source)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "column", "reason"),
    [
        ("1 +", 3, "end of expression"),
        ("a b", 3, "unexpected 'b'"),
        ('"abc', 5, "not terminated"),
        ('"\\q"', 3, "invalid char escape"),
        ("a ?? b + c", 8, "cannot be mixed"),
        ("[1, 2", 5, "end of expression"),
        ("{1 + 1: 2}", 4, "unexpected"),
        ("a.", 2, "expected a name"),
        ("#", 1, "unexpected '#'"),
        ("1a", 2, "bad number syntax"),
        ("/* x", 5, "unclosed comment"),
        ("9223372036854775808", 1, "64 bits"),
        ("map([1], {'k': #})", 14, "unexpected ':'"),
        ("filter([1])", 11, "at least 2"),
    ],
)
def test_syntax_errors_name_their_place(source: str, column: int, reason: str) -> None:
    with pytest.raises(ExprSyntaxError, match=reason) as caught:
        program.compile(source)
    assert caught.value.location is not None
    assert (caught.value.location.line, caught.value.location.column) == (1, column)


def test_places_count_lines() -> None:
    with pytest.raises(ExprError) as caught:
        evaluate("1 +\n  i.s")
    assert caught.value.location is not None
    assert (caught.value.location.line, caught.value.location.column) == (1, 3)
    with pytest.raises(ExprError) as caught:
        evaluate("[1,\n  i.s * 2]")
    assert caught.value.location is not None
    assert (caught.value.location.line, caught.value.location.column) == (2, 7)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ('"a" + 1', "mismatched types string and int"),
        ('true || "a" * 3', "mismatched types"),
        ('true == "true"', "mismatched types bool and string"),
        ("n + 1", "mismatched types string and int"),
        ("n == 3", "mismatched types string and int"),
        ('"1" in [1, 2]', "cannot use string as type int"),
        ('1 ? "a" : "b"', "used as condition"),
        ('"abc" matches "("', "missing"),
        ("any([1], # + 1)", "should return boolean"),
        ("filter([1], #index > 0)", "unknown pointer"),
        ('date("2024-03-05").Month() == 3', "mismatched types time.Month and int"),
        ('date("2024-03-05").Foo()', "no method Foo"),
        ("let n = 1; n", "cannot redeclare n"),
        ("upper(1)", "cannot use int"),
        ('trim("a", "b", "c")', "too many arguments"),
    ],
)
def test_type_errors_are_found_in_any_branch(source: str, reason: str) -> None:
    with pytest.raises(ExprError, match=reason):
        evaluate(source)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("i.s + 1", "string \\+ int"),
        ("!i.s", "expected a boolean"),
        ("nope", "unknown name nope"),
        ("i.nope.deeper", "cannot fetch deeper from <nil>"),
        ("list[9]", "index out of range: 9 \\(array length is 3\\)"),
        ("1 % 0", "divide by zero"),
        ('int("x")', "int\\(x\\)"),
        ('fromJSON("bad")', "Expecting value"),
        ('join(["a", 1])', "expected a string"),
        ("reduce([], #acc + #)", "empty array"),
        ('sort(["b", 1])', "int < string"),
        ("nope(1)", "unknown name nope"),
        ("i.s()", "is not a function"),
        ('date("x")', "invalid date x"),
        ('repeat("a", -1)', "positive"),
    ],
)
def test_failures_while_evaluating(source: str, reason: str) -> None:
    with pytest.raises(ExprError, match=reason):
        evaluate(source)


def test_unknown_names_may_be_nil() -> None:
    assert program.compile("nope").evaluate({}, strict=False) is None
    assert program.compile("nope == nil").evaluate({}, strict=False) is True


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100 + "1" + ")" * 100,
        "+".join(["1"] * 2_000),
        '"' + "a" * 9_000 + '"',
        "[" * 70 + "]" * 70,
        "-" * 100 + "1",
        "+".join(["1"] * 300),
        "a" + ".b" * 300,
    ],
)
def test_sources_are_bounded(source: str) -> None:
    with pytest.raises(ExprSyntaxError):
        program.compile(source)


@pytest.mark.parametrize(
    "source",
    [
        "1..2000000",
        "map(1..2000, map(1..2000, 1))",
        'reduce(1..100, #acc + #acc, "xxxxxxxxxx")',
        "string(reduce(1..60, [#acc, #acc], [1]))",
        "reduce(1..60, [#acc, #acc], [1]) == reduce(1..60, [#acc, #acc], [1])",
        "max(reduce(1..60, [#acc, #acc], [1]))",
        'repeat("abcdefgh", 10000000)',
        'replace(repeat("a", 100000), "a", repeat("b", 100000))',
    ],
)
def test_work_is_bounded(source: str) -> None:
    with pytest.raises(ExprError):
        evaluate(source)


def test_names_are_free_dotted_variables() -> None:
    found = program.compile('let x = a.b; x.c + d["e-f"].g + sprig.upper(h) + asInt(k) + (m.n ?? "") + sprig.nope(1)')
    assert found.names == {"a.b", "d.e-f.g", "h", "k", "m.n", "sprig.nope"}
    assert found.guarded == ("m.n",)
    assert "m.n" not in found.required
    assert "m" in found.required


def test_kinds_are_known_before_evaluation() -> None:
    assert program.compile("a + 1").check({"a": kinds.INT}) == kinds.INT
    with pytest.raises(ExprError, match="mismatched"):
        program.compile("a + 1").check({"a": kinds.STRING})


def test_evaluation_is_repeatable_and_leaves_variables_alone() -> None:
    holder = {"a": 1}
    compiled = program.compile('sprig.set(h, "b", sprig.randAlpha(8)).b + sprig.uuidv4()')
    first = compiled.evaluate({"h": holder}, Environment(seed="x"))
    assert compiled.evaluate({"h": holder}, Environment(seed="x")) == first
    assert compiled.evaluate({"h": holder}, Environment(seed="y")) != first
    assert holder == {"a": 1}


def test_durations_are_values() -> None:
    assert evaluate('duration("90m") + duration("30m")') == Duration(7_200_000_000_000)
