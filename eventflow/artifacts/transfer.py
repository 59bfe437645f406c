"""Moves artifacts between their stores and the files of a pod.

Implements the shape `ArtifactTransfer` of `eventflow.runtimes.contract`. What it does to a file on the way is Argo's
(v4.1.2 `workflow/executor/executor.go`): packed as `<name>.tgz` unless the artifact says otherwise, unpacked again
when it was packed, or when nothing is said and it turns out to be a tar, and given its mode.
"""

import asyncio
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Self

from eventflow.artifacts import archive, locations, tree, untar, unzip
from eventflow.artifacts.contract import Absent, ArtifactStore, Entry, Location, Objects
from eventflow.artifacts.environment import Environment, Sessions, StorePlugin
from eventflow.artifacts.extract import Limits
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.retrying import Backoff, Retrying
from eventflow.artifacts.secrets import SecretReader
from eventflow.errors import PermanentError
from eventflow.plugins import Registry

Artifact = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setup:
    """What all transfers of a process share. `root` is the directory of the local store.

    `repository` is the default one in Argo's form (`{s3: {...}}`); empty means this machine's disk.
    """

    root: Path
    stores: Registry[StorePlugin]
    objects: Objects
    repository: Mapping[str, Any] = field(default_factory=dict)
    outbound: Outbound = field(default_factory=Outbound)
    limits: Limits = field(default_factory=Limits)
    backoff: Backoff = field(default_factory=Backoff)
    git_files: bool = False


class Transfer:
    """The artifacts of one namespace; `within` gives those of others. An async context manager."""

    def __init__(self, setup: Setup, namespace: str = "default", sessions: Sessions | None = None) -> None:
        self._setup = setup
        self._sessions = sessions or Sessions(setup.outbound.also(_hosts(setup.repository)))
        self._environment = Environment(
            root=setup.root,
            secrets=SecretReader(setup.objects, namespace),
            outbound=self._sessions.outbound,
            sessions=self._sessions,
            git_files=setup.git_files,
            repository=setup.repository,
        )
        self._stores: dict[str, ArtifactStore] = {}
        self._others: dict[str, Transfer] = {namespace: self}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for other in self._others.values():
            for store in other._stores.values():
                await store.close()
        await self._sessions.close()

    def within(self, namespace: str) -> "Transfer":
        """The transfer that reads its secrets from a namespace. Shares connections, and is closed with this one."""
        if namespace not in self._others:
            other = Transfer(self._setup, namespace, self._sessions)
            other._others = self._others
            self._others[namespace] = other
        return self._others[namespace]

    async def fetch(self, artifact: Artifact, destination: Path) -> bool:
        """Bring an artifact to `destination`; False if it is absent and optional.

        The parent of `destination` exists, and its links are the caller's to trust. A file or an empty directory at
        the destination is replaced. Raises TemporaryError, Absent or another PermanentError.
        """
        found = locations.complete(artifact, self._setup.repository)
        if found is None:
            if artifact.get("optional"):
                return False
            raise Absent(f"required artifact '{artifact.get('name', '')}' not supplied")
        store = self._store(found[0])
        box = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=".fetch-", dir=destination.parent))
        try:
            fetched = await store.place(found[1])
            if fetched is None or not await asyncio.to_thread(_is_packed, artifact, fetched):
                fetched = box / "fetched"
                await store.fetch(found[1], fetched)
            await asyncio.to_thread(self._unpack, artifact, fetched, destination)
        except Absent as error:
            if artifact.get("optional"):
                return False
            raise Absent(f"artifact '{artifact.get('name', '')}' failed to load: {error}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, box, ignore_errors=True)
        return True

    def _unpack(self, artifact: Artifact, fetched: Path, destination: Path) -> None:
        form = _form(artifact, fetched)
        if destination.exists() and not destination.is_dir():
            destination.unlink()
        if form == "none":
            fetched.rename(destination)
        else:
            unpack = untar.unpack if form == "tar" else unzip.unpack
            report = unpack(fetched, destination, self._setup.limits)
            if report.left_out:
                left = ", ".join(report.left_out[:5])
                log.warning(
                    "artifact '%s': hard links, pipes and devices were left out: %s", artifact.get("name"), left
                )
        if artifact.get("mode") is not None:
            _set_mode(destination, int(artifact["mode"]), bool(artifact.get("recurseMode")))

    async def save(self, artifact: Artifact, source: Path, default: Location) -> dict[str, Any]:
        """Store a file or directory, packed as the artifact says; return the artifact with location, digest and size.

        `default` is the location that key-only artifacts inherit, its key the directory of the pod; what it leaves
        out is the default repository's (`{s3: {key: ...}}` is a key on local disk when that is it). The directories
        above `source` are trusted: a runtime resolves them first. Raises Absent when `source` is missing.
        """
        repository = self._repository(default)
        name = str(artifact.get("name", ""))
        form = _strategy(artifact)
        assigned = locations.assign(artifact, repository, _file_name(artifact, form))
        found = locations.complete(assigned, repository)
        assert found is not None, "an assigned artifact has a location"
        store = self._store(found[0])
        if form == "none":
            await asyncio.to_thread(_look, source, name)
            saved = await store.write(found[1], source)
        else:
            async with self._staging() as box:
                packed = box / _file_name(artifact, form)
                await asyncio.to_thread(_pack, artifact, form, source, packed)
                saved = await store.adopt(found[1], packed)
        return {**assigned, "digest": saved.digest, "size": saved.size}

    def _repository(self, default: Location) -> Location:
        found = locations.complete(default, self._setup.repository)
        if found:
            return {found[0]: found[1]}
        return default if locations.kind_of(default) else self._setup.repository

    @asynccontextmanager
    async def _staging(self) -> AsyncIterator[Path]:
        """A directory on the disk of the local store, so that it need not copy what is packed there."""
        place = self._setup.root / ".staging"
        await asyncio.to_thread(place.mkdir, parents=True, exist_ok=True)
        box = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="pack-", dir=place))
        try:
            yield box
        finally:
            await asyncio.to_thread(shutil.rmtree, box, ignore_errors=True)

    async def delete(self, artifact: Artifact) -> None:
        """Remove a stored artifact (artifactGC); fine when it is gone. Raises PermanentError where that cannot be."""
        store, location = self._found(artifact)
        await store.delete(location)

    def read(self, artifact: Artifact) -> AsyncIterator[bytes]:
        """The bytes of an artifact as stored (packed ones packed)."""
        store, location = self._found(artifact)
        return store.read(location)

    def entries(self, artifact: Artifact) -> AsyncIterator[Entry]:
        """The files of an artifact as stored."""
        store, location = self._found(artifact)
        return store.entries(location)

    async def place(self, artifact: Artifact) -> Path | None:
        """The stored file or directory itself, read-only, if it is on this machine."""
        store, location = self._found(artifact)
        return await store.place(location)

    def _found(self, artifact: Artifact) -> tuple[ArtifactStore, Location]:
        found = locations.complete(artifact, self._setup.repository)
        if found is None:
            raise Absent(f"artifact '{artifact.get('name', '')}' has no location")
        return self._store(found[0]), found[1]

    def _store(self, kind: str) -> ArtifactStore:
        if kind not in self._stores:
            built = self._setup.stores.load(kind).build(self._environment)
            self._stores[kind] = Retrying(built, self._setup.backoff)
        return self._stores[kind]


