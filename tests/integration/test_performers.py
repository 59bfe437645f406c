"""Leaf templates without pods, in an engine with real processes: children, conditions, crashes, claims."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from eventflow.artifacts.outbound import Outbound
from eventflow.clock import SystemClock
from eventflow.engine.core.stimuli import ResumeRequested, StopRequested
from eventflow.engine.service import EngineSettings
from eventflow.local import Local, open_local
from eventflow.model import manifest
from eventflow.model.document import dumps
from eventflow.store import objects, workflows
from eventflow.store.workflows import Header, WorkflowFilter

WAIT = {"name": "main", "suspend": {}}
OK = {"name": "main", "container": {"image": "busybox", "command": ["true"]}}
OUTCOMES = {"successCondition": "status.phase == Succeeded", "failureCondition": "status.phase in (Failed, Error)"}


def spec(*templates: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    return {"entrypoint": "main", "templates": list(templates), **fields}


def workflow(*templates: Mapping[str, Any], name: str = "parent", **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec(*templates, **fields)}


def child(*templates: Mapping[str, Any], **metadata: Any) -> str:
    kind = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow"}
    return dumps({**kind, "metadata": metadata or {"generateName": "child-"}, "spec": spec(*templates)})


def config(name: str, **data: str) -> str:
    return dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})


def resource(action: str, text: str = "", name: str = "main", outputs: Any = None, **fields: Any) -> dict[str, Any]:
    template: dict[str, Any] = {"name": name, "resource": {"action": action, "manifest": text, **fields}}
    if outputs:
        template["outputs"] = {"parameters": [{"name": key, "valueFrom": value} for key, value in outputs.items()]}
    return template


def opened(path: Path, **settings: Any) -> Any:
    guard = Outbound(allow=("127.0.0.1",))
    return open_local(path, SystemClock(), engine_settings=EngineSettings(**settings), outbound=guard)


async def run(local: Local, manifest_: Mapping[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(30):
        return await local.finish(await local.submit(manifest_, key=manifest_["metadata"]["name"]))


def node(final: Mapping[str, Any]) -> dict[str, Any]:
    (found,) = final["status"]["nodes"].values()
    assert isinstance(found, dict)
    return found


def value(found: Mapping[str, Any], name: str) -> str:
    return next(str(each["value"]) for each in found["outputs"]["parameters"] if each["name"] == name)


async def children(local: Local) -> list[Header]:
    wanted = WorkflowFilter(name_prefix="child")
    return await local.store.read(lambda: workflows.page(wanted))


async def until(local: Local, count: int) -> list[Header]:
    async with asyncio.timeout(10):
        while len(found := await children(local)) < count or any(not each.started_at for each in found):
            await asyncio.sleep(0.01)
    return found


async def resume(local: Local, header: Header) -> None:
    await local.engine.signal(header, lambda _: ResumeRequested(local.engine.clock.now()))


async def test_a_child_workflow_that_outlives_a_crash_is_adopted_and_decides(tmp_path: Path) -> None:
    outputs = {"name": {"jsonPath": "{.metadata.name}"}, "phase": {"jqFilter": ".status.phase"}}
    parent = workflow(resource("create", child(WAIT), outputs=outputs, setOwnerReference=True, **OUTCOMES))
    async with opened(tmp_path) as local:
        header = await local.submit(parent, key="1")
        (first,) = await until(local, 1)
    async with opened(tmp_path) as local:
        await asyncio.sleep(0.2)
        (second,) = await children(local)
        assert second.uid == first.uid, "the repetition found the child it had made"
        await resume(local, second)
        async with asyncio.timeout(3):  # told of the change, well before it would look again by itself
            final = await local.finish(header)
        owned = await local.finish(second)
    found = node(final)
    assert (found["phase"], found["type"], found["outputs"]["exitCode"]) == ("Succeeded", "Pod", "0")
    assert (value(found, "name"), value(found, "phase")) == (first.name, "Succeeded")
    owner = owned["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Workflow", "parent", header.uid)


async def test_a_child_that_fails_fails_its_node_in_argos_words(tmp_path: Path) -> None:
    broken = {"name": "main", "container": {"image": "busybox", "command": ["false"]}}
    async with opened(tmp_path) as local:
        found = node(await run(local, workflow(resource("create", child(broken), **OUTCOMES))))
    assert found["phase"] == "Failed"
    assert found["message"].startswith("main: Error (exit code 64): failure condition '{status.phase in ")
    assert found["outputs"]["exitCode"] == "64"


async def test_those_who_wait_for_children_leave_room_for_them(tmp_path: Path) -> None:
    steps = [{"name": "each", "template": "start", "withSequence": {"count": "5"}}]
    fan = {"name": "main", "steps": [steps]}
    parent = workflow(fan, resource("create", child(OK), name="start", **OUTCOMES))
    async with opened(tmp_path, pods=1, requests=1) as local:
        final = await run(local, parent)
        assert len(await children(local)) == 5
    assert final["status"]["phase"] == "Succeeded"


async def test_stopping_the_parent_breaks_the_wait_off(tmp_path: Path) -> None:
    async with opened(tmp_path) as local:
        header = await local.submit(workflow(resource("create", child(WAIT), **OUTCOMES)), key="1")
        await until(local, 1)
        await local.engine.signal(header, lambda _: StopRequested(local.engine.clock.now(), "Stop"))
        found = node(await local.finish(header))
    assert (found["phase"], found["message"]) == ("Failed", "Stopped with strategy 'Stop'")


async def test_the_deadline_of_a_template_bounds_the_wait(tmp_path: Path) -> None:
    waits = {**resource("create", child(WAIT), **OUTCOMES), "activeDeadlineSeconds": 1}
    async with opened(tmp_path) as local:
        found = node(await run(local, workflow(waits)))
    assert (found["phase"], found["message"]) == (
        "Failed",
        "Pod was active on the node longer than the specified deadline",
    )


async def test_objects_are_created_changed_read_and_deleted(tmp_path: Path) -> None:
    async def data(local: Local, name: str) -> Any:
        found = await local.store.read(lambda: objects.get("ConfigMap", "default", name))
        return None if found is None else found.spec_manifest.get("data")

    async with opened(tmp_path) as local:
        for number, (template, expected) in enumerate(
            [
                (resource("create", config("c", a="1")), {"a": "1"}),
                (resource("apply", config("c", a="2", b="3")), {"a": "2", "b": "3"}),
                (resource("patch", '{"data":{"a":null}}', flags=["cm", "c"], mergeStrategy="merge"), {"b": "3"}),
                (resource("patch", config("c", d="4")), {"b": "3", "d": "4"}),
                (
                    resource(
                        "patch", '[{"op":"remove","path":"/data/d"}]', flags=["configmap/c"], mergeStrategy="json"
                    ),
                    {"b": "3"},
                ),
                (resource("replace", config("c", e="5")), {"e": "5"}),
                (resource("get", flags=["cm", "c"], outputs={"e": {"jsonPath": "{.data.e}"}}), {"e": "5"}),
                (resource("delete", config("c")), None),
                (resource("delete", config("c")), None),
            ]
        ):
            final = await run(local, workflow(template, name=f"w{number}"))
            assert final["status"]["phase"] == "Succeeded", final["status"]
            assert await data(local, "c") == expected, template
            if template["resource"]["action"] == "get":
                assert value(node(final), "e") == "5"


@pytest.mark.parametrize(
    ("template", "phase", "said"),
    [
        (resource("create", config("taken")), "Failed", '(AlreadyExists): error when creating "/tmp/manifest.yaml"'),
        (resource("get", config("nope")), "Failed", 'no more retries Error from server (NotFound): configmaps "nope"'),
        (resource("replace", config("nope")), "Failed", 'configmaps "nope" not found'),
        (resource("patch", "[]", flags=["wf", "nope"], mergeStrategy="json"), "Failed", 'workflows.argoproj.io "nope"'),
        (resource("patch", '{"spec":{"entrypoint":"x"}}', flags=["wf", "main"]), "Failed", "spec.entrypoint cannot be"),
        (resource("create", "kind: Job\napiVersion: batch/v1\n"), "Error", "needs a Kubernetes cluster: kind Job"),
        (resource("create", "kind: A\napiVersion: b.c/v1\nmetadata: {name: n}"), "Failed", 'no matches for kind "A"'),
        (resource("get", flags=["secret", "s", "-n", "other"]), "Failed", "(Forbidden): secrets is forbidden"),
        (resource("create", child(OK, name="c", namespace="other")), "Failed", "(Forbidden): workflows.argoproj.io"),
        (resource("create", "a: ["), "Failed", "error parsing /tmp/manifest.yaml"),
        (resource("create", child({"name": "other"})), "Failed", "error when creating"),
        (resource("delete", config("x"), outputs={"a": {"jsonPath": "{.a}"}}), "Failed", "not supported for delete"),
        (resource("get", config("taken"), successCondition="a in ("), "Failed", "condition failed to parse"),
        (resource("get", config("taken"), outputs={"a": {"jqFilter": ".["}}), "Failed", "output parameter 'a'"),
    ],
)
async def test_refusals_are_kubectls(tmp_path: Path, template: dict[str, Any], phase: str, said: str) -> None:
    async with opened(tmp_path) as local:
        await local.load(manifest.parse(config("taken"), "taken"))
        found = node(await run(local, {**workflow(template), "metadata": {"name": "main"}}))
    assert found["phase"] == phase
    assert said in found["message"]


async def test_a_condition_sees_an_object_change(tmp_path: Path) -> None:
    wait = resource("get", config("flag"), successCondition="data.state == up")
    async with opened(tmp_path) as local:
        await local.load(manifest.parse(config("flag", state="down"), "flag"))
        header = await local.submit(workflow(wait), key="1")
        await asyncio.sleep(0.3)
        await local.load(manifest.parse(config("flag", state="up"), "flag"))
        async with asyncio.timeout(3):
            assert (await local.finish(header))["status"]["phase"] == "Succeeded"


async def test_a_condition_on_an_object_that_is_deleted_fails(tmp_path: Path) -> None:
    wait = resource("get", config("flag"), successCondition="data.state == up")
    async with opened(tmp_path) as local:
        await local.load(manifest.parse(config("flag", state="down"), "flag"))
        header = await local.submit(workflow(wait), key="1")
        await asyncio.sleep(0.3)
        await local.catalog.delete("ConfigMap", "default", "flag")
        found = node(await local.finish(header))
    assert "has been deleted while its status was still being checked" in found["message"]


async def test_patching_workflows_labels_suspends_resumes_and_stops_them(tmp_path: Path) -> None:
    def patch(text: str) -> dict[str, Any]:
        return resource("patch", text, flags=["workflow", "child"], mergeStrategy="merge")

    async with opened(tmp_path) as local:
        header = await local.submit({**workflow(WAIT), "metadata": {"name": "child", "labels": {"a": "1"}}}, key="c")
        await run(local, workflow(patch('{"metadata":{"labels":{"a":null,"b":"2"}}}'), name="one"))
        await run(local, workflow(patch('{"spec":{"shutdown":"Stop"}}'), name="two"))
        final = await local.finish(header)
        assert final["status"]["phase"] == "Failed"
        await run(local, workflow(patch('{"metadata":{"annotations":{"late":"yes"}}}'), name="three"))
        final = await local.finish(header)
        labels = final["metadata"]["labels"]
        assert ("a" in labels, labels["b"], final["metadata"]["annotations"]["late"]) == (False, "2", "yes")
        await run(local, workflow(resource("delete", flags=["wf", "child"]), name="four"))
        assert await children(local) == []


async def test_manifests_come_from_artifacts_too(tmp_path: Path) -> None:
    source = {"artifact": {"name": "made"}}
    template = {
        "name": "main",
        "inputs": {"artifacts": [{"name": "made", "path": "/m", "raw": {"data": config("raw", k="v")}}]},
        "resource": {"action": "create", "manifestFrom": source},
        "outputs": {"parameters": [{"name": "k", "valueFrom": {"jsonPath": "{.data.k}"}}]},
    }
    async with opened(tmp_path) as local:
        assert value(node(await run(local, workflow(template))), "k") == "v"


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[str, list[str]]]:
    """A server that notes the keys of its requests, and answers `/slow` only to the second one."""
    keys: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers["Idempotency-Key"])
        if request.path == "/slow" and len(keys) == 1:
            await asyncio.sleep(10)
        return web.Response(status=404 if request.path == "/missing" else 200, text=f"at {request.path}")

    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", keys
    finally:
        await runner.cleanup()


async def test_http_nodes_end_as_recorded_and_a_crash_repeats_the_request_with_its_key(tmp_path: Path) -> None:
    def http(url: str) -> dict[str, Any]:
        return workflow({"name": "main", "http": {"url": url}}, name=f"w-{url.rpartition('/')[2]}")

    async with counting() as (url, keys):
        async with opened(tmp_path) as local:
            header = await local.submit(http(f"{url}/slow"), key="1")
            async with asyncio.timeout(5):
                while not keys:
                    await asyncio.sleep(0.01)
        async with opened(tmp_path) as local:
            slow = node(await local.finish(header))
            missing = node(await run(local, http(f"{url}/missing")))
    assert (slow["type"], slow["phase"], slow["outputs"]) == ("HTTP", "Succeeded", {"result": "at /slow"})
    assert keys[0] == keys[1] != keys[2]
    assert (missing["phase"], missing["message"]) == ("Failed", "received non-2xx response code: 404")
    assert missing["outputs"] == {"result": "at /missing"}
    assert (slow["progress"], missing["progress"]) == ("1/1", "0/1")


async def test_data_lists_what_a_template_saved(tmp_path: Path) -> None:
    save = {
        "name": "save",
        "container": {"image": "busybox", "command": ["sh", "-c", "mkdir /o; echo 1 >/o/a.log; echo 2 >/o/b.txt"]},
        "outputs": {"artifacts": [{"name": "o", "path": "/o", "archive": {"none": {}}, "s3": {"key": "kept/o"}}]},
    }
    listed = {
        "name": "list",
        "data": {
            "source": {"artifactPaths": {"name": "o", "s3": {"key": "kept"}}},
            "transformation": [{"expression": 'filter(data, {# endsWith ".log"})'}],
        },
    }
    steps = {"name": "main", "steps": [[{"name": each, "template": each}] for each in ("save", "list")]}
    async with opened(tmp_path) as local:
        final = await run(local, workflow(steps, save, listed))
    found = next(each for each in final["status"]["nodes"].values() if each["displayName"] == "list")
    assert (found["phase"], found["outputs"]["result"]) == ("Succeeded", '["kept/o/a.log"]')


@pytest.mark.parametrize(
    ("command", "strategy", "kept"),
    [("true", None, False), ("false", None, True), ("false", "OnWorkflowCompletion", False)],
)
async def test_claims_are_made_shared_and_removed(
    tmp_path: Path, command: str, strategy: str | None, kept: bool
) -> None:
    def pod(name: str, script: str) -> dict[str, Any]:
        mounts = [{"name": "work", "mountPath": "/work"}]
        return {
            "name": name,
            "container": {"image": "busybox", "command": ["sh", "-c", script], "volumeMounts": mounts},
        }

    async def claims(local: Local) -> list[str]:
        found = await local.store.read(lambda: objects.select("PersistentVolumeClaim"))
        return [f"{each.name} {each.spec_manifest['spec']['resources']['requests']['storage']}" for each in found]

    size = {"resources": {"requests": {"storage": "{{workflow.parameters.size}}"}}}
    steps = {"name": "main", "steps": [[{"name": each, "template": each}] for each in ("write", "read")]}
    fields: dict[str, Any] = {
        "volumeClaimTemplates": [{"metadata": {"name": "work"}, "spec": size}],
        "arguments": {"parameters": [{"name": "size", "value": "1Gi"}]},
    }
    if strategy:
        fields["volumeClaimGC"] = {"strategy": strategy}
    read = pod("read", f"test $(cat /work/f) = x && {command}")
    async with opened(tmp_path) as local:
        final = await run(local, workflow(steps, pod("write", "echo x >/work/f"), read, **fields))
        assert (final["status"]["phase"] == "Succeeded") is (command == "true")
        async with asyncio.timeout(5):
            while not kept and await claims(local):
                await asyncio.sleep(0.01)
        assert (await claims(local) == ["parent-work 1Gi"]) is kept
        assert bool(list(tmp_path.rglob("default/parent-work"))) is kept
