"""The parts of docs/ that are made from the code: `python -m tests.architecture.pages` writes them anew.

A part stands between `<!-- name -->` and `<!-- end -->`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path

import click

from eventflow.cli import main
from eventflow.expressions.cel.functions.registry import Function

DOCS = Path(__file__).resolve().parents[2] / "docs"
_GROUPS = {
    "standard": "tests and conversions",
    "strings": "strings",
    "regex": "regular expressions",
    "globs": "paths",
    "mathematics": "numbers",
    "lists": "lists and sets",
    "encoders": "encodings and digests",
    "time": "times (zone optional)",
    "data": "documents, headers, paths",
    "addresses": "addresses and versions",
    "optionals": "values that may be absent",
}


def functions() -> str:
    """Return the table of CEL functions, a row a group."""
    rows = []
    for name, title in _GROUPS.items():
        found: Sequence[Function] = import_module(f"eventflow.expressions.cel.functions.{name}").FUNCTIONS
        rows.append((title, "<br>".join(f"`{each.signature} -> {each.result}`" for each in found)))
    return _table("functions", "by type", rows)


def _table(first: str, second: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = [(a.replace("|", "\\|"), b.replace("|", "\\|")) for a, b in rows]
    return "\n".join([f"| {first} | {second} |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in cells)])


def commands() -> str:
    """Return a section for each command, in the order of the help."""
    return "\n\n".join(_section(path, command) for path, command in walk())


def walk() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that is no group, with the words that lead to it."""
    context = click.Context(main.eventflow, info_name="eventflow")
    for name in main.eventflow.list_commands(context):
        command = main.eventflow.get_command(context, name)
        assert command is not None, name
        yield from _below((name,), command)


def _below(path: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.list_commands(click.Context(command)):
        found = command.get_command(click.Context(command), name)
        assert found is not None, name
        yield from _below((*path, name), found)


def _section(path: tuple[str, ...], command: click.Command) -> str:
    context = click.Context(command, info_name=" ".join(("eventflow", *path)))
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"### {context.info_name}", "", f"`{context.info_name} {usage}`", "", _paragraphs(command)]
    records = [each.get_help_record(context) for each in command.params if isinstance(each, click.Option)]
    shown = [(f"`{names}`", text) for names, text in filter(None, records)]
    return "\n".join([*lines, "", _table("option", "meaning", shown)] if shown else lines)


def _paragraphs(command: click.Command) -> str:
    text = (command.help or "").replace("\b\n", "")
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


PARTS: Mapping[str, tuple[str, Callable[[], str]]] = {
    "functions": ("events.md", functions),
    "commands": ("cli.md", commands),
}


def part(name: str, text: str) -> str:
    """Return what stands in a page between the marks of a part."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", text, re.DOTALL)
    assert found is not None, f"there is no part {name}"
    return found[1].rstrip("\n")


def write() -> None:
    """Write all parts anew."""
    for name, (file, make) in PARTS.items():
        page = DOCS / file
        text = page.read_text()
        page.write_text(text.replace(f"<!-- {name} -->\n{_tail(part(name, text))}", f"<!-- {name} -->\n{make()}\n"))


def _tail(text: str) -> str:
    return f"{text}\n" if text else ""


if __name__ == "__main__":
    write()
