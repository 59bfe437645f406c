"""The runs of a CronWorkflow: which are active, how many came to what, and how many are kept.

The status in the object is Argo's (`active`, `lastScheduledTime`, `succeeded`, `failed`, `phase`, `conditions`). Runs
beyond the history limits leave the list of live workflows; they stay in the archive.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Self

from eventflow.clock import rfc3339
from eventflow.sources.contract import Entry, Services
from eventflow.store import objects, workflows
from eventflow.store.contract import Work
from eventflow.store.workflows import Header, WorkflowFilter

CRON_LABEL = "workflows.argoproj.io/cron-workflow"
KEPT_SUCCESSFUL = 3
KEPT_FAILED = 1
_FAILED = ("Failed", "Error")

log = logging.getLogger(__name__)


class Children:
    """The runs of one CronWorkflow. Open with `async with`: runs that end are then taken note of at once."""

    def __init__(self, entry: Entry, services: Services) -> None:
        self._entry = entry
        self._services = services
        self._where = "CronWorkflow", entry.namespace, entry.source_name
        self._watching: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        await self.reconcile()
        for header in await self.active():
            self.watch(header)
        return self

    async def __aexit__(self, *exc: object) -> None:
        tasks = list(self._watching.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def watch(self, header: Header) -> None:
        """Take note of a run's end when it comes."""
        if header.uid not in self._watching:
            name = f"end of {header.name}"
            self._watching[header.uid] = asyncio.get_running_loop().create_task(self._await(header), name=name)

    async def _await(self, header: Header) -> None:
        await self._services.engine.end_of(header)
        del self._watching[header.uid]
        await self.reconcile()

    async def active(self) -> list[Header]:
        """Return the runs that have not ended."""
        labels = {CRON_LABEL: self._entry.source_name}
        filter_ = WorkflowFilter(self._entry.namespace, ("Pending", "Running"), labels, archived=False)
        return await self._services.store.read(lambda: workflows.page(filter_, limit=1000))

    async def reconcile(self) -> dict[str, Any]:
        """Bring the status up to date with the runs, and return it."""
        now = self._services.clock.now()
        return await self._services.store.write(lambda: self._reconcile(now))

    def _reconcile(self, now: float) -> Work[dict[str, Any]]:
        found = yield from objects.get(*self._where, lock=True)
        if found is None:
            return {}
        status: dict[str, Any] = dict(found.status or {})
        still: list[dict[str, Any]] = []
        for run in status.get("active") or ():
            header = yield from workflows.load(run["uid"])
            if header is None or header.finished_at is None:
                still += [run] if header is not None else []
                continue
            counter = "failed" if header.phase in _FAILED else "succeeded"
            status[counter] = int(status.get(counter) or 0) + 1
        if len(still) != len(status.get("active") or ()):
            status["active"] = still
            yield from objects.set_status(*self._where, status, now)
            yield from self._prune()
        return status

    def _prune(self) -> Work[None]:
        spec = self._entry.config["spec"]
        successful = spec.get("successfulJobsHistoryLimit")
        failed = spec.get("failedJobsHistoryLimit")
        yield from self._keep(("Succeeded",), KEPT_SUCCESSFUL if successful is None else successful)
        yield from self._keep(_FAILED, KEPT_FAILED if failed is None else failed)

    def _keep(self, phases: tuple[str, ...], most: int) -> Work[None]:
        labels = {CRON_LABEL: self._entry.source_name}
        ended = yield from workflows.page(
            WorkflowFilter(self._entry.namespace, phases, labels, archived=False), limit=1000
        )
        for header in ended[most:]:
            yield from workflows.update(header.seq, {"archived": 1})

    async def stopped(self) -> None:
        """Record that the CronWorkflow has ended for good."""
        await self._change({"phase": "Stopped"})

    async def refused(self, error: str) -> None:
        """Record that a run could not be submitted. It counts as failed."""
        at = rfc3339(self._services.clock.now())
        condition = {"type": "SubmissionError", "status": "True", "message": error, "lastTransitionTime": at}
        await self._change({"conditions": [condition]}, failed=1)

    async def _change(self, changes: Mapping[str, Any], failed: int = 0) -> None:
        now = self._services.clock.now()

        def work() -> Work[None]:
            found = yield from objects.get(*self._where, lock=True)
            if found is not None:
                status = {**(found.status or {}), **changes}
                status["failed"] = int(status.get("failed") or 0) + failed
                yield from objects.set_status(*self._where, status, now)

        await self._services.store.write(work)


def with_run(status: Mapping[str, Any], header: Header, scheduled: str) -> dict[str, Any]:
    """Return a status with a run added that begins now."""
    run = {"name": header.name, "namespace": header.namespace, "uid": header.uid, "kind": "Workflow"}
    others = [each for each in status.get("active") or () if each["uid"] != header.uid]
    kept = {key: value for key, value in status.items() if key != "conditions"}
    return {**kept, "phase": "Active", "active": [*others, run], "lastScheduledTime": scheduled}
