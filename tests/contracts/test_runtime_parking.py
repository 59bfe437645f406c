"""Sandboxes that are built ahead make pods faster, and no other than they would be without."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contracts.runtime_places import Place

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")


@pytest.fixture(params=[0, 2], ids=["built for each", "built ahead"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    made = Place("bwrap", tmp_path)
    made.settings = replace(made.settings, parked=request.param)
    async with made.opened():
        if request.param:
            await _parked(made)
        yield made


@pytest.fixture
async def ahead(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place("bwrap", tmp_path)
    async with made.opened():
        await _parked(made)
        yield made


async def test_a_pod_takes_a_sandbox_that_waits(ahead: Place) -> None:
    waiting = {path.stat().st_ino for path in (ahead.directory / "data" / "spare").iterdir()}
    end = await ahead.run(ahead.shell("taken", "echo x > /made"))
    root = ahead.directory / "data" / "pods" / "taken" / "main"
    assert end.outcome == "Succeeded"
    assert root.stat().st_ino in waiting
    assert (root / "made").read_text() == "x\n"


async def test_a_root_that_was_left_as_it_was_is_used_again(ahead: Place) -> None:
    await ahead.run(ahead.shell("clean", "true"))
    root = (ahead.directory / "data" / "pods" / "clean" / "main").stat().st_ino
    await ahead.runtime.forget("clean")
    async with asyncio.timeout(10):
        while root not in {path.stat().st_ino for path in (ahead.directory / "data" / "spare").iterdir()}:
            await asyncio.sleep(0.05)
    for number in range(6):
        assert (
            await ahead.run(ahead.shell(f"next-{number}", "ls -A /tmp /root /mnt"))
        ).result == "/mnt:\n\n/root:\n\n/tmp:"


async def test_environment_and_command(place: Place) -> None:
    tricky = 'it\'s "quoted" $HOME `x` \\ \n second line ü'
    env = [{"name": "TRICKY", "value": tricky}]
    script = 'printf "%s|%s|%s" "$TRICKY" "$1" "$HOME"'
    container = {"command": ["sh", "-c", script, "sh", tricky], "env": env}
    end = await place.run(place.shell("tricky", "", container=container))
    assert end.result == f"{tricky}|{tricky}|/root"


async def test_nothing_of_the_waiting_is_left(place: Place) -> None:
    source = "import os; print(sorted(os.listdir('/proc/self/fd')), os.read(0, 1), sorted(os.environ))"
    container = {"image": "debian", "command": ["python3", "-c", source]}
    end = await place.run(place.pod("remains", {"container": container}))
    assert (end.result or "").startswith("['0', '1', '2', '3'] b''")
    assert {"PATH", "HOME", "HOSTNAME", "ARGO_POD_NAME"} <= set((end.result or "").split("'"))
    assert not {"WAIT", "OLDPWD", "SHLVL"} & set((end.result or "").split("'"))


async def test_a_name_that_no_shell_takes(place: Place) -> None:
    env = [{"name": "dotted.name", "value": "v"}]
    source = "import os; print(os.environ['dotted.name'])"
    container = {"image": "python", "command": ["python3", "-c", source], "env": env}
    assert (await place.run(place.pod("dotted", {"container": container}))).result == "v"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["nosuch"], 'exec: "nosuch": executable file not found in $PATH'),
        (["/no/such"], 'exec: "/no/such": stat /no/such: no such file or directory'),
    ],
)
async def test_a_program_that_is_not_there(place: Place, command: list[str], message: str) -> None:
    end = await place.run(place.shell("absent", "", container={"command": command}))
    assert end.message == f"main: Error (exit code 64): failed to find name in PATH: {message}"


async def test_codes_of_a_shell_are_the_pods_own(place: Place) -> None:
    end = await place.run(place.shell("shells", "nosuchprogram"))
    assert (end.exit_code, end.message) == (127, "main: Error (exit code 127)")


async def test_a_working_directory_and_a_script(place: Place) -> None:
    template = {"script": {"image": "busybox", "command": ["sh"], "source": "pwd; echo $0", "workingDir": "/a b/c"}}
    assert (await place.run(place.pod("script", template))).result == "/a b/c\n/argo/staging/script"


async def test_stop_and_signals_reach_the_command(place: Place) -> None:
    await place.runtime.ensure(
        place.shell("asked", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done")
    )
    async with asyncio.timeout(10):
        while await place.lines("asked") != ["up"]:
            await asyncio.sleep(0.02)
    await place.runtime.stop("asked", grace=10)
    end = await place.end("asked")
    assert (end.exit_code, end.result) == (3, "up\nbye")


async def test_servers_that_come_back_leave_the_pods_alone(tmp_path: Path) -> None:
    place = Place("bwrap", tmp_path)
    async with place.opened(keep_pods=True):
        await _parked(place)
        await place.runtime.ensure(place.shell("long", "sleep 4; echo there"))
    for _ in range(3):
        async with place.opened(keep_pods=True):
            await _parked(place)
    async with place.opened():
        assert (await place.end("long")).result == "there"


async def test_sandboxes_that_die_are_not_missed(ahead: Place) -> None:
    killed = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str(ahead.directory / "data" / "spare").encode() in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), 9)
                    killed += 1
            except OSError:
                continue
    assert killed
    await asyncio.sleep(0.3)
    ends = await asyncio.gather(*(ahead.run(ahead.shell(f"goes-on-{n}", "echo ok")) for n in range(4)))
    assert [end.result for end in ends] == ["ok"] * 4


async def _parked(place: Place) -> None:
    """Wait until the supervisor has built its sandboxes, and they had a moment to say so."""
    async with asyncio.timeout(10):
        while len(list((place.directory / "data" / "spare").iterdir())) < place.settings.parked:
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
