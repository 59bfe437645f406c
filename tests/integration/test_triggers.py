"""What firings do, and what happens when they cannot."""

import asyncio
from pathlib import Path

import orjson
from aiohttp import web

from eventflow.store import outbox
from tests.integration.event_server import (
    FROM_TEMPLATE,
    MAIN,
    SOURCES,
    TEMPLATE,
    WAITING,
    Client,
    running,
    sensor,
    two,
    until,
)


async def test_a_trigger_whose_template_is_missing_succeeds_once_it_is_there(tmp_path: Path) -> None:
    late = sensor("s", trigger=FROM_TEMPLATE.replace("STEPS", "50"))
    async with running(tmp_path, SOURCES, late) as client:
        await client.status("/open", MAIN)
        await until(client.firings)
        assert await client.workflows() == []
        await client.app.catalog.apply_text(TEMPLATE, "template.yaml")
        await until(client.workflows)
        firing = (await client.firings())[0]
        assert firing.outcome == "created"
        assert (await client.workflows())[0].firing == firing.id


async def test_a_trigger_that_goes_on_failing_is_dead_until_it_is_redriven_and_blocks_nobody(tmp_path: Path) -> None:
    late = sensor("late", trigger=FROM_TEMPLATE.replace("STEPS", "2"))
    async with running(tmp_path, SOURCES, late, sensor("other")) as client:
        await client.status("/open", MAIN)
        dead = await until(client.dead)
        assert "late" in dead[0].error
        assert len(await client.workflows()) == 1, "the other sensor's"
        await client.app.catalog.apply_text(TEMPLATE, "template.yaml")
        await client.app.store.write(lambda: outbox.redrive([dead[0].id], client.app.clock.now()))
        client.app.wake()
        await until(lambda: two(client))
        assert await client.dead() == []


async def test_an_http_trigger_is_delivered_with_the_firing_as_its_key(tmp_path: Path) -> None:
    got: list[tuple[str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers["Idempotency-Key"], await request.read()))
        return web.Response(status=503 if len(got) == 1 else 200)

    receiver = web.Application()
    receiver.router.add_post("/in", take)
    runner = web.AppRunner(receiver)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    trigger = HTTP.replace("URL", url)
    try:
        async with running(tmp_path, SOURCES, sensor("s", trigger=trigger)) as client:
            await client.status("/open", MAIN)
            await until(lambda: _delivered(client))
            firing = (await client.firings())[0]
            assert [key for key, _ in got] == [firing.id, firing.id]
            assert orjson.loads(got[1][1]) == {"ref": "refs/heads/main"}
    finally:
        await runner.cleanup()


HTTP = """
    - retryStrategy: {steps: 5, duration: 20ms, factor: 1}
      template:
        name: call
        http:
          url: URL
          payload:
            - {src: {dependencyName: one, dataKey: body.ref}, dest: ref}
"""


async def _delivered(client: Client) -> bool:
    return any(each.outcome == "delivered" for each in await client.firings())


async def test_an_http_trigger_to_an_inner_address_is_dead_at_once(tmp_path: Path) -> None:
    trigger = HTTP.replace("URL", "http://169.254.169.254/latest")
    async with running(tmp_path, SOURCES, sensor("s", trigger=trigger)) as client:
        await client.status("/open", MAIN)
        dead = await until(client.dead)
        assert "169.254.169.254" in dead[0].error


async def test_a_parameter_that_cannot_be_had_is_dead_at_once_and_its_dlq_trigger_runs(tmp_path: Path) -> None:
    trigger = """
    - template:
        name: call
        http:
          url: http://127.0.0.1:1/
          payload: [{src: {dependencyName: one, dataKey: body.nothing}, dest: ref}]
      dlqTrigger:
        template: {name: fallback, log: {}}
"""
    async with running(tmp_path, SOURCES, sensor("s", trigger=trigger)) as client:
        await client.status("/open", MAIN)
        dead = await until(client.dead)
        assert "body.nothing" in dead[0].error
        await client.settled()
        assert len(await client.dead()) == 1


