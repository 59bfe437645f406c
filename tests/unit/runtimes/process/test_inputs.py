"""Input artifacts on their way into a pod."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from eventflow.errors import PermanentError, TemporaryError
from eventflow.runtimes.process import inputs
from eventflow.runtimes.process.filesystem import View
from eventflow.runtimes.process.inputs import Patience, StagingFailed
from eventflow.runtimes.process.sandbox import Trees


class Time:
    """A clock on which every look takes a second."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        self.at += 1.0
        return self.at


class Store:
    """Fails as often as told, then writes a file."""

    def __init__(self, failures: int = 0, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or TemporaryError("away", retry_after=0.0)

    def within(self, namespace: str) -> Self:
        return self

    async def fetch(self, artifact: Mapping[str, Any], destination: Path) -> bool:
        if self.failures:
            self.failures -= 1
            raise self.error
        destination.write_text(artifact["name"])
        return True

    async def save(self, artifact: Mapping[str, Any], source: Path, default: Mapping[str, Any]) -> Mapping[str, Any]:
        raise NotImplementedError


def artifact(name: str, path: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "path": path, "raw": {"data": ""}, **fields}


async def test_a_store_that_is_away_is_asked_again(tmp_path: Path) -> None:
    found = await inputs.fetch([artifact("a", "/a")], tmp_path, Store(3), Patience(100, Time()))
    assert found["a"].read_text() == "a"


async def test_patience_ends(tmp_path: Path) -> None:
    with pytest.raises(StagingFailed, match="artifact a failed to load: away"):
        await inputs.fetch([artifact("a", "/a")], tmp_path, Store(1000), Patience(5, Time()))


async def test_what_will_never_work_is_not_tried_again(tmp_path: Path) -> None:
    store = Store(1, PermanentError("forbidden"))
    with pytest.raises(StagingFailed, match="forbidden"):
        await inputs.fetch([artifact("a", "/a")], tmp_path, store, Patience(100, Time()))


@pytest.mark.parametrize("path", ["", "/", "//"])
async def test_a_path_that_cannot_be(tmp_path: Path, path: str) -> None:
    with pytest.raises(StagingFailed):
        await inputs.fetch([artifact("a", path)], tmp_path, Store(), Patience(1, Time()))


async def test_an_artifact_joins_a_directory_that_is_there(tmp_path: Path) -> None:
    view = View(str(tmp_path / "root"), (), Trees((), ()))
    (tmp_path / "root" / "tmp").mkdir(parents=True)
    (tmp_path / "root" / "tmp" / "old").write_text("old")
    incoming = tmp_path / "incoming"
    (incoming / "tree").mkdir(parents=True)
    (incoming / "tree" / "new").write_text("new")
    inputs.settle([artifact("t", "/tmp", mode=0o700, recurseMode=True)], {"t": incoming / "tree"}, view)
    assert {path.name for path in (tmp_path / "root" / "tmp").iterdir()} == {"old", "new"}
    assert (tmp_path / "root" / "tmp" / "new").stat().st_mode & 0o777 == 0o700
