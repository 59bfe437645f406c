"""Packing artifacts as Argo does (v4.1.2 `util/archive/archive.go`), the same bytes for the same tree.

Entries are in byte order of their names, times and owners are zero. The top entry has the name of the source.
"""

import gzip
import os
import stat
import tarfile
import zipfile
from pathlib import Path

from eventflow.artifacts import tree
from eventflow.artifacts.contract import CHUNK, Absent
from eventflow.errors import PermanentError

DEFAULT_LEVEL = -1
_HUFFMAN_ONLY = -2
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_tar(source: Path, target: Path, level: int = DEFAULT_LEVEL) -> None:
    """Write the file or directory `source` as a gzipped tar. `level`: 0 to 9, -1 the default, -2 as fast as can be.

    Links are kept as links. Pipes, sockets and devices are left out. The directories above `source` are trusted;
    its own name may be a link only to something beside or below it. Raises Absent, PermanentError.
    """
    name, real = _resolve(source)
    with target.open("wb") as file, _gzip(file, level) as packed, _tar(packed) as archive:
        if stat.S_ISREG(real.lstat().st_mode):
            _tar_file(archive, name, os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
        else:
            _tar_directory(archive, name, real)


def pack_zip(source: Path, target: Path) -> None:
    """Write the file or directory `source` as a zip, entries deflated. Otherwise as `pack_tar`.

    Only empty directories have entries of their own, as files imply the rest.
    """
    name, real = _resolve(source)
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            if stat.S_ISREG(real.lstat().st_mode):
                _zip_file(archive, name, os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
            else:
                _zip_directory(archive, name, real)
    except UnicodeEncodeError as error:
        raise PermanentError(f"{name} holds a name that is not Unicode, which a zip cannot carry") from error


def _resolve(source: Path) -> tuple[str, Path]:
    """The name in the archive, and what is packed under it: `source`, or what it links to within its directory."""
    name = source.name or "root"
    try:
        status = source.lstat()
        if stat.S_ISLNK(status.st_mode):
            directory = source.parent.resolve(strict=True)
            source = source.resolve(strict=True)
            if not source.is_relative_to(directory):
                raise PermanentError(f"{name} is a link that leads out of its directory, to {source}")
            status = source.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Absent(f"stat {name}: no such file or directory") from error
    except RuntimeError as error:
        raise PermanentError(f"{name} is a link to itself") from error
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise PermanentError(f"{name} is not a regular file or directory")
    return name, source


def _gzip(file: object, level: int) -> gzip.GzipFile:
    if level == _HUFFMAN_ONLY:
        level = 1
    elif level == DEFAULT_LEVEL:
        level = 6
    if not 0 <= level <= 9:
        raise PermanentError(f"compressionLevel {level} is not between -2 and 9")
    return gzip.GzipFile(filename="", mode="wb", compresslevel=level, fileobj=file, mtime=0)  # type: ignore[call-overload,no-any-return]


def _tar(packed: gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=packed, mode="w|", bufsize=CHUNK)


def _tar_directory(archive: tarfile.TarFile, name: str, directory: Path) -> None:
    root = tree.open_directory(directory)
    try:
        archive.addfile(_entry(name, tarfile.DIRTYPE, os.fstat(root).st_mode))
        for item in tree.walk(root):
            path = f"{name}/{item.path}"
            if item.is_directory:
                archive.addfile(_entry(path, tarfile.DIRTYPE, item.status.st_mode))
            elif item.is_link:
                archive.addfile(_entry(path, tarfile.SYMTYPE, 0o777, item.target()))
            elif item.is_file:
                _tar_file(archive, path, item.open())
            archive.members.clear()  # type: ignore[attr-defined]
    finally:
        os.close(root)


def _entry(name: str, kind: bytes, mode: int, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = stat.S_IMODE(mode) & 0o777
    entry.linkname = link
    return entry


def _tar_file(archive: tarfile.TarFile, name: str, descriptor: int) -> None:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        entry = _entry(name, tarfile.REGTYPE, status.st_mode)
        entry.size = status.st_size
        try:
            archive.addfile(entry, file)
        except OSError as error:
            if error.errno is None:
                raise PermanentError(f"{name} became shorter while it was packed") from error
            raise


def _zip_directory(archive: zipfile.ZipFile, name: str, directory: Path) -> None:
    root = tree.open_directory(directory)
    try:
        if not tree.names(root):
            archive.writestr(_record(f"{name}/", os.fstat(root).st_mode), b"")
        for item in tree.walk(root):
            path = f"{name}/{item.path}"
            if item.is_directory:
                if item.is_empty():
                    archive.writestr(_record(f"{path}/", item.status.st_mode), b"")
            elif item.is_link:
                archive.writestr(_record(path, item.status.st_mode), os.fsencode(item.target()))
            elif item.is_file:
                _zip_file(archive, path, item.open())
    finally:
        os.close(root)


def _record(name: str, mode: int) -> zipfile.ZipInfo:
    record = zipfile.ZipInfo(name, _EPOCH)
    record.create_system = 3
    record.external_attr = (stat.S_IFMT(mode) | stat.S_IMODE(mode) & 0o777) << 16
    if name.endswith("/"):
        record.external_attr |= 0x10
    else:
        record.compress_type = zipfile.ZIP_DEFLATED
    return record


def _zip_file(archive: zipfile.ZipFile, name: str, descriptor: int) -> None:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        record = _record(name, status.st_mode)
        record.file_size = status.st_size
        with archive.open(record, "w", force_zip64=status.st_size >= 1 << 31) as entry:
            while chunk := file.read(CHUNK):
                entry.write(chunk)
