"""The ways round what other systems lack: no /proc, no fdatasync, no setsid in posix_spawn, fewer open files."""

import fcntl
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eventflow.runtimes.process import cgroups, doctor, host, ledger, leftovers, protocol, session


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_has_proc", lambda: False)
    monkeypatch.setattr(protocol, "has_descriptors", lambda: False)


@pytest.mark.usefixtures("without_proc")
def test_without_proc_ps_tells_of_a_session() -> None:
    script = f"{sys.executable} -c 'import os, time; os.setpgid(0, 0); print(1, flush=True); time.sleep(60)' & wait"
    leader = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert leader.stdout is not None
    assert leader.stdout.readline() == b"1\n"
    assert leftovers.end_tree(leader.pid, {}) == 1
    assert leader.wait() == 0
    leader.stdout.close()


@pytest.mark.usefixtures("without_proc")
def test_without_proc_ps_tells_of_marked_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = subprocess.Popen(["sleep", "60"])
    said = f"  {victim.pid} sleep 60 A=b ARGO_POD_UID=u-1 C=d\n  {os.getpid()} python ARGO_POD_UID=u-1\n  1 init\n"
    ps = tmp_path / "ps"
    ps.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    ps.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert leftovers.end_leftovers({"u-2"}) == 0
    assert leftovers.end_leftovers({"u-1", "u-2"}) == 1
    assert victim.wait() == -9


@pytest.mark.usefixtures("without_proc")
def test_without_ps_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nosuch")
    assert leftovers.end_leftovers({"u-1"}) == 0
    assert leftovers.end_tree(os.getpid(), {}) == 0


@pytest.mark.usefixtures("without_proc")
def test_a_long_socket_path_is_shortened_without_proc() -> None:
    long = "/data/" + "x" * 120
    address = protocol.socket_address(long)
    assert len(address) < protocol.ADDRESS_LIMIT
    assert address == protocol.socket_address(long)
    assert address != protocol.socket_address(long + "y")
    assert Path(address).parent.stat().st_mode & 0o077 == 0
    assert protocol.socket_address("/data") == f"/data/{protocol.SOCKET}"


def test_a_socket_directory_of_someone_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "has_descriptors", lambda: False)
    monkeypatch.setattr(protocol, "_SOCKETS", str(tmp_path / "made"))
    (tmp_path / f"made-{os.getuid()}").mkdir(mode=0o777)
    (tmp_path / f"made-{os.getuid()}").chmod(0o777)
    with pytest.raises(PermissionError, match="someone else"):
        protocol.socket_address("/data/" + "x" * 120)


def test_a_session_without_help_of_posix_spawn(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn = os.posix_spawn

    def without_setsid(*args: Any, setsid: bool = False, **more: Any) -> int:
        if setsid:
            raise NotImplementedError
        return spawn(*args, **more)

    monkeypatch.setattr(os, "posix_spawn", without_setsid)
    read, write = os.pipe()
    code = "import os; print(os.getsid(0) == os.getpid(), os.environ['A'])"
    pid = session.spawn([sys.executable, "-c", code], {"A": "b"}, [(write, 1)])
    os.close(write)
    with os.fdopen(read) as said:
        assert said.read() == "True b\n"
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("known", [True, False])
def test_the_ledger_is_flushed_to_the_disk_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    flushed = []

    def control(handle: int, command: int) -> int:
        flushed.append(command)
        if not known:
            raise OSError("not on this file system")
        return 0

    def synced(_: int) -> None:
        flushed.append(0)

    monkeypatch.delattr(os, "fdatasync")
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", control)
    book = ledger.Ledger(str(tmp_path / "ledger"))
    book.append("claim", "zero", {"uid": "u"})
    book.commit()  # the file is filled ahead
    flushed.clear()
    book.append("claim", "one", {"uid": "u"})
    book.commit()
    assert flushed == ([51] if known else [51, 0])
    book.close()


def test_as_many_open_files_as_the_system_lets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(_: int, limits: tuple[int, int]) -> None:
        asked.append(limits[0])
        if limits[0] > 10_240:
            raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    host._allow_files()
    assert asked == [65_536, 32_768, 16_384, 8_192]


def test_limits_that_cannot_be_set_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cgroups.without_groups(["x"], {"memory": 1 << 20})[-1] == "x"
    assert cgroups.without_groups(["x"], {"memory": 1 << 20}) != ["x"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cgroups.without_groups(["x"], {"memory": 1 << 20}) == ["x"]
    assert not doctor._limits().ok
    assert "Linux" in doctor.install_hint()
