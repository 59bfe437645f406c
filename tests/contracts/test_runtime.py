"""What every runtime promises, with real pods."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import UserError
from eventflow.model.pod import PodFinished, PodStarted
from tests.contracts.runtime_places import KINDS, Place


@pytest.fixture(params=KINDS)
async def closed_place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "bwrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return Place(request.param, tmp_path)


@pytest.fixture
async def place(closed_place: Place) -> AsyncIterator[Place]:
    async with closed_place.opened():
        yield closed_place


async def test_a_pod_that_succeeds(place: Place) -> None:
    end = await place.run(place.shell("one", "echo hello; echo aside >&2"))
    assert (end.outcome, end.message, end.exit_code, end.result) == ("Succeeded", "", 0, "hello")
    assert end.started_at <= end.finished_at
    assert place.starts("one") == 1


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("exit 137", 137), ("kill -KILL $$$$", 137), ("kill -TERM $$$$", 143)]
)
async def test_a_pod_that_fails_says_how_in_argos_words(place: Place, script: str, code: int) -> None:
    end = await place.run(place.shell("bad", script))
    assert (end.outcome, end.message, end.exit_code) == ("Failed", f"main: Error (exit code {code})", code)


async def test_a_program_that_is_not_there(place: Place) -> None:
    end = await place.run(place.shell("absent", "", container={"command": ["nosuchprogram"]}))
    said = 'failed to find name in PATH: exec: "nosuchprogram": executable file not found in $PATH'
    assert (end.outcome, end.message) == ("Failed", f"main: Error (exit code 64): {said}")


async def test_no_command_and_an_unknown_image_is_the_users_error(place: Place) -> None:
    pod = place.pod("unknown", {"container": {"image": "example.com/own/tool:1"}})
    with pytest.raises(UserError, match=r"example\.com/own/tool:1.*no command"):
        await place.runtime.ensure(pod)


async def test_a_pod_starts_once_however_often_it_is_ensured(place: Place) -> None:
    claim = {"name": "shared", "persistentVolumeClaim": {"claimName": "counter"}}
    at = place.path("counter")
    pod = place.shell(
        "once",
        f"echo started >> {at}/file; cat {at}/file",
        container={"volumeMounts": [{"name": "shared", "mountPath": at}]},
        volumes=[claim],
    )
    await asyncio.gather(*(place.runtime.ensure(pod) for _ in range(5)))
    assert (await place.end("once")).result == "started"
    before = len(place.of("once", PodFinished))
    await place.runtime.ensure(pod)
    again = place.of("once", PodFinished)
    assert len(again) == before + 1
    assert again[0] == again[-1]


async def test_many_pods_at_once(place: Place) -> None:
    pods = [place.shell(f"many-{number}", f"echo {number}") for number in range(40)]
    ends = await asyncio.gather(*(place.run(pod) for pod in pods))
    assert [end.result for end in ends] == [str(number) for number in range(40)]


async def test_the_result_is_the_end_of_the_output(place: Place) -> None:
    script = "i=0; while [ $i -lt 3000 ]; do printf '%0200d\\n' $i; i=$((i+1)); done; printf 'end\\n\\n'"
    end = await place.run(place.shell("long", script))
    assert end.result is not None
    assert len(end.result) == 256 << 10
    assert end.result.endswith(f"{2999:0200d}\nend\n")


async def test_output_parameters(place: Place) -> None:
    at = place.path("out")
    outputs = {
        "parameters": [
            {"name": "plain", "valueFrom": {"path": f"{at}/plain"}},
            {"name": "lines", "valueFrom": {"path": f"{at}/lines"}},
            {"name": "absent", "valueFrom": {"path": f"{at}/absent", "default": "instead"}},
        ]
    }
    script = f"mkdir -p {at}; printf 'value' > {at}/plain; printf 'a\\nb\\n\\n' > {at}/lines"
    end = await place.run(place.shell("parameters", script, outputs=outputs))
    assert end.outcome == "Succeeded"
    assert end.parameters == {"plain": "value", "lines": "a\nb\n", "absent": "instead"}


async def test_a_missing_output_parameter_is_an_error_only_if_main_succeeded(place: Place) -> None:
    at = place.path("nothing")
    outputs = {"parameters": [{"name": "x", "valueFrom": {"path": at}}]}
    end = await place.run(place.shell("missing", "true", outputs=outputs))
    assert end.outcome == "Error"
    said = f"open /var/run/argo/outputs/parameters{at}: no such file or directory"
    assert end.message == f"wait: Error (exit code 64): {said}"
    end = await place.run(place.shell("missing-too", "exit 2", outputs=outputs))
    assert (end.outcome, end.message) == ("Failed", "main: Error (exit code 2)")


async def test_output_artifacts_are_saved_even_when_main_fails(place: Place) -> None:
    at = place.path("made")
    outputs = {
        "artifacts": [
            {"name": "file", "path": f"{at}/file"},
            {"name": "tree", "path": f"{at}/tree"},
            {"name": "absent", "path": f"{at}/absent", "optional": True},
        ]
    }
    script = f"mkdir -p {at}/tree/deep; echo one > {at}/file; echo two > {at}/tree/deep/leaf; exit 1"
    end = await place.run(place.shell("saved", script, outputs=outputs))
    assert (end.outcome, end.message) == ("Failed", "main: Error (exit code 1)")
    assert [one["name"] for one in end.artifacts] == ["file", "tree"]
    assert (place.copies.store / "saved-file").read_text() == "one\n"
    assert (place.copies.store / "saved-tree" / "deep" / "leaf").read_text() == "two\n"


async def test_a_missing_output_artifact_is_an_error(place: Place) -> None:
    at = place.path("nothing")
    end = await place.run(place.shell("unmade", "true", outputs={"artifacts": [{"name": "x", "path": at}]}))
    assert end.outcome == "Error"
    said = f"open /var/run/argo/outputs/artifacts{at}.tgz: no such file or directory; "
    assert end.message == f"wait: Error (exit code 64): {said}"


async def test_an_upload_is_tried_again_without_running_main_again(place: Place) -> None:
    at = place.path("made")
    place.copies.failures = 3
    script = f"echo ran; echo one > {at}"
    end = await place.run(place.shell("again", script, outputs={"artifacts": [{"name": "file", "path": at}]}))
    assert (end.outcome, end.result) == ("Succeeded", "ran")
    assert place.copies.saved == 1


async def test_input_artifacts_are_where_they_are_expected(place: Place) -> None:
    (place.copies.store / "a").write_text("file\n")
    (place.copies.store / "tree").mkdir()
    (place.copies.store / "tree" / "leaf").write_text("leaf\n")
    at = place.path("in")
    inputs = {
        "artifacts": [
            {"name": "nested", "path": f"{at}/tree/more", "copied": {"key": "a"}},
            {"name": "file", "path": f"{at}/file", "copied": {"key": "a"}, "mode": 0o755},
            {"name": "tree", "path": f"{at}/tree", "copied": {"key": "tree"}},
            {"name": "absent", "path": f"{at}/absent", "copied": {"key": "absent"}, "optional": True},
            {"name": "unsaid", "path": f"{at}/unsaid", "optional": True},
        ]
    }
    script = f"cat {at}/file {at}/tree/leaf {at}/tree/more; test -x {at}/file; test ! -e {at}/absent && echo well"
    end = await place.run(place.shell("inputs", script, inputs=inputs))
    assert (end.message, end.result) == ("", "file\nleaf\nfile\nwell")


async def test_artifacts_are_moved_within_the_pods_namespace(place: Place) -> None:
    (place.copies.store / "a").write_text("A\n")
    at = place.path("a")
    inputs = {"artifacts": [{"name": "a", "path": at, "copied": {"key": "a"}}]}
    await place.run(place.shell("takes", "true", inputs=inputs, namespace="takers"))
    assert place.copies.namespaces == {"takers"}
    outputs = {"artifacts": [{"name": "b", "path": at}]}
    await place.run(place.shell("gives", f"echo > {at}", outputs=outputs, namespace="givers"))
    assert (place.copies.namespaces, place.copies.saved) == ({"takers", "givers"}, 1)


async def test_an_input_artifact_that_is_absent_ends_the_pod_before_it_starts(place: Place) -> None:
    inputs = {"artifacts": [{"name": "x", "path": place.path("x"), "copied": {"key": "absent"}}]}
    pod = place.shell("starved", "echo started", inputs=inputs)
    end = await place.run(pod)
    assert end.outcome == "Error"
    assert end.message == "init: Error (exit code 64): artifact x failed to load: it does not exist"
    assert place.starts("starved") == 0
    inputs = {"artifacts": [{"name": "y", "path": place.path("y")}]}
    end = await place.run(place.shell("unsupplied", "true", inputs=inputs))
    assert end.message == "init: Error (exit code 64): required artifact 'y' not supplied"


async def test_the_deadline_ends_a_pod(place: Place) -> None:
    deadline = place.runtime._clock.now() + 0.5
    end = await place.run(place.shell("late", "sleep 60", deadline=deadline))
    assert end.outcome == "Failed"
    assert end.message == "Pod was active on the node longer than the specified deadline"
    assert end.finished_at - deadline < 5
    end = await place.run(place.shell("too-late", "echo started", deadline=deadline))
    assert end.message == "Pod was active on the node longer than the specified deadline"
    assert place.starts("too-late") == 0


async def test_stop_asks_first(place: Place) -> None:
    script = "trap 'echo asked; exit 7' TERM; echo ready; while true; do sleep 0.05; done"
    await place.runtime.ensure(place.shell("polite", script))
    await _logged(place, "polite", "ready")
    await place.runtime.stop("polite", grace=20)
    end = await place.end("polite")
    assert (end.outcome, end.exit_code, end.result) == ("Failed", 7, "ready\nasked")


async def test_stop_ends_what_does_not_listen_and_all_it_started(place: Place) -> None:
    script = (
        "trap '' TERM; (trap '' TERM; while true; do sleep 0.05; done) & echo ready; while true; do sleep 0.05; done"
    )
    await place.runtime.ensure(place.shell("deaf", script))
    await _logged(place, "deaf", "ready")
    began = asyncio.get_running_loop().time()
    await place.runtime.stop("deaf", grace=0.3)
    end = await place.end("deaf")
    assert (end.outcome, end.exit_code) == ("Failed", 137)
    assert asyncio.get_running_loop().time() - began < 5


async def test_a_pod_stopped_before_it_is_ensured_never_starts(place: Place) -> None:
    await place.runtime.stop("early", grace=1)
    pod = place.shell("early", "echo started")
    await place.runtime.ensure(pod)
    end = await place.end("early")
    assert (end.outcome, end.result) == ("Failed", None)
    assert place.starts("early") == 0
    assert await place.lines("early") == []


async def test_forget_leaves_the_logs(place: Place) -> None:
    await place.run(place.shell("past", "echo line"))
    await place.runtime.forget("past")
    await place.runtime.forget("past")
    await place.runtime.forget("never-known")
    assert await place.lines("past") == ["line"]


async def test_pods_go_on_while_the_server_is_away(closed_place: Place) -> None:
    place = closed_place
    at = place.path("made")
    outputs = {"parameters": [{"name": "x", "valueFrom": {"path": at}}]}
    script = f"mkdir -p $(dirname {at}); sleep 0.7; echo done > {at}; echo said"
    async with place.opened(keep_pods=True):
        await place.runtime.ensure(place.shell("going", script, outputs=outputs))
        await place.report("going", PodStarted)
    assert not place.of("going", PodFinished)
    await asyncio.sleep(1.0)
    async with place.opened():
        end = await place.end("going")
        assert (end.outcome, end.result, end.parameters) == ("Succeeded", "said", {"x": "done"})
        assert await place.lines("going") == ["said"]


async def test_results_outlive_the_server_until_they_are_forgotten(closed_place: Place) -> None:
    place = closed_place
    pod = place.shell("kept", "echo value")
    async with place.opened(keep_pods=True):
        end = await place.run(pod)
    place.reports.clear()
    async with place.opened():
        assert await place.end("kept") == end
        await place.runtime.ensure(pod)
        assert len(place.of("kept", PodFinished)) == 2
        await place.runtime.forget("kept")
    place.reports.clear()
    async with place.opened():
        assert not place.reports


async def test_environment(place: Place) -> None:
    place.objects.add("ConfigMap", "settings", data={"color": "blue", "size": "9"})
    place.objects.add("Secret", "keys", data={"token": "czNjcjN0"})
    env = [
        {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "MAYBE", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "x", "optional": True}}},
        {"name": "SELF", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "TEAM", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['team']"}}},
        {"name": "MORE", "value": "$(COLOR)-$(NOWHERE)-$$(COLOR)"},
    ]
    container = {"env": env, "envFrom": [{"prefix": "X_", "configMapRef": {"name": "settings"}}]}
    script = 'echo "$COLOR $TOKEN ${MAYBE-unset} $SELF $TEAM $MORE $X_size $ARGO_NODE_ID $ARGO_CONTAINER_NAME $EXTRA"'
    pod = place.shell("env", script, container=container, labels={"team": "a"}, environment={"EXTRA": "e"})
    end = await place.run(pod)
    assert end.result == "blue s3cr3t unset env a blue-$(NOWHERE)-$(COLOR) 9 node-env main e"


async def test_a_secret_that_is_not_there_is_the_users_error(place: Place) -> None:
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "x"}}}]
    with pytest.raises(UserError, match='secret "gone" not found'):
        await place.runtime.ensure(place.shell("secretless", "true", container={"env": env}))


async def test_volumes(place: Place) -> None:
    place.objects.add("ConfigMap", "settings", data={"a.txt": "A", "b.txt": "B"})
    place.objects.add("Secret", "keys", stringData={"token": "T"})
    at = place.path("v")
    volumes = [
        {"name": "config", "configMap": {"name": "settings", "items": [{"key": "b.txt", "path": "deep/b"}]}},
        {"name": "secret", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "scratch", "emptyDir": {}},
        {"name": "self", "downwardAPI": {"items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    mounts = [
        {"name": "config", "mountPath": f"{at}/config"},
        {"name": "secret", "mountPath": f"{at}/secret"},
        {"name": "scratch", "mountPath": f"{at}/scratch", "subPath": "x/y"},
        {"name": "self", "mountPath": f"{at}/self"},
    ]
    script = f"echo w > {at}/scratch/f; cat {at}/config/deep/b {at}/secret/token {at}/scratch/f {at}/self/n"
    end = await place.run(place.shell("volumes", script, container={"volumeMounts": mounts}, volumes=volumes))
    assert (end.message, end.result) == ("", "BTw\nvolumes")


async def test_a_claim_keeps_its_files_from_pod_to_pod(place: Place) -> None:
    at = place.path("claim")
    spec: dict[str, Any] = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
    mounted = {"volumeMounts": [{"name": "v", "mountPath": at}]}
    await place.run(place.shell("writes", f"echo kept > {at}/file", container=mounted, workflow_spec=spec))
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": f"{at}/file"}}]}
    pod = place.shell("reads", f"cat {at}/file", container=mounted, workflow_spec=spec, outputs=outputs)
    end = await place.run(pod)
    assert (end.result, end.parameters) == ("kept", {"p": "kept"})


async def test_init_containers_run_first_and_in_order(place: Place) -> None:
    at = place.path("shared")
    mounts = [{"name": "v", "mountPath": at}]
    init = [
        {"name": "first", "image": "busybox", "command": ["sh", "-c", f"echo 1 > {at}/x"], "mirrorVolumeMounts": True},
        {
            "name": "second",
            "image": "busybox",
            "command": ["sh", "-c", f"echo 2 >> {at}/x"],
            "mirrorVolumeMounts": True,
        },
    ]
    volumes = [{"name": "v", "emptyDir": {}}]
    pod = place.shell("inits", f"cat {at}/x", container={"volumeMounts": mounts}, initContainers=init, volumes=volumes)
    assert (await place.run(pod)).result == "1\n2"


async def test_a_failed_init_container_keeps_main_from_starting(place: Place) -> None:
    init = [{"name": "check", "image": "busybox", "command": ["sh", "-c", "exit 4"]}]
    end = await place.run(place.shell("unready", "echo started", initContainers=init))
    assert (end.outcome, end.message, end.exit_code) == ("Failed", "check: Error (exit code 4)", None)
    assert place.starts("unready") == 0


async def test_sidecars_run_beside_main_and_end_after_it(place: Place) -> None:
    sidecars = [
        {"name": "helper", "image": "busybox", "command": ["sh", "-c", "echo help; sleep 100"]},
        {
            "name": "gone",
            "image": "busybox",
            "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"],
        },
    ]
    end = await place.run(place.shell("main-ends", "sleep 0.3", sidecars=sidecars))
    assert (end.outcome, end.message) == ("Succeeded", "")
    assert await place.lines("main-ends", container="helper") == ["help"]


async def test_a_sidecar_that_fails_fails_the_pod(place: Place) -> None:
    sidecars = [{"name": "helper", "image": "busybox", "command": ["sh", "-c", "exit 5"]}]
    end = await place.run(place.shell("spoiled", "sleep 0.3", sidecars=sidecars))
    assert (end.outcome, end.message, end.exit_code) == ("Failed", "helper: Error (exit code 5)", 0)


async def test_a_daemon_is_started_when_it_is_ready(place: Place) -> None:
    port = await _free_port()
    ready = {"httpGet": {"path": "/", "port": port}, "initialDelaySeconds": 0}
    serve = f"import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    command = ["python", "-c", f"import time; time.sleep(0.5); print('serving', flush=True); {serve}"]
    template = {"container": {"image": "python:alpine3.23", "command": command, "readinessProbe": ready}}
    await place.runtime.ensure(place.pod("daemon", template, daemon=True))
    started = await place.report("daemon", PodStarted)
    assert isinstance(started, PodStarted)
    assert started.ip == "127.0.0.1"
    assert "serving" in await place.lines("daemon")
    await place.runtime.stop("daemon", grace=5)
    assert (await place.end("daemon")).outcome == "Failed"


async def test_a_daemon_with_an_exec_probe_that_ends_by_itself_has_failed(place: Place) -> None:
    at = place.path("ready-file")
    probe = {"exec": {"command": ["sh", "-c", f"test -e {at}"]}}
    script = f"mkdir -p $(dirname {at}); sleep 0.3; touch {at}; sleep 1.5"
    await place.runtime.ensure(place.shell("brief", script, container={"readinessProbe": probe}, daemon=True))
    await place.report("brief", PodStarted)
    end = await place.end("brief")
    assert (end.outcome, end.exit_code) == ("Failed", 0)


async def test_a_container_set_runs_along_its_dependencies(place: Place) -> None:
    at = place.path("workspace")
    mounts = [{"name": "w", "mountPath": at}]
    containers = [
        {"name": "b", "image": "busybox", "command": ["sh", "-c", f"echo b >> {at}/x"], "dependencies": ["a"]},
        {"name": "a", "image": "busybox", "command": ["sh", "-c", f"sleep 0.2; echo a >> {at}/x"]},
        {"name": "main", "image": "busybox", "command": ["sh", "-c", f"cat {at}/x"], "dependencies": ["b"]},
    ]
    template = {
        "volumes": [{"name": "w", "emptyDir": {}}],
        "containerSet": {"volumeMounts": mounts, "containers": containers},
        "outputs": {"parameters": [{"name": "all", "valueFrom": {"path": f"{at}/x"}}]},
    }
    end = await place.run(place.pod("set", template))
    assert (end.outcome, end.result, end.parameters) == ("Succeeded", "a\nb", {"all": "a\nb"})
    assert {one.name: one.outcome for one in end.containers} == dict.fromkeys(["a", "b", "main"], "Succeeded")


async def test_a_container_of_a_set_whose_dependency_failed_does_not_run(place: Place) -> None:
    containers = [
        {"name": "a", "image": "busybox", "command": ["sh", "-c", "exit 3"]},
        {"name": "main", "image": "busybox", "command": ["sh", "-c", "echo ran"], "dependencies": ["a"]},
    ]
    end = await place.run(place.pod("broken-set", {"containerSet": {"containers": containers}}))
    assert (end.outcome, end.message) == ("Failed", "a: Error (exit code 3)")
    first, second = end.containers
    assert (first.outcome, first.message) == ("Failed", "a: Error (exit code 3): ")
    said = 'main: Error (exit code 64): dependency "a" exited with non-zero code: 3'
    assert (second.outcome, second.message) == ("Error", said)


async def test_a_container_of_a_set_is_repeated(place: Place) -> None:
    at = place.path("tries")
    script = f"mkdir -p {at}; echo x >> {at}/n; test $(wc -l < {at}/n) -ge 3"
    template = {
        "containerSet": {
            "retryStrategy": {"retries": 2, "duration": "10ms"},
            "containers": [{"name": "main", "image": "busybox", "command": ["sh", "-c", script]}],
        }
    }
    end = await place.run(place.pod("repeated", template))
    assert (end.outcome, end.message, await place.lines("repeated")) == ("Succeeded", "", [])


async def test_logs_can_be_followed(place: Place) -> None:
    script = "for i in 1 2 3; do echo line $i; sleep 0.2; done; echo err >&2; printf 'no newline'"
    await place.runtime.ensure(place.shell("talks", script))
    seen: list[tuple[str, str]] = []
    async for line in place.runtime.logs("talks", follow=True):
        if not seen:
            assert not place.of("talks", PodFinished)
        seen.append((line.stream, line.text))
    assert sorted(seen) == sorted(
        [("stdout", "line 1"), ("stdout", "line 2"), ("stdout", "line 3"), ("stderr", "err"), ("stdout", "no newline")]
    )


async def test_a_script_is_run_from_a_file(place: Place) -> None:
    source = "import sys\nprint('{\"a\": 1}' * 2, len(sys.argv))\n"
    template = {"script": {"image": "python:alpine3.23", "command": ["python"], "source": source}}
    assert (await place.run(place.pod("script", template))).result == '{"a": 1}{"a": 1} 1'


async def test_a_pod_reports_its_progress(place: Place) -> None:
    script = "f=$ARGO_PROGRESS_FILE; echo 1/4 > $f; sleep 1.6; echo nonsense >> $f; echo 4/4 >> $f"
    end = await place.run(place.shell("moves", script))
    assert "1/4" in place.progress("moves")
    assert end.progress == "4/4"


async def test_a_patch_of_the_pod_is_applied(place: Place) -> None:
    patch = '{"containers": [{"name": "main", "env": [{"name": "ADDED", "value": "yes"}]}]}'
    assert (await place.run(place.shell("patched", "echo $ADDED", podSpecPatch=patch))).result == "yes"


async def _logged(place: Place, name: str, text: str) -> None:
    """Wait until a pod has written a line."""
    async with asyncio.timeout(20):
        while text not in await place.lines(name):
            await asyncio.sleep(0.02)


async def _free_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
