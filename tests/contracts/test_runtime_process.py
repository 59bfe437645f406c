"""What the process runtime promises beyond the contract: isolation, limits, what holds when processes are killed."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import TemporaryError, UserError
from eventflow.model.pod import Pod, PodEnd, PodFinished, PodStarted
from eventflow.runtimes.process import cgroups
from tests.contracts.runtime_places import KINDS, Copies, Place

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
needs_groups = pytest.mark.skipif(not cgroups.available(), reason="no control group may be written here")


@pytest.fixture
async def boxed(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place("bwrap", tmp_path)
    async with place.opened():
        yield place


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "bwrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    return Place(request.param, tmp_path)


@needs_bwrap
async def test_a_pod_sees_nothing_of_the_machines_files_but_its_programs(boxed: Place, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    script = f"""
        test -e {secret} && echo sees the test
        touch /usr/x 2>/dev/null && echo writes /usr
        touch /etc/x 2>/dev/null && echo writes /etc
        test -e /proc/{os.getpid()}/cmdline && test "$(cat /proc/{os.getpid()}/comm)" = python && echo sees processes
        echo $(id -u) $(grep CapEff /proc/self/status | tr -d '\\t')
        unshare -U true 2>/dev/null && echo nests
        touch /anywhere /tmp/x /var/tmp/x /run/x ~/x && echo writes
    """
    end = await boxed.run(boxed.shell("jailed", script))
    assert (end.result or "").split("\n") == ["0 CapEff:0000000000000000", "writes"]


@needs_bwrap
async def test_pods_have_their_own_files_at_the_same_paths(boxed: Place) -> None:
    script = "echo $HOSTNAME > /tmp/same; sleep 0.3; cat /tmp/same"
    ends = await asyncio.gather(*(boxed.run(boxed.shell(f"pod-{n}", script)) for n in range(3)))
    assert [end.result for end in ends] == ["pod-0", "pod-1", "pod-2"]


@needs_bwrap
async def test_outputs_may_not_lead_out_of_the_pod(boxed: Place, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret of the machine")
    outputs = {
        "parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p", "default": "nothing"}}],
        "artifacts": [{"name": "a", "path": "/tmp/a", "optional": True}],
    }
    script = f"ln -s {tmp_path}/secret /tmp/p; ln -s {tmp_path} /tmp/a; ln -s /tmp/loop /tmp/loop"
    end = await boxed.run(boxed.shell("sly", script, outputs=outputs))
    assert (end.outcome, end.parameters, end.artifacts) == ("Succeeded", {"p": "nothing"}, ())


@needs_bwrap
async def test_a_link_inside_the_pod_is_followed_as_the_pod_would(boxed: Place) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/link/file"}}]}
    end = await boxed.run(boxed.shell("links", "mkdir /real; echo x > /real/file; ln -s /real /link", outputs=outputs))
    assert end.parameters == {"p": "x"}


@needs_bwrap
async def test_artifacts_can_be_put_into_and_taken_from_the_machines_trees(boxed: Place) -> None:
    (boxed.copies.store / "tool").write_text("#!/bin/sh\necho tool runs\n")
    inputs = {"artifacts": [{"name": "tool", "path": "/usr/local/bin/tool", "mode": 0o755, "copied": {"key": "tool"}}]}
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/etc/made/deep"}}]}
    script = "tool; ls /bin/ls; head -c 4 /etc/passwd; mkdir -p /etc/made; echo new > /etc/made/deep"
    end = await boxed.run(boxed.shell("trees", script, inputs=inputs, outputs=outputs))
    assert (end.message, end.result, end.parameters) == ("", "tool runs\n/bin/ls\nroot", {"p": "new"})
    assert not Path("/etc/made").exists()
    assert not Path("/usr/local/bin/tool").exists()


@needs_bwrap
async def test_volumes_can_be_mounted_in_the_machines_trees(boxed: Place) -> None:
    boxed.objects.add("ConfigMap", "page", data={"index.html": "hi"})
    volumes = [{"name": "page", "configMap": {"name": "page"}}]
    for number, at in enumerate(("/usr/share/nosuch/html", "/etc/ssl", "/opt/new")):
        container = {"volumeMounts": [{"name": "page", "mountPath": at}]}
        pod = boxed.shell(f"mounts-{number}", f"cat {at}/index.html", container=container, volumes=volumes)
        assert (await boxed.run(pod)).result == "hi", at


@needs_bwrap
async def test_input_artifacts_of_a_container_set_are_seen_by_all(boxed: Place) -> None:
    (boxed.copies.store / "a").write_text("A")
    containers = [
        {"name": "x", "image": "busybox", "command": ["sh", "-c", "cat /in/a"]},
        {"name": "main", "image": "busybox", "command": ["sh", "-c", "cat /in/a"], "dependencies": ["x"]},
    ]
    inputs = {"artifacts": [{"name": "a", "path": "/in/a", "copied": {"key": "a"}}]}
    end = await boxed.run(boxed.pod("set", {"containerSet": {"containers": containers}, "inputs": inputs}))
    assert (end.message, end.result) == ("", "A")


@needs_bwrap
async def test_images_that_name_no_command(boxed: Place) -> None:
    template = {"container": {"image": "argoproj/argosay:v2", "args": ["echo", "words", "/out/file"]}}
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/out/file"}}]}
    end = await boxed.run(boxed.pod("says", {**template, "outputs": outputs}))
    assert end.parameters == {"p": "words"}
    end = await boxed.run(boxed.pod("greets", {"container": {"image": "argoproj/argosay:v2"}}))
    assert end.result == "hello argo"
    end = await boxed.run(boxed.pod("moos", {"container": {"image": "docker/whalesay", "command": ["cowsay", "boo"]}}))
    assert "boo" in (end.result or "")


@needs_bwrap
async def test_the_shell_of_alpine_images_knows_what_busybox_knows(boxed: Place) -> None:
    script = 'echo -e "a\\tb"; [[ $RANDOM != $RANDOM ]] && echo differs; echo all >& /tmp/both; cat /tmp/both'
    for name, command in (("bare", "sh"), ("full", "/bin/sh")):
        end = await boxed.run(
            boxed.shell(name, script, container={"image": "alpine:3.23", "command": [command, "-c", script]})
        )
        assert end.result == "a\tb\ndiffers\nall", command


@needs_bwrap
async def test_a_working_directory_is_made(boxed: Place) -> None:
    end = await boxed.run(boxed.shell("works", "pwd; touch x", container={"workingDir": "/some/where"}))
    assert (end.outcome, end.result) == ("Succeeded", "/some/where")


@needs_bwrap
async def test_arguments_that_are_too_long_for_the_kernel_come_as_files(boxed: Place) -> None:
    long = "x" * 200_000
    script = 'case "$1" in @*) wc -c < "${1#@}";; esac'
    end = await boxed.run(boxed.shell("wordy", "", container={"command": ["sh", "-c", script, "sh"], "args": [long]}))
    assert (end.message, (end.result or "").strip()) == ("", "200000")


async def test_without_bubblewrap_pods_run_and_the_checks_say_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place("plain", tmp_path)
    place.settings = replace(place.settings, sandbox="auto")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    async with place.opened() as runtime:
        assert not runtime.sandboxed
        (check,) = [check for check in runtime.checks if check.name == "sandbox"]
        assert not check.ok
        assert "bubblewrap" in check.fix
        assert (await place.run(place.shell("private", "echo ok"))).result == "ok"


async def test_a_sandbox_that_is_demanded_and_absent_is_the_users_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place("bwrap", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="bubblewrap"):
        async with place.opened():
            pass


async def test_a_pod_is_stopped_while_its_inputs_are_on_the_way(place: Place) -> None:
    place.settings = replace(place.settings, transfers=1)
    gate = asyncio.Event()

    class Slow(Copies):
        async def fetch(self, artifact: Mapping[str, Any], destination: Path) -> bool:
            await gate.wait()
            return await super().fetch(artifact, destination)

    place.copies = Slow(place.copies.store)
    (place.copies.store / "a").write_text("A")
    inputs = {"artifacts": [{"name": "a", "path": "/in", "copied": {"key": "a"}}]}
    async with place.opened():
        pods = [place.shell(f"waits-{number}", "echo started", inputs=inputs) for number in range(2)]
        ensured = [asyncio.create_task(place.runtime.ensure(pod)) for pod in pods]
        await asyncio.sleep(0.1)
        for pod in pods:
            await place.runtime.stop(pod.name, grace=1)
        gate.set()
        async with asyncio.timeout(10):
            await asyncio.gather(*ensured)
        assert [(await place.end(pod.name)).result for pod in pods] == [None, None]
        assert [place.starts(pod.name) for pod in pods] == [0, 0]


@needs_bwrap
async def test_logs_are_kept_as_an_artifact_if_asked_for(boxed: Place) -> None:
    end = await boxed.run(boxed.shell("kept", "echo one; echo two", archiveLocation={"archiveLogs": True}))
    assert [one["name"] for one in end.artifacts] == ["main-logs"]
    assert (boxed.copies.store / "kept-main-logs").read_text() == "one\ntwo\n"


@needs_groups
async def test_memory_that_runs_out_is_told(place: Place) -> None:
    limits = {"resources": {"limits": {"memory": "32Mi", "cpu": "1"}}}
    eat = "x = []\nwhile True: x.append(bytes(1 << 20))"
    container = {"image": "python:alpine3.23", "command": ["python3", "-c", eat], **limits}
    async with place.opened():
        end = await place.run(place.pod("eats", {"container": container}))
    assert (end.outcome, end.message) == ("Failed", "main: OOMKilled (exit code 137)")


async def test_pods_go_on_when_the_server_is_killed(place: Place) -> None:
    """kill -9 of a server process while its pod runs; the next server reports the pod's end, which ran once."""
    source = f"""
        import asyncio, sys, json
        from pathlib import Path
        sys.path[:0] = {sys.path!r}
        from tests.contracts.runtime_places import Place
        from eventflow.model.pod import PodStarted
        async def main():
            place = Place({place.kind!r}, Path({str(place.directory)!r}) / "away")
            place.directory = Path({str(place.directory)!r})
            async with place.opened(keep_pods=True):
                await place.runtime.ensure(place.shell("orphan", "echo before; sleep 1; echo after"))
                await place.report("orphan", PodStarted)
                print("started", flush=True)
                await asyncio.sleep(60)
        asyncio.run(main())
    """
    server = subprocess.Popen([sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        line = await asyncio.to_thread(server.stdout.readline)
        assert line == b"started\n"
    finally:
        server.kill()
        server.wait()
        if server.stdout:
            server.stdout.close()
    async with place.opened():
        end = await place.end("orphan")
        assert (end.outcome, end.result) == ("Succeeded", "before\nafter")
        assert place.starts("orphan") <= 1


async def test_pods_are_lost_when_the_supervisor_is_killed(place: Place) -> None:
    async with place.opened():
        await place.run(place.shell("ended", "echo fine"))
        await place.runtime.ensure(place.shell("cut", "echo $$$$; sleep 100"))
        await place.report("cut", PodStarted)
        os.kill(_supervisor(place), signal.SIGKILL)
        lost = await place.lost("cut")
        assert "supervisor" in lost.reason
        assert not place.of("cut", PodFinished)
        assert (await _patiently(place, "next")).result == "next"
        assert len(_processes(place, "cut")) == 0


@pytest.mark.parametrize(
    ("failpoint", "fate"),
    [
        ("runtime.before-claim", "runs"),
        ("runtime.after-claim", "lost"),
        ("runtime.after-spawn", "lost"),
        ("runtime.before-exit-record", "lost"),
        ("runtime.after-exit-record", "finished"),
    ],
)
async def test_a_supervisor_that_dies_at_any_point_never_starts_a_pod_twice(
    place: Place, monkeypatch: pytest.MonkeyPatch, failpoint: str, fate: str
) -> None:
    count = place.directory / "data" / "volumes" / "default" / "counter" / "starts"
    at = place.path("counter")
    mounted = {"volumeMounts": [{"name": "v", "mountPath": at}]}
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "counter"}}]
    pod = place.shell("frail", f"echo x >> {at}/starts; echo done", container=mounted, volumes=volumes)
    monkeypatch.setenv("EVENTFLOW_FAILPOINT", failpoint)
    async with place.opened():
        monkeypatch.delenv("EVENTFLOW_FAILPOINT")  # the supervisor that follows the killed one has no failpoint
        try:
            await place.runtime.ensure(pod)
        except TemporaryError:
            await _again(place, pod)
        if fate == "lost":
            await place.lost("frail")
        else:
            assert (await place.end("frail")).outcome == "Succeeded"
        await asyncio.sleep(0.2)
        starts = count.read_text().count("x") if count.exists() else 0
        assert starts == 1 if fate in ("runs", "finished") else starts <= 1


