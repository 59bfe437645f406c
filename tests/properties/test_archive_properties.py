"""Whatever an archive holds, nothing outside its destination is touched, and no link in it leads out."""

import io
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from eventflow.artifacts import archive, untar, unzip
from eventflow.artifacts.extract import Refused

_STEPS = st.sampled_from(["a", "b", "c", "..", ".", ""])
_PATHS = st.lists(_STEPS, min_size=1, max_size=5).map("/".join)
_KINDS = st.sampled_from([tarfile.REGTYPE] * 2 + [tarfile.SYMTYPE] * 3 + [tarfile.DIRTYPE, tarfile.LNKTYPE])
_ENTRIES = st.lists(st.tuples(_PATHS, _KINDS, _PATHS), min_size=1, max_size=8)


def _outside(home: Path, destination: Path) -> list[tuple[str, bytes]]:
    """Everything but the destination, with what it holds."""
    return [
        (str(path.relative_to(home)), path.read_bytes() if path.is_file() else b"")
        for path in sorted(home.rglob("*"))
        if not path.is_relative_to(destination)
    ]


@given(_ENTRIES)
@settings(max_examples=300, deadline=None)
def test_a_tar_stays_inside(entries: list[tuple[str, bytes, str]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(os.path.realpath(scratch)) / "x" / "y" / "z"
        (home / "a" / "b").mkdir(parents=True)
        (home / "b").write_text("mine")
        packed, destination = home / "t.tgz", home / "destination"
        with tarfile.open(packed, "w:gz") as opened:
            for name, kind, text in entries:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, text if kind != tarfile.REGTYPE else ""
                info.size = 3 if kind == tarfile.REGTYPE else 0
                opened.addfile(info, io.BytesIO(b"new"))
        root = home.parents[2]
        before = _outside(root, destination)
        try:
            untar.unpack(packed, destination)
        except Refused:
            assert not os.path.lexists(destination)
        assert _outside(root, destination) == before
        links = [path for path in [destination, *destination.rglob("*")] if path.is_symlink()]
        for link in links:
            real = Path(os.path.realpath(link))
            assert real.is_relative_to(destination), f"{link} leads to {real}"


@given(st.lists(_PATHS, min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_a_zip_stays_inside(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "x" / "y"
        home.mkdir(parents=True)
        packed, destination = home / "t.zip", home / "destination"
        with zipfile.ZipFile(packed, "w") as opened:
            for name in dict.fromkeys(name or "a" for name in names):
                opened.writestr(zipfile.ZipInfo(name), "new")
        try:
            unzip.unpack(packed, destination)
        except Refused:
            assert not destination.exists()
        assert {path.name for path in home.iterdir()} <= {"t.zip", "destination"}
        assert [path.name for path in Path(scratch).iterdir()] == ["x"]


_NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name not in (".", "..")
)
_TREES: st.SearchStrategy[object] = st.recursive(
    st.binary(max_size=40), lambda below: st.dictionaries(_NAMES, below, max_size=4), max_leaves=12
)


def _grow(path: Path, tree: object) -> None:
    if isinstance(tree, bytes):
        path.write_bytes(tree)
    elif isinstance(tree, dict):
        path.mkdir()
        for name, below in tree.items():
            _grow(path / name, below)


def _read(path: Path) -> object:
    return path.read_bytes() if path.is_file() else {below.name: _read(below) for below in path.iterdir()}


@given(_TREES, st.sampled_from(["tar", "zip"]))
@settings(max_examples=150, deadline=None)
def test_what_is_packed_comes_back(tree: object, form: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        source, packed, destination = Path(scratch) / "s", Path(scratch) / "p", Path(scratch) / "d"
        _grow(source, tree)
        if form == "tar":
            archive.pack_tar(source, packed)
            untar.unpack(packed, destination)
        else:
            archive.pack_zip(source, packed)
            unzip.unpack(packed, destination)
        assert _read(destination) == tree