def _hosts(repository: Mapping[str, Any]) -> list[str]:
    """The hosts that the operator's own repository names."""
    kind = locations.kind_of(repository)
    place = repository.get(kind) if kind else None
    text = str((place or {}).get("endpoint") or (place or {}).get("url") or "")
    return [text.split("://")[-1].split("/")[0].rsplit(":", 1)[0].strip("[]")] if text else []


def _strategy(artifact: Artifact) -> str:
    """How an output is packed: tar unless it says otherwise."""
    chosen = artifact.get("archive") or {}
    return next((form for form in ("none", "zip", "tar") if chosen.get(form) is not None), "tar")


def _file_name(artifact: Artifact, form: str) -> str:
    if form == "none":
        return PurePosixPath(str(artifact.get("path") or "")).name or str(artifact.get("name"))
    return f"{artifact.get('name')}.{'zip' if form == 'zip' else 'tgz'}"


def _form(artifact: Artifact, fetched: Path) -> str:
    """How a fetched artifact is packed; unsaid, it is a tar if it reads like one. Zips must be named."""
    if fetched.is_dir():
        return "none"
    chosen = artifact.get("archive") or {}
    said = next((form for form in ("none", "tar", "zip") if chosen.get(form) is not None), None)
    return said or ("tar" if untar.is_tarball(fetched) else "none")


def _is_packed(artifact: Artifact, stored: Path) -> bool:
    return _form(artifact, stored) != "none"


def _look(source: Path, name: str) -> None:
    try:
        status = source.lstat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Absent(f"artifact '{name}': {source.name}: no such file or directory") from error
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise PermanentError(f"artifact '{name}': {source.name} is not a regular file or directory")


def _pack(artifact: Artifact, form: str, source: Path, packed: Path) -> None:
    if form == "zip":
        archive.pack_zip(source, packed)
        return
    level = ((artifact.get("archive") or {}).get("tar") or {}).get("compressionLevel")
    archive.pack_tar(source, packed, archive.DEFAULT_LEVEL if level is None else int(level))


def _set_mode(path: Path, mode: int, recurse: bool) -> None:
    """Set permission bits, never following links; setuid and its like are not given."""
    if recurse and path.is_dir():
        root = tree.open_directory(path)
        try:
            for item in reversed(list(tree.walk(root))):
                if item.is_file or item.is_directory:
                    (path / item.path).chmod(mode & 0o777)
        finally:
            os.close(root)
    path.chmod(mode & 0o777)