def control(operation: str) -> str:
    return f"""
    - template:
        name: control
        argoWorkflow:
          operation: {operation}
          source: {{resource: {{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {{name: placeholder}}}}}}
          parameters:
            - src: {{dependencyName: one, dataKey: body.workflow}}
              dest: metadata.name
"""


async def test_triggers_stop_and_resubmit_a_workflow_named_by_the_event(tmp_path: Path) -> None:
    stop = sensor("stop", event="tag", trigger=control("stop"))
    again = sensor("again", event="small", trigger=control("resubmit"))
    async with running(tmp_path, SOURCES, sensor("s"), stop, again) as client:
        await client.status("/open", MAIN)
        first = (await until(client.workflows))[0]
        await client.status("/tag", {"workflow": first.name})
        assert await asyncio.wait_for(client.app.engine.end_of(first), 5) == "Failed"
        await client.status("/small", {"workflow": first.name})
        await until(lambda: two(client))
        second = (await client.workflows())[1]
        assert second.labels["workflows.argoproj.io/resubmitted-from-workflow"] == first.name
        live = client.app.engine.live(second.seq)
        assert live is not None
        assert live.definition.spec["arguments"]["parameters"][0]["value"] == "refs/heads/main"


async def test_a_trigger_resumes_a_workflow(tmp_path: Path) -> None:
    resume = sensor("resume", event="tag", trigger=control("resume"))
    async with running(tmp_path, SOURCES, sensor("s"), resume) as client:
        await client.status("/open", MAIN)
        waiting = (await until(client.workflows))[0]
        await client.status("/tag", {"workflow": waiting.name})
        assert await asyncio.wait_for(client.app.engine.end_of(waiting), 5) == "Succeeded"


async def test_a_trigger_retries_what_failed_in_a_workflow(tmp_path: Path) -> None:
    flaky = WAITING.replace("suspend: {}", "container: {image: alpine, command: ['false']}")
    retry = sensor("retry", event="tag", trigger=control("retry"))
    async with running(tmp_path, SOURCES, sensor("s", trigger=flaky), retry) as client:
        await client.status("/open", MAIN)
        failed = (await until(client.workflows))[0]
        assert await asyncio.wait_for(client.app.engine.end_of(failed), 10) == "Failed"
        await client.status("/tag", {"workflow": failed.name})
        await until(lambda: _delivered(client))
        assert "note" not in (await client.firings())[1].detail


async def test_a_k8s_trigger_keeps_an_object_and_changes_it(tmp_path: Path) -> None:
    create = """
    - template:
        name: keep
        k8s:
          operation: OPERATION
          source:
            resource:
              apiVersion: v1
              kind: ConfigMap
              metadata: {name: last}
              data: {KEY: none}
          parameters:
            - src: {dependencyName: one, dataKey: body.ref}
              dest: data.KEY
"""
    first = create.replace("OPERATION", "create").replace("KEY", "ref")
    second = create.replace("OPERATION", "patch").replace("KEY", "tag")
    async with running(
        tmp_path, SOURCES, sensor("a", trigger=first), sensor("b", event="tag", trigger=second)
    ) as client:
        await client.status("/open", {"ref": "x"})
        await until(lambda: _delivered(client))
        await client.status("/tag", {"ref": "y"})
        await client.settled()

        async def patched() -> bool:
            found = await client.app.catalog.get("ConfigMap", "default", "last")
            return bool(found.spec_manifest["data"] == {"ref": "x", "tag": "y"})

        await until(patched)


async def test_a_rate_limit_spaces_runs_without_losing_any(tmp_path: Path) -> None:
    limited = WAITING.replace(
        "    - template:", "    - rateLimit: {unit: Second, requestsPerUnit: 5}\n      template:", 1
    )
    async with running(tmp_path, SOURCES, sensor("s", trigger=limited)) as client:
        for n in range(4):
            await client.status("/open", {"ref": str(n)})

        async def all_() -> bool:
            return len(await client.workflows()) == 4

        await until(all_)
        times = [each.created_at for each in await client.workflows()]
        assert times[-1] - times[0] >= 0.55
