"""What a source of events is, and what it is given.

A source that waits to be called (a webhook) is a route of the ingress and needs no task. A source that goes and asks
(a calendar, a queue) is a task of the supervisor: `run` until cancelled, with each event and the source's cursor made
durable in one transaction by `EventLog.receive`. Whatever `run` raises restarts it, later and later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from eventflow.bus.log import EventLog
from eventflow.catalog import Catalog
from eventflow.clock import Clock
from eventflow.engine.service import Engine
from eventflow.model.identity import digest
from eventflow.plugins import Registry
from eventflow.store.contract import Store
from eventflow.telemetry.metrics import Metrics

GROUP = "eventflow.sources"


@dataclass(frozen=True, slots=True)
class Entry:
    """One configured source: an entry of one of the maps of an EventSource, or an object that is a source itself.

    `type` is the map's key (`webhook`, `calendar` ...), `source_name` the object's name, `event_name` the entry's.
    """

    namespace: str
    source_name: str
    event_name: str
    type: str
    config: Mapping[str, Any]
    uid: str = ""
    revision: int = 0

    @property
    def id(self) -> str:
        """What the source's cursor is kept under."""
        return f"{self.type}:{self.namespace}/{self.source_name}/{self.event_name}"

    @property
    def digest(self) -> str:
        """Changes with the configuration: a source with another is another."""
        return digest(self.id, self.uid, repr(self.config))


@dataclass(frozen=True, slots=True)
class Services:
    """What sources may use."""

    log: EventLog
    store: Store
    clock: Clock
    catalog: Catalog
    engine: Engine
    metrics: Metrics


class Source(Protocol):
    """A source at work."""

    async def run(self) -> None:
        """Bring in events until cancelled. A source that returns has nothing more to bring."""


@dataclass(frozen=True, slots=True)
class SourcePlugin:
    """What an entry of the group `eventflow.sources` points to. `name` is the key in an EventSource's spec.

    `check` raises UserError for a configuration that cannot work; `build` makes the source of an entry.
    """

    name: str
    summary: str
    check: Callable[[Mapping[str, Any]], None]
    build: Callable[[Entry, Services], Source]


def registry() -> Registry[SourcePlugin]:
    """Return the sources that go and ask: those that come with eventflow, and those that packages add."""
    return Registry("event source", GROUP, {"calendar": "eventflow.sources.calendar:PLUGIN"})
