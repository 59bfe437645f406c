"""Unpacking a zip."""

import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path

from eventflow.artifacts import extract
from eventflow.artifacts.extract import Extracted, Limits, Refused, Sink

_MOST_DIRECTORY = 64 << 20
"""Bytes of a central directory, which the library reads into memory, some twenty times as large."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNIX = 3
_READ_ONLY = 0x01


def unpack(archive: Path, destination: Path, limits: Limits | None = None) -> Extracted:
    """Unpack a zip to `destination`, which must not exist. Raises Refused, TemporaryError (disk full).

    As with Argo a symbolic link becomes a file that holds what the link says.
    """
    return extract.unpack(archive, destination, limits or Limits(), _pour)


def _pour(path: Path, sink: Sink) -> None:
    try:
        _weigh(path)
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                _put(archive, entry, sink)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, struct.error) as error:
        raise Refused(f"the archive is not a readable zip: {error}", "corrupt") from error


def _weigh(path: Path) -> None:
    """Refuse a central directory too large for memory, from the end record (APPNOTE.TXT 4.3.16)."""
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, length - (1 << 16) - 22))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise Refused("the archive is not a readable zip: it has no end record", "corrupt")
    (size,) = struct.unpack_from("<I", tail, at + 12)
    record = tail.rfind(b"PK\x06\x06", 0, at)
    if size == 0xFFFFFFFF and record >= 0 and len(tail) - record >= 48:
        (size,) = struct.unpack_from("<Q", tail, record + 40)
    if size > _MOST_DIRECTORY:
        raise Refused(f"the archive's directory of {size} bytes is too large", "too-large")


def _put(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, sink: Sink) -> None:
    parts = extract.inside(tuple(entry.filename.split("/")))
    if parts is None:
        raise extract.illegal(entry.filename)
    if entry.is_dir():
        sink.put_directory(parts)
    elif not parts:
        raise extract.illegal(entry.filename)
    elif entry.compress_type not in _METHODS:
        raise Refused(f"{entry.filename} is packed by method {entry.compress_type}, not stored or deflated", "corrupt")
    else:
        with archive.open(entry) as content:
            sink.put_file(parts, content, _mode(entry))


def _mode(entry: zipfile.ZipInfo) -> int:
    if entry.create_system == _UNIX:
        return stat.S_IMODE(entry.external_attr >> 16) or 0o644
    return 0o444 if entry.external_attr & _READ_ONLY else 0o644
