"""Which roots may be used again."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from eventflow.runtimes.process import light, sandbox, toolbox
from eventflow.runtimes.process.roots import Skeleton

SKELETON = Skeleton({"/tmp": 0o1777, "/run/argo": 0o755, "/usr": None}, {"/bin": "usr/bin"}, ["/run/etc/resolv.conf"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    for path, mode in (("tmp", 0o1777), ("run/argo", 0o755), ("run/etc", 0o755), ("usr", 0o700)):
        (made / path).mkdir(parents=True)
        (made / path).chmod(mode)
    (made / "bin").symlink_to("usr/bin")
    (made / "run/etc/resolv.conf").touch()
    return made


def test_one_that_was_left_as_it_was(root: Path) -> None:
    assert SKELETON.fits(str(root))


def replace_by_link(root: Path) -> None:
    (root / "run" / "argo").rmdir()
    (root / "run" / "argo").symlink_to("/tmp")


def change_link(root: Path) -> None:
    (root / "bin").unlink()
    (root / "bin").symlink_to("/tmp")


CHANGES: list[Callable[[Path], object]] = [
    lambda root: (root / "tmp" / "x").touch(),
    lambda root: (root / "new").mkdir(),
    lambda root: (root / "usr" / "x").symlink_to("y"),
    lambda root: (root / "tmp").chmod(0o700),
    lambda root: (root / "bin").unlink(),
    lambda root: (root / "run" / "argo").rmdir(),
    lambda root: (root / "run" / "etc" / "resolv.conf").write_text("nameserver 1.2.3.4"),
    change_link,
    replace_by_link,
    shutil.rmtree,
]


@pytest.mark.parametrize("change", CHANGES)
def test_one_that_was_changed(root: Path, change: Callable[[Path], object]) -> None:
    change(root)
    assert not SKELETON.fits(str(root))


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
def test_bubblewrap_leaves_what_the_skeleton_says(tmp_path: Path) -> None:
    tools = toolbox.build(tmp_path / "tools", None)
    program = shutil.which("bwrap")
    assert program is not None
    bubblewrap = sandbox.Bubblewrap(program, sandbox.discover(), tools, users=os.geteuid() != 0, nested=False)
    root = tmp_path / "root"
    root.mkdir()
    skeleton = light.skeleton(bubblewrap)
    for fresh in (True, False):
        line = bubblewrap.command(root, (), "/", sandbox.Identity(), ("sh", "-c", "echo x > /dev/shm/x"), fresh=fresh)
        subprocess.run(line, check=True, env={"PATH": "/usr/bin:/bin"})
        assert skeleton.fits(str(root))
    line = bubblewrap.command(root, (), "/", sandbox.Identity(), ("sh", "-c", "echo x > /root/x"), fresh=False)
    subprocess.run(line, check=True, env={"PATH": "/usr/bin:/bin"})
    assert not skeleton.fits(str(root))
