"""Artifacts behind URLs: redirects, credentials, faults, and going on where a download broke off."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from eventflow.artifacts.contract import Absent
from eventflow.artifacts.environment import Environment, Sessions
from eventflow.artifacts.http import HttpStore
from eventflow.artifacts.outbound import Forbidden, Outbound
from eventflow.artifacts.secrets import SecretReader
from eventflow.errors import PermanentError, TemporaryError

Handler = Callable[[web.Request], Any]


class OneSecret:
    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        if name != "cred":
            return None
        return {"data": {"user": "dQ==", "password": "cA==", "broken": "!"}, "stringData": {"id": "client"}}


@pytest.fixture
async def environment(tmp_path: Path) -> AsyncIterator[Environment]:
    guard = Outbound(allow=("127.0.0.1",))
    sessions = Sessions(guard)
    yield Environment(tmp_path, SecretReader(OneSecret(), "ns"), guard, sessions)
    await sessions.close()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    servers: list[TestServer] = []

    async def start(**handlers: Handler) -> str:
        app = web.Application()
        for name, handler in handlers.items():
            app.router.add_route("*", f"/{name}", handler)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return str(servers[-1].make_url("/")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


async def _text(store: HttpStore, location: Mapping[str, Any]) -> str:
    return b"".join([chunk async for chunk in store.read(location)]).decode()


async def _echo(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.headers.get('Authorization')} {request.headers.get('X-Own')}")


async def test_headers_and_basic_credentials_are_sent(environment: Environment, serve: Callable[..., Any]) -> None:
    base = await serve(echo=_echo)
    selectors = {
        "usernameSecret": {"name": "cred", "key": "user"},
        "passwordSecret": {"name": "cred", "key": "password"},
    }
    headers = [{"name": "X-Own", "value": "mine"}]
    http = {"url": f"{base}/echo", "headers": headers, "auth": {"basicAuth": selectors}}
    assert await _text(HttpStore("http", environment), http) == "Basic dTpw mine"
    assert await _text(HttpStore("artifactory", environment), {"url": f"{base}/echo", **selectors}) == "Basic dTpw None"


async def test_credentials_stay_with_their_origin(environment: Environment, serve: Callable[..., Any]) -> None:
    other = await serve(echo=_echo)

    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"{other}/echo"})

    async def here(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/echo"})

    base = await serve(away=away, here=here, echo=_echo)
    location = {"headers": [{"name": "Authorization", "value": "Bearer t"}, {"name": "X-Own", "value": "mine"}]}
    assert await _text(HttpStore("http", environment), {**location, "url": f"{base}/here"}) == "Bearer t mine"
    assert await _text(HttpStore("http", environment), {**location, "url": f"{base}/away"}) == "None None"


async def test_a_redirect_to_a_forbidden_address_is_not_followed(
    environment: Environment, serve: Callable[..., Any]
) -> None:
    async def lure(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    base = await serve(lure=lure)
    for target in ("http://169.254.169.254/latest", "http://10.0.0.1:1/", "file:///etc/passwd", "http://[::1]/"):
        with pytest.raises(Forbidden):
            await _text(HttpStore("http", environment), {"url": f"{base}/lure?to={target}"})


async def test_redirects_end(environment: Environment, serve: Callable[..., Any]) -> None:
    async def again(request: web.Request) -> web.Response:
        return web.Response(status=301, headers={"Location": "/again"})

    base = await serve(again=again)
    with pytest.raises(PermanentError, match="more than 10"):
        await _text(HttpStore("http", environment), {"url": f"{base}/again"})


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (404, Absent),
        (410, Absent),
        (403, PermanentError),
        (401, PermanentError),
        (400, PermanentError),
        (500, TemporaryError),
        (503, TemporaryError),
        (429, TemporaryError),
    ],
)
async def test_what_statuses_mean(
    environment: Environment, serve: Callable[..., Any], tmp_path: Path, status: int, expected: type[Exception]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "7"})

    location = {"url": f"{await serve(x=answer)}/x?token=hidden"}
    with pytest.raises(expected) as caught:
        await HttpStore("http", environment).fetch(location, tmp_path / "out")
    assert "hidden" not in str(caught.value)
    assert getattr(caught.value, "retry_after", 7) == 7
    if expected is PermanentError:
        assert not isinstance(caught.value, Absent)


async def test_a_server_that_is_away_may_come_back(environment: Environment, tmp_path: Path) -> None:
    with pytest.raises(TemporaryError):
        await HttpStore("http", environment).fetch({"url": "http://127.0.0.1:1/x"}, tmp_path / "out")


class Breaking:
    """Serves content that breaks off after 300 kB each time; a new version appears after `changes` answers."""

    def __init__(self, tag: str, changes: int = 99) -> None:
        self.tag, self.changes = tag, changes
        self.asked: list[str | None] = []

    def content(self) -> bytes:
        old = len(self.asked) <= self.changes
        return (b"old-" if old else b"new-") * 200_000

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.headers.get("Range"))
        content, tag = self.content(), self.tag if len(self.asked) <= self.changes else '"two"'
        start = 0
        if self.asked[-1] and request.headers.get("If-Range") == tag:
            start = int(self.asked[-1].removeprefix("bytes=").rstrip("-"))
        headers = {"Content-Length": str(len(content) - start)} | ({"ETag": tag} if tag else {})
        answer = web.StreamResponse(status=206 if start else 200, headers=headers)
        await answer.prepare(request)
        await answer.write(content[start : start + 300_000])
        if start + 300_000 < len(content):
            await asyncio.sleep(0.05)  # the client forgets what it has not read when the connection ends
            assert request.transport is not None
            request.transport.close()
        return answer


async def test_a_download_goes_on_where_it_broke_off(
    environment: Environment, serve: Callable[..., Any], tmp_path: Path
) -> None:
    server = Breaking('"one"')
    await HttpStore("http", environment).fetch({"url": f"{await serve(x=server.answer)}/x"}, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"old-" * 200_000
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"]


async def test_a_file_that_changed_meanwhile_starts_over(
    environment: Environment, serve: Callable[..., Any], tmp_path: Path
) -> None:
    server = Breaking('"one"', changes=1)
    await HttpStore("http", environment).fetch({"url": f"{await serve(x=server.answer)}/x"}, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"new-" * 200_000


@pytest.mark.parametrize("tag", ["", 'W/"weak"'])
async def test_without_a_strong_version_there_is_no_going_on(
    environment: Environment, serve: Callable[..., Any], tmp_path: Path, tag: str
) -> None:
    server = Breaking(tag)
    with pytest.raises(TemporaryError):
        await HttpStore("http", environment).fetch({"url": f"{await serve(x=server.answer)}/x"}, tmp_path / "out")
    assert server.asked == [None]


async def test_client_credentials_are_exchanged_for_a_token(
    environment: Environment, serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    forms: list[dict[str, Any]] = []

    async def token(request: web.Request) -> web.Response:
        forms.append({**await request.post(), "authorization": request.headers["Authorization"]})
        return web.json_response({"access_token": "t0ken"})

    base = await serve(token=token, echo=_echo)

    async def find(self: OneSecret, kind: str, namespace: str, name: str) -> Mapping[str, Any]:
        return {"stringData": {"id": "i", "word": "w", "url": f"{base}/token"}}

    monkeypatch.setattr(OneSecret, "find", find)
    oauth: dict[str, Any] = {"scopes": ["a", "b"], "endpointParams": [{"key": "audience", "value": "x"}]}
    for name, key in (("clientIDSecret", "id"), ("clientSecretSecret", "word"), ("tokenURLSecret", "url")):
        oauth[name] = {"name": "s", "key": key}
    assert await _text(HttpStore("http", environment), {"url": f"{base}/echo", "auth": {"oauth2": oauth}}) == (
        "Bearer t0ken None"
    )
    assert forms == [
        {"grant_type": "client_credentials", "scope": "a b", "audience": "x", "authorization": "Basic aTp3"}
    ]


@pytest.mark.parametrize(
    ("selector", "said"),
    [
        ({"name": "nosuch", "key": "user"}, "secret 'nosuch' does not exist in namespace 'ns'"),
        ({"name": "cred", "key": "nokey"}, "secret 'cred' has no key 'nokey' in namespace 'ns'"),
        ({"name": "cred", "key": "broken"}, "not base64"),
    ],
)
async def test_a_secret_that_is_missing_is_named(environment: Environment, selector: dict[str, str], said: str) -> None:
    location = {"url": "http://127.0.0.1:1/x", "auth": {"basicAuth": {"usernameSecret": selector}}}
    with pytest.raises(PermanentError, match=said):
        await _text(HttpStore("http", environment), location)
    assert await environment.secrets.value({**selector, "key": "none", "optional": True}) == ""


@pytest.mark.parametrize("url", ["", "ftp://h/x", "http://", "no url"])
async def test_what_is_no_url_is_refused(environment: Environment, url: str) -> None:
    with pytest.raises(PermanentError):
        await _text(HttpStore("http", environment), {"url": url})
