"""Saving and fetching as a pod sees it, over the default repository on local disk."""

import hashlib
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from eventflow.artifacts import registry
from eventflow.artifacts.contract import Absent, ArtifactStore, BadLocation, Location
from eventflow.artifacts.environment import Environment, StorePlugin
from eventflow.artifacts.extract import Limits, Refused
from eventflow.artifacts.retrying import Backoff
from eventflow.artifacts.transfer import Setup, Transfer
from eventflow.errors import PermanentError, TemporaryError
from eventflow.runtimes.contract import ArtifactTransfer

HOME = {"local": {"key": "wf/pod"}}


class Nothing:
    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        return {"stringData": {"where": namespace}} if name == "here" else None


def _setup(root: Path, **options: Any) -> Setup:
    return Setup(root / "artifacts", registry.stores(), Nothing(), backoff=Backoff(first=0.0), **options)


@pytest.fixture
async def transfer(tmp_path: Path) -> AsyncIterator[Transfer]:
    async with Transfer(_setup(tmp_path)) as opened:
        yield opened


def _source(path: Path) -> Path:
    (path / "sub").mkdir(parents=True)
    (path / "a").write_text("A")
    (path / "sub" / "b").write_text("B")
    return path


FORMS: dict[str, dict[str, Any]] = {
    "unsaid": {},
    "tar": {"archive": {"tar": {}}},
    "zip": {"archive": {"zip": {}}},
    "none": {"archive": {"none": {}}},
}


@pytest.mark.parametrize(
    ("form", "key"),
    [("unsaid", "wf/pod/out.tgz"), ("tar", "wf/pod/out.tgz"), ("zip", "wf/pod/out.zip"), ("none", "wf/pod/report")],
)
async def test_a_directory_goes_and_comes(transfer: Transfer, tmp_path: Path, form: str, key: str) -> None:
    artifact = {"name": "out", "path": "/tmp/report", **FORMS[form]}
    saved = await transfer.save(artifact, _source(tmp_path / "report"), HOME)
    assert saved["s3"] == {"key": key}
    assert {name: saved[name] for name in artifact} == artifact
    as_a_runtime_sees_it: ArtifactTransfer = transfer
    assert await as_a_runtime_sees_it.fetch({**saved, "path": "/in"}, tmp_path / "in")
    files = [file for file in (tmp_path / "in").rglob("*") if file.is_file()]
    assert {str(file.relative_to(tmp_path / "in")): file.read_text() for file in files} == {"a": "A", "sub/b": "B"}


@pytest.mark.parametrize(
    ("default", "artifact", "key"),
    [
        ({"s3": {"key": "wf/pod"}}, {}, "wf/pod/out.tgz"),
        ({"gcs": {"key": "wf/pod"}}, {}, "wf/pod/out.tgz"),
        ({"local": {"key": "wf/pod"}}, {"s3": {"key": "own"}}, "own"),
        ({}, {"s3": {"key": "own"}}, "own"),
    ],
)
async def test_what_names_no_place_is_kept_on_local_disk(
    transfer: Transfer, tmp_path: Path, default: dict[str, Any], artifact: dict[str, Any], key: str
) -> None:
    (tmp_path / "f").write_text("x")
    saved = await transfer.save({"name": "out", **artifact}, tmp_path / "f", default)
    assert saved["s3"] == {"key": key}
    assert (tmp_path / "artifacts" / key).is_file()


