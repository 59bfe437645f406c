"""The contract of an artifact store: a place that keeps files and directories under locations.

A location is what stands under Argo's location key in a manifest: for `s3: {bucket: b, key: k}` it is
`{bucket: b, key: k}`. Each store reads its own form of it. What every store promises:

* What is written becomes visible whole or not at all, and is durable when `write` returns.
* Memory is bounded by a few megabytes, whatever the size.
* TemporaryError means that the same call may succeed later (5xx, resets, timeouts); Absent that nothing is there;
  any other PermanentError that repeating is useless (403, unsupported, malformed).
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from eventflow.errors import PermanentError, UserError

Location = Mapping[str, Any]

CHUNK = 1 << 20


class Absent(PermanentError):
    """Nothing is stored at the location, or there is no such file."""


class BadLocation(UserError, PermanentError):
    """A location or key that no store may be asked for."""


class Objects(Protocol):
    """Looks up Secrets and ConfigMaps as plain manifests. The same shape as a runtime's `Objects`."""

    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        """Return the object, or None."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a write stored: `digest` as `sha256:<hex>`, `size` in bytes.

    For a directory the digest is that of the sorted lines `<hex of file>  <relative path>\\n`, the size the sum.
    """

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored file below a location: its path relative to the location (`""`: the location itself), its size."""

    path: str
    size: int


class ArtifactStore:
    """One kind of store. A subclass implements what its kind can do; the rest refuses with a PermanentError."""

    kind: str

    async def fetch(self, location: Location, destination: Path) -> None:
        """Bring the file or directory at a location to `destination`, whose parent exists and which does not."""
        raise self._cannot("be read", location, destination)

    def read(self, location: Location) -> AsyncIterator[bytes]:
        """The bytes of the file at a location, in chunks of at most about a megabyte."""
        raise self._cannot("be streamed", location)

    async def write(self, location: Location, source: Path) -> Saved:
        """Store the file or directory `source`, replacing what is there."""
        raise self._cannot("be written", location, source)

    async def adopt(self, location: Location, source: Path) -> Saved:
        """Store the file `source`, which nobody changes any more: on one disk it need not be copied."""
        return await self.write(location, source)

    async def exists(self, location: Location) -> bool:
        """Whether a file or directory is at the location."""
        raise self._cannot("be looked up", location)

    async def delete(self, location: Location) -> None:
        """Remove the file or directory at a location; fine when there is none."""
        raise self._cannot("be deleted", location)

    def entries(self, location: Location) -> AsyncIterator[Entry]:
        """The files at and below a location, sorted by path."""
        raise self._cannot("be listed", location)

    async def place(self, location: Location) -> Path | None:
        """The file or directory itself, for reading only, when the store keeps it on this machine; else None."""
        del location
        return None

    async def close(self) -> None:
        """Let go of connections. The store is not used any more."""

    def _cannot(self, verb: str, *arguments: object) -> PermanentError:
        del arguments
        return PermanentError(f"{self.kind} artifacts cannot {verb}")
