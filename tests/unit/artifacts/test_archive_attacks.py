"""What hostile archives try (reliability.md, attack 24), and that nothing of them reaches the disk outside."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from eventflow.artifacts import untar, unzip
from eventflow.artifacts.extract import Limits, Refused

Entry = tuple[str, bytes, str]


def _tar(path: Path, entries: list[Entry], *, mode: int = 0o644) -> Path:
    """Write a tar.gz of (name, type, link target or content)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, kind, text in entries:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, mode
            content = text.encode() if kind == tarfile.REGTYPE else b""
            info.linkname = "" if kind == tarfile.REGTYPE else text
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _snapshot(path: Path) -> dict[str, str]:
    found = {}
    for file in sorted(path.rglob("*")):
        if file.is_symlink():
            found[str(file.relative_to(path))] = f"-> {file.readlink()}"
        elif file.is_file():
            found[str(file.relative_to(path))] = file.read_text()
    return found


FILE, LINK, HARD, DIR = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE

REFUSED: dict[str, list[Entry]] = {
    "parent": [("../evil", FILE, "x"), ("ok", FILE, "x")],
    "parent deep": [("a/b/../../../evil", FILE, "x")],
    "file named top": [(".", FILE, "x")],
    "link to above": [("a", FILE, "x"), ("l", LINK, "../victim")],
    "absolute link": [("a", FILE, "x"), ("l", LINK, "/etc/passwd")],
    "write through a link that leads out": [("l", LINK, ".."), ("l/victim", FILE, "owned")],
    "link above after flattening": [("top/a", FILE, "x"), ("top/l", LINK, "../victim")],
    "only a link": [("l", LINK, "victim")],
    "links that lead out together": [
        ("t/x", FILE, "x"),
        ("a", LINK, "t"),
        ("a/l", LINK, "../d/../../victim"),
        ("d/e/f", FILE, "x"),
    ],
    "deep link that is shallow in truth": [
        ("top/p/q/x", FILE, "x"),
        ("top/p/q/a", LINK, "../../t"),
        ("top/t/x", FILE, "x"),
        ("top/l", LINK, "p/q/a/../../../victim"),
        ("other", FILE, "x"),
    ],
    "write into a shallow place by a deep name": [
        ("t/x", FILE, "x"),
        ("p/q/x", FILE, "x"),
        ("p/q/a", LINK, "../../t"),
        ("p/q/a/l", LINK, "../../victim"),
        ("p/q/a/l", FILE, "owned"),
    ],
    "loop of links": [("a", LINK, "b"), ("b", LINK, "a"), ("a/x", FILE, "x")],
    "a file as directory": [("a", FILE, "x"), ("a/b", FILE, "x")],
    "name beyond any file": [("n" * 300, FILE, "x")],
}


