"""`eventflow lint`."""

import sys
from collections.abc import Sequence

import click

from eventflow.clock import SystemClock


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="Form of the findings.",
)
@click.option("--offline", is_flag=True, help="Templates that are not in the files may be somewhere else.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--no-schedule", is_flag=True, help="Do not tell when schedules fire next.")
def lint(paths: Sequence[str], form: str, offline: bool, strict: bool, no_schedule: bool) -> int:
    """Check manifests in files and directories: what could not work, and where it is written.

    Exit status: 0 if there is nothing to mend, 2 if there is.
    """
    from eventflow.api.server import metadata_version
    from eventflow.lint import files, render

    found, count = files.lint_paths(paths, offline=offline, now=None if no_schedule else SystemClock().now())
    if not count and not found:
        click.echo(f"there is no object in {', '.join(paths)}", err=True)
        return 2
    if form == "text":
        click.echo(render.people(found, colour=sys.stdout.isatty()), nl=False)
    elif form == "sarif":
        click.echo(render.sarif(found, metadata_version()), nl=False)
    else:
        click.echo(render.json(found) if form == "json" else render.github(found), nl=False)
    bad = ("error", "warning") if strict else ("error",)
    return 2 if any(each.severity in bad for each in found) else 0
