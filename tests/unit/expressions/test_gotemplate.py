"""Go templates: control flow, limits and errors that the recorded tables do not try."""

import pytest

from eventflow.expressions.gotemplate.template import Template
from eventflow.expressions.gotemplate.values import TemplateError

DATA = {"Input": {"l": ["a", "b", "c"], "m": {"z": 1, "y": {"x": "deep"}}, "n": 3, "nul": None, "s": "text"}}


def render(source: str, now: float | None = None) -> str:
    return Template(source).render(DATA, now).text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{range .Input.l}}{{if eq . `b`}}{{continue}}{{end}}{{.}}{{end}}", "ac"),
        ("{{range .Input.l}}{{if eq . `b`}}{{break}}{{end}}{{.}}{{end}}", "a"),
        ("{{range $k, $v := .Input.m}}{{$k}} {{end}}", "y z "),
        ("{{range .Input.nul}}x{{else}}none{{end}}", "none"),
        ("{{with .Input.nul}}x{{else with .Input.s}}{{.}}{{end}}", "text"),
        ("{{if .Input.nul}}1{{else if .Input.s}}2{{else}}3{{end}}", "2"),
        ("{{$x := 1}}{{range .Input.l}}{{$x = add $x 1}}{{end}}{{$x}}", "4"),
        ("{{define `t`}}<{{.}}>{{end}}{{template `t` .Input.s}}", "<text>"),
        ("{{block `b` .Input.s}}[{{.}}]{{end}}", "[text]"),
        ("a {{- ` b ` -}} c", "a b c"),
        ("{{/* note */}}x", "x"),
        ("{{(index .Input.m `y`).x}}", "deep"),
        ("{{.Input.m.y.x | printf `%s-%s` `a`}}", "a-deep"),
        ("{{and .Input.s .Input.nul}}{{or .Input.nul .Input.s}}", "<no value>text"),
        ("{{slice .Input.s 1 3}}{{len .Input.l}}", "ex3"),
        ("{{eq .Input.s `x` `text`}} {{lt 1 2}} {{ge `b` `a`}} {{not .Input.nul}}", "true true true true"),
        ("{{print 1 2 `x` 3}}", "1 2x3"),
        ('{{html `<a href="x">`}}', "&lt;a href=&#34;x&#34;&gt;"),
        ("{{urlquery `a b&c`}}", "a+b%26c"),
        ("{{'a'}} {{0x10}} {{1e3}}", "97 16 1000"),
    ],
)
def test_renders(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{",
        "{{end}}",
        "{{if}}x{{end}}",
        "{{range .x}}",
        "{{break}}",
        "{{.Input.s.x}}",
        "{{$nope}}",
        "{{template `none`}}",
        "{{nil}}",
        "{{1 | 2}}",
        "{{.Input.s 1}}",
        "{{upper 1 2}}",
        "{{upper}}",
        "{{`open}}",
        '{{"a\nb"}}',
        "{{index .Input.l 9}}",
        "{{eq .Input.n 3}}",
        "{{lt .Input.m 1}}",
        "{{range .Input.s}}x{{end}}",
        "{{define t}}{{end}}",
        "{{(1}}",
        "{{env `HOME`}}",
        "{{now}}",
        "{{genPrivateKey `rsa`}}",
        "{{.Input.nope.x}}",
        "{{a b c",
    ],
)
def test_refuses(source: str) -> None:
    with pytest.raises(TemplateError):
        render(source)


def test_an_error_names_the_line() -> None:
    with pytest.raises(TemplateError, match="line 3"):
        Template("a\nb\n{{ shout 1 }}")


def test_now_is_what_the_caller_says() -> None:
    assert render("{{ now | date `2006-01-02` }}", now=1_709_634_600.0) == "2024-03-05"


def test_printing_a_missing_value_is_noticed() -> None:
    assert Template("x{{.Input.nope}}").render(DATA).incomplete
    assert not Template("x{{.Input.nope | default `y`}}").render(DATA).incomplete


def test_work_is_bounded() -> None:
    with pytest.raises(TemplateError, match=r"steps|makes more|takes more"):
        render("{{range until 1000}}{{range until 1000}}x{{end}}{{end}}")
    with pytest.raises(TemplateError, match="deep"):
        render("{{define `t`}}{{template `t`}}{{end}}{{template `t`}}")
