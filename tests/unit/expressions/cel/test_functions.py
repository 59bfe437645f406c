"""The function library beyond the specification's own tests: Tekton's names, paths, versions, lists, sets, regexes."""

import hashlib
from typing import Any

import pytest

from eventflow.expressions.cel import engine
from eventflow.expressions.cel.errors import CelError
from eventflow.expressions.cel.functions import library

VARIABLES = frozenset(("event", "header"))
VALUES: dict[str, Any] = {
    "header": {"X-Github-Event": ["push", "other"], "content-type": "application/json", "Empty": []},
    "event": {
        "json": '{"a": {"b": [1, 2.5, "x"]}}',
        "yaml": "a: 1\nb: [x, 2.5, yes, ~, '1', 0x10, 12:30]\n2024-01-02:\n  k: |\n    text\n",
        "spec": {"rules": [{"host": "h"}], "n": None},
        "ref": "refs/heads/feature/login",
        "list": [3, 1, 2, 3],
    },
}


def evaluate(source: str) -> Any:
    return engine.compile(source, variables=VARIABLES).evaluate(VALUES)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("header.match('x-github-event', 'push')", True),
        ("header.match('X-Github-Event', 'other')", False),
        ("header.match('Content-Type', 'application/json')", True),
        ("header.canonical('X-GITHUB-EVENT')", "push"),
        ("header.canonical('Missing') + header.canonical('Empty')", ""),
        ("event.ref.truncate(4)", "refs"),
        ("'abc'.truncate(10)", "abc"),
        ("event.ref.split('/')[2]", "feature"),
        ("event.ref.split('/').join('-')", "refs-heads-feature-login"),
        ("event.ref.split('/').last() + event.ref.split('/').first()", "loginrefs"),
        ("[].last() == null && [].first() == null", True),
        ("event.json.parseJSON().a.b[1]", 2.5),
        ("parseJSON('[1]')[0]", 1),
        ("event.yaml.parseYAML().b", ["x", 2.5, True, None, "1", 16, "12:30"]),
        ("event.yaml.parseYAML()['2024-01-02']", {"k": "text\n"}),
        ("'a: {b: 1}'.parseYAML()", {"a": {"b": 1}}),
        ("''.parseYAML()", None),
        ("event.spec.marshalJSON()", '{"n":null,"rules":[{"host":"h"}]}'),
        ("marshalJSON([1u, duration('1.5s'), b'x', {true: optional.none()}])", '[1,"1.5s","eA==",{"true":null}]'),
        ("'aGk='.decodeb64() + decodeb64('aGk')", "hihi"),
        ("base64.encode('hi') + base64.encode(b'hi')", "aGk=aGk="),
        ("'This is $aN INvalid5string '.translate('[^a-z0-9]+', '')", "hisisavalid5string"),
        ("'john doe'.translate('(\\\\w+) (?P<last>\\\\w+)', '$2 ${1} ${last} $$ $9')", "doe john doe $ "),
        ("'https://u:p%40@example.com:8443/a%20b?q=1&q=2&e=#frag'.parseURL().host", "example.com:8443"),
        ("'https://e.com/a%20b?q=1&q=2&e=#frag'.parseURL().path", "/a b"),
        ("'https://e.com/?q=1&q=2&e='.parseURL().query", {"q": "1,2", "e": ""}),
        ("'https://e.com/?q=1&q=2'.parseURL().queryStrings.q", ["1", "2"]),
        ("'https://u:p%40@e.com/'.parseURL().auth", {"username": "u", "password": "p@"}),
        ("has('https://e.com/'.parseURL().auth)", False),
        ("'a%20b+c%C3%A4'.urlDecode()", "a b cä"),
        ("'a b&ä'.urlEncode()", "a+b%26%C3%A4"),
        ("sha256('abc')", hashlib.sha256(b"abc").hexdigest()),
        ("get(event, 'spec.rules.0.host', 'none')", "h"),
        ("event.get('spec.rules.1.host', 'none')", "none"),
        ("event.get(['spec', 'rules', 0, 'host'])", "h"),
        ("event.get('spec.missing.deeper') == null", True),
        ("event.get('spec.n', 'default') == null", True),
        ("get('text', 'a', 1)", 1),
        ("event.get('list.-1', 'none')", "none"),
    ],
)
def test_events_and_text(source: str, value: Any) -> None:
    assert evaluate(source) == value


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("src/a/b.py", "src/**/*.py", True),
        ("src/b.py", "src/**/*.py", True),
        ("src/b.py", "**/*.py", True),
        ("b.py", "**/*.py", True),
        ("xsrc/b.py", "src/**", False),
        ("src/a/b.py", "src/*.py", False),
        ("src/a.py", "src/?.{py,go}", True),
        ("src/a.rs", "src/?.{py,go}", False),
        ("feature/x", "feature/*", True),
        ("feature/x/y", "feature/*", False),
        ("feature/x/y", "feature/**", True),
        ("v1.2", "v[0-9].[!a-z]", True),
        ("v1.b", "v[0-9].[!a-z]", False),
        ("a+b(c)", "a+b(c)", True),
        ("aab", "a+b", False),
        ("a.b\nc", "a.*", True),
        ("a}b,c", "a}b,c", True),
        ("[", "[", True),
        ("abbc", "a**c", True),
    ],
)
def test_glob(text: str, pattern: str, matches: bool) -> None:
    program = engine.compile("t.glob(p)", variables=frozenset("tp"))
    assert program.evaluate({"t": text, "p": pattern}) is matches


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("[1, 2, 3, 4].slice(1, 3)", [2, 3]),
        ("''.split('') + 'aä'.split('') + 'a,b,c'.split(',', 2)", ["", "a", "ä", "a", "b,c"]),
        ("[1, [2, [3, [4]]]].flatten()", [1, 2, [3, [4]]]),
        ("[1, [2, [3, [4]]]].flatten(2)", [1, 2, 3, [4]]),
        ("lists.range(4)", [0, 1, 2, 3]),
        ("[math.ceil(-0.5), math.round(2.5), math.round(-0.4)].map(x, string(x))", ["-0", "3", "-0"]),
        ("[1, 2].reverse() + ['ab'.reverse().size()]", [2, 1, 2]),
        ("[1, 1.0, 'a', 'a', null, [1], [1]].distinct()", [1, "a", None, [1]]),
        ("event.list.sort()", [1, 2, 3, 3]),
        ("['b', 'a'].sort()", ["a", "b"]),
        ("[{'n': 2}, {'n': 1}].sortBy(e, e.n).map(e, e.n)", [1, 2]),
        ("event.list.sum() + [].sum()", 9),
        ("event.list.min() * 10 + event.list.max()", 13),
        ("sets.contains([1, 2, 3], [2, 2.0])", True),
        ("sets.contains([1], [2])", False),
        ("sets.equivalent([1, 2, 2], [2u, 1.0])", True),
        ("sets.intersects([1, 2], [3, 2])", True),
        ("sets.intersects([], [1])", False),
        ("'a1b22c'.find('[0-9]+') + 'x'.find('[0-9]')", "1"),
        ("'a1b22c'.findAll('[0-9]+')", ["1", "22"]),
        ("'a1b22c3'.findAll('[0-9]+', 2)", ["1", "22"]),
        ("regex.replace('foo bar', '(\\\\w+) (\\\\w+)', '\\\\2-\\\\1')", "bar-foo"),
        ("regex.replace('aaa', 'a', 'b', 2)", "bba"),
        ("regex.extract('v1.2', 'v([0-9]+)').value()", "1"),
        ("regex.extract('x', 'v([0-9]+)').hasValue()", False),
        ("regex.extractAll('a=1 b=2', '[a-z]=([0-9])')", ["1", "2"]),
        ("semver('1.10.0').isGreaterThan(semver('1.9.3'))", True),
        ("semver('1.0.0-rc.2').isLessThan(semver('1.0.0-rc.10'))", True),
        ("semver('1.0.0-rc.1').compareTo(semver('1.0.0'))", -1),
        ("semver('1.0.0+a') == semver('1.0.0+b')", True),
        ("semver('v1.2', true).minor() + semver('v1.2', true).patch()", 2),
        ("isSemver('1.2') || isSemver('01.2.3') || isSemver('1.2.3-01')", False),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", True),
        ("isCIDR('10.0.0.0/33') || isCIDR('10.0.0.0')", False),
        ("['10.0.0.0/8', '192.168.0.0/16'].exists(c, cidr(c).containsIP(ip('192.168.3.4')))", True),
    ],
)
def test_collections_and_forms(source: str, value: Any) -> None:
    result = evaluate(source)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "source",
    [
        "'abc'.truncate(-1)",
        "event.list.slice(2, 1)",
        "[].min()",
        "[1, 'a'].sort()",
        "[{}, {}].sort()",
        "['a', 1].join()",
        "'[1'.parseJSON()",
        "'a: *x'.parseYAML()",
        "'!!python/object:os.system x'.parseYAML()",
        "'? [a]\\n: b'.parseYAML()",
        "'a: 1\\na: 2'.parseYAML()",
        "'a: 1\\n---\\nb: 2'.parseYAML()",
        "'%zz'.urlDecode()",
        "'***'.decodeb64()",
        "'gA=='.decodeb64()",
        "header.canonical(1)",
        "header.match('n')",
        "regex.extract('x', '(a)(b)')",
        "marshalJSON(1.0 / 0.0)",
        "semver('1')",
        "cidr('10.0.0.0/8').containsIP('x')",
        "'http://[::1'.parseURL()",
    ],
)
def test_refused_arguments(source: str) -> None:
    with pytest.raises(CelError):
        engine.unchecked(source, variables=VARIABLES).evaluate(VALUES)


@pytest.mark.parametrize("name", sorted(library.FUNCTIONS))
def test_every_function_answers_wrong_types_with_an_error(name: str) -> None:
    """Arguments of every type, in every number it takes: a value or an error of CEL, never a Python exception."""
    function = library.FUNCTIONS[name]
    arguments = ("null", "true", "1", "1.5", "1u", "'x'", "b'x'", "[]", "[1]", "{}", "{'x': 1}", "timestamp(0)", "int")
    more = ("duration('1s')", "optional.of(1)", "ip('::1')", "cidr('::/0')", "semver('1.0.0')", "event.big")
    for count in range(function.required, len(function.params) + 1):
        for argument in arguments + more:
            given = [argument] * count
            if function.form == "free":
                source = f"{name}({', '.join(given)})"
            else:
                source = f"dyn({given[0]}).{name}({', '.join(given[1:])})"
            assert _failure(source) != "no such overload", f"{source}: an unforeseen Python error"


def _failure(source: str) -> str | None:
    try:
        engine.unchecked(source, variables=VARIABLES).evaluate({"event": {"big": 10**30}})
    except CelError as error:
        return error.message
    return None
