"""Planning again what could not be planned when a sensor fired, with the sensor as it is now."""

import asyncio
from collections.abc import Mapping
from typing import Any

from eventflow.bus.subscriptions import Subscriptions
from eventflow.errors import UserError
from eventflow.sensors.sensor import SensorListener
from eventflow.store import events
from eventflow.store.contract import Store
from eventflow.store.outbox import Entry
from eventflow.triggers.contract import Action


class Planner:
    """Makes the plan of outbox entries that have none."""

    def __init__(self, store: Store, subscriptions: Subscriptions) -> None:
        self._store = store
        self._subscriptions = subscriptions

    async def __call__(self, entry: Entry, payload: Mapping[str, Any]) -> Action:
        """Return the plan of an entry. Raises UserError when it cannot be made still."""
        snapshot = await self._subscriptions.reload()
        listener = snapshot.listeners.get(entry.sensor)
        if not isinstance(listener, SensorListener):
            why = snapshot.broken.get(entry.sensor, "it was deleted")
            raise UserError(f"sensor {entry.sensor} cannot be used: {why}", hint="apply it again, then redrive")
        positions: Mapping[str, int] = payload["events"]
        stored = await self._store.read(lambda: events.some(sorted(set(positions.values()))))
        return await asyncio.to_thread(listener.replan, entry, positions, stored, payload["at"])
