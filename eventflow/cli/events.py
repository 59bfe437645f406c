"""`eventflow events` and `eventflow explain`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from eventflow.cli import options, output, tree
from eventflow.cli.client import Client
from eventflow.clock import SystemClock
from eventflow.errors import UserError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.group()
def events() -> None:
    """List, follow and send events."""


@events.command("list")
@click.option("--source", default="", help="Only of this EventSource.")
@click.option("--type", "type_", default="", help="Only of this CloudEvents type.")
@click.option("--since", default="", help="Only of the last 10m, 2h, 1d ...")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="The most to list.")
@click.option("-n", "--namespace", default="", help="Only of this namespace.")
@output.option()
def list_(source: str, type_: str, since: str, limit: int, namespace: str, form: str | None) -> int:
    """List events, the newest first."""
    now = SystemClock().now()
    query = {"eventSource": source, "type": type_, "namespace": namespace, "limit": str(limit)}
    if since:
        query["since"] = str(now - _seconds(since))
    items = Client().get("/api/v1/event-log", **{key: value for key, value in query.items() if value})["items"]
    if form == "name":
        for each in items:
            click.echo(each["id"])
    elif form:
        click.echo((output.to_yaml if form == "yaml" else output.to_json)(items), nl=False)
    elif not items:
        click.echo("no events", err=True)
    else:
        rows = [
            (each["seq"], output.span(now - each["receivedAt"]), _source(each), each["type"], each["id"])
            for each in items
        ]
        click.echo(output.table(("SEQ", "AGE", "SOURCE", "TYPE", "ID"), rows))
    return 0


@events.command()
@click.option("-n", "--namespace", default="", help="Only of this namespace.")
def tail(namespace: str) -> int:
    """Print events as they come, one a line, until interrupted."""
    query = {"namespace": namespace} if namespace else {}
    for kind, _, data in Client().events("/api/v1/stream", **query):
        if kind == "event":
            click.echo(f"{data['seq']}  {_source(data)}  {data['type']}  {data['id']}")
    return 0


@events.command()
@click.argument("discriminator")
@click.option("-d", "--data", "text", default="{}", help="The payload; @FILE reads a file, @- standard input.")
@options.namespace
def send(discriminator: str, text: str, namespace: str) -> int:
    """Send an event for the WorkflowEventBindings of a namespace (Argo's events API)."""
    body = text.encode()
    if text.startswith("@"):
        body = sys.stdin.buffer.read() if text == "@-" else Path(text[1:]).read_bytes()
    Client().post(f"/api/v1/events/{namespace}/{discriminator}", body)
    click.echo("received")
    return 0


@click.command()
@click.argument("event")
@click.option("-v", "--verbose", is_flag=True, help="Also the payload, and every value.")
@output.option()
def explain(event: str, verbose: bool, form: str | None) -> int:
    """Tell what each sensor made of an event and why; EVENT is its number, its id, or @latest."""
    found = Client().get(f"/api/v1/event-log/{event}/explain")
    if form in ("json", "yaml"):
        click.echo((output.to_yaml if form == "yaml" else output.to_json)(found), nl=False)
        return 0
    head = found["event"]
    click.echo(f"event {head['seq']}  {head['id']}  {_source(head)}  {head['type']}")
    if not found["decisions"]:
        click.echo("no sensor listens to it")
    for decision in found["decisions"]:
        _tell(decision, verbose=verbose)
    _tell_firings(found)
    if verbose:
        click.echo(output.to_json(head.get("data")), nl=False)
    return 0


def _tell(decision: Mapping[str, Any], *, verbose: bool) -> None:
    colour = {"matched": "green", "errored": "red", "dead": "red"}.get(decision["outcome"], "yellow")
    reason = decision["reason"] or decision["error"]
    tail = f": {reason}" if reason else ""
    click.echo(f"{click.style(decision['outcome'], fg=colour)}  {decision['sensor']}{tail}")
    detail = decision["detail"] or {}
    if verbose and detail:
        for line in output.to_yaml(detail).splitlines():
            click.echo(f"    {line}")
    elif decision["outcome"] != "matched":
        for dependency in detail.get("dependencies") or ():
            _tell_dependency(dependency)


def _tell_firings(found: Mapping[str, Any]) -> None:
    """Print what each firing led to: its workflow, also one that is deleted or was only acted on, or its error."""
    made = {each["firing"]: each for each in found["workflows"]}
    told = {id_: {"workflow": each["name"], "firing": id_} for id_, each in made.items()}
    for decision in found["decisions"]:
        for each in (decision["detail"] or {}).get("firings") or ():
            if isinstance(each, Mapping):
                told[str(each.get("firing"))] = {**told.get(str(each.get("firing")), {}), **each}
    for id_, each in told.items():
        phase = made[id_]["phase"] if id_ in made else str(each.get("outcome") or "")
        if each.get("workflow"):
            click.echo(f"→ workflow {each['workflow']}  {click.style(phase, fg=tree.COLOURS.get(phase))}".rstrip())
        elif said := each.get("error") or each.get("note") or phase:
            click.echo(f"→ trigger {each.get('trigger', '')}: {said}")


def _tell_dependency(dependency: Mapping[str, Any]) -> None:
    """Print why a dependency did not match, down to the values of a filter's parts."""
    click.echo(f"  {dependency['dependency']}: {dependency.get('detail') or dependency.get('reason') or ''}")
    for part in dependency.get("cel") or ():
        source = " ".join(str(part["source"]).split())
        click.echo(f"    {part['line']}:{part['column']}  {source}  →  {part.get('value', part.get('error'))}")


def _source(event: Mapping[str, Any]) -> str:
    return f"{event['namespace']}/{event['eventSource']}/{event['eventName']}"


def _seconds(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    try:
        return float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        raise UserError(f"{text!r} is no duration", hint="for example 30s, 10m, 2h or 1d") from None
