"""What a store is built from, and the form of a store's plug-in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from eventflow.artifacts import outbound
from eventflow.artifacts.contract import ArtifactStore
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.secrets import SecretReader


@dataclass
class Sessions:
    """The HTTP session that all stores of a process share, opened on first use."""

    outbound: Outbound
    _session: aiohttp.ClientSession | None = field(default=None, init=False)

    def get(self) -> aiohttp.ClientSession:
        """The session; to be called within the event loop."""
        if self._session is None or self._session.closed:
            self._session = outbound.open_session(self.outbound)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@dataclass(frozen=True, slots=True)
class Environment:
    """What stores may use. `root` is the directory of the local store; `secrets` those of one namespace.

    `repository` is the operator's own: only for what it names may a store use the credentials of the server itself.
    `git_files` permits clones from paths of this machine, which read as the server may.
    """

    root: Path
    secrets: SecretReader
    outbound: Outbound
    sessions: Sessions
    git_files: bool = False
    repository: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StorePlugin:
    """What an entry of the group `eventflow.artifacts` points to: how to build the store of one kind of location."""

    name: str
    summary: str
    build: Callable[[Environment], ArtifactStore]