async def test_an_output_with_no_key_from_anywhere_is_refused(transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(BadLocation, match="has no key"):
        await transfer.save({"name": "out"}, tmp_path / "f", {})


@pytest.mark.parametrize("form", FORMS)
async def test_a_file_goes_and_comes(transfer: Transfer, tmp_path: Path, form: str) -> None:
    (tmp_path / "f").write_text("content")
    saved = await transfer.save({"name": "out", "path": "/f", **FORMS[form]}, tmp_path / "f", HOME)
    assert await transfer.fetch(saved, tmp_path / "in")
    assert (tmp_path / "in").read_text() == "content"
    stored = await transfer.place(saved)
    assert stored is not None
    assert saved["digest"] == f"sha256:{hashlib.sha256(stored.read_bytes()).hexdigest()}"
    assert saved["size"] == stored.stat().st_size
    assert b"".join([chunk async for chunk in transfer.read(saved)]) == stored.read_bytes()


async def test_the_level_of_compression_is_the_artifacts(transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(500_000))
    sizes = []
    for level in (0, 9):
        artifact = {"name": "out", "archive": {"tar": {"compressionLevel": level}}}
        sizes.append((await transfer.save(artifact, tmp_path / "f", HOME))["size"])
    assert sizes[0] > 500_000 > 10_000 > sizes[1]


async def test_an_unnamed_tar_is_unpacked_and_a_named_none_is_not(transfer: Transfer, tmp_path: Path) -> None:
    saved = await transfer.save({"name": "out"}, _source(tmp_path / "d"), HOME)
    location = {"name": "in", "s3": saved["s3"]}
    await transfer.fetch(location, tmp_path / "unpacked")
    assert (tmp_path / "unpacked").is_dir()
    await transfer.fetch({**location, "archive": {"none": {}}}, tmp_path / "packed")
    assert tarfile.is_tarfile(tmp_path / "packed")


async def test_raw_content_becomes_a_file_with_its_mode(transfer: Transfer, tmp_path: Path) -> None:
    await transfer.fetch({"name": "in", "raw": {"data": "x"}, "mode": 0o4755}, tmp_path / "in")
    assert (tmp_path / "in").read_text() == "x"
    assert stat.S_IMODE((tmp_path / "in").stat().st_mode) == 0o755


async def test_modes_are_set_on_the_top_or_on_all_and_never_through_links(transfer: Transfer, tmp_path: Path) -> None:
    source = _source(tmp_path / "d")
    (source / "l").symlink_to("a")
    (source / "a").chmod(0o640)
    saved = await transfer.save({"name": "out"}, source, HOME)
    await transfer.fetch({**saved, "mode": 0o700}, tmp_path / "top")
    assert stat.S_IMODE((tmp_path / "top").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "top" / "a").stat().st_mode) == 0o640
    await transfer.fetch({**saved, "mode": 0o711, "recurseMode": True}, tmp_path / "all")
    real = [path for path in (tmp_path / "all").rglob("*") if not path.is_symlink()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in real} == {0o711}


