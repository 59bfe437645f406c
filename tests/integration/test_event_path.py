"""The event's way from the log to a workflow: sensors, conditions, edits, restarts."""

import asyncio
from pathlib import Path

import pytest

from eventflow.errors import NotFound
from eventflow.model.problems import ManifestError
from eventflow.store import deliveries
from tests.integration.event_server import (
    FROM_TEMPLATE,
    MAIN,
    SOURCES,
    TEMPLATE,
    WAITING,
    running,
    sensor,
    signed,
    two,
    until,
)


async def test_a_signed_event_becomes_a_workflow_that_runs(tmp_path: Path) -> None:
    pod = WAITING.replace(
        "{name: wait, suspend: {}}",
        "{name: wait, container: {image: alpine, command: [sh, -c], args: ['echo {{workflow.parameters.ref}}']}}",
    )
    async with running(tmp_path, SOURCES, sensor("s", event="signed", trigger=pod)) as client:
        assert await client.status("/signed", MAIN, signed(MAIN)) == 200
        await client.settled()
        firing = (await client.firings())[0]
        assert firing.outcome == "created"
        header = await client.app.engine.find("default", firing.detail["workflow"])
        assert header.firing == firing.id
        assert header.labels["events.argoproj.io/sensor"] == "s"
        assert await client.app.engine.end_of(header) == "Succeeded"


