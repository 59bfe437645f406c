"""What happens, as a feed that many can follow: changes of workflows and new events, numbered, the last ones kept.

Followers share one ring and each has a place in it, so that one costs no memory and a slow one falls out of the ring
and is told so. A place outlives a connection (`Last-Event-ID`); one of an earlier server is too old.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.engine.core.state import Node, WorkflowState
from eventflow.model.event import Event
from eventflow.store.events import Receipt
from eventflow.store.workflows import Header

KEPT = 5_000
KEPT_NODES = 50_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `kind` is workflow or event; `nodes` are a workflow's changed ones."""

    number: int
    kind: str
    namespace: str
    seq: int
    data: Mapping[str, Any]
    nodes: Sequence[Mapping[str, Any]] = ()


class Behind(Exception):
    """The place is not in the ring any more: begin anew."""


class Feed:
    """Collects entries. `boot` tells this server's numbers from those of an earlier one."""

    def __init__(self, boot: int) -> None:
        self.boot = boot
        self._ring: deque[Entry] = deque()
        self._weight = 0
        self._next = 1
        self._news = asyncio.Event()

    @property
    def end(self) -> int:
        """The place behind the last entry."""
        return self._next

    def changed(self, header: Header, nodes: Sequence[Node], state: WorkflowState) -> None:
        """Take in a step of a workflow (`Engine.on_change`)."""
        data = {
            "uid": header.uid,
            "namespace": header.namespace,
            "name": header.name,
            "phase": state.phase,
            "message": state.message,
            "started": state.started_at,
            "finished": state.finished_at,
            "suspended": state.suspended,
        }
        self._add("workflow", header.namespace, header.seq, data, [light(node) for node in nodes])

    def received(self, event: Event, receipt: Receipt) -> None:
        """Take in a new event (`EventLog.observers`)."""
        if receipt.duplicate:
            return
        self._add("event", event.namespace, receipt.seq, event_data(event, receipt.seq), [])

    def _add(
        self, kind: str, namespace: str, seq: int, data: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]
    ) -> None:
        self._ring.append(Entry(self._next, kind, namespace, seq, data, nodes))
        self._next += 1
        self._weight += len(nodes)
        while len(self._ring) > KEPT or (self._weight > KEPT_NODES and len(self._ring) > 1):
            self._weight -= len(self._ring.popleft().nodes)
        news, self._news = self._news, asyncio.Event()
        news.set()

    def place(self, last: str) -> int | None:
        """Return the place behind a `Last-Event-ID`, None for none that is known."""
        boot, _, number = last.partition("-")
        if boot != str(self.boot) or not number.isdigit() or int(number) >= self._next:
            return None
        return int(number) + 1

    def id(self, number: int) -> str:
        """Return the `id` that leads back to a place."""
        return f"{self.boot}-{number}"

    def since(self, place: int) -> list[Entry]:
        """Return the entries from a place on. Raises Behind."""
        first = self._ring[0].number if self._ring else self._next
        if place < first:
            raise Behind
        return [self._ring[index] for index in range(place - first, len(self._ring))] if place < self._next else []

    async def follow(self, place: int, pause: float = 0.0) -> AsyncIterator[list[Entry]]:
        """Yield the entries from a place on as they come, at most one batch each `pause` seconds. Raises Behind."""
        while True:
            news = self._news
            batch = self.since(place)
            if batch:
                place = batch[-1].number + 1
                yield batch
                if pause:
                    await asyncio.sleep(pause)
            else:
                await news.wait()


def light(node: Node) -> dict[str, Any]:
    """Return what live views show of a node."""
    found: dict[str, Any] = {
        "ordinal": node.ordinal,
        "id": node.id,
        "name": node.name,
        "display_name": node.display_name,
        "type": str(node.type),
        "phase": str(node.phase),
        "boundary": node.boundary,
        "parents": list(node.parents),
        "started_at": node.started_at,
        "finished_at": node.finished_at,
    }
    for key in ("message", "waiting", "pod"):
        if getattr(node, key):
            found[key] = getattr(node, key)
    return found


def event_data(event: Event, seq: int = 0) -> dict[str, Any]:
    """Return what lists show of an event: everything but its payload."""
    return {
        "seq": seq or event.seq,
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time,
        "namespace": event.namespace,
        "eventSource": event.source_name,
        "eventName": event.event_name,
        "key": event.key,
        "receivedAt": event.received_at,
        "size": len(event.data_bytes),
    }
