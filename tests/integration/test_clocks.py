"""Calendars and CronWorkflows: ticks come once, missed ones by policy, whatever restarts between."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventflow.clock import rfc3339
from eventflow.sources.contract import Entry
from eventflow.sources.cron import request, schedules
from eventflow.store import sources
from eventflow.store.contract import Work
from tests.integration.event_server import Client, running, until

HOUR = 3600.0


def calendar(fields: str) -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: clock}}
spec:
  calendar:
    tick: {{{fields}}}
"""


def cron(schedule: str, more: str = "", template: str = "suspend: {}") -> str:
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: CronWorkflow
metadata: {{name: nightly}}
spec:
  schedules: ["{schedule}"]
{more}
  workflowSpec:
    entrypoint: wait
    templates: [{{name: wait, {template}}}]
"""


QUICK = "container: {image: alpine, command: ['true']}"


async def _rewind(client: Client, hours: float) -> None:
    """Move the one cursor back, once its source has set it."""

    async def cursors() -> list[str]:
        return list(await client.app.store.read(sources.cursors))

    (source,) = await until(cursors)
    at = client.app.clock.now() - hours * HOUR

    def work() -> Work[None]:
        yield from sources.set_cursor(source, repr(at), at)

    await client.app.store.write(work)


async def _events(client: Client, least: int) -> list[Any]:
    async def enough() -> list[Any]:
        found = await client.events()
        return found if len(found) >= least else []

    return await until(enough)


async def test_an_interval_ticks_and_each_tick_is_an_event_once(tmp_path: Path) -> None:
    async with running(tmp_path, calendar("interval: 1s, metadata: {who: me}")) as client:
        first, second = (await _events(client, 2))[:2]
        data = first.data
        assert data["metadata"] == {"who": "me"}
        assert data["eventTime"].endswith("+0000 UTC")
        assert data["time"] == first.time
        assert first.key != second.key
        assert (first.type, first.source, first.subject) == ("calendar", "clock", "tick")


async def _restarted_after(tmp_path: Path, fields: str, hours: float) -> list[Any]:
    """Return the events that a calendar brings in when it starts again after so many hours."""
    async with running(tmp_path, calendar(fields)) as client:
        await _rewind(client, hours)
    async with running(tmp_path) as client:
        await _pause()
        return await client.events()


async def _pause() -> None:
    await asyncio.sleep(0.3)


async def test_missed_ticks_are_skipped_without_catch_up(tmp_path: Path) -> None:
    assert await _restarted_after(tmp_path, 'schedule: "0 * * * *"', 3) == []


async def test_missed_ticks_are_caught_up_in_order(tmp_path: Path) -> None:
    fields = 'schedule: "*/30 * * * *", persistence: {catchup: {enabled: true, maxDuration: 3h}}'
    found = await _restarted_after(tmp_path, fields, 2)
    times = [each.time for each in found]
    assert len(times) == 4
    assert times == sorted(times)


async def test_catching_up_is_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, calendar('schedule: "0 0 1 1 *"')) as client:
        await _rewind(client, 10)
        fields = 'schedule: "*/30 * * * *", persistence: {catchup: {enabled: true, maxDuration: 1h}}'
        await client.app.catalog.apply_text(calendar(fields), "clock.yaml")
        found = await _events(client, 2)
        assert len(found) == 2


async def _status(client: Client) -> Mapping[str, Any]:
    found = await client.app.catalog.get("CronWorkflow", "default", "nightly")
    return found.status or {}


async def test_a_cron_workflow_runs_at_its_ticks_and_keeps_the_last_runs(tmp_path: Path) -> None:
    more = "  successfulJobsHistoryLimit: 1"
    async with running(tmp_path, cron("@every 1s", more, QUICK)) as client:

        async def twice() -> bool:
            return int((await _status(client)).get("succeeded") or 0) >= 2

        await until(twice)
        runs = await client.workflows()
        assert all(run.labels["workflows.argoproj.io/cron-workflow"] == "nightly" for run in runs)
        prefix, _, unix = runs[0].name.rpartition("-")
        assert prefix == "nightly"
        assert abs(int(unix) - runs[0].created_at) < 2
        status = await _status(client)
        assert status["phase"] == "Active"
        assert sum(1 for run in runs if run.phase == "Succeeded" and not run.archived) <= 1


async def test_forbid_drops_a_tick_while_a_run_is_active(tmp_path: Path) -> None:
    async with running(tmp_path, cron("@every 1s", "  concurrencyPolicy: Forbid")) as client:
        await until(client.workflows)
        limited = client.app.metrics.cron_limited("nightly", "default", "Forbid")

        async def dropped() -> bool:
            return limited.value >= 1

        await until(dropped)
        assert len(await client.workflows()) == 1


async def test_replace_terminates_the_active_run(tmp_path: Path) -> None:
    async with running(tmp_path, cron("@every 1s", "  concurrencyPolicy: Replace")) as client:

        async def replaced() -> bool:
            return any(run.phase == "Failed" for run in await client.workflows())

        await until(replaced)
        assert sum(1 for run in await client.workflows() if run.phase == "Running") <= 1


async def test_a_condition_over_its_own_past_stops_a_cron_workflow_for_good(tmp_path: Path) -> None:
    more = "  stopStrategy: {expression: cronworkflow.succeeded >= 1}"
    async with running(tmp_path, cron("@every 1s", more, QUICK)) as client:

        async def stopped() -> bool:
            return (await _status(client)).get("phase") == "Stopped"

        await until(stopped)
        assert 1 <= len(await client.workflows()) <= 2


async def test_when_lets_a_run_begin_or_not(tmp_path: Path) -> None:
    more = "  when: '{{= cronworkflow.lastScheduledTime == nil }}'"
    async with running(tmp_path, cron("@every 1s", more)) as client:
        await until(client.workflows)

        first = (await client.workflows())[0].created_at

        async def passed() -> bool:
            stored = await client.app.store.read(sources.cursors)
            return any(float(position) > first + 0.5 for position, _ in stored.values())

        await until(passed)
        assert len(await client.workflows()) == 1


async def _missed(tmp_path: Path, more: str) -> list[Any]:
    """Return the runs made when a CronWorkflow of every half hour starts again after four hours."""
    text = cron("*/30 * * * *", more)
    async with running(tmp_path, text) as client:
        await _rewind(client, 4)
    async with running(tmp_path) as client:
        await _pause()
        return await client.workflows()


async def test_only_the_latest_missed_tick_is_run_and_only_within_the_deadline(tmp_path: Path) -> None:
    runs = await _missed(tmp_path / "a", "  startingDeadlineSeconds: 7200")
    assert len(runs) == 1
    assert int(runs[0].name.rpartition("-")[2]) % 1800 == 0
    assert await _missed(tmp_path / "b", "") == []


async def test_a_missed_tick_of_schedules_that_changed_since_is_not_run(tmp_path: Path) -> None:
    more = "  startingDeadlineSeconds: 7200"
    async with running(tmp_path, cron("*/30 * * * *", more)) as client:
        await _rewind(client, 4)
        await client.app.catalog.apply_text(cron("*/20 * * * *", more), "changed.yaml")
        await _pause()
        assert await client.workflows() == []


async def test_a_tick_makes_one_run_however_often_it_is_seen_to(tmp_path: Path) -> None:
    async with running(tmp_path, cron("0 0 1 1 *")) as client:
        found = await client.app.catalog.get("CronWorkflow", "default", "nightly")
        entry = Entry("default", "nightly", "run", "cron", found.spec_manifest, found.uid)
        asked = request(entry, 1_700_000_000.0)
        for created in (True, False):
            creation = await client.app.store.write(lambda: client.app.engine.admit(asked))
            assert creation.created is created
        await client.app.engine.wake(creation.header)
        runs = await client.workflows()
        assert [run.name for run in runs] == ["nightly-1700000000"]
        live = client.app.engine.live(runs[0].seq)
        assert live is not None
        scheduled = live.state.annotations["workflows.argoproj.io/scheduled-time"]
        assert scheduled == rfc3339(1_700_000_000.0)


def test_schedules_are_read_with_their_zone() -> None:
    spec = {"schedules": ["0 9 * * *", "0 10 * * *"], "timezone": "Europe/Berlin"}
    first, _ = schedules(spec)
    assert rfc3339(first.next(1_700_000_000.0) or 0.0) == "2023-11-15T08:00:00Z"
