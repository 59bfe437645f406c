"""Packing: the same bytes for the same tree, no reading outside of it, and a round trip that keeps what it should."""

import gzip
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from eventflow.artifacts import archive, untar, unzip
from eventflow.artifacts.contract import Absent
from eventflow.errors import PermanentError


def _tree(root: Path) -> Path:
    (root / "b").mkdir(parents=True)
    (root / "b" / "z.txt").write_text("z")
    (root / "b" / "run.sh").write_text("#!/bin/sh\n")
    (root / "b" / "run.sh").chmod(0o755)
    (root / "a.txt").write_text("a")
    (root / "empty").mkdir()
    (root / "link").symlink_to("b/z.txt")
    return root


@pytest.mark.parametrize("pack", [archive.pack_tar, archive.pack_zip])
def test_the_same_tree_gives_the_same_bytes(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    packed: list[bytes] = []
    for place in ("one", "two"):
        source = _tree(tmp_path / place / "tree")
        os.utime(source / "a.txt", (len(packed) * 1000, len(packed) * 1000))
        pack(source, tmp_path / place / "packed")
        packed.append((tmp_path / place / "packed").read_bytes())
    assert packed[0] == packed[1]


def test_a_tar_comes_back_as_it_went(tmp_path: Path) -> None:
    archive.pack_tar(_tree(tmp_path / "tree"), tmp_path / "t.tgz")
    untar.unpack(tmp_path / "t.tgz", tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text() == "a"
    assert os.access(tmp_path / "out" / "b" / "run.sh", os.X_OK)
    assert not (tmp_path / "out" / "b" / "z.txt").stat().st_mode & 0o111
    assert (tmp_path / "out" / "empty").is_dir()
    assert (tmp_path / "out" / "link").readlink() == Path("b/z.txt")


def test_a_zip_keeps_empty_directories_and_modes(tmp_path: Path) -> None:
    archive.pack_zip(_tree(tmp_path / "tree"), tmp_path / "t.zip")
    unzip.unpack(tmp_path / "t.zip", tmp_path / "out")
    assert (tmp_path / "out" / "empty").is_dir()
    assert os.access(tmp_path / "out" / "b" / "run.sh", os.X_OK)
    assert (tmp_path / "out" / "link").read_text() == "b/z.txt"


def test_names_beyond_ascii_and_beyond_a_header(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    long = source / ("d" * 100) / ("e" * 120)
    long.mkdir(parents=True)
    (long / "名前 ü").write_text("x")
    archive.pack_tar(source, tmp_path / "t.tgz")
    untar.unpack(tmp_path / "t.tgz", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["名前 ü"]


def test_names_that_are_no_text_survive_tar_and_not_zip(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    source.mkdir()
    (source / os.fsdecode(b"\xff\xfe")).write_text("x")
    archive.pack_tar(source, tmp_path / "t.tgz")
    untar.unpack(tmp_path / "t.tgz", tmp_path / "out")
    assert [os.fsencode(path.name) for path in (tmp_path / "out").iterdir()] == [b"\xff\xfe"]
    with pytest.raises(PermanentError, match="not Unicode"):
        archive.pack_zip(source, tmp_path / "t.zip")


def test_a_source_that_is_a_link_is_followed_within_its_directory_only(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / "real").write_text("real")
    (place / "in").symlink_to("real")
    (place / "out").symlink_to("/etc/hostname")
    (tmp_path / "beside").write_text("secret")
    (place / "up").symlink_to("../beside")
    archive.pack_tar(place / "in", tmp_path / "t.tgz")
    with tarfile.open(tmp_path / "t.tgz") as packed:
        assert packed.getnames() == ["in"]
        assert packed.getmember("in").isreg()
    for name in ("out", "up"):
        with pytest.raises(PermanentError, match="leads out"):
            archive.pack_tar(place / name, tmp_path / "t.tgz")


def test_links_in_a_tree_are_not_read(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    source.mkdir()
    (source / "hosts").symlink_to("/etc/hosts")
    (source / "etc").symlink_to("/etc")
    archive.pack_tar(source, tmp_path / "t.tgz")
    archive.pack_zip(source, tmp_path / "t.zip")
    with tarfile.open(tmp_path / "t.tgz") as packed:
        assert packed.getnames() == ["tree", "tree/etc", "tree/hosts"]
    with zipfile.ZipFile(tmp_path / "t.zip") as opened:
        assert opened.read("tree/hosts") == b"/etc/hosts"


@pytest.mark.parametrize("pack", [archive.pack_tar, archive.pack_zip])
def test_sources_that_cannot_be_packed(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Absent):
        pack(tmp_path / "missing", tmp_path / "t")
    with pytest.raises(PermanentError, match="not a regular file"):
        pack(tmp_path / "pipe", tmp_path / "t")
    with pytest.raises(PermanentError):
        pack(tmp_path / "loop", tmp_path / "t")


def test_a_pipe_in_a_tree_neither_blocks_nor_is_packed(tmp_path: Path) -> None:
    source = tmp_path / "tree"
    source.mkdir()
    os.mkfifo(source / "pipe")
    archive.pack_tar(source, tmp_path / "t.tgz")
    with tarfile.open(tmp_path / "t.tgz") as packed:
        assert packed.getnames() == ["tree"]


def test_a_tree_deeper_than_any_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / "tree"
    for _ in range(300):
        deep = deep / "d"
    deep.mkdir(parents=True)
    with pytest.raises(PermanentError, match="nested deeper"):
        archive.pack_tar(tmp_path / "tree", tmp_path / "t.tgz")


@pytest.mark.parametrize(("level", "smaller"), [(0, False), (1, True), (9, True), (-1, True), (-2, True)])
def test_compression_levels(tmp_path: Path, level: int, smaller: bool) -> None:
    (tmp_path / "f").write_bytes(bytes(100_000))
    archive.pack_tar(tmp_path / "f", tmp_path / "t.tgz", level)
    assert ((tmp_path / "t.tgz").stat().st_size < 50_000) == smaller


def test_a_level_out_of_range_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(PermanentError, match="compressionLevel 10"):
        archive.pack_tar(tmp_path / "f", tmp_path / "t.tgz", 10)


def test_what_is_and_is_not_a_tarball(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    archive.pack_tar(tmp_path / "f", tmp_path / "t.tgz")
    assert untar.is_tarball(tmp_path / "t.tgz")
    for content in (b"", b"plain", b"\x1f\x8b", gzip.compress(b"no tar"), gzip.compress(b"")):
        (tmp_path / "f").write_bytes(content)
        assert not untar.is_tarball(tmp_path / "f")
