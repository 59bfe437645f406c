"""sprig's functions, with values that Go gave."""

from typing import Any

import pytest

from eventflow.expressions.expr import program
from eventflow.expressions.expr.environment import Environment
from eventflow.expressions.expr.errors import ExprError
from eventflow.expressions.golang import json_text


def evaluate(source: str, seed: str = "") -> Any:
    return program.compile(f"sprig.{source}").evaluate({}, Environment(now=1_709_634_600.0, seed=seed))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('snakecase("HTTPServer2xx")', "http_server_2xx"),
        ('snakecase("Bld4Floor")', "bld4_floor"),
        ('snakecase("HTTPStatus200OK")', "http_status200_ok"),
        ('kebabcase("FirstName")', "first-name"),
        ('camelcase("_foo bar-baz")', "_FooBarBaz"),
        ('title("hello world-foo it\'s")', "Hello World-Foo It'S"),
        ('wrap(3, "hello world foo")', "hello\nworld\nfoo"),
        ('wrapWith(3, "-", "hello")', "hel-lo"),
        ('abbrev(5, "hello world")', "he..."),
        ('abbrevboth(5, 10, "1234 5678 9123")', "...5678..."),
        ('trunc(-3, "abcdef")', "def"),
        ('substr(-1, 3, "abcdef")', "abc"),
        ('quote("a", 1, nil, "é\\n")', '"a" "1" "é\\n"'),
        ('indent(2, "a\\nb")', "  a\n  b"),
        ('splitn("-", 2, "a-b-c")._1', "b-c"),
        ('regexReplaceAll("a(x*)b", "-ab-axxb-", "${1}W")', "-W-xxW-"),
        ('regexReplaceAll("a(x*)b", "-ab-axxb-", "$1W")', "---"),
        ('regexSplit("z+", "pizza", -1)', ["pi", "a"]),
        ('regexSplit("", "abc", -1)', ["a", "b", "c"]),
        ('regexMatch("(", "a")', False),
        ('add("1", 2.9, true, nil)', 4),
        ("div(-7, 2)", -3),
        ("mod(-7, 3)", -1),
        ("addf(0.1, 0.2)", 0.3),
        ("divf(10, 3)", 3.3333333333333335),
        ("round(1.255, 2)", 1.25),
        ('int("010")', 8),
        ('int("12.00")', 12),
        ('int("12.5")', 0),
        ("seq(0, 2, 6)", "0 2 4 6"),
        ("untilStep(6, 0, -2)", [6, 4, 2]),
        ("has(1.0, [1, 2])", False),
        ("chunk(2, [1, 2, 3])", [[1, 2], [3]]),
        ('dig("a", "z", "d", {"a": {"b": 1} })', "d"),
        ('merge({"a": 1, "c": {"x": 1} }, {"b": 2, "a": 9, "c": {"y": 2} })', {"a": 1, "b": 2, "c": {"x": 1, "y": 2}}),
        ('sortAlpha(["b", "a", 1])', ["1", "a", "b"]),
        ('default("d", 0)', "d"),
        ('typeOf({"a": 1})', "map[string]interface {}"),
        ("kindOf(sprig.add(1, 2))", "int64"),
        ('date("2006-01-02 15:04", 0)', "1970-01-01 00:00"),
        ('dateInZone("15:04", 0, "Asia/Tokyo")', "09:00"),
        ('ago(date("2024-03-05T10:00:00Z"))', "30m0s"),
        ("duration(95)", "0s"),
        ("duration(sprig.int64(95))", "1m35s"),
        ('durationRound("2h10m5s")', "2h"),
        ('semver("1.2.3-beta.1+b5").Prerelease()', "beta.1"),
        ('semver("1.2.3").IncMinor().String()', "1.3.0"),
        ('semverCompare("~1.2.3", "1.2.9")', True),
        ('semverCompare(">1.2", "1.2.5")', False),
        ('semverCompare("1.2 - 1.4.5", "1.4.0")', True),
        ('semverCompare(">=1.0", "1.5.0-beta")', False),
        ('dir("a/b/c.txt") + sprig.ext("a/b/c.txt") + sprig.base("a/")', "a/b.txta"),
        ('urlParse("http://u:p@h.com:80/p/a%20b?q=1#f").path', "/p/a b"),
        ('urlJoin({"scheme": "http", "host": "h", "path": "/a b", "query": "q=1"})', "http://h/a%20b?q=1"),
        ('sha256sum("a")', "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ('b32enc("hi")', "NBUQ===="),
        ('toPrettyJson({"a": [1]})', '{\n  "a": [\n    1\n  ]\n}'),
    ],
)
def test_values(source: str, value: Any) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("trim(3)", "cannot use int as argument \\(type string\\)"),
        ('repeat("3", "a")', "cannot use string"),
        ("until(3.0)", "cannot use float64"),
        ('trim("a", "b")', "too many"),
        ('fail("no")', "no"),
        ('b64dec("%%")', "illegal base64"),
        ('mustFromJson("bad")', "Expecting"),
        ("div(1, 0)", "divide by zero"),
        ("slice([1], 2, 1)", "out of bounds"),
        ('semver("x")', "invalid semantic version"),
        ('getHostByName("localhost")', "refused"),
        ('genPrivateKey("rsa")', "refused"),
        ("until(100000000)", "numbers"),
        ("randAlpha(100000000)", "characters"),
    ],
)
def test_failures(source: str, reason: str) -> None:
    with pytest.raises(ExprError, match=reason):
        evaluate(source)


def test_the_environment_of_the_process_is_out_of_reach() -> None:
    for name in ("env", "expandenv"):
        assert program.compile(f'sprig.{name}("HOME")').required == ("sprig", f"sprig.{name}")[1:]


def test_what_looks_random_follows_from_the_seed() -> None:
    for source in ("randAlphaNum(12)", "uuidv4()", 'shuffle("abcdefghij")', "randInt(0, 1000000)", "randBytes(9)"):
        assert evaluate(source, "a") == evaluate(source, "a")
        assert evaluate(source, "a") != evaluate(source, "b")
    assert evaluate("uuidv4()")[14] == "4"


def test_nil_lists_are_null() -> None:
    for source in ('regexFindAll("z", "a", -1)', "rest([])", "concat()"):
        assert json_text.encode(evaluate(source)) == "null"
