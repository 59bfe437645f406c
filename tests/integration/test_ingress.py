"""Requests of senders: proven, bounded, told apart, answered."""

import asyncio
import base64
import hashlib
import hmac
import io
from pathlib import Path

import aiohttp
import orjson
import pytest

from eventflow.bus.consumer import Consumer
from eventflow.errors import TemporaryError
from eventflow.settings import Limits
from tests.integration.event_server import (
    MAIN,
    SOURCES,
    running,
    sensor,
    signed,
)


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


async def test_senders_are_told_to_come_back_when_too_much_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, SOURCES, limits=Limits(events_waiting=0)) as client:
        monkeypatch.setattr(Consumer, "backlog", 1)
        status, _, headers = await client.post("/open", MAIN)
        assert status == 503
        assert int(headers["Retry-After"]) >= 1
        assert await client.events() == []


async def test_a_sender_is_asked_to_come_back_when_the_store_cannot_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path, SOURCES) as client:

        async def full(*_: object, **__: object) -> None:
            raise TemporaryError("disk full", retry_after=7)

        with monkeypatch.context() as patched:
            patched.setattr(type(client.app.store), "write", full)
            status, text, headers = await client.post("/open", MAIN)
        assert (status, text, headers["Retry-After"]) == (503, "failed to record event", "7")
        assert await client.status("/open", MAIN) == 200


async def test_a_source_filter_drops_events_and_tells_success(tmp_path: Path) -> None:
    filtered = SOURCES.replace(
        "open: {endpoint: /open, method: POST}",
        "open: {endpoint: /open, method: POST, filter: {expression: 'body.n > 1'}}",
    )
    async with running(tmp_path, filtered) as client:
        assert await client.status("/open", {"n": 1}) == 200
        assert await client.status("/open", {"n": 2}) == 200
        assert len(await client.events()) == 1