async def test_what_is_optional_may_be_absent(transfer: Transfer, tmp_path: Path) -> None:
    for location in ({}, {"s3": {"key": "no/such"}}):
        assert await transfer.fetch({"name": "in", "optional": True, **location}, tmp_path / "in") is False
        with pytest.raises(Absent, match="'in'"):
            await transfer.fetch({"name": "in", **location}, tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


async def test_a_missing_output_is_absent(transfer: Transfer, tmp_path: Path) -> None:
    for form in FORMS.values():
        with pytest.raises(Absent):
            await transfer.save({"name": "out", **form}, tmp_path / "missing", HOME)


async def test_fetching_again_replaces_a_file(transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("of an earlier start")
    await transfer.fetch({"name": "in", "raw": {"data": "new"}}, tmp_path / "in")
    assert (tmp_path / "in").read_text() == "new"


async def test_nothing_is_left_of_what_is_refused(transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("no archive")
    saved = await transfer.save({"name": "out", "archive": {"none": {}}}, tmp_path / "f", HOME)
    (tmp_path / "pod").mkdir()
    for form in ("tar", "zip"):
        with pytest.raises(Refused):
            await transfer.fetch({**saved, **FORMS[form]}, tmp_path / "pod" / "in")
    assert list((tmp_path / "pod").iterdir()) == []


async def test_limits_hold_when_fetching(tmp_path: Path) -> None:
    async with Transfer(_setup(tmp_path, limits=Limits(bytes=1000))) as transfer:
        (tmp_path / "f").write_bytes(bytes(5000))
        saved = await transfer.save({"name": "out"}, tmp_path / "f", HOME)
        with pytest.raises(Refused, match="1000 bytes"):
            await transfer.fetch(saved, tmp_path / "in")


@pytest.mark.parametrize("key", ["../../other-ns/x", "a\0", "%2e%2e/x", ".staging/x"])
async def test_keys_that_climb_are_refused(transfer: Transfer, tmp_path: Path, key: str) -> None:
    (tmp_path / "f").write_text("x")
    for artifact in ({"name": "a", "s3": {"key": key}}, {"name": "a", "gcs": {"key": key}}):
        with pytest.raises(BadLocation):
            await transfer.save(artifact, tmp_path / "f", HOME)
        with pytest.raises(BadLocation):
            await transfer.fetch(artifact, tmp_path / "in")
        with pytest.raises(BadLocation):
            await transfer.delete(artifact)


async def test_a_key_does_not_lead_through_a_link_that_a_pod_made(transfer: Transfer, tmp_path: Path) -> None:
    source = _source(tmp_path / "d")
    (source / "inner").symlink_to("sub")
    saved = await transfer.save({"name": "out", "path": "/d", "archive": {"none": {}}}, source, HOME)
    assert await transfer.fetch({"name": "x", "s3": {"key": f"{saved['s3']['key']}/sub/b"}}, tmp_path / "through")
    with pytest.raises(Absent, match="through a link"):
        await transfer.fetch({"name": "x", "s3": {"key": f"{saved['s3']['key']}/inner/b"}}, tmp_path / "in")


async def test_deleting_leaves_no_empty_directories(transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    saved = await transfer.save({"name": "out"}, tmp_path / "f", HOME)
    await transfer.delete(saved)
    await transfer.delete(saved)
    assert [path.name for path in (tmp_path / "artifacts").iterdir()] == [".staging"]
    assert list((tmp_path / "artifacts" / ".staging").iterdir()) == []


@pytest.mark.parametrize("kind", ["gcs", "oss", "azure", "hdfs", "plugin"])
async def test_kinds_that_need_a_plugin_say_so(transfer: Transfer, tmp_path: Path, kind: str) -> None:
    place = {"endpoint": "e", "bucket": "b", "container": "c", "addresses": ["a"], "name": "n"}
    with pytest.raises(PermanentError, match=f"{kind} artifacts need a plug-in.*eventflow.artifacts"):
        await transfer.fetch({"name": "a", kind: {**place, "key": "k", "blob": "k", "path": "k"}}, tmp_path / "in")


class Busy(ArtifactStore):
    """Answers on the third call, and remembers which namespace's secrets it has."""

    kind = "busy"

    def __init__(self, environment: Environment) -> None:
        self.secrets = environment.secrets
        self.calls = 0

    async def fetch(self, location: Location, destination: Path) -> None:
        self.calls += 1
        if self.calls < 3:
            destination.write_text("half")
            raise TemporaryError("503", retry_after=0)
        destination.write_text(await self.secrets.value({"name": "here", "key": "where"}))


async def test_a_store_from_elsewhere_is_repeated_and_reads_the_secrets_of_the_namespace(tmp_path: Path) -> None:
    setup = _setup(tmp_path)
    setup.stores.add("gcs", StorePlugin("gcs", "a test", Busy))
    artifact = {"name": "a", "gcs": {"bucket": "b", "key": "k"}}
    async with Transfer(setup) as transfer:
        assert transfer.within("team") is transfer.within("team").within("default").within("team")
        await transfer.within("team").fetch(artifact, tmp_path / "team")
        await transfer.fetch(artifact, tmp_path / "default")
    assert (tmp_path / "team").read_text() == "team"
    assert (tmp_path / "default").read_text() == "default"


async def test_an_output_is_not_read_through_a_link(transfer: Transfer, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of the host")
    (tmp_path / "pod").mkdir()
    (tmp_path / "pod" / "out").symlink_to("../secret")
    for form in FORMS.values():
        with pytest.raises(PermanentError):
            await transfer.save({"name": "out", **form}, tmp_path / "pod" / "out", HOME)
    assert not os.path.lexists(tmp_path / "artifacts" / "wf")
