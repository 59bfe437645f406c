"""Judges packing and unpacking against what Argo Workflows did (artifacts/archive.jsonl)."""

import io
import stat
import tarfile
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

from eventflow.artifacts import archive, untar, unzip
from eventflow.artifacts.contract import Absent
from eventflow.artifacts.extract import Refused
from eventflow.errors import EventflowError

TABLE = "artifacts/archive"


_KINDS = {"dir": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE}
_KINDS |= {"chardev": tarfile.CHRTYPE, "char": tarfile.CHRTYPE, "blockdev": tarfile.BLKTYPE, "block": tarfile.BLKTYPE}
_STATED = ("illegal-path", "missing")
"""The classes of errors that the table is known to tell apart; of any other class we only owe a refusal."""


def judge(case: dict[str, Any]) -> str | None:
    """Return None when eventflow does as recorded, or, for a defect, as documented; else what differs."""
    with tempfile.TemporaryDirectory() as scratch:
        run = _pack if case["op"] == "pack" else _unpack
        try:
            outcome: Any = run(case, Path(scratch))
        except EventflowError as error:
            outcome = error
    found = _compare(case, outcome)
    if found and case.get("defect") and _compare(_documented(case), outcome) is None:
        return None
    return found


def _compare(case: dict[str, Any], outcome: Any) -> str | None:
    if case.get("error"):
        return _compare_error(case, outcome)
    if isinstance(outcome, Exception):
        return f"refused with {outcome}, where the outcome is {case['outcome']}"
    return None if outcome == case["outcome"] else f"gave {outcome}, where the outcome is {case['outcome']}"


def _compare_error(case: dict[str, Any], outcome: Any) -> str | None:
    if not isinstance(outcome, Exception):
        return f"gave {outcome}, where the error is {case['error_class']}"
    reason = outcome.reason if isinstance(outcome, Refused) else "missing" if isinstance(outcome, Absent) else "other"
    if case["error_class"] in _STATED and reason != case["error_class"]:
        return f"refused as {reason}, where the error is {case['error_class']}"
    return None


def _documented(case: dict[str, Any]) -> dict[str, Any]:
    """What docs/differences-artifacts.md says we do instead of a recorded defect."""
    if case["op"] == "pack":
        return {"outcome": {"entries": _documented_zip(case["name"], case["tree"])}}
    return {"outcome": {"tree": _unpacked(case["entries"])}}


def _unpacked(entries: list[dict[str, Any]]) -> Any:
    """What plain entries come to: one for the top itself adds nothing, the last of a name counts whole."""
    top: dict[str, Any] = {}
    for entry in entries:
        parts = [part for part in entry["name"].split("/") if part not in ("", ".")]
        here = top
        for part in parts[: None if entry["type"] == "dir" else -1]:
            here = here.setdefault(part, {})
        if entry["type"] == "file":
            here[parts[-1]] = entry.get("content", "")
    return next(iter(top.values())) if len(top) == 1 else top


def _documented_zip(path: str, tree: Any) -> list[dict[str, Any]]:
    """Zips carry the name of the source, links as links, and directories that are empty."""
    if isinstance(tree, str):
        return [{"name": path, "type": "file"} | ({"content": tree} if tree else {})]
    if "@link" in tree:
        return [{"name": path, "type": "symlink", "link": tree["@link"]}]
    if not tree:
        return [{"name": path, "type": "dir"}]
    return [entry for name in sorted(tree) for entry in _documented_zip(f"{path}/{name}", tree[name])]


def _pack(case: dict[str, Any], scratch: Path) -> Any:
    source, packed = scratch / "in" / case["name"], scratch / "packed"
    source.parent.mkdir()
    if "tree" in case:
        _grow(source, case["tree"])
    if case["format"] == "tar":
        archive.pack_tar(source, packed)
        return {"entries": _tar_entries(packed)}
    archive.pack_zip(source, packed)
    return {"entries": _zip_entries(packed)}


def _grow(path: Path, tree: Any) -> None:
    if isinstance(tree, str):
        path.write_text(tree)
    elif "@link" in tree:
        path.symlink_to(tree["@link"])
    else:
        path.mkdir()
        for name, below in tree.items():
            _grow(path / name, below)


def _tar_entries(packed: Path) -> list[dict[str, Any]]:
    entries = []
    with tarfile.open(packed) as opened:
        for member in opened:
            entry: dict[str, Any] = {"name": member.name}
            if member.isdir():
                entry["type"] = "dir"
            elif member.issym():
                entry |= {"type": "symlink", "link": member.linkname}
            else:
                entry["type"] = "file"
                content = opened.extractfile(member)
                assert content is not None
                entry |= _content(content.read())
            entries.append(entry)
    return entries


def _zip_entries(packed: Path) -> list[dict[str, Any]]:
    entries = []
    with zipfile.ZipFile(packed) as opened:
        for info in opened.infolist():
            entry: dict[str, Any] = {"name": info.filename.rstrip("/")}
            if info.is_dir():
                entry["type"] = "dir"
            elif stat.S_ISLNK(info.external_attr >> 16):
                entry |= {"type": "symlink", "link": opened.read(info).decode()}
            else:
                entry |= {"type": "file"} | _content(opened.read(info))
            entries.append(entry)
    return entries


def _content(data: bytes) -> dict[str, str]:
    return {"content": data.decode()} if data else {}


def _unpack(case: dict[str, Any], scratch: Path) -> Any:
    packed, destination = scratch / "packed", scratch / "out" / "dest"
    destination.parent.mkdir()
    if case["format"] == "tar":
        _write_tar(packed, case["entries"])
        untar.unpack(packed, destination)
    else:
        _write_zip(packed, case["entries"])
        unzip.unpack(packed, destination)
    return {"tree": _read(destination)}


def _write_tar(packed: Path, entries: list[dict[str, Any]]) -> None:
    with tarfile.open(packed, "w:gz") as opened:
        for entry in entries:
            info = tarfile.TarInfo(entry["name"])
            info.type = _KINDS.get(entry["type"], tarfile.REGTYPE)
            info.mode = entry.get("mode", 0o644)
            info.linkname = entry.get("link", "")
            content = entry.get("content", "").encode()
            info.size = len(content) if info.isreg() else 0
            opened.addfile(info, io.BytesIO(content))


def _write_zip(packed: Path, entries: list[dict[str, Any]]) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w") as opened:
        warnings.filterwarnings("ignore", "Duplicate name")
        for entry in entries:
            info = zipfile.ZipInfo(entry["name"])
            content = entry.get("content", "")
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            if entry["type"] == "symlink":
                info.external_attr, content = (stat.S_IFLNK | 0o777) << 16, entry["link"]
            elif entry["type"] == "dir":
                info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
            opened.writestr(info, content)


def _read(path: Path) -> Any:
    if path.is_symlink():
        return {"@link": str(path.readlink())}
    if path.is_dir():
        return {below.name: _read(below) for below in path.iterdir()}
    return path.read_text()