@pytest.mark.parametrize("entries", REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_nothing_left_behind(tmp_path: Path, entries: list[Entry]) -> None:
    (tmp_path / "victim").write_text("unharmed")
    home = tmp_path / "home"
    home.mkdir()
    (home / "victim").write_text("unharmed")
    archive = _tar(tmp_path / "evil.tgz", entries)
    with pytest.raises(Refused):
        untar.unpack(archive, home / "destination")
    assert _snapshot(home) == {"victim": "unharmed"}
    assert (tmp_path / "victim").read_text() == "unharmed"


def test_a_file_written_through_a_link_inside_lands_where_the_link_says(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "a.tgz", [("e/keep", FILE, "k"), ("d", LINK, "e"), ("d/x", FILE, "x"), ("o", FILE, "o")])
    untar.unpack(archive, tmp_path / "out")
    assert _snapshot(tmp_path / "out") == {"d": "-> e", "e/keep": "k", "e/x": "x", "o": "o"}


def test_absolute_names_start_at_the_top(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "a.tgz", [("/etc/passwd", FILE, "x"), ("/../../up", FILE, "y")])
    untar.unpack(archive, tmp_path / "out")
    assert _snapshot(tmp_path / "out") == {"etc/passwd": "x", "up": "y"}


def test_setuid_is_not_given_and_execution_is(tmp_path: Path) -> None:
    untar.unpack(_tar(tmp_path / "a.tgz", [("a", FILE, "x")], mode=0o6755), tmp_path / "out")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


def test_devices_pipes_and_hard_links_are_left_out_and_reported(tmp_path: Path) -> None:
    entries = [("a", FILE, "x"), ("b", FILE, "y"), ("h", HARD, "../victim"), ("p", tarfile.FIFOTYPE, "")]
    report = untar.unpack(_tar(tmp_path / "a.tgz", [*entries, ("c", tarfile.CHRTYPE, "")]), tmp_path / "out")
    assert _snapshot(tmp_path / "out") == {"a": "x", "b": "y"}
    assert report.left_out == ["h", "p", "c"]


def _bomb(path: Path) -> Path:
    zeros = bytes(1 << 20)
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("zeros")
        info.size = 300 << 20
        archive.addfile(info, _Repeated(zeros, 300))
    return path


class _Repeated(io.RawIOBase):
    def __init__(self, block: bytes, times: int) -> None:
        self._left = len(block) * times

    def read(self, size: int = -1) -> bytes:
        given = min(size, self._left)
        self._left -= given
        return bytes(given)


def test_a_bomb_is_stopped_by_bytes_and_by_ratio(tmp_path: Path) -> None:
    bomb = _bomb(tmp_path / "bomb.tgz")
    for limits in (Limits(bytes=8 << 20), Limits(ratio=10, ratio_from=4 << 20)):
        with pytest.raises(Refused, match="unpacks to more than") as caught:
            untar.unpack(bomb, tmp_path / "out", limits)
        assert caught.value.reason == "too-large"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bomb.tgz"]


def test_a_zip_bomb_is_stopped(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}", bytes(1 << 20))
    with pytest.raises(Refused, match="unpacks to more than"):
        unzip.unpack(tmp_path / "bomb.zip", tmp_path / "out", Limits(bytes=8 << 20))
    with pytest.raises(Refused, match="more than 10 entries"):
        unzip.unpack(tmp_path / "bomb.zip", tmp_path / "out", Limits(files=10))
    assert not (tmp_path / "out").exists()


def test_a_bomb_of_padding_is_stopped(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "a.tgz", [("a", FILE, "x")])
    plain = gzip.decompress(archive.read_bytes())
    info = tarfile.TarInfo("device")
    info.type, info.size = b"Z", 40 << 20  # a type nobody knows, whose content is passed over
    archive.write_bytes(gzip.compress(info.tobuf() + bytes(40 << 20) + plain))
    with pytest.raises(Refused, match="more than its limit"):
        untar.unpack(archive, tmp_path / "out", Limits(bytes=1 << 20, files=10))


def test_a_long_header_is_not_read_into_memory(tmp_path: Path) -> None:
    for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, 2 << 30
        (tmp_path / "a.tgz").write_bytes(gzip.compress(info.tobuf() + bytes(1 << 20)))
        with pytest.raises(Refused, match="header of"):
            untar.unpack(tmp_path / "a.tgz", tmp_path / "out")


@pytest.mark.parametrize("cut", [0, 1, 20, -5, -30])
def test_a_broken_tar_is_refused(tmp_path: Path, cut: int) -> None:
    archive = _tar(tmp_path / "a.tgz", [("a", FILE, os.urandom(2000).hex()), ("b", FILE, os.urandom(2000).hex())])
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(Refused) as caught:
        untar.unpack(archive, tmp_path / "out")
    assert caught.value.reason == "corrupt"
    assert not (tmp_path / "out").exists()


def _zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", os.urandom(1000).hex())
        archive.writestr("b", "b")
    return path


def _flip(content: bytes) -> bytes:
    return content[:60] + bytes([content[60] ^ 0xFF]) + content[61:]


@pytest.mark.parametrize(
    "spoil", [lambda c: b"", lambda c: c[:-10], lambda c: c[100:], _flip, lambda c: b"PK" + c[2:9]]
)
def test_a_broken_zip_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    archive = _zip(tmp_path / "a.zip")
    archive.write_bytes(spoil(archive.read_bytes()))
    with pytest.raises(Refused) as caught:
        unzip.unpack(archive, tmp_path / "out")
    assert caught.value.reason == "corrupt"
    assert not (tmp_path / "out").exists()


def test_methods_of_zip_that_take_memory_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", "x" * 1000)
    with pytest.raises(Refused, match="not stored or deflated"):
        unzip.unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_directory_of_a_zip_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip")
    content = bytearray(archive.read_bytes())
    at = content.rfind(b"PK\x05\x06")
    content[at + 12 : at + 16] = (1 << 30).to_bytes(4, "little")
    archive.write_bytes(content)
    with pytest.raises(Refused, match="directory of"):
        unzip.unpack(archive, tmp_path / "out")


def test_a_destination_in_use_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    archive = _tar(tmp_path / "a.tgz", [("top/a", FILE, "x")])
    with pytest.raises(Refused):
        untar.unpack(archive, tmp_path / "out")
    assert _snapshot(tmp_path / "out") == {"mine": "mine"}
