"""Unpacking a gzipped tar."""

import gzip
import tarfile
import zlib
from pathlib import Path

from eventflow.artifacts import extract
from eventflow.artifacts.extract import Extracted, Limits, Refused, Sink

_LONGEST_HEADER = 1 << 20
"""Bytes of one extended header (long name, pax records), which the library reads into memory."""

_EXTENDED = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_BROKEN = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


class _Header(tarfile.TarInfo):
    """A header that is looked at before the library acts on it."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Header":
        header = super().frombuf(buf, encoding, errors)
        if header.size < 0 or (header.type in _EXTENDED and header.size > _LONGEST_HEADER):
            raise Refused(f"the archive has a header of {header.size} bytes", "corrupt")
        return header


class _Metered:
    """Passes bytes on until there are more than the limits could ever need: padding can be a bomb as well."""

    def __init__(self, source: gzip.GzipFile, most: int) -> None:
        self._source = source
        self._left = most

    def read(self, size: int) -> bytes:
        chunk = self._source.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise Refused("the archive unpacks to more than its limit", "too-large")
        return chunk


def unpack(archive: Path, destination: Path, limits: Limits | None = None) -> Extracted:
    """Unpack a gzipped tar to `destination`, which must not exist. Raises Refused, TemporaryError (disk full)."""
    allowed = limits or Limits()
    return extract.unpack(archive, destination, allowed, lambda path, sink: _pour(path, sink, allowed))


def is_tarball(path: Path) -> bool:
    """Whether a file starts as a gzipped tar with at least one entry, as Argo guesses (executor.go, isTarball)."""
    try:
        with gzip.open(path) as plain, _open(plain, 64 << 20) as archive:
            return archive.next() is not None
    except (*_BROKEN, OSError, Refused):
        return False


def _open(plain: gzip.GzipFile, most: int) -> tarfile.TarFile:
    return tarfile.open(fileobj=_Metered(plain, most), mode="r|", tarinfo=_Header, bufsize=1 << 18)  # type: ignore[call-overload,no-any-return]


def _pour(path: Path, sink: Sink, limits: Limits) -> None:
    # Besides the content there are a header of 512 bytes, padding and perhaps an extended header to each entry.
    most = limits.bytes + limits.files * 4096
    try:
        with gzip.open(path) as plain, _open(plain, most) as archive:
            while (entry := archive.next()) is not None:
                _put(archive, entry, sink)
                archive.members.clear()  # type: ignore[attr-defined]
    except _BROKEN as error:
        raise Refused(f"the archive is not a readable tar.gz: {error}", "corrupt") from error


def _put(archive: tarfile.TarFile, entry: tarfile.TarInfo, sink: Sink) -> None:
    parts = _clean(entry.name)
    if entry.isdir():
        sink.put_directory(parts)
    elif not parts:
        raise extract.illegal(entry.name)
    elif entry.isreg():
        content = archive.extractfile(entry)
        assert content is not None
        sink.put_file(parts, content, entry.mode)
    elif entry.issym():
        sink.put_link(parts, entry.linkname)
    else:
        sink.leave_out(entry.name)


def _clean(name: str) -> tuple[str, ...]:
    """The path of an entry; an absolute one starts at the top, and cannot climb above it."""
    steps = name.split("/")
    if name.startswith("/"):
        rooted: tuple[str, ...] = ()
        for step in steps:
            rooted = extract.inside((*rooted, step)) or ()
        return rooted
    parts = extract.inside(tuple(steps))
    if parts is None:
        raise extract.illegal(name)
    return parts
