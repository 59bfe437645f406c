"""The event's way: from a signed request to a submitted workflow, and every way it may end before."""

import asyncio
import base64
import hashlib
import hmac
import io
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp import web

from eventflow.errors import NotFound
from eventflow.model.problems import ManifestError
from eventflow.settings import Limits
from eventflow.store import deliveries, outbox
from tests.integration.event_server import SOURCES, WAITING, running, sensor, signed, until

MAIN = {"ref": "refs/heads/main"}


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


async def test_a_redelivery_is_answered_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, sensor("s")) as client:
        for _ in range(3):
            assert await client.status("/open", MAIN, {"Idempotency-Key": "k1"}) == 200
        await client.settled()
        assert len(await client.events()) == 1
        assert len(await client.workflows()) == 1


async def test_requests_that_nothing_tells_apart_are_events_of_their_own(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        for _ in range(3):
            assert await client.status("/open", MAIN) == 200
        assert len(await client.events()) == 3


async def test_an_unproven_sender_cannot_suppress_another_event_by_using_its_id_first(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        assert await client.status("/open", {"forged": True}, {"Idempotency-Key": "k1"}) == 200
        assert await client.status("/open", MAIN, {"Idempotency-Key": "k1"}) == 200
        assert len(await client.events()) == 2


async def test_a_wrong_signature_leaves_no_row(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, sensor("s", event="signed")) as client:
        changed = {"ref": "refs/heads/evil"}
        assert await client.status("/signed", changed, signed(MAIN)) == 401
        assert await client.status("/signed", MAIN, signed(MAIN, token="other")) == 401
        assert await client.status("/signed", MAIN) == 401
        assert await client.status("/github", MAIN, signed(MAIN, token="other")) == 400
        assert await client.events() == []


async def test_a_captured_request_under_a_new_delivery_id_is_a_replay(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        assert await client.status("/github", MAIN, signed(MAIN, "d-1")) == 200
        assert await client.status("/github", MAIN, signed(MAIN, "d-2")) == 200
        assert len(await client.events()) == 1
        accepting = SOURCES.replace(
            "metadata: {name: hooks}",
            "metadata: {name: hooks, annotations: {events.eventflow.dev/replays: accept}}",
        )
        await client.app.catalog.apply_text(accepting, "sources.yaml")
        assert await client.status("/github", MAIN, signed(MAIN, "d-3")) == 200
        assert len(await client.events()) == 2


def standard(body: bytes, at: float, identity: str = "msg_1") -> dict[str, str]:
    secret = base64.b64decode("c2VjcmV0LXNpZ25pbmcta2V5LTAxMjM0NTY3")
    signature = hmac.new(secret, f"{identity}.{int(at)}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": "v1," + base64.b64encode(signature).decode(),
    }


async def test_a_signed_time_that_is_too_old_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        body, now = orjson.dumps(MAIN), client.app.clock.now()
        assert await client.status("/standard", body, standard(body, now - 301)) == 401
        assert await client.events() == []
        assert await client.status("/standard", body, standard(body, now - 200)) == 200
        assert await client.status("/standard", body, standard(body, now)) == 200
        assert len(await client.events()) == 1


async def test_bodies_that_are_too_large_are_refused_while_they_stream(tmp_path: Path) -> None:
    sent = 0

    async def endless() -> "asyncio.AsyncIterator[bytes]":  # type: ignore[name-defined]
        nonlocal sent
        while True:
            sent += 65536
            yield b"x" * 65536

    async with running(tmp_path, SOURCES) as client:
        assert await client.status("/small", b'"' + b"x" * 999 + b'"') == 413
        assert await client.status("/open", io.BytesIO(b"x" * (2 << 20))) == 413
        try:
            async with client.session.post(client.url + "/open", data=endless()) as response:
                assert response.status == 413
        except aiohttp.ClientError:
            pass  # the connection was closed before all was sent, which the bound below is about
        assert sent < 32 << 20
        assert await client.status("/small", b'"' + b"x" * 900 + b'"') == 200


async def test_a_body_that_trickles_is_cut_off(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, body_timeout=0.3) as client:
        host, port = client.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /open HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        reading = asyncio.create_task(reader.read(200))
        while not reading.done():
            writer.write(b"x")
            await asyncio.sleep(0.05)
        answer = await reading
        assert answer.startswith(b"HTTP/1.1 408")
        writer.close()
        assert await client.events() == []


async def test_a_head_that_trickles_is_cut_off(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, header_timeout=0.3) as client:
        host, port = client.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        started = asyncio.get_running_loop().time()
        writer.write(b"POST /open HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        while not reader.at_eof() and asyncio.get_running_loop().time() - started < 5:
            writer.write(b"x")
            await asyncio.sleep(0.05)
            if writer.transport.is_closing():
                break
        assert asyncio.get_running_loop().time() - started < 3
        writer.close()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 400),
        (b'{"a": NaN}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
        (b"{}", {"ce-specversion": "1.0", "ce-type": "t", "ce-source": "/s"}, 400),
        (b'{"specversion": "1.0", "id": "1"}', {"Content-Type": "application/cloudevents+json"}, 400),
        (b'{"not": "a list"}', {"Content-Type": "application/cloudevents-batch+json"}, 400),
    ],
)
async def test_malformed_requests_are_refused_and_the_next_one_is_taken(
    tmp_path: Path, body: bytes, headers: dict[str, str], status: int
) -> None:
    async with running(tmp_path, SOURCES) as client:
        assert await client.status("/open", body, headers) == status
        assert await client.status("/open", MAIN) == 200
        assert len(await client.events()) == 1


async def test_cloud_events_keep_their_attributes_and_are_told_by_source_and_id(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        binary = {"ce-specversion": "1.0", "ce-id": "7", "ce-source": "/shop", "ce-type": "order.paid"}
        assert await client.status("/open", {"n": 1}, binary) == 200
        assert await client.status("/open", {"n": 1}, binary) == 200
        whole: dict[str, object] = {
            "specversion": "1.0",
            "id": "8",
            "source": "/shop",
            "type": "order.paid",
            "subject": None,
            "data": {},
        }
        assert await client.status("/open", whole, {"Content-Type": "application/cloudevents+json"}) == 200
        batch = [{**whole, "id": "8"}, {**whole, "id": "9"}]
        assert await client.status("/open", batch, {"Content-Type": "application/cloudevents-batch+json"}) == 200
        stored = await client.events()
        assert [(each.id, each.source, each.type) for each in stored] == [
            ("7", "/shop", "order.paid"),
            ("8", "/shop", "order.paid"),
            ("9", "/shop", "order.paid"),
        ]


async def test_unknown_paths_and_methods(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES) as client:
        assert await client.status("/nowhere", MAIN) == 404
        async with client.session.put(client.url + "/open", json=MAIN) as response:
            assert response.status == 405
            assert response.headers["Allow"] == "POST"
        assert await client.status("/sources/default/hooks/open", MAIN) == 200


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


FROM_TEMPLATE = """
    - retryStrategy: {steps: STEPS, duration: 20ms, factor: 1}
      template:
        name: run
        argoWorkflow:
          operation: submit-from
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: WorkflowTemplate
              metadata: {name: late}
"""
TEMPLATE = """
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: late}
spec: {entrypoint: wait, templates: [{name: wait, suspend: {}}]}
"""


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
        await until(lambda: _two(client))
        assert await client.dead() == []


async def _two(client) -> bool:  # type: ignore[no-untyped-def]
    return len(await client.workflows()) == 2


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
        await until(lambda: _two(client))
        poison = (await client.events())[1]
        decision = (await client.decisions(poison.seq))["default/s"]
        assert decision.outcome == "pending"
        assert "poison" in decision.error


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


async def _delivered(client) -> bool:  # type: ignore[no-untyped-def]
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


async def test_senders_are_told_to_come_back_when_too_much_waits(tmp_path: Path) -> None:
    async with running(tmp_path, SOURCES, limits=Limits(events_waiting=0)) as client:
        client.app.log.backlog = lambda: 1
        status, _, headers = await client.post("/open", MAIN)
        assert status == 503
        assert int(headers["Retry-After"]) >= 1
        assert await client.events() == []


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
