"""`eventflow watch` and `wait`: following workflows of the server until they end."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click

from eventflow.cli import options, output, tree
from eventflow.cli.client import Client
from eventflow.clock import SystemClock
from eventflow.errors import UserError

_PAUSE = 1.0
_TRIES = 30


@dataclass(slots=True)
class Seen:
    """A node of the live feed; the attributes are those that `tree.of_nodes` reads."""

    ordinal: int
    id: str
    name: str
    display_name: str
    type: str
    phase: str
    boundary: int
    parents: list[int]
    started_at: float
    finished_at: float
    message: str = ""
    waiting: str = ""
    pod: str = ""


@dataclass(slots=True)
class View:
    """A workflow as the feed has told it so far."""

    workflow: dict[str, Any] = field(default_factory=dict)
    nodes: dict[int, Seen] = field(default_factory=dict)

    def take(self, kind: str, data: dict[str, Any]) -> list[Seen]:
        """Take in an entry of the feed; return the nodes that it tells of."""
        changed = [Seen(**each) for each in data.get("nodes") or ()]
        if kind == "snapshot":
            self.workflow, self.nodes = data["workflow"], {}
        else:
            self.workflow = {**self.workflow, **data}
        self.nodes.update((each.ordinal, each) for each in changed)
        return changed

    def tops(self) -> list[tree.Branch]:
        """Return the tree."""
        return tree.of_nodes([self.nodes[ordinal] for ordinal in sorted(self.nodes)])

    @property
    def ended(self) -> bool:
        """Whether the workflow has ended."""
        return bool(self.workflow.get("finished"))


@click.command()
@options.name
@options.namespace
def watch(name: str, namespace: str) -> int:
    """Follow a workflow in a live view until it ends; without a terminal, a line for each change."""
    return output.status_of([show(Client(), namespace, name)])


@click.command()
@options.names
@click.option("--timeout", type=float, help="Give up after so many seconds, with exit status 2.")
@options.namespace
def wait(names: Sequence[str], timeout: float | None, namespace: str) -> int:
    """Wait for workflows to end; the exit status is that of the worst."""
    client = Client()
    return ended(client, [(namespace, name) for name in names], timeout)


def ended(client: Client, names: Sequence[tuple[str, str]], timeout: float | None = None) -> int:
    """Wait for workflows, say how each ended, and return the exit status."""
    until = None if timeout is None else time.monotonic() + timeout
    phases = []
    for namespace, name in names:
        view = View()
        for kind, data in _feed(client, namespace, name, nodes=False):
            view.take(kind, data)
            if until is not None and time.monotonic() > until and not view.ended:
                raise UserError(f"workflow {name!r} has not ended after {timeout:g} s")
        phases.append(view.workflow["phase"])
        click.echo(f"{view.workflow['name']}  {view.workflow['phase']}  {view.workflow.get('message') or ''}".rstrip())
    return output.status_of(phases)


def show(client: Client, namespace: str, name: str) -> str:
    """Show a workflow until it ends; return its phase."""
    view = View()
    if sys.stdout.isatty():
        _live(client, namespace, name, view)
    else:
        _lines(client, namespace, name, view)
    return str(view.workflow["phase"])


def _lines(client: Client, namespace: str, name: str, view: View) -> None:
    told: dict[int, tuple[str, str]] = {}
    for kind, data in _feed(client, namespace, name):
        for node in view.take(kind, data):
            now = (node.phase, node.message)
            if told.get(node.ordinal) != now and node.type not in ("StepGroup", "TaskGroup"):
                told[node.ordinal] = now
                click.echo(f"{node.phase:<9}  {node.name}  {node.message}".rstrip())
    click.echo(f"{view.workflow['phase']:<9}  workflow {view.workflow['name']}")


def _live(client: Client, namespace: str, name: str, view: View) -> None:
    """Draw the tree while another thread reads the feed."""
    import asyncio

    from eventflow.cli.live import Screen

    def draw(height: int) -> list[tree.Row]:
        if not view.workflow:
            return []
        now = SystemClock().now()
        return tree.headed(_heading(view, now), tree.fitted(view.tops(), now, max(1, height)))

    async def follow() -> None:
        loop = asyncio.get_running_loop()
        async with Screen(draw, stderr=False) as screen:

            def take(kind: str, data: dict[str, Any]) -> None:
                view.take(kind, data)
                screen.dirty = True

            def read() -> None:
                for kind, data in _feed(client, namespace, name):
                    loop.call_soon_threadsafe(take, kind, data)

            await asyncio.to_thread(read)

    asyncio.run(follow())


def _heading(view: View, now: float) -> tree.Row:
    workflow = view.workflow
    seconds = (workflow["finished"] or now) - workflow["started"] if workflow["started"] else None
    note = workflow.get("message") or ("held back" if workflow.get("suspended") else "")
    return tree.Row("", workflow["phase"], f"{workflow['name']}  {len(view.nodes):,} nodes", note, seconds)


def _feed(client: Client, namespace: str, name: str, *, nodes: bool = True) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the entries of a workflow until it ends, over lost connections too."""
    query = {"namespace": namespace, "workflow": name, "until": "end", "nodes": str(nodes).lower()}
    last, failures = "", 0
    while True:
        try:
            for kind, id_, data in client.events("/api/v1/stream", last, **query):
                if kind == "lost":
                    last = ""
                    continue
                last, failures = id_, 0
                query["workflow"] = (data.get("workflow") or data).get("uid", name)
                yield kind, data
                if (data.get("workflow") or data).get("finished"):
                    return
        except (OSError, UserError):
            failures += 1
            if not last or failures > _TRIES:
                raise
            last = ""  # a restarted server counts anew
        time.sleep(_PAUSE)
