"""CronWorkflows: a workflow at each tick of its schedules.

A run's name is the CronWorkflow's and the tick's Unix time, and the cursor moves in the transaction that stores the
run, so a tick makes one run whatever crashes. Order of a tick, as in Argo v4.1.2 workflow/cron/operator.go:
stopStrategy, suspend, stopped, `when`, concurrencyPolicy, submission. `Replace` terminates what runs; `Forbid` drops
the tick. After a time down only the latest missed tick is run, and only within `startingDeadlineSeconds`; never when
the schedules have changed since.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from eventflow.clock import parse_rfc3339, rfc3339
from eventflow.engine.core.machine import Workflow
from eventflow.engine.core.stimuli import Stimulus, StopRequested
from eventflow.engine.submission import Request
from eventflow.errors import Conflict, UserError
from eventflow.expressions import cron
from eventflow.model.identity import digest
from eventflow.sources import cron_children, ticks
from eventflow.sources.contract import Entry, Services
from eventflow.sources.cron_children import CRON_LABEL, Children
from eventflow.sources.cron_rules import Facts, applies, stops
from eventflow.store import objects, sources
from eventflow.store.contract import Work
from eventflow.store.workflows import Header

SCHEDULED = "workflows.argoproj.io/scheduled-time"
LONGEST_NAME = 52

log = logging.getLogger(__name__)


class CronSource:
    """Runs one CronWorkflow. `entry.config` is its whole manifest."""

    def __init__(self, entry: Entry, services: Services) -> None:
        self._entry = entry
        self._services = services
        self._spec: Mapping[str, Any] = entry.config["spec"]
        self._schedules = schedules(self._spec)
        texts = [*self._spec["schedules"], str(self._spec.get("timezone") or ""), str(self._spec.get("dst") or "")]
        self._cursor = f"cron:{entry.uid}:{digest(*texts)[:12]}"
        self._children = Children(entry, services)

    async def run(self) -> None:
        """Submit a run at each tick; returns if the schedules have none left."""
        async with self._children:
            position = await self._start()
            while True:
                due = next_tick(self._schedules, position)
                if due is None:
                    return
                await ticks.until(self._services.clock, due)
                position = due
                if self._services.clock.now() - due <= max(ticks.LATE, self._deadline):
                    await self._tick(due)

    @property
    def _deadline(self) -> float:
        return float(self._spec.get("startingDeadlineSeconds") or 0)

    async def _start(self) -> float:
        """Return the instant to go on from: just before the latest missed tick that may still be run, else now."""
        now = self._services.clock.now()
        stored = await self._services.store.read(lambda: sources.get_cursor(self._cursor))
        if stored is None:
            await self._services.store.write(lambda: sources.set_cursor(self._cursor, repr(now), now))
            return now
        missed, tick = None, next_tick(self._schedules, max(float(stored), now - self._deadline))
        while tick is not None and tick <= now:
            missed, tick = tick, next_tick(self._schedules, tick)
        return now if missed is None else missed - 0.001

    async def _tick(self, due: float) -> None:
        """Do what a tick asks for."""
        status = await self._children.reconcile()
        try:
            wanted = await self._wanted(Facts(self._entry, status, self._services.clock.now()))
        except UserError as error:
            await self._refuse(due, error)
            return
        if wanted and await self._admitted():
            await self._submit(due)
        else:
            await self._passed(due)

    async def _wanted(self, facts: Facts) -> bool:
        """Ask the CronWorkflow's own conditions. Raises UserError when one cannot be evaluated."""
        if stops(self._spec, facts):
            await self._children.stopped()
            return False
        if self._spec.get("suspend") or facts.status.get("phase") == "Stopped":
            return False
        return applies(self._spec, facts)

    async def _refuse(self, due: float, error: UserError) -> None:
        log.error("CronWorkflow %s/%s: %s", self._entry.namespace, self._entry.source_name, error)
        await self._children.refused(str(error))
        await self._passed(due)

    async def _passed(self, due: float) -> None:
        now = self._services.clock.now()
        await self._services.store.write(lambda: sources.set_cursor(self._cursor, repr(due), now))

    async def _admitted(self) -> bool:
        """Apply the concurrencyPolicy: whether to submit, once `Replace` has ended what runs."""
        active = await self._children.active()
        policy = str(self._spec.get("concurrencyPolicy") or "Allow")
        if not active or policy == "Allow":
            return True
        self._services.metrics.cron_limited(self._entry.source_name, self._entry.namespace, policy).inc()
        if policy == "Forbid":
            return False
        for header in active:
            await self._terminate(header)
        return True

    async def _terminate(self, header: Header) -> None:
        def make(workflow: Workflow) -> Stimulus:
            del workflow
            return StopRequested(self._services.clock.now(), "Terminate")

        try:
            await self._services.engine.signal(header, make)
        except Conflict:
            log.debug("%s had ended already", header.name)

    async def _submit(self, due: float) -> None:
        now = self._services.clock.now()
        asked = request(self._entry, due)
        try:
            header = await self._services.store.write(lambda: self._run(asked, due, now))
        except UserError as error:
            await self._refuse(due, error)
            return
        self._services.metrics.cron_triggered(self._entry.source_name, self._entry.namespace).inc()
        await self._services.engine.wake(header)
        self._children.watch(header)

    def _run(self, asked: Request, due: float, now: float) -> Work[Header]:
        """Store the run, the cursor and the status, in one transaction."""
        creation = yield from self._services.engine.admit(asked)
        yield from sources.set_cursor(self._cursor, repr(due), now)
        where = "CronWorkflow", self._entry.namespace, self._entry.source_name
        found = yield from objects.get(*where)
        if found is not None:
            status = cron_children.with_run(found.status or {}, creation.header, rfc3339(due))
            yield from objects.set_status(*where, status, now)
        return creation.header


def schedules(spec: Mapping[str, Any]) -> list[cron.Schedule]:
    """Return the schedules of a CronWorkflow's spec. Raises UserError."""
    dst: cron.DstRule = "vixie" if spec.get("dst") == "vixie" else "argo"
    zone = spec.get("timezone") or None
    return [cron.Schedule.parse(str(text), zone, dst=dst) for text in spec["schedules"]]


def next_tick(all_: Sequence[cron.Schedule], after: float) -> float | None:
    """Return the first instant later than `after` at which one of the schedules fires; one run however many do."""
    found = [tick for tick in (each.next(after) for each in all_) if tick is not None]
    return min(found, default=None)


def request(entry: Entry, due: float) -> Request:
    """Return the run of a tick."""
    spec = entry.config["spec"]
    metadata = spec.get("workflowMetadata") or {}
    made = {
        "name": f"{entry.source_name}-{int(due)}",
        "namespace": entry.namespace,
        "labels": {**(metadata.get("labels") or {}), CRON_LABEL: entry.source_name},
        "annotations": {**(metadata.get("annotations") or {}), SCHEDULED: rfc3339(due)},
    }
    manifest = {"metadata": made, "spec": spec["workflowSpec"]}
    return Request(manifest, key=f"{entry.uid}/{int(due)}", namespace=entry.namespace)


def check(name: str, spec: Mapping[str, Any]) -> None:
    """Raise UserError for a CronWorkflow that cannot work."""
    if len(name) > LONGEST_NAME:
        raise UserError(f"a CronWorkflow's name has at most {LONGEST_NAME} characters", hint="runs add the time to it")
    if next_tick(schedules(spec), parse_rfc3339("2020-01-01T00:00:00Z")) is None:
        raise UserError("the schedules never fire", hint="look at the day and the month")
