"""Waiting for objects to change, without asking all the time.

What this process changes wakes those who wait for it at once; what other replicas change is found by looking again
every few seconds.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eventflow.engine.core.state import Node, WorkflowState
from eventflow.store.workflows import Header

LOOK = 5.0  # seconds, as Argo's executor


class Watch:
    """One who waits for one object. `phase` is what was seen last of a workflow; None: every change counts."""

    def __init__(self) -> None:
        self.phase: str | None = None
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Have `changed` return."""
        self._changed.set()

    async def changed(self) -> None:
        """Return after a change, or after LOOK seconds without one."""
        try:
            async with asyncio.timeout(LOOK):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._changed.clear()


class Changes:
    """Who waits for what. Its methods are called on the event loop."""

    def __init__(self) -> None:
        self._watches: dict[tuple[str, str, str], set[Watch]] = {}

    @contextmanager
    def watching(self, kind: str, namespace: str, name: str) -> Iterator[Watch]:
        """Watch an object. What changes from here on is noticed."""
        watch, key = Watch(), (kind, namespace, name)
        self._watches.setdefault(key, set()).add(watch)
        try:
            yield watch
        finally:
            self._watches[key].discard(watch)
            if not self._watches[key]:
                del self._watches[key]

    def workflow(self, header: Header, changed: Sequence[Node], state: WorkflowState) -> None:
        """A step of a workflow is durable (`Engine.on_change`)."""
        del changed
        for watch in self._watches.get(("Workflow", header.namespace, header.name), ()):
            if watch.phase != state.phase:
                watch.wake()

    async def objects(self, kinds: frozenset[str]) -> None:
        """Objects of some kinds have changed (`Catalog.listen`)."""
        for (kind, _, _), watches in self._watches.items():
            if kind in kinds:
                for watch in watches:
                    watch.wake()