@needs_bwrap
async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    place = Place("bwrap", tmp_path)
    async with place.opened():
        await place.run(place.shell("litter", "(setsid sleep 100 &) ; mkdir -p /a/b; echo x > /a/b/c"))
        assert _processes(place, "litter") == []
        await place.runtime.forget("litter")
        supervisor = _supervisor(place)
    assert not list((tmp_path / "data" / "pods").iterdir())
    assert not list((tmp_path / "data" / "trash").iterdir())
    await _gone(supervisor)


async def test_an_idle_supervisor_ends_by_itself(tmp_path: Path) -> None:
    place = Place("plain", tmp_path)
    place.settings = replace(place.settings, idle=0.3)
    async with place.opened(keep_pods=True):
        await place.run(place.shell("one", "true"))
        supervisor = _supervisor(place)
    await _gone(supervisor)
    async with place.opened():
        assert (await place.end("one")).outcome == "Succeeded"


async def test_a_log_that_grows_too_long_is_cut(tmp_path: Path) -> None:
    place = Place("plain", tmp_path)
    place.settings = replace(place.settings, log_limit=10_000)
    async with place.opened():
        await place.run(place.shell("chatty", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done"))
        lines = await place.lines("chatty")
    assert lines[0] == "line 0"
    assert lines[-1] == "[truncated: the log's size limit is reached]"
    assert len(lines) < 300


def _supervisor(place: Place) -> int:
    """The process id of a place's supervisor: the one that holds its socket's directory as an argument."""
    directory = str(place.directory / "data" / "runtime")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if directory.encode() in words and b"-S" in words:
                return int(entry.name)
    raise AssertionError(f"no supervisor of {directory}")


async def _gone(pid: int) -> None:
    """Wait until a process has ended."""
    async with asyncio.timeout(10):
        while _runs(pid):
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _processes(place: Place, pod: str) -> list[int]:
    """The processes of a pod that still run."""
    mark = f"ARGO_POD_NAME={pod}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdigit()
                and mark in (entry / "environ").read_bytes().split(b"\0")
                and _runs(int(entry.name))
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def _patiently(place: Place, name: str) -> PodEnd:
    pod = place.shell(name, f"echo {name}")
    await _again(place, pod)
    return await place.end(name)


async def _again(place: Place, pod: Pod) -> None:
    """Ensure a pod as often as the runtime says that it cannot now."""
    async with asyncio.timeout(20):
        while True:
            try:
                await place.runtime.ensure(pod)
            except TemporaryError as error:
                await asyncio.sleep(error.retry_after)
            else:
                return


async def test_a_plain_pod_leaves_no_process_behind(tmp_path: Path) -> None:
    place = Place("plain", tmp_path)
    hidden = "(setsid env -i sh -c 'sleep 98765 & exec env -i sleep 98765' &) ; sleep 0.3; echo done"
    async with place.opened():
        await place.runtime.ensure(place.shell("stays", "echo up; sleep 5"))
        assert (await place.run(place.shell("hides", hidden))).result == "done"
        await asyncio.sleep(0.2)
        assert _sleeping(98765) == 0
        assert (await place.end("stays")).outcome == "Succeeded"


def _sleeping(seconds: int) -> int:
    """How many processes sleep for so many seconds."""
    found = 0
    for entry in Path("/proc").iterdir():
        try:
            found += entry.name.isdigit() and str(seconds).encode() in (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
    return found
