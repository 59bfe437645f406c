"""`eventflow apply`."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from eventflow.cli import options
from eventflow.cli.client import Client
from eventflow.errors import UserError


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("-f", "--filename", "more", multiple=True, metavar="PATH", help="As an argument, for kubectl's sake.")
@click.option("--dry-run", is_flag=True, help="Only check.")
@options.namespace
def apply(paths: Sequence[str], more: Sequence[str], dry_run: bool, namespace: str) -> int:
    """Store the templates, sensors, schedules, ConfigMaps ... of files and directories in the server.

    Each file is stored whole or not at all. - is standard input.
    """
    chosen = [*paths, *more]
    if not chosen:
        raise click.UsageError("give a PATH")
    client = Client()
    count = 0
    for file, text in _texts(chosen):
        query = {"namespace": namespace, "file": file, "dryRun": str(dry_run).lower()}
        for each in client.post("/api/v1/objects", text, **query)["items"]:
            click.echo(f"{each['kind'].lower()}/{each['name']} {each['change']}")
            count += 1
    if not count:
        raise UserError(f"there is no object in {', '.join(chosen)}")
    return 0


def _texts(paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Give the name and text of each file that holds objects. Raises UserError for a Workflow, with its place."""
    from eventflow.model import manifest, manifest_files

    for path in paths:
        if path == "-":
            yield "<stdin>", sys.stdin.buffer.read()
            continue
        for file in sorted({each.document.file for each in manifest_files.load_paths([path])}):
            text = Path(file).read_bytes()
            first = next((each for each in manifest.parse(text, file) if each.kind == "Workflow"), None)
            if first is not None:
                place = first.locate_key(("kind",))
                raise UserError("a Workflow is not kept as an object", location=place, hint="eventflow submit")
            yield file, text
