"""`eventflow run`: workflows from files, on this machine, with no server."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from eventflow.cli import output


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--with", "extra", multiple=True, metavar="PATH", help="Load templates, ConfigMaps ... from here first.")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--entrypoint", help="Start with this template instead.")
@click.option("-n", "--namespace", envvar="EVENTFLOW_NAMESPACE", default="default", help="For what names none.")
@click.option("--data", type=click.Path(path_type=Path), help="Keep everything here; a temporary directory if unset.")
@click.option("--log", "logs", is_flag=True, help="Print what the pods say.")
@click.option("--plain", is_flag=True, help="A line for each change, also on a terminal.")
@output.option("wide")
def run(
    files: Sequence[str],
    extra: Sequence[str],
    parameters: Sequence[str],
    entrypoint: str | None,
    namespace: str,
    data: Path | None,
    logs: bool,
    plain: bool,
    form: str | None,
) -> int:
    """Run the workflows of FILEs and wait for their end.

    Whatever else the files hold is loaded first. A file without a Workflow may hold a WorkflowTemplate,
    ClusterWorkflowTemplate or CronWorkflow; a workflow is made of that. FILE - is standard input.

    The exit status is 0 if all Succeeded, 1 if one Failed, 2 if one ended in Error or the input is bad. Standard output
    has only what -o asks for, or with --log alone what the pods say.
    """
    from eventflow.cli import running

    live = sys.stderr.isatty() and not plain
    job = running.Job(
        extra=running.read(extra),
        named=running.read(files),
        parameters=output.pairs(parameters, "parameter"),
        entrypoint=entrypoint,
        namespace=namespace,
        logs=None if not logs else (sys.stderr if form else sys.stdout),
        live=live,
    )
    objects = asyncio.run(running.perform(job, data))
    if form == "wide":
        click.echo("\n".join(f"{each['metadata']['name']}  {each['status']['phase']}" for each in objects))
    elif form:
        output.write(objects, form, single=True)
    return output.status_of(each["status"]["phase"] for each in objects)
