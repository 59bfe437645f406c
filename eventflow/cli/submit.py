"""`eventflow submit`."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from eventflow.cli import options, output
from eventflow.cli.client import Client, workflow_path
from eventflow.errors import UserError


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option("--from", "source", metavar="KIND/NAME", help="Make the workflow of a stored template or schedule.")
@click.option("-p", "--parameter", "parameters", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("-l", "--label", "labels", multiple=True, metavar="NAME=VALUE", help="Add a label.")
@click.option("--name", help="The workflow's name.")
@click.option("--generate-name", help="The prefix of its name.")
@click.option("--entrypoint", help="Start with this template instead.")
@click.option("--priority", type=int, help="Higher ones start first.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the end; the exit status tells how it was.")
@click.option("--watch", "watches", is_flag=True, help="Wait, and show a live view.")
@click.option("--log", "logs", is_flag=True, help="Wait, and print what the pods say.")
@click.option("--dry-run", is_flag=True, help="Only check it.")
@options.namespace
@output.option("wide")
def submit(files: Sequence[str], namespace: str, form: str | None, **given: Any) -> int:
    """Submit the workflows of FILEs, or with --from one made of a template, to the server.

    Templates and other objects in the files are not stored; `eventflow apply` does that.
    """
    if bool(files) == bool(given["source"]):
        raise click.UsageError("give FILEs, or --from KIND/NAME")
    client = Client()
    if given["source"]:
        made = [_from(client, namespace, given)]
    else:
        made = [_create(client, namespace, each, given) for each in _workflows(files)]
    if given["dry_run"]:
        click.echo("valid", err=True)
        return 0
    if form in ("json", "yaml", "name"):
        output.write(made, form, single=True)
    else:
        for each in made:
            click.echo(each["metadata"]["name"])
    if given["waits"] or given["watches"] or given["logs"]:
        return _follow(client, made, given)
    return 0


def _workflows(files: Sequence[str]) -> list[dict[str, Any]]:
    from eventflow.model import manifest, manifest_files

    found = []
    for file in files:
        resources = (
            manifest.parse(sys.stdin.buffer.read(), "<stdin>") if file == "-" else manifest_files.load_paths([file])
        )
        found += [each.manifest for each in resources if each.kind == "Workflow"]
    if not found:
        raise UserError(
            f"there is no Workflow in {', '.join(files)}", hint="`eventflow apply` stores templates; --from runs one"
        )
    return found


def _create(client: Client, namespace: str, manifest: dict[str, Any], given: dict[str, Any]) -> Any:
    metadata, spec = dict(manifest.get("metadata") or {}), dict(manifest.get("spec") or {})
    labels = output.pairs(given["labels"], "label")
    if labels:
        metadata["labels"] = {**(metadata.get("labels") or {}), **labels}
    if given["name"]:
        metadata["name"] = given["name"]
    if given["generate_name"]:
        metadata.pop("name", None)
        metadata["generateName"] = given["generate_name"]
    for option, field in (("entrypoint", "entrypoint"), ("priority", "priority")):
        if given[option] is not None:
            spec[field] = given[option]
    values = output.pairs(given["parameters"], "parameter")
    if values:
        spec["arguments"] = _with_values(spec.get("arguments") or {}, values)
    place = metadata.get("namespace") or namespace
    body = {"workflow": {**manifest, "metadata": metadata, "spec": spec}, "serverDryRun": given["dry_run"]}
    return client.post(workflow_path(place, ""), body)


def _with_values(arguments: dict[str, Any], values: dict[str, str]) -> dict[str, Any]:
    left = dict(values)
    parameters = [
        {"name": each["name"], "value": left.pop(each["name"])} if each["name"] in left else each
        for each in arguments.get("parameters") or ()
    ]
    return {**arguments, "parameters": parameters + [{"name": name, "value": text} for name, text in left.items()]}


def _from(client: Client, namespace: str, given: dict[str, Any]) -> Any:
    kind, slash, name = given["source"].partition("/")
    if not slash:
        raise click.UsageError("--from must be KIND/NAME, for example workflowtemplate/build")
    chosen = {
        "name": given["name"],
        "generateName": given["generate_name"],
        "entryPoint": given["entrypoint"],
        "parameters": list(given["parameters"]),
        "labels": ",".join(given["labels"]),
        "priority": given["priority"],
        "serverDryRun": given["dry_run"],
    }
    body = {"resourceKind": kind, "resourceName": name, "submitOptions": {k: v for k, v in chosen.items() if v}}
    return client.post(workflow_path(namespace, "", "submit"), body)


def _follow(client: Client, made: Sequence[Any], given: dict[str, Any]) -> int:
    from eventflow.cli import queries, watch

    for each in made:
        name, place = each["metadata"]["name"], each["metadata"]["namespace"]
        if given["logs"]:
            queries.print_logs(client, place, name, follow=True)
        elif given["watches"]:
            watch.show(client, place, name)
    return watch.ended(client, [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in made])
