"""What the process runtime promises on machines without a sandbox."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from eventflow.errors import UserError
from eventflow.runtimes.process import doctor, leftovers
from tests.contracts.runtime_places import Place


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Place]:
    place = Place("plain", tmp_path)
    async with place.opened():
        yield place


async def test_it_is_said_once_what_that_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place("plain", tmp_path)
    place.settings = replace(place.settings, sandbox="auto")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    async with place.opened() as runtime:
        (check,) = (check for check in runtime.checks if check.name == "sandbox")
        assert not check.ok
        assert doctor.PLAIN in check.detail
        await place.run(place.shell("one", "true"))
        await place.run(place.shell("two", "true"))
    assert [record.getMessage() for record in caplog.records].count(doctor.PLAIN) == 1


async def test_a_data_directory_that_shells_would_take_apart_is_refused(tmp_path: Path) -> None:
    place = Place("plain", tmp_path / "my files")
    with pytest.raises(UserError, match="no blanks"):
        async with place.opened():
            pass


@pytest.mark.parametrize("leave", ["setsid sleep 100 &", "set -m; sleep 100 &", "trap '' HUP; sleep 100 &"])
async def test_what_a_pod_started_ends_with_it(plain: Place, leave: str) -> None:
    container = {"command": ["bash", "-c", f"{leave}\nsleep 0.1; echo $ARGO_POD_UID"]}
    end = await plain.run(plain.shell("litter", "", container=container))
    assert end.outcome == "Succeeded"
    assert end.result
    assert leftovers.end_leftovers({end.result}) == 0


async def test_what_is_not_declared_is_the_machines(plain: Place, tmp_path: Path) -> None:
    outputs = {"parameters": [{"name": "p", "valueFrom": {"path": "/etc/hostname"}}]}
    end = await plain.run(plain.shell("reads", "cat /etc/hostname; echo own > /etc/hostname", outputs=outputs))
    assert end.result == Path("/etc/hostname").read_text().rstrip("\n")
    assert end.parameters == {"p": "own"}
    assert Path("/etc/hostname").read_text() != "own\n"


async def test_links_and_absent_outputs(plain: Place) -> None:
    outputs = {
        "parameters": [
            {"name": "link", "valueFrom": {"path": "/out/link"}},
            {"name": "loop", "valueFrom": {"path": "/out/loop", "default": "none"}},
        ],
        "artifacts": [{"name": "a", "path": "/out/absent", "optional": True}],
    }
    script = "mkdir /out; echo x > /out/file; ln -s /out/file /out/link; ln -s /out/loop /out/loop"
    end = await plain.run(plain.shell("links", script, outputs=outputs))
    assert (end.message, end.parameters, end.artifacts) == ("", {"link": "x", "loop": "none"}, ())


async def test_messages_name_the_pods_paths(plain: Place) -> None:
    end = await plain.run(plain.shell("absent", "", container={"command": ["/tmp/nosuch"]}))
    assert str(plain.directory) not in end.message
    assert "/tmp/nosuch" in end.message


async def test_the_end_of_one_pod_leaves_the_daemons_of_another(plain: Place) -> None:
    daemon = "(setsid sh -c 'sleep 0.8; echo alive > /tmp/said' &); echo began; sleep 1.2; cat /tmp/said"
    await plain.runtime.ensure(plain.shell("has-a-daemon", daemon))
    async with asyncio.timeout(20):
        while await plain.lines("has-a-daemon") != ["began"]:
            await asyncio.sleep(0.02)
    assert (await plain.run(plain.shell("ends", "true"))).outcome == "Succeeded"
    assert (await plain.end("has-a-daemon")).result == "began\nalive"
