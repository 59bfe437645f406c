# Paths inside pods are texts, and these are the hot paths of starting one.
# ruff: noqa: PTH105
"""Brings a pod's input artifacts to where its containers expect them (Argo v4.1.2 workflow/executor, loadArtifact)."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from eventflow.clock import Clock
from eventflow.errors import EventflowError, TemporaryError
from eventflow.runtimes.contract import ArtifactTransfer
from eventflow.runtimes.process import filesystem
from eventflow.runtimes.process.filesystem import View
from eventflow.runtimes.process.sandbox import Mount

Artifact = Mapping[str, Any]
T = TypeVar("T")

_LONGEST_WAIT = 30.0

# What an artifact may say beside its location (Argo's Artifact type).
_NO_LOCATION = frozenset(
    (
        *("name", "path", "mode", "recurseMode", "from", "fromExpression", "optional", "subPath", "archive"),
        *("archiveLogs", "globalName", "deleted", "artifactGC", "digest", "size"),
    )
)


class StagingFailed(Exception):
    """A pod cannot be given its inputs; Argo's init container would have failed with this message."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a store that fails for the moment is asked again, in seconds, by which clock."""

    seconds: float
    clock: Clock

    async def persist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the answer is no TemporaryError, or patience ends: then that error is raised."""
        until = self.clock.monotonic() + self.seconds
        wait = 0.0
        while True:
            try:
                return await ask()
            except TemporaryError as error:
                wait = min(_LONGEST_WAIT, max(error.retry_after, 2 * wait))
                if self.clock.monotonic() + wait > until:
                    raise
                await asyncio.sleep(wait)


async def fetch(
    artifacts: Sequence[Artifact], incoming: Path, transfer: ArtifactTransfer, patience: Patience
) -> dict[str, Path]:
    """Fetch all artifacts side by side below `incoming`; return where each is, by its name. Raises StagingFailed."""
    wanted = [artifact for artifact in artifacts if _supplied(artifact)]
    if not wanted:
        return {}
    await asyncio.to_thread(incoming.mkdir, parents=True, exist_ok=True)
    destinations = [incoming / str(number) for number in range(len(wanted))]
    found = await asyncio.gather(
        *(_fetch_one(artifact, at, transfer, patience) for artifact, at in zip(wanted, destinations, strict=True))
    )
    return {artifact["name"]: at for artifact, at, ok in zip(wanted, destinations, found, strict=True) if ok}


def settle(artifacts: Sequence[Artifact], fetched: Mapping[str, Path], view: View) -> None:
    """Move fetched artifacts to their paths as a container sees them, outer ones first. Blocking."""
    for artifact in sorted(artifacts, key=lambda one: str(one.get("path")).count("/")):
        source = fetched.get(artifact["name"])
        if source is not None:
            target = Path(view.locate(filesystem.tidy(artifact["path"])))
            _move(source, target)
            _set_mode(target, artifact)


def share(artifacts: Sequence[Artifact], fetched: Mapping[str, Path], shared: Path) -> list[Mount]:
    """Keep fetched artifacts in one place and return the mounts that show them to several containers. Blocking."""
    mounts: list[Mount] = []
    for artifact in artifacts:
        source = fetched.get(artifact["name"])
        if source is not None:
            target = shared / str(len(mounts))
            _move(source, target)
            _set_mode(target, artifact)
            mounts.append(Mount(str(target), filesystem.tidy(artifact["path"])))
    return mounts


def _supplied(artifact: Artifact) -> bool:
    if not artifact.get("path"):
        raise StagingFailed(f"artifact {artifact['name']} has no path")
    if filesystem.tidy(artifact["path"]) == "/":
        raise StagingFailed(f"artifact {artifact['name']}: nothing can be placed at /")
    if any(value is not None for key, value in artifact.items() if key not in _NO_LOCATION):
        return True
    if artifact.get("optional"):
        return False
    raise StagingFailed(f"required artifact '{artifact['name']}' not supplied")


async def _fetch_one(artifact: Artifact, destination: Path, transfer: ArtifactTransfer, patience: Patience) -> bool:
    name = artifact["name"]
    try:
        found = await patience.persist(lambda: transfer.fetch(artifact, destination))
    except EventflowError as error:
        raise StagingFailed(f"artifact {name} failed to load: {error}") from error
    if not found and not artifact.get("optional"):
        raise StagingFailed(f"artifact {name} failed to load: it does not exist")
    return found


def _move(source: Path, target: Path) -> None:
    """Move a file or directory; a directory that is there already takes the content of another."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink() and target.is_dir():
        for child in sorted(source.iterdir()):
            _move(child, target / child.name)
        return
    try:
        os.replace(source, target)
    except OSError:
        shutil.move(source, target)


def _set_mode(path: Path, artifact: Artifact) -> None:
    mode = artifact.get("mode")
    if mode is None:
        return
    path.chmod(int(mode))
    if artifact.get("recurseMode") and path.is_dir():
        for child in path.rglob("*"):
            if not child.is_symlink():
                child.chmod(int(mode))
