"""`eventflow list`, `get` and `logs`."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from eventflow.cli import options, output, tree
from eventflow.cli.client import Client, workflow_path
from eventflow.clock import SystemClock, parse_rfc3339

_PHASE = "workflows.argoproj.io/phase"
_OF_ARGO = (
    "workflowtemplate",
    "clusterworkflowtemplate",
    "cronworkflow",
    "sensor",
    "eventsource",
    "workfloweventbinding",
)
_SHORT = ("configmap", "secret", "persistentvolumeclaim", "wftmpl", "cwft", "cronwf", "cron", "es", "cm", "pvc")
_KINDS = frozenset((*_OF_ARGO, *_SHORT))


@click.command("list")
@click.option("--status", "phases", multiple=True, help="Only workflows of this phase; may be repeated.")
@click.option("--running", is_flag=True, help="Only workflows that have not ended.")
@click.option("-l", "--selector", default="", help="Only workflows with these labels: a=b,c!=d.")
@click.option("--prefix", default="", help="Only names that begin so.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="The most to list.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@options.namespace
@output.option("wide")
def list_(
    phases: Sequence[str],
    running: bool,
    selector: str,
    prefix: str,
    limit: int,
    everywhere: bool,
    namespace: str,
    form: str | None,
) -> int:
    """List workflows, the newest first."""
    wanted = [*phases, *(("Pending", "Running") if running else ())]
    selectors = [*([selector] if selector else []), *([f"{_PHASE} in ({','.join(wanted)})"] if wanted else [])]
    query = {"listOptions.limit": str(limit), "listOptions.labelSelector": ",".join(selectors), "namePrefix": prefix}
    path = "/api/v1/workflows/" if everywhere else workflow_path(namespace, "")
    items = Client().get(path, **query)["items"]
    if form in ("json", "yaml", "name"):
        output.write(items, form, single=False)
    elif not items:
        click.echo("no workflows", err=True)
    else:
        click.echo(_table(items, everywhere=everywhere, wide=form == "wide"))
    return 0


def _table(items: Sequence[Mapping[str, Any]], *, everywhere: bool, wide: bool) -> str:
    now = SystemClock().now()
    head = [*(["NAMESPACE"] if everywhere else []), "NAME", "STATUS", "AGE", "DURATION", "PROGRESS", "MESSAGE"]
    rows = []
    for each in items:
        metadata, status = each["metadata"], each["status"]
        started, finished = _seconds(status.get("startedAt")), _seconds(status.get("finishedAt"))
        row = [metadata["namespace"]] if everywhere else []
        row += [metadata["name"], status["phase"], output.span(now - _seconds(metadata["creationTimestamp"]))]
        row += [output.span((finished or now) - started) if started else "", status.get("progress", "")]
        message = " ".join((status.get("message") or "").split())
        rows.append([*row, message if wide else message[:60], *([_parameters(each)] if wide else [])])
    return output.table([*head, *(["PARAMETERS"] if wide else [])], rows)


def _parameters(item: Mapping[str, Any]) -> str:
    given = (item["spec"].get("arguments") or {}).get("parameters") or ()
    return ",".join(f"{each['name']}={each.get('value', '')}" for each in given)


def _seconds(text: str | None) -> float:
    return parse_rfc3339(text) if text else 0.0


def is_kind(word: str) -> bool:
    """Whether a word names a kind of object."""
    return word.lower() in _KINDS or word.lower().removesuffix("s") in _KINDS


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.namespace
@output.option("wide")
def get(names: Sequence[str], namespace: str, form: str | None) -> int:
    """Show workflows with the tree of their nodes; the exit status tells their phase.

    With a kind first, objects: `eventflow get sensor [NAME]...`.
    """
    client = Client()
    if is_kind(names[0]):
        return _objects(client, names[0], names[1:], namespace, form)
    items = [client.get(workflow_path(namespace, name)) for name in names]
    if form in ("json", "yaml", "name"):
        output.write(items, form, single=True)
    else:
        for item in items:
            click.echo("\n".join(_described(item, wide=form == "wide")))
    return output.status_of(_settled(each["status"]["phase"]) for each in items)


def _settled(phase: str) -> str:
    """A workflow that has not ended is no failure to look at."""
    return phase if phase in output.STATUS else "Succeeded"


def _objects(client: Client, kind: str, names: Sequence[str], namespace: str, form: str | None) -> int:
    path = f"/api/v1/objects/{kind}"
    if names:
        items = [client.get(f"{path}/{name}", namespace=namespace) for name in names]
    else:
        items = client.get(path, namespace=namespace)["items"]
    if form in ("json", "yaml", "name"):
        output.write(items, form, single=bool(names))
    elif names:
        output.write(items, "yaml", single=True)
    else:
        now = SystemClock().now()
        rows = [
            (each["kind"], each["metadata"]["name"], output.span(now - _seconds(each["metadata"]["creationTimestamp"])))
            for each in items
        ]
        click.echo(output.table(("KIND", "NAME", "AGE"), rows))
    return 0


def _described(item: Mapping[str, Any], *, wide: bool) -> list[str]:
    metadata, status = item["metadata"], item["status"]
    now = SystemClock().now()
    lines = [f"Name:        {metadata['name']}", f"Namespace:   {metadata['namespace']}"]
    phase = status["phase"] or "Pending"
    lines.append(f"Status:      {click.style(phase, fg=tree.COLOURS.get(phase))}")
    if status.get("message"):
        lines.append(f"Message:     {status['message']}")
    lines.append(f"Created:     {metadata['creationTimestamp']}")
    started, finished = _seconds(status.get("startedAt")), _seconds(status.get("finishedAt"))
    if started:
        lines.append(f"Duration:    {output.span((finished or now) - started)}")
    lines.append(f"Progress:    {status.get('progress', '')}")
    given = (item["spec"].get("arguments") or {}).get("parameters") or ()
    lines += ["Parameters:", *(f"  {each['name']}: {each.get('value', '')}" for each in given)] if given else []
    most = 1_000_000 if wide else 50
    return [*lines, "", *(coloured(row) for row in tree.rows_of(tree.of_status(status["nodes"]), now, most=most))]


def coloured(row: tree.Row) -> str:
    """Return a row of the tree for a terminal; `click.echo` takes the colours out where there is none."""
    icon = click.style(tree.ICONS.get(row.phase, " "), fg=tree.COLOURS.get(row.phase))
    span = f"  {click.style(output.span(row.seconds), fg='bright_black')}" if row.seconds is not None else ""
    note = f"  {' '.join(row.note.split())}" if row.note else ""
    return f"{row.rails}{icon} {row.label}{span}{note}"


@click.command()
@options.name
@click.argument("node", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the workflow ends.")
@click.option("-c", "--container", default="", help="Only of this container; main unless several are wanted.")
@click.option("--tail", type=click.IntRange(0), help="Only the last lines of each pod.")
@click.option("--grep", default="", help="Only lines that fit this regular expression.")
@click.option("--no-prefix", is_flag=True, help="Do not say whose line it is.")
@options.namespace
def logs(
    name: str,
    node: str | None,
    follow: bool,
    container: str,
    tail: int | None,
    grep: str,
    no_prefix: bool,
    namespace: str,
) -> int:
    """Print the logs of a workflow's pods; of one NODE by its name or id, or its pod's name."""
    more = {"logOptions.container": container, "grep": grep, "podName": node or ""}
    if tail is not None:
        more["logOptions.tailLines"] = str(tail)
    print_logs(Client(), namespace, name, follow=follow, prefix=not no_prefix, **more)
    return 0


def print_logs(client: Client, namespace: str, name: str, *, follow: bool, prefix: bool = True, **more: str) -> None:
    """Print the lines of a workflow's pods, each behind its node's name."""
    query = {"logOptions.follow": str(follow).lower(), **{key: value for key, value in more.items() if value}}
    for line in client.lines(workflow_path(namespace, name, "log"), **query):
        found = line["result"]
        container = found.get("container", "main")
        label = found["node"] if container == "main" else f"{found['node']}/{container}"
        click.echo(f"{click.style(label, fg='cyan')}: {found['content']}" if prefix else found["content"])
