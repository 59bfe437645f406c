"""What every runtime promises of a pod's absolute paths: they are its own, wherever on the machine they are."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.runtime_places import KINDS, Place


@pytest.fixture(params=KINDS)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    if request.param == "bwrap" and shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    place = Place(request.param, tmp_path)
    async with place.opened():
        yield place


async def test_pods_at_once_have_their_own_files_at_the_same_absolute_paths(place: Place) -> None:
    outputs = {
        "parameters": [{"name": "p", "valueFrom": {"path": "/tmp/p"}}],
        "artifacts": [{"name": "a", "path": "/work/source"}],
    }
    script = """
        mkdir -p /work/source; echo "$HOSTNAME" > /work/source/me; mktemp > /tmp/made; echo "$HOSTNAME" > /tmp/p
        sleep 0.3; cat /work/source/me; find /work/source -type f
    """
    ends = await asyncio.gather(*(place.run(place.shell(f"at-{n}", script, outputs=outputs)) for n in range(3)))
    assert [end.parameters for end in ends] == [{"p": f"at-{n}"} for n in range(3)]
    assert [end.result for end in ends] == [f"at-{n}\n/work/source/me" for n in range(3)]
    assert (place.copies.store / "at-1-a" / "me").read_text() == "at-1\n"
    assert not Path("/work/source").exists()
    assert not Path("/tmp/p").exists()


async def test_a_script_uses_absolute_paths(place: Place) -> None:
    source = """
import os, pathlib, tempfile
pathlib.Path("/tmp/out").write_text(open('/in/file').read() + os.environ["WHERE"])
with tempfile.NamedTemporaryFile() as made:
    print(made.name.startswith(os.environ["TEMPORARY"]), "/workshop", "http://host/tmp/x")
"""
    env = [{"name": "WHERE", "value": "at"}, {"name": "TEMPORARY", "value": "/tmp"}]
    (place.copies.store / "a").write_text("file ")
    template = {
        "script": {"image": "python:alpine3.23", "command": ["python"], "source": source, "env": env},
        "inputs": {"artifacts": [{"name": "a", "path": "/in/file", "copied": {"key": "a"}}]},
        "outputs": {"parameters": [{"name": "p", "valueFrom": {"path": "/tmp/out"}}]},
    }
    end = await place.run(place.pod("script-paths", template))
    assert (end.message, end.parameters) == ("", {"p": "file at"})
    assert end.result == "True /workshop http://host/tmp/x"


async def test_a_script_in_a_config_map_runs_as_it_is(place: Place) -> None:
    text = '#!/bin/sh\nset -eu\necho "$1" > "$1"; cat "$1"; cat "$(dirname "$0")/data"\n'
    place.objects.add("ConfigMap", "scripts", data={"run.sh": text, "data": "see /tmp/x\n"})
    volumes = [{"name": "scripts", "configMap": {"name": "scripts", "defaultMode": 0o755}}]
    container = {"command": ["/demo/run.sh", "/tmp/x"], "volumeMounts": [{"name": "scripts", "mountPath": "/demo"}]}
    end = await place.run(place.shell("mounted-script", "", container=container, volumes=volumes))
    assert (end.message, end.result) == ("", "/tmp/x\nsee /tmp/x")


async def test_a_working_directory(place: Place) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/some/where/x"}}]}
    container: dict[str, Any] = {"workingDir": "/some/where"}
    end = await place.run(place.shell("works", "pwd; echo here > x", container=container, outputs=outputs))
    assert (end.outcome, end.result, end.parameters) == ("Succeeded", "/some/where", {"p": "here"})
    volumes = [{"name": "w", "emptyDir": {}}]
    container = {"workingDir": "/w/deep", "volumeMounts": [{"name": "w", "mountPath": "/w"}]}
    end = await place.run(place.shell("mounted", "pwd; touch x; ls /w/deep", container=container, volumes=volumes))
    assert end.result == "/w/deep\nx"
    end = await place.run(place.shell("machines", "ls sh", container={"workingDir": "/bin"}))
    assert end.result == "sh"


async def test_volumes_inside_volumes(place: Place) -> None:
    place.objects.add("ConfigMap", "settings", data={"a.txt": "A"})
    volumes = [
        {"name": "out", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "in", "configMap": {"name": "settings"}},
    ]
    mounts = [{"name": "in", "mountPath": "/data/settings"}, {"name": "out", "mountPath": "/data"}]
    container = {"volumeMounts": mounts}
    script = "cat /data/settings/a.txt > /data/copy; cat /data/copy"
    for name in ("nested", "nested-again"):
        end = await place.run(place.shell(name, script, container=container, volumes=volumes))
        assert (end.message, end.result) == ("", "A")


async def test_programs_and_settings_of_the_machine_can_be_added_to(place: Place) -> None:
    (place.copies.store / "tool").write_text("#!/bin/sh\necho tool runs\n")
    inputs = {"artifacts": [{"name": "tool", "path": "/usr/local/bin/tool", "mode": 0o755, "copied": {"key": "tool"}}]}
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/etc/made-here"}}]}
    script = "tool; /usr/local/bin/tool; head -c 4 /etc/passwd; echo new > /etc/made-here"
    end = await place.run(place.shell("added", script, inputs=inputs, outputs=outputs))
    assert (end.message, end.result, end.parameters) == ("", "tool runs\ntool runs\nroot", {"p": "new"})
    assert not Path("/etc/made-here").exists()
    assert not Path("/usr/local/bin/tool").exists()


async def test_secrets_are_handed_on_as_they_are(place: Place) -> None:
    place.objects.add("Secret", "keys", stringData={"token": "/tmp/=/tmp"})
    place.objects.add("ConfigMap", "settings", data={"dir": "/tmp"})
    env = [
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "DIR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "dir"}}},
        {"name": "BOTH", "value": "$(DIR)/$(TOKEN)"},
    ]
    script = 'echo "$TOKEN" | tr / _; echo x > "$DIR/x"; cat /tmp/x'
    end = await place.run(place.shell("secretive", script, container={"env": env}))
    assert (end.outcome, end.result) == ("Succeeded", "_tmp_=_tmp\nx")


async def test_an_argument_too_long_for_the_kernel_comes_as_a_file(place: Place) -> None:
    script = 'case "$1" in @*) wc -c < "${1#@}";; esac'
    container = {"command": ["sh", "-c", script, "sh"], "args": ["x" * 200_000]}
    end = await place.run(place.shell("wordy", "", container=container))
    assert (end.message, (end.result or "").strip()) == ("", "200000")
