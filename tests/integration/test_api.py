"""Argo's API and eventflow's own over HTTP: forms of answers, errors, access, streams that can be taken up again."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from eventflow.api import access, selection, server
from eventflow.api.feed import KEPT, Behind, Feed
from eventflow.app import App, serve
from eventflow.engine.core.state import WorkflowState
from eventflow.errors import UserError
from eventflow.settings import Server, Settings
from eventflow.store.workflows import Header

LEAF = {"name": "main", "script": {"image": "alpine", "command": ["sh"], "source": "echo out"}}
WORKFLOW: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"generateName": "t-", "namespace": "default", "creationTimestamp": None},
    "spec": {"entrypoint": "main", "templates": [LEAF]},
    "status": {},
}
HELD = {**WORKFLOW, "spec": {"entrypoint": "main", "templates": [{"name": "main", "suspend": {}}]}}
TEMPLATE = {"metadata": {"name": "t"}, "spec": WORKFLOW["spec"]}


class Api:
    """A server and a client of it."""

    def __init__(self, app: App, url: str, session: aiohttp.ClientSession) -> None:
        self.app = app
        self.url = url
        self.session = session

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = None if body is None else io.BytesIO(orjson.dumps(body))
        async with self.session.request(method, f"{self.url}{path}", data=sent, headers=headers) as answer:
            text = await answer.read()
            return answer.status, orjson.loads(text) if text.startswith((b"{", b"[")) else text.decode()

    async def create(self, workflow: Any = WORKFLOW) -> str:
        status, made = await self.call("POST", "/api/v1/workflows/default", {"workflow": workflow})
        assert status == 200, made
        return str(made["metadata"]["name"])

    async def ended(self, name: str) -> Any:
        header = await self.app.engine.find("default", name)
        await self.app.engine.end_of(header)
        return (await self.call("GET", f"/api/v1/workflows/default/{name}"))[1]


@asynccontextmanager
async def api(directory: Path, **settings: Any) -> AsyncIterator[Api]:
    held = Settings(data_dir=directory, server=Server(**{"port": 0, **settings}))
    async with serve(held, server.build) as (app, address), aiohttp.ClientSession() as session:
        yield Api(app, address.url, session)


async def events(answer: aiohttp.ClientResponse, count: int) -> list[tuple[str, str, Any]]:
    found, kind, id_ = [], "", ""
    async for raw in answer.content:
        name, _, value = raw.decode().strip().partition(": ")
        if name == "event":
            kind = value
        elif name == "id":
            id_ = value
        elif name == "data":
            found.append((kind, id_, orjson.loads(value)))
            if len(found) == count:
                break
    return found


async def test_a_workflow_from_create_to_delete(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        name = await it.create()
        assert (await it.ended(name))["status"]["phase"] == "Succeeded"
        status, page = await it.call("GET", "/api/v1/workflows/default?fields=items.metadata.name,metadata")
        assert (status, page["items"]) == (200, [{"metadata": {"name": name}}])
        _, log = await it.call("GET", f"/api/v1/workflows/default/{name}/log?logOptions.container=main")
        assert log["result"]["content"] == "out"
        _, trimmed = await it.call("GET", f"/api/v1/workflows/default/{name}?fields=-status.nodes,spec")
        assert "nodes" not in trimmed["status"]
        assert "spec" not in trimmed
        assert await it.call("DELETE", f"/api/v1/workflows/default/{name}") == (200, {})
        status, missing = await it.call("GET", f"/api/v1/workflows/default/{name}")
        assert (status, missing["code"]) == (404, 5)


async def test_pages_and_selectors(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        names = []
        for number in range(3):
            labels = {"n": str(number), "odd": str(number % 2)}
            names.append(await it.create({**HELD, "metadata": {"generateName": "t-", "labels": labels}}))
        listing = "/api/v1/workflows/default?listOptions."
        _, first = await it.call("GET", f"{listing}limit=2")
        assert [each["metadata"]["name"] for each in first["items"]] == names[:0:-1]
        _, rest = await it.call("GET", f"{listing}limit=2&listOptions.continue={first['metadata']['continue']}")
        assert [each["metadata"]["name"] for each in rest["items"]] == names[:1]
        for selector, wanted in (("odd%3D0", 2), ("n+in+(0,1)", 2), ("n!%3D1", 2), ("!n", 0), ("odd%3D0,n%3D2", 1)):
            _, page = await it.call("GET", f"{listing}labelSelector={selector}")
            assert len(page["items"]) == wanted, selector
        _, phase = await it.call("GET", f"{listing}labelSelector=workflows.argoproj.io/phase+in+(Succeeded)")
        assert phase["items"] == []
        status, error = await it.call("GET", f"{listing}labelSelector=a%3D%3D%3Db%20c")
        assert (status, error["code"]) == (400, 3)


async def test_repeated_creation_with_one_key_makes_one_workflow(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        body, key = {"workflow": HELD}, {"Idempotency-Key": "k"}
        made = [await it.call("POST", "/api/v1/workflows/default", body, **key) for _ in range(2)]
        assert made[0][1]["metadata"]["uid"] == made[1][1]["metadata"]["uid"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"workflow": {**WORKFLOW, "spec": {**WORKFLOW["spec"], "entrypiont": "x"}}}, "entrypiont"),
        ({"workflow": {**WORKFLOW, "kind": "Sensor"}}, "Sensor"),
        ({"workflow": {**WORKFLOW, "spec": {"entrypoint": "no", "templates": [LEAF]}}}, "no"),
        ([], "object"),
    ],
)
async def test_bad_workflows_are_refused_in_argos_form(tmp_path: Path, body: Any, message: str) -> None:
    async with api(tmp_path) as it:
        status, answer = await it.call("POST", "/api/v1/workflows/default", body)
        assert (status, answer["code"]) == (400, 3)
        assert message in answer["message"]


async def test_verbs_on_a_suspended_workflow(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        name = await it.create(HELD)
        path = f"/api/v1/workflows/default/{name}"
        assert (await it.call("PUT", f"{path}/suspend", {}))[0] == 200
        assert (await it.call("PUT", f"{path}/retry", {}))[0] == 409
        wrong = await it.call("PUT", f"{path}/resume", {"nodeFieldSelector": "displayName=nobody"})
        assert wrong[0] == 404
        assert (await it.call("PUT", f"{path}/resume", {"name": name, "nodeFieldSelector": ""}))[0] == 200
        assert (await it.ended(name))["status"]["phase"] == "Succeeded"
        assert (await it.call("PUT", f"{path}/stop", {}))[0] == 409


async def test_templates_are_created_read_updated_and_deleted(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        base = "/api/v1/workflow-templates/default"
        status, made = await it.call("POST", base, {"template": TEMPLATE})
        assert (status, made["kind"]) == (200, "WorkflowTemplate")
        assert (await it.call("POST", base, {"template": TEMPLATE}))[0] == 409
        made["metadata"]["labels"] = {"a": "b"}
        status, changed = await it.call("PUT", f"{base}/t", {"template": made})
        assert (status, changed["metadata"]["labels"]) == (200, {"a": "b"})
        assert (await it.call("PUT", f"{base}/t", {"template": made}))[0] == 409, "an old resourceVersion"
        assert len((await it.call("GET", base))[1]["items"]) == 1
        body = {"resourceKind": "WorkflowTemplate", "resourceName": "t", "submitOptions": {"name": "from"}}
        assert (await it.call("POST", "/api/v1/workflows/default/submit", body))[0] == 200
        assert (await it.ended("from"))["status"]["phase"] == "Succeeded"
        assert await it.call("DELETE", f"{base}/t") == (200, {})
        assert (await it.call("GET", f"{base}/t"))[0] == 404


async def test_secrets_are_stored_and_not_shown(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "hidden"}}
        assert (await it.call("POST", "/api/v1/objects", secret))[0] == 200
        shown = orjson.dumps((await it.call("GET", "/api/v1/objects/secrets"))[1])
        assert b'"k"' in shown
        assert b"hidden" not in shown
        assert b"aGlkZGVu" not in shown


async def test_the_watch_sends_argos_events(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        name = await it.create(HELD)
        url = f"{it.url}/api/v1/workflow-events/default?listOptions.fieldSelector=metadata.name={name}"
        async with it.session.get(url) as answer:
            assert answer.content_type == "text/event-stream"
            await it.call("PUT", f"/api/v1/workflows/default/{name}/resume", {})
            found = await events(answer, 2)
        assert found[0][2]["result"]["type"] == "ADDED"
        assert found[-1][2]["result"]["object"]["metadata"]["name"] == name


async def test_the_feed_is_taken_up_where_it_was_left(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        name = await it.create(HELD)
        url = f"{it.url}/api/v1/stream?namespace=default&workflow={name}&until=end"
        async with it.session.get(url) as answer:
            kind, last, snapshot = (await events(answer, 1))[0]
        assert (kind, snapshot["workflow"]["name"]) == ("snapshot", name)
        assert [each["type"] for each in snapshot["nodes"]] == ["Suspend"]
        await it.call("PUT", f"/api/v1/workflows/default/{name}/resume", {})
        async with it.session.get(url, headers={"Last-Event-ID": last}) as answer:
            found = await events(answer, 100)
        assert all(kind == "workflow" for kind, _, _ in found)
        assert found[-1][2]["phase"] == "Succeeded"


async def test_logs_are_followed_to_the_end(tmp_path: Path) -> None:
    script = {"image": "alpine", "command": ["sh"], "source": "for i in 1 2 3; do echo $i; sleep 0.2; done"}
    async with api(tmp_path) as it:
        spec = {"entrypoint": "main", "templates": [{"name": "main", "script": script}]}
        name = await it.create({**WORKFLOW, "spec": spec})
        url = f"{it.url}/api/v1/workflows/default/{name}/log?logOptions.follow=true"
        async with asyncio.timeout(20), it.session.get(url) as answer:
            lines = [orjson.loads(line)["result"]["content"] async for line in answer.content]
        assert lines == ["1", "2", "3"]


async def test_pages_of_other_sites_get_nothing_done(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        path, body = "/api/v1/workflows/default", {"workflow": HELD}
        assert (await it.call("POST", path, body, Origin="http://evil.example"))[0] == 403
        assert (await it.call("POST", path, body, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
        assert (await it.call("GET", path, Host="evil.example"))[0] == 403
        assert (await it.call("POST", path, body, Origin=it.url))[0] == 200


async def test_tokens_are_asked_for_before_anything_else(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"# ours\nci:{hashlib.sha256(b'right').hexdigest()}\n")
    async with api(tmp_path / "data", tokens=tokens) as it:
        for path in ("/api/v1/workflows/default", "/api/v1/no-such-route", "/metrics"):
            status, answer = await it.call("GET", path)
            assert (status, answer["code"]) == (401, 16)
            assert (await it.call("GET", path, Authorization="Bearer wrong"))[0] == 401
        assert (await it.call("GET", "/api/v1/version", Authorization="Bearer right"))[0] == 200
        assert (await it.call("GET", "/healthz"))[0] == 200


def test_beyond_loopback_tokens_and_tls_are_required() -> None:
    with pytest.raises(UserError, match="no tokens"):
        access.check_settings(Server(host="0.0.0.0"), [])
    with pytest.raises(UserError, match="clear text"):
        access.check_settings(Server(host="::"), [b"x" * 32])
    access.check_settings(Server(host="0.0.0.0", insecure=True), [])
    access.check_settings(Server(host="::1"), [])


async def test_large_bodies_and_unknown_routes(tmp_path: Path) -> None:
    async with api(tmp_path) as it:
        status, answer = await it.call("POST", "/api/v1/objects", {"x": "y" * (2 << 20)})
        assert (status, answer["code"]) == (413, 8)
        assert (await it.call("GET", "/api/v1/no-such-route"))[1]["code"] == 5
        assert (await it.call("GET", "/readyz")) == (200, "ok\n")
        assert "# TYPE" in (await it.call("GET", "/metrics"))[1]


def feed() -> Feed:
    found = Feed(7)
    header = Header(1, "u", "default", "w", "", "", 0, 0.0, None, None, None, {}, "", 0, "", 0, archived=False)
    for _ in range(KEPT + 10):
        found.changed(header, [], WorkflowState("w", "default", "u", 0.0))
    return found


def test_a_reader_that_fell_out_of_the_ring_is_told() -> None:
    full = feed()
    assert len(full.since(full.end - 3)) == 3
    assert full.since(full.end) == []
    with pytest.raises(Behind):
        full.since(5)


def test_places_of_another_server_are_not_known() -> None:
    full = feed()
    assert full.place(full.id(100)) == 101
    assert full.place("8-100") is None
    assert full.place(f"7-{full.end + 5}") is None
    assert full.place("garbage") is None


def test_selectors_are_those_of_kubernetes() -> None:
    terms = selection.terms("a=b, c != d,e in (f, g),h,!i")
    assert [term.holds({"a": "b", "e": "g", "h": ""}) for term in terms] == [True] * 5
    assert [term.holds({"c": "d", "e": "x", "i": ""}) for term in terms] == [False] * 5
