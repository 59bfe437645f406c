"""Calls of eventflow in docs/ and the README name commands and options that exist; docs/cli.md is complete."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from eventflow.cli import main
from tests.architecture import pages

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {
    str(page.relative_to(ROOT)): page.read_text()
    for page in [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`]+)`")
_OPTION = re.compile(r"-{1,2}[a-z][a-z-]*")


def _calls() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (page, words behind `eventflow`) of each call, in blocks and in running text."""
    for page, text in TEXTS.items():
        blocks = [found[2] for found in _BLOCK.finditer(text) if found[1] == "sh"]
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        for line in (*lines, *_INLINE.findall(_BLOCK.sub("", text))):
            for part in re.split(r"&&|\|\||[|;]", line.partition(" #")[0]):
                words = part.split()
                if words and words[0].removeprefix(".venv/bin/") == "eventflow":
                    yield page, tuple(shlex.split(part)[1:])


@pytest.mark.parametrize(("page", "words"), sorted(set(_calls())))
def test_calls_name_commands_and_options_that_exist(page: str, words: tuple[str, ...]) -> None:
    command: click.Command = main.eventflow
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        assert found is not None, f"{page}: eventflow {' '.join(words)}"
        command = found
        rest = rest[1:]
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"-h", "--help"}
    used = {match[0] for match in map(_OPTION.match, rest) if match}
    assert used <= known, f"{page}: eventflow {' '.join(words)}"


def test_the_page_of_commands_is_up_to_date() -> None:
    found = pages.part("commands", TEXTS["docs/cli.md"])
    assert found == pages.commands(), "run `python -m tests.architecture.pages`"