async def test_an_event_nobody_listens_to_is_stored_without_deliveries(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        assert await client.status("/open", MAIN) == 200
        assert await client.decisions((await client.events())[0].seq) == {}


async def test_a_non_match_is_recorded_with_its_reason_and_the_values(tmp_path: Path) -> None:
    filters = '      filters: {cel: body.ref == "refs/heads/main" && body.n > 1}'
    async with running(tmp_path, SOURCES, sensor("s", extra=filters)) as client:
        await client.status("/open", {"ref": "refs/heads/dev", "n": 2})
        await client.settled()
        decision = (await client.decisions((await client.events())[0].seq))["default/s"]
        assert (decision.outcome, decision.reason) == ("filtered", "cel")
        values = {part["source"]: part.get("value") for part in decision.detail["dependencies"][0]["cel"]}
        assert values["body.ref"] == '"refs/heads/dev"'
        assert values["body.n > 1"] == "true"
        assert await client.workflows() == []


async def test_an_error_in_a_filter_is_a_non_match_and_blocks_nothing(tmp_path: Path) -> None:
    filters = "      filters: {cel: body.n > 1}"
    async with running(tmp_path, SOURCES, sensor("s", extra=filters)) as client:
        await client.status("/open", {"ref": "a"})
        await client.status("/open", {"ref": "b", "n": 2})
        await client.settled()
        first, second = await client.events()
        assert (await client.decisions(first.seq))["default/s"].outcome == "errored"
        assert (await client.decisions(second.seq))["default/s"].outcome == "matched"
        assert len(await client.workflows()) == 1


async def test_two_sensors_decide_about_one_event_apart(tmp_path: Path) -> None:
    other = sensor("other", extra='      filters: {cel: body.ref == "nothing"}')
    async with running(tmp_path, SOURCES, sensor("s"), other) as client:
        await client.status("/open", MAIN)
        await client.settled()
        decisions = await client.decisions((await client.events())[0].seq)
        assert {name: each.outcome for name, each in decisions.items()} == {
            "default/s": "matched",
            "default/other": "filtered",
        }


async def test_a_sensor_gets_events_from_its_own_transaction_on(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        await client.status("/open", {"ref": "before"})
        await client.app.catalog.apply_text(sensor("s"), "s.yaml")
        await client.status("/open", {"ref": "after"})
        await client.settled()
        before, after = await client.events()
        assert await client.decisions(before.seq) == {}
        assert (await client.decisions(after.seq))["default/s"].outcome == "matched"


async def test_an_edited_sensor_keeps_its_backlog_and_what_it_has_gathered(tmp_path: Path) -> None:
    both = BOTH.replace("CONDITIONS", "one && two")
    async with running(tmp_path, SOURCES, both) as client:
        await client.status("/open", {"ref": "first"})
        await client.settled()
        await client.app.catalog.apply_text(BOTH.replace("CONDITIONS", "two && one"), "edited.yaml")
        await client.status("/tag", {"ref": "second"})
        await client.settled()
        first, second = await client.events()
        assert (await client.decisions(first.seq))["default/both"].outcome == "matched"
        assert (await client.decisions(second.seq))["default/both"].outcome == "matched"
        assert len((await client.firings())[0].keys) == 2


BOTH = sensor(
    "both",
    extra="    - {name: two, eventSourceName: hooks, eventName: tag}",
    trigger=WAITING.replace("name: run\n", 'name: run\n        conditions: "CONDITIONS"\n').replace(
        "{cel: body.ref}", '{cel: deps.one.data.body.ref + "+" + deps.two.data.body.ref}'
    ),
)


async def test_a_condition_over_two_events_survives_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, BOTH.replace("CONDITIONS", "one && two")) as client:
        await client.status("/open", {"ref": "old"})
        await client.status("/open", {"ref": "new"})
        await client.settled()
        old, new = await client.events()
        assert (await client.decisions(old.seq))["default/both"].reason == "superseded"
        assert (await client.decisions(new.seq))["default/both"].outcome == "held"
    async with running(tmp_path) as client:
        await client.status("/tag", {"ref": "tag"})
        await client.settled()
        firing = (await client.firings())[0]
        header = await client.app.engine.find("default", firing.detail["workflow"])
        live = client.app.engine.live(header.seq)
        assert live is not None
        assert live.definition.spec["arguments"]["parameters"] == [{"name": "ref", "value": "new+tag"}]
        assert (await client.decisions(new.seq))["default/both"].outcome == "matched"


async def test_a_deleted_sensor_drops_what_waits_for_it(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, sensor("s")) as client:
        await client.status("/open", MAIN)
        await client.settled()
        seq = (await client.events())[0].seq
        await client.app.catalog.delete("Sensor", "default", "s")
        await client.app.store.write(lambda: deliveries.replay([seq], "default/s", client.app.clock.now()))
        client.app.wake()
        await client.settled()
        decision = (await client.decisions(seq))["default/s"]
        assert (decision.outcome, decision.reason) == ("dropped", "sensor-deleted")


async def test_a_delivery_that_cannot_be_settled_is_set_aside_and_those_behind_it_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventflow.sensors.sensor import SensorListener

    settle = SensorListener.settle

    def poisoned(self, delivery, verdict, now):  # type: ignore[no-untyped-def]
        if delivery.event.data["body"]["ref"] == "poison":
            raise RuntimeError("poison")
        return settle(self, delivery, verdict, now)

    monkeypatch.setattr(SensorListener, "settle", poisoned)
    async with running(tmp_path, SOURCES, sensor("s")) as client:
        for ref in ("a", "poison", "b"):
            await client.status("/open", {"ref": ref})
        await until(lambda: two(client))
        poison = (await client.events())[1]
        decision = (await client.decisions(poison.seq))["default/s"]
        assert decision.outcome == "pending"
        assert "poison" in decision.error


async def test_an_event_posted_to_argos_route_submits_by_its_binding(tmp_path: Path) -> None:
    binding = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowEventBinding
metadata: {name: on-hook}
spec:
  event: {selector: 'payload.count > 1 && discriminator == "hook"'}
  submit:
    workflowTemplateRef: {name: late}
    arguments: {parameters: [{name: count, valueFrom: {event: payload.count}}]}
"""
    async with running(tmp_path, SOURCES, TEMPLATE, binding) as client:
        assert await client.status("/api/v1/events/default/hook", {"count": 1}) == 200
        assert await client.status("/api/v1/events/default/hook", {"count": 2}) == 200
        await client.settled()
        refused, taken = await client.events()
        name = "default/WorkflowEventBinding/on-hook"
        assert (await client.decisions(refused.seq))[name].outcome == "filtered"
        assert (await client.decisions(taken.seq))[name].outcome == "matched"
        header = (await client.workflows())[0]
        assert header.labels["workflows.argoproj.io/workflow-event-binding"] == "on-hook"
        assert header.name.startswith("late-")


async def test_a_sensor_that_cannot_work_is_refused_with_the_places(tmp_path: Path) -> None:
    broken = sensor(
        "s",
        extra="      filters: {cel: boddy.ref == 1}",
        trigger=FROM_TEMPLATE.replace("WorkflowTemplate", "Pod").replace("STEPS", "1"),
    )
    async with running(tmp_path, SOURCES) as client:
        with pytest.raises(ManifestError) as caught:
            await client.app.catalog.apply_text(broken, "broken.yaml")
        first, second = [*caught.value.problems][:2]
        assert "boddy" in first.message
        assert (first.location.file, first.location.line) == ("broken.yaml", 10)
        assert "submit-from" in second.message
        with pytest.raises(NotFound):
            await client.app.catalog.get("Sensor", "default", "s")


async def test_stopping_gives_claimed_deliveries_back_for_the_next_start(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, sensor("s")) as client:
        for n in range(50):
            await client.status("/open", {"ref": str(n)})
    async with running(tmp_path) as client:
        await client.settled()
        assert len(await client.workflows()) == 50


async def test_a_reset_forgets_what_waited_for_a_condition(tmp_path: Path) -> None:
    resetting = BOTH.replace(
        'conditions: "CONDITIONS"', 'conditions: "one && two"\n        conditionsReset: [{byTime: {cron: "@every 1s"}}]'
    )
    async with running(tmp_path, SOURCES, resetting) as client:
        await client.status("/open", {"ref": "old"})
        await asyncio.sleep(2.1)
        await client.status("/tag", {"ref": "tag"})
        await client.settled()
        old, tag = await client.events()
        assert (await client.decisions(old.seq))["default/both"].reason == "reset"
        assert (await client.decisions(tag.seq))["default/both"].outcome == "held"
