"""What can be done to workflows: stop, terminate, suspend, resume, retry, resubmit, delete, node set."""

from collections.abc import Sequence
from typing import Any

import click

from eventflow.cli import options, output
from eventflow.cli.client import Client, workflow_path

_NODES = click.option("--node-field-selector", "selector", default="", help="Only these nodes: displayName=approve.")
_PARAMETERS = click.option(
    "-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Replace a parameter."
)
_WAIT = click.option("--wait", "waits", is_flag=True, help="Wait for the end; the exit status tells how it was.")


def _each(namespace: str, names: Sequence[str], verb: str, body: dict[str, Any], done: str) -> list[Any]:
    client = Client()
    found = []
    for name in names:
        answer = client.put(workflow_path(namespace, name, verb), body)
        found.append(answer)
        click.echo(f"workflow {answer['metadata']['name']} {done}")
    return found


@click.command()
@options.names
@_NODES
@click.option("--message", default="", help="The message of the nodes that are stopped.")
@options.namespace
def stop(names: Sequence[str], selector: str, message: str, namespace: str) -> int:
    """Stop workflows; their exit handlers still run. With --node-field-selector, only fail suspended nodes."""
    _each(namespace, names, "stop", {"nodeFieldSelector": selector, "message": message}, "stops")
    return 0


@click.command()
@options.names
@options.namespace
def terminate(names: Sequence[str], namespace: str) -> int:
    """End workflows at once; their exit handlers do not run."""
    _each(namespace, names, "terminate", {}, "ends")
    return 0


@click.command()
@options.names
@options.namespace
def suspend(names: Sequence[str], namespace: str) -> int:
    """Hold workflows: what runs goes on, nothing new starts."""
    _each(namespace, names, "suspend", {}, "suspended")
    return 0


@click.command()
@options.names
@_NODES
@options.namespace
def resume(names: Sequence[str], selector: str, namespace: str) -> int:
    """Let suspended workflows and nodes go on."""
    _each(namespace, names, "resume", {"nodeFieldSelector": selector}, "resumed")
    return 0


@click.command()
@options.names
@click.option("--restart-successful", is_flag=True, help="Also run again what --node-field-selector names.")
@_NODES
@_PARAMETERS
@click.option("--dry-run", is_flag=True, help="Only tell which nodes would run again.")
@_WAIT
@options.namespace
def retry(
    names: Sequence[str],
    restart_successful: bool,
    selector: str,
    parameters: Sequence[str],
    dry_run: bool,
    waits: bool,
    namespace: str,
) -> int:
    """Run what failed in ended workflows again, and what follows it; what succeeded is kept."""
    output.pairs(parameters, "parameter")
    body = {"restartSuccessful": restart_successful, "nodeFieldSelector": selector, "parameters": list(parameters)}
    if dry_run:
        for name in names:
            _preview(Client().put(workflow_path(namespace, name, "retry"), {**body, "dryRun": True}))
        return 0
    return _maybe_wait(_each(namespace, names, "retry", body, "runs again"), waits)


def _preview(plan: dict[str, Any]) -> None:
    for name in plan["rerun"]:
        click.echo(f"runs again  {name}")
    for name in plan["reset"]:
        click.echo(f"goes on     {name}")
    click.echo(f"{plan['kept']} nodes stay as they are")


@click.command()
@options.names
@click.option("--memoized", is_flag=True, help="Take over the outputs of what succeeded instead of running it again.")
@_PARAMETERS
@_WAIT
@options.namespace
def resubmit(names: Sequence[str], memoized: bool, parameters: Sequence[str], waits: bool, namespace: str) -> int:
    """Run workflows again as new ones."""
    output.pairs(parameters, "parameter")
    body = {"memoized": memoized, "parameters": list(parameters)}
    return _maybe_wait(_each(namespace, names, "resubmit", body, "submitted"), waits)


def _maybe_wait(found: Sequence[Any], waits: bool) -> int:
    if not waits:
        return 0
    from eventflow.cli import watch

    return watch.ended(Client(), [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in found])


@click.command()
@options.names
@options.namespace
def delete(names: Sequence[str], namespace: str) -> int:
    """Delete workflows; those that run are ended first. With a kind first, objects: `eventflow delete sensor NAME`."""
    from eventflow.cli import queries

    client = Client()
    if len(names) > 1 and queries.is_kind(names[0]):
        for name in names[1:]:
            client.delete(f"/api/v1/objects/{names[0]}/{name}", namespace=namespace)
            click.echo(f"{names[0]} {name} deleted")
        return 0
    for name in names:
        found = client.get(workflow_path(namespace, name), fields="metadata")["metadata"]
        client.delete(workflow_path(namespace, found["uid"]))
        click.echo(f"workflow {found['name']} deleted")
    return 0


@click.group()
def node() -> None:
    """Act on one node of a workflow."""


@node.command("set")
@options.name
@click.option("--node-field-selector", "selector", required=True, help="The node: displayName=approve.")
@click.option("--output-parameter", "outputs", multiple=True, metavar="NAME=VALUE", help="Supply an output.")
@click.option("--phase", type=click.Choice(["Succeeded", "Failed", "Error"]), help="End it with this phase.")
@click.option("--message", default="", help="Its message.")
@options.namespace
def set_(name: str, selector: str, outputs: Sequence[str], phase: str | None, message: str, namespace: str) -> int:
    """Give a suspended node its outputs, a message, or its end."""
    body = {
        "nodeFieldSelector": selector,
        "outputParameters": output.to_json(output.pairs(outputs, "output parameter")) if outputs else "",
        "phase": phase or "",
        "message": message,
    }
    _each(namespace, [name], "set", body, "has its node set")
    return 0
