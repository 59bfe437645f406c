"""The http performer against a server on this machine."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from eventflow.artifacts.outbound import Outbound
from eventflow.engine.performers import http
from eventflow.engine.performers.contract import Task
from eventflow.engine.performers.http import HttpPerformer
from eventflow.model.pod import Pod, PodEnd

TABLES = Path(os.environ.get("EVENTFLOW_CONFORMANCE", Path(__file__).parents[5] / "shared" / "conformance"))
OPEN = Outbound(private=True)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Secrets:
    """One Secret, `keys`."""

    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        wanted = (kind, namespace, name) == ("Secret", "default", "keys")
        return {"data": {"token": base64.b64encode(b"s3cret").decode()}} if wanted else None


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve on a free port; yield the URL without a slash at its end."""
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def perform(template: Mapping[str, Any], guard: Outbound = OPEN, pod: str = "w-1") -> PodEnd:
    body = Pod(pod, "default", "w", "uid-1", pod, "w", {"http": template})
    return await HttpPerformer(guard, Secrets()).perform(Task(body, lambda: 5.0, lambda: None))


def secret(header: str, name: str, key: str) -> dict[str, Any]:
    return {"name": header, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


def cases() -> list[Any]:
    path = TABLES / "expressions" / "conditions.jsonl"
    if not path.is_file():
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"{path} is not here"))]
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [pytest.param(case, id=case["id"]) for case in found if case["kind"] == "http"]


@pytest.mark.parametrize("case", cases())
async def test_answers_are_judged_as_argo_judged_them(case: dict[str, Any]) -> None:
    answer = case["response"]

    async def handler(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(status=answer["status"], headers=answer.get("headers"), body=answer["body"].encode())

    async with serving(handler) as url:
        text = json.dumps(case["http"]).replace("http://server", url)
        end = await perform(json.loads(text))
    if case.get("error"):
        assert end.outcome == "Failed"
        assert end.message
        assert end.result == answer["body"]
    else:
        wanted = case["outcome"]
        message = wanted["message"].replace("http://server", url)
        assert (end.outcome, end.message, end.result) == (wanted["phase"], message, wanted["result"])


async def test_method_headers_body_and_key_are_sent() -> None:
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.path_qs, dict(request.headers), await request.read()))
        return web.Response(text="ok")

    async with serving(handler) as url:
        template = {
            "method": "PUT",
            "url": f"{url}/a?b=%2F",
            "headers": [
                {"name": "X-Plain", "value": "p"},
                secret("Authorization", "keys", "token"),
            ],
            "bodyFrom": {"bytes": base64.b64encode(b"\x00\xff").decode()},
        }
        ends = [await perform(template), await perform(template), await perform(template, pod="w-2")]
    assert [end.outcome for end in ends] == ["Succeeded"] * 3
    method, path, headers, body = seen[0]
    assert (method, path, body) == ("PUT", "/a?b=%2F", b"\x00\xff")
    assert (headers["X-Plain"], headers["Authorization"]) == ("p", "s3cret")
    keys = [each[2]["Idempotency-Key"] for each in seen]
    assert keys[0] == keys[1] != keys[2], "a repetition of the same pod has the same key, another pod another"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ({"url": "ftp://x/y"}, "is not an http or https URL"),
        ({"url": "not a url"}, "is not an http or https URL"),
        ({"url": "http://127.0.0.1:9/"}, "127.0.0.1"),
        ({"url": "http://x/", "bodyFrom": {"bytes": "*"}}, "not base64"),
        ({"url": "http://x/", "headers": [secret("a", "nope", "k")]}, "'nope'"),
    ],
)
async def test_what_cannot_be_sent_fails_and_says_why(template: Mapping[str, Any], said: str) -> None:
    end = await perform(template)
    assert end.outcome == "Failed"
    assert said in end.message


async def test_private_addresses_are_refused_unless_the_settings_allow_them() -> None:
    asked = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(text="ok")

    async with serving(handler) as url:
        refused = [await perform({"url": each}, Outbound()) for each in (url, url.replace("127.0.0.1", "localhost"))]
        allowed = await perform({"url": url}, Outbound(allow=("127.0.0.1",)))
    assert [end.outcome for end in refused] == ["Failed", "Failed"]
    assert all("outbound.allow" in end.message for end in refused)
    assert (allowed.outcome, len(asked)) == ("Succeeded", 1)


async def test_redirects_are_followed_past_the_guard_and_leave_secrets_behind() -> None:
    seen: list[tuple[str, str, str | None, str | None]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        secrets = request.headers.get("Authorization"), request.headers.get("X-Key")
        seen.append((request.method, request.path, *secrets))
        places = {"/near": "/end", "/far": f"{request.url.with_host('localhost').origin()}/end", "/loop": "/loop"}
        places["/metadata"] = "http://169.254.169.254/latest"
        place = places.get(request.path)
        if place is None:
            return web.Response(text="there")
        return web.Response(status=302, headers={"Location": place})

    headers = [{"name": "Authorization", "value": "s"}, secret("X-Key", "keys", "token")]
    async with serving(handler) as url:
        near = await perform({"url": f"{url}/near", "method": "POST", "body": "x", "headers": headers})
        far = await perform({"url": f"{url}/far", "headers": headers})
        loop = await perform({"url": f"{url}/loop"})
        metadata = await perform({"url": f"{url}/metadata"})
    assert near.result == far.result == "there"
    assert seen[:4] == [
        ("POST", "/near", "s", "s3cret"),
        ("GET", "/end", "s", "s3cret"),
        ("GET", "/far", "s", "s3cret"),
        ("GET", "/end", None, None),
    ]
    assert "redirects" in loop.message
    assert (metadata.outcome, "169.254.169.254" in metadata.message) == ("Failed", True)


async def test_an_answer_that_never_ends_or_is_too_large_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_BODY", 1 << 20)

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path == "/large":
            return web.Response(body=b"x" * ((1 << 20) + 1))
        await asyncio.sleep(3)
        return web.Response()

    async with serving(handler) as url:
        late = await perform({"url": f"{url}/late?token=s3cret", "timeoutSeconds": 0.05})
        large = await perform({"url": f"{url}/large"})
    assert (late.outcome, large.outcome) == ("Failed", "Failed")
    assert "0.05 s" in late.message
    assert "s3cret" not in late.message, "what is in the query may be secret"
    assert "1 MiB" in large.message


def test_header_names_are_written_as_go_writes_them() -> None:
    assert http.canonical("x-KEY-id") == "X-Key-Id"
