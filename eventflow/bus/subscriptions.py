"""Which listeners get which events: a cached list, with the revision that tells whether it is current.

Whoever relies on the list inside a transaction calls `current` there first: an event is thus addressed to exactly the
listeners that are subscribed in the transaction's own snapshot, whatever was applied a moment ago.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from eventflow.bus.listener import Listener
from eventflow.errors import EventflowError, UserError
from eventflow.model.event import Event
from eventflow.store import objects
from eventflow.store.contract import Store, Work
from eventflow.store.objects import Object

log = logging.getLogger(__name__)

Load = Callable[[Object], Listener]


class Stale(EventflowError):
    """The list of listeners is older than the transaction that relied on it: reload, and try again."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The listeners at one revision. `broken` has the reason of those that cannot be used, by their id."""

    revision: int = -1
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[tuple[str, str, str | None], tuple[str, ...]] = field(default_factory=dict)

    def of(self, event: Event) -> tuple[str, ...]:
        """Return the ids of the listeners that get an event."""
        named = self.routes.get((event.namespace, event.source_name, event.event_name), ())
        return named + self.routes.get((event.namespace, event.source_name, None), ())


class Subscriptions:
    """The listeners of a store. `loaders` make a listener from a stored object, by kind."""

    def __init__(self, store: Store, loaders: Mapping[str, Load]) -> None:
        self._store = store
        self._loaders = loaders
        self._loaded: dict[tuple[str, str], tuple[int, Listener | str]] = {}
        self._lock = asyncio.Lock()
        self.snapshot = Snapshot()

    def current(self, snapshot: Snapshot) -> Work[None]:
        """Make sure, within a transaction, that a snapshot is what is stored. Raises Stale."""
        stored = yield from objects.revision(tuple(self._loaders))
        if stored != snapshot.revision:
            raise Stale(f"listeners are of revision {snapshot.revision}, stored is {stored}")

    async def reload(self) -> Snapshot:
        """Bring the list up to date and return it. What did not change is not compiled again."""
        async with self._lock:
            revision, stored = await self._store.read(self._read)
            if revision != self.snapshot.revision:
                self.snapshot = self._snapshot(revision, stored)
            return self.snapshot

    def _read(self) -> Work[tuple[int, list[Object]]]:
        revision = yield from objects.revision(tuple(self._loaders))
        found: list[Object] = []
        for kind in self._loaders:
            found += yield from objects.select(kind)
        return revision, found

    def _snapshot(self, revision: int, stored: list[Object]) -> Snapshot:
        listeners: dict[str, Listener] = {}
        broken: dict[str, str] = {}
        routes: dict[tuple[str, str, str | None], list[str]] = {}
        for each in stored:
            made = self._listener(each)
            if isinstance(made, str):
                broken[f"{each.namespace}/{each.name}"] = made
                continue
            listeners[made.id] = made
            for source, event in made.addresses():
                routes.setdefault((each.namespace, source, event), []).append(made.id)
        self._loaded = {(each.kind, each.uid): self._loaded[each.kind, each.uid] for each in stored}
        return Snapshot(revision, listeners, broken, {key: tuple(ids) for key, ids in routes.items()})

    def _listener(self, stored: Object) -> Listener | str:
        """Return a listener, or why it cannot be used: one that an older version took must not stop the others."""
        known = self._loaded.get((stored.kind, stored.uid))
        if known is not None and known[0] == stored.revision:
            return known[1]
        made: Listener | str
        try:
            made = self._loaders[stored.kind](stored)
        except UserError as error:
            log.error("%s %s/%s cannot be used: %s", stored.kind, stored.namespace, stored.name, error)
            made = str(error)
        self._loaded[stored.kind, stored.uid] = (stored.revision, made)
        return made
