"""Raw artifacts: the content stands in the manifest."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from eventflow.artifacts.contract import ArtifactStore, Entry, Location
from eventflow.artifacts.environment import Environment, StorePlugin


class RawStore(ArtifactStore):
    """Reads `raw: {data: text}`."""

    kind = "raw"

    async def fetch(self, location: Location, destination: Path) -> None:
        await asyncio.to_thread(destination.write_bytes, _data(location))

    async def read(self, location: Location) -> AsyncIterator[bytes]:
        yield _data(location)

    async def exists(self, location: Location) -> bool:
        return location.get("data") is not None

    async def entries(self, location: Location) -> AsyncIterator[Entry]:
        yield Entry("", len(_data(location)))


def _data(location: Location) -> bytes:
    return str(location.get("data") or "").encode()


def _build(environment: Environment) -> RawStore:
    del environment
    return RawStore()


PLUGIN = StorePlugin("raw", "content written in the manifest itself", _build)
