"""Where a container's paths are."""

from pathlib import Path

import pytest

from eventflow.errors import PermanentError
from eventflow.runtimes.process import filesystem
from eventflow.runtimes.process.filesystem import View
from eventflow.runtimes.process.sandbox import Mount, Trees

TREES = Trees(("/usr", "/etc"), (("/bin", "usr/bin"), ("/lib64", "usr/lib64")))


@pytest.fixture
def view(tmp_path: Path) -> View:
    (tmp_path / "root" / "tmp").mkdir(parents=True)
    (tmp_path / "volume" / "sub").mkdir(parents=True)
    mounts = [Mount(str(tmp_path / "volume"), "/mnt/v"), Mount(str(tmp_path / "inner"), "/mnt/v/in")]
    return View(str(tmp_path / "root"), mounts, TREES)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/tmp/x", "root/tmp/x"),
        ("/", "root"),
        ("/absent/deep/path", "root/absent/deep/path"),
        ("/tmp/../other", "root/other"),
        ("/../../up", "root/up"),
        ("/mnt/v", "volume"),
        ("/mnt/v/file", "volume/file"),
        ("/mnt/v/in/file", "inner/file"),
        ("/mnt/vx", "root/mnt/vx"),
    ],
)
def test_locate(view: View, tmp_path: Path, path: str, found: str) -> None:
    assert view.locate(path).rstrip("/") == str(tmp_path / found)


def test_the_machines_trees(view: View) -> None:
    assert view.locate("/usr/bin/env") == "/usr/bin/env"
    assert view.locate("/bin/env") == "/usr/bin/env"
    assert view.read_only("/etc/hosts")
    assert not view.read_only("/mnt/v/x")


def test_links_are_followed_inside(view: View, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "abs").symlink_to("/tmp/target")
    (root / "tmp" / "rel").symlink_to("../../../../other")
    (root / "vol").symlink_to("/mnt/v/sub")
    (tmp_path / "volume" / "sub" / "back").symlink_to("/tmp")
    (root / "out").symlink_to(tmp_path)
    assert view.locate("/abs/x") == f"{root}/tmp/target/x"
    assert view.locate("/tmp/rel") == f"{root}/other"
    assert view.locate("/vol/back/x") == f"{root}/tmp/x"
    assert view.locate("/out/volume") == f"{root}{tmp_path}/volume"


def test_a_loop_of_links(view: View, tmp_path: Path) -> None:
    (tmp_path / "root" / "loop").symlink_to("/loop")
    with pytest.raises(PermanentError, match="too many levels"):
        view.locate("/loop/x")


def test_without_a_sandbox_links_lead_where_they_lead_on_the_machine(tmp_path: Path) -> None:
    root, volume = tmp_path / "root", tmp_path / "volume"
    for each in (root / "tmp", volume):
        each.mkdir(parents=True)
    (root / "tmp" / "link").symlink_to(volume)
    (root / "loop").symlink_to("loop")
    view = View(str(root), [Mount(str(volume), "/work")], None)
    assert view.locate("/tmp/x") == f"{root}/tmp/x"
    assert view.locate("/tmp/link/x") == f"{volume}/x"
    assert view.locate("/work/x") == f"{volume}/x"
    assert view.locate("/loop") == f"{root}/loop"
    assert not view.read_only("/usr")


@pytest.mark.parametrize(("path", "tidied"), [("//a//b/", "/a/b"), ("/a/./b/../c", "/a/c"), ("a", "/a"), ("/", "/")])
def test_tidy(path: str, tidied: str) -> None:
    assert filesystem.tidy(path) == tidied


def test_parts_of_volumes_stay_in_them(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "link").symlink_to("/etc")
    assert filesystem.inside(str(tmp_path / "v"), "a/b") == f"{tmp_path}/v/a/b"
    for path in ("../x", "a/../../x", "link/passwd", "/../x"):
        with pytest.raises(PermanentError, match="leads out"):
            filesystem.inside(str(tmp_path / "v"), path)


def test_a_farm_shows_what_was_there_and_takes_more(tmp_path: Path) -> None:
    hidden, shadow = filesystem.farm(tmp_path, "/etc/ssl/new/deep/file")
    assert (hidden.source, hidden.writable, shadow.target) == ("/etc/ssl", False, "/etc/ssl")
    assert {path.name for path in Path(shadow.source).iterdir()} == {path.name for path in Path("/etc/ssl").iterdir()}
    assert all(path.is_symlink() for path in Path(shadow.source).iterdir())
