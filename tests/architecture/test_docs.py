"""What docs/ and the README tell users: manifests are linted, settings read, examples of CEL evaluated."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventflow import settings_reader
from eventflow.expressions.cel import engine
from eventflow.lint import linting
from eventflow.model import manifest, yaml_loader
from eventflow.model.cloudevent import CloudEvent
from eventflow.model.document import Document
from eventflow.model.extensions import Verify
from eventflow.sensors import filters_cel
from eventflow.sources.payloads import verify
from tests.architecture import pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _blocks(language: str) -> Iterator[tuple[str, str]]:
    """Yield (page, text) of every block of a language."""
    for page, text in TEXTS.items():
        yield from ((page, found[2]) for found in _BLOCK.finditer(text) if found[1] == language)


@pytest.mark.parametrize(("page", "text"), [each for each in _blocks("yaml") if "apiVersion:" in each[1]])
def test_manifests_pass_lint(page: str, text: str) -> None:
    findings = linting.lint(manifest.parse(text, page))
    assert [each for each in findings if each.severity != "info"] == []


@pytest.mark.parametrize(("page", "text"), [each for each in _blocks("yaml") if "apiVersion:" not in each[1]])
def test_other_yaml_is_settings(page: str, text: str) -> None:
    settings = settings_reader.read(yaml_loader.load(text, page)[0], {})
    assert settings.origins, "no setting is set"


def test_the_table_of_functions_is_up_to_date() -> None:
    found = pages.part("functions", TEXTS["docs/events.md"])
    assert found == pages.functions(), "run `python -m tests.architecture.pages`"


def test_every_function_is_in_a_group() -> None:
    from eventflow.expressions.cel.functions.library import FUNCTIONS

    shown = re.findall(r"`(?:[a-z|\\]+\.)?([\w.]+)\(", pages.functions())
    assert {name.rpartition(".")[2] for name in FUNCTIONS} <= {name.rpartition(".")[2] for name in shown}


def _rows(name: str) -> list[list[str]]:
    """Return the rows of a table in docs/events.md that stands between marks, as cells without backquotes."""
    lines = pages.part(name, TEXTS["docs/events.md"]).splitlines()[2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split(" | ", 1)] for line in lines]


@pytest.mark.parametrize(("expression", "value"), _rows("examples"))
def test_examples_of_cel_have_the_value_shown(expression: str, value: str) -> None:
    body = json.loads((ROOT / "sensors" / "git-ci" / "push.json").read_text())
    data = {"headers": {"X-Github-Event": ["push"]}, "body": body}
    event = CloudEvent(id="1", source="github", type="github", subject="push", data=Document.of(data))
    program = engine.compile(expression.replace("\\|", "|"), variables=filters_cel.VARIABLES)
    assert engine.to_json(program.evaluate(filters_cel.variables(event))) == json.loads(value)


def test_schemes_are_those_that_can_be_checked() -> None:
    assert {name for name, _ in _rows("schemes")} == set(verify.SCHEMES)
    for name in verify.SCHEMES:
        assert Verify.model_validate({"scheme": name}).scheme == name


def test_links_lead_somewhere() -> None:
    for page, text in TEXTS.items():
        for link in _LINK.findall(text):
            file, _, anchor = link.partition("#")
            if "://" in link:
                continue
            target = (ROOT / page).parent / file if file else ROOT / page
            assert target.exists(), f"{page}: {link}"
            if anchor:
                heads = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
                assert anchor in slugs, f"{page}: {link}"
