"""Findings as text, JSON, SARIF and annotations."""

import json
import re
from pathlib import Path

from eventflow.errors import Location
from eventflow.lint import render
from eventflow.lint.findings import Finding
from eventflow.lint.rules import RULES

FINDINGS = [
    Finding("error", "depends", 'there is no task "b"', Location("a.yaml", 12, 5), "did you mean\n50%?", "\tkey: b"),
    Finding("info", "next-runs", "soon", Location("dir,x/b.yaml", 3, 1)),
]


def test_people_see_the_line_and_a_caret_under_the_place() -> None:
    assert render.people(FINDINGS[:1]) == (
        'a.yaml:12:5: error: there is no task "b" [depends]\n'
        "  12 |     key: b\n"
        "     |        ^\n"
        "  hint: did you mean\n50%?\n"
        "\n1 error\n"
    )
    assert "\x1b[31m^\x1b[0m" in render.people(FINDINGS, colour=True)
    assert render.people([]) == "no problems found\n"


def test_json_has_every_part() -> None:
    (first, second) = json.loads(render.json(FINDINGS))
    assert first == {
        "severity": "error",
        "rule": "depends",
        "message": 'there is no task "b"',
        "file": "a.yaml",
        "line": 12,
        "column": 5,
        "hint": "did you mean\n50%?",
    }
    assert second["hint"] is None


def test_sarif_refers_to_described_rules() -> None:
    (run,) = json.loads(render.sarif(FINDINGS, "1.0"))["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["depends", "next-runs"]
    assert [result["level"] for result in run["results"]] == ["error", "note"]
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 12, "startColumn": 5}


def test_github_annotations_are_escaped() -> None:
    first, second = render.github(FINDINGS).splitlines()
    assert first == '::error file=a.yaml,line=12,col=5,title=depends::there is no task "b" (did you mean%0A50%25?)'
    assert second.startswith("::notice file=dir%2Cx/b.yaml,line=3,")


def test_every_rule_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "lint.md").read_text()
    assert re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", text, re.MULTILINE) == list(RULES.items())
