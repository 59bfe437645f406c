"""`log`: write the events to eventflow's own log. For trying a sensor out."""

import logging
from collections.abc import Mapping
from typing import Any

from eventflow.store.contract import Work
from eventflow.triggers.contract import Action, Done, Environment, Events, Firing, TriggerPlugin

LONGEST_DATA = 2_000

log = logging.getLogger(__name__)


class LogTrigger:
    """Writes one line an event; with `intervalSeconds`, at most one firing in so many seconds is written."""

    def __init__(self, environment: Environment) -> None:
        self._clock = environment.clock
        self._written: dict[tuple[str, str], float] = {}

    def check(self, template: Mapping[str, Any]) -> None:
        """There is nothing that could be wrong."""
        del template

    def plan(self, template: Mapping[str, Any], policy: Mapping[str, Any], events: Events, firing: Firing) -> Action:
        """Return the lines to write."""
        del policy, firing
        lines = {
            name: {**event.context(), "data": "" if event.data is None else event.data.text[:LONGEST_DATA]}
            for name, event in events.items()
        }
        return {"interval": float(template.get("intervalSeconds") or 0), "events": lines}

    def enact(self, action: Action, firing: Firing) -> Work[Done] | None:
        """Return None: a line in a log is in no transaction."""
        del action, firing
        return None

    async def perform(self, action: Action, firing: Firing) -> Done:
        """Write the lines."""
        now, about = self._clock.monotonic(), (firing.sensor, firing.trigger)
        if action["interval"] and now - self._written.get(about, float("-inf")) < action["interval"]:
            return Done("delivered", {"note": "within intervalSeconds of the last line"})
        self._written[about] = now
        for name, event in action["events"].items():
            log.info("sensor %s, trigger %s, dependency %s: %s", firing.sensor, firing.trigger, name, event)
        return Done("delivered")


PLUGIN = TriggerPlugin("log", "write the events to the log", LogTrigger)
