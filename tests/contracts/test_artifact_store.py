"""What every artifact store owes: local disk, http, S3 in memory, and a real S3 where TEST_S3 names one.

Raw and git artifacts can only be read; they have their part of the contract at the end.
"""

import hashlib
import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from eventflow.artifacts import locations, registry
from eventflow.artifacts.contract import Absent, ArtifactStore, BadLocation
from eventflow.artifacts.environment import Environment, Sessions
from eventflow.artifacts.outbound import Outbound
from eventflow.artifacts.secrets import SecretReader
from eventflow.errors import PermanentError, TemporaryError
from tests.contracts.fake_s3 import FakeS3

SECRETS = {"cred": {"access": "AKIA", "secret": "s3cr3t", "user": "u", "password": "p"}}


class KeptSecrets:
    async def find(self, kind: str, namespace: str, name: str) -> Mapping[str, Any] | None:
        assert (kind, namespace) == ("Secret", "ns")
        return {"stringData": SECRETS[name]} if name in SECRETS else None


@dataclass
class Subject:
    """A store under test, and how it names the place of a key."""

    name: str
    store: ArtifactStore
    place: dict[str, Any]
    url: str = ""
    fake: FakeS3 | None = None
    directories: bool = True

    def at(self, key: str) -> dict[str, Any]:
        return {"url": f"{self.url}/{key}"} if self.url else {**self.place, "key": key}


@asynccontextmanager
async def _environment(root: Path, outbound: Outbound | None = None) -> AsyncIterator[Environment]:
    guard = outbound or Outbound(allow=("127.0.0.1", "localhost"))
    sessions = Sessions(guard)
    yield Environment(root, SecretReader(KeptSecrets(), "ns"), guard, sessions, git_files=True)
    await sessions.close()


class FakeHttp:
    """A WebDAV-like server: PUT, GET with ranges, DELETE."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        if request.method == "PUT":
            self.files[path] = await request.read()
            return web.Response(status=201)
        if path not in self.files:
            return web.Response(status=404)
        if request.method == "DELETE":
            del self.files[path]
            return web.Response(status=204)
        return web.Response(body=self.files[path], headers={"ETag": '"x"'})


def _s3_place(endpoint: str, access: str = "access", secret: str = "secret") -> dict[str, Any]:
    selectors = {"accessKeySecret": {"name": "cred", "key": access}, "secretKeySecret": {"name": "cred", "key": secret}}
    return {"endpoint": endpoint, "bucket": "bucket", "insecure": True, "createBucketIfNotPresent": {}, **selectors}


def _real_s3() -> dict[str, Any]:
    endpoint = os.environ.get("TEST_S3")
    if not endpoint:
        pytest.skip("TEST_S3 names no S3 server")
    SECRETS["cred"] |= {
        "real-access": os.environ["TEST_S3_ACCESS_KEY"],
        "real-secret": os.environ["TEST_S3_SECRET_KEY"],
    }
    return {**_s3_place(endpoint, "real-access", "real-secret"), "bucket": "eventflow-contract"}


@pytest.fixture(params=["local", "http", "s3", "real-s3"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with AsyncExitStack() as stack:
        environment = await stack.enter_async_context(_environment(tmp_path / "root"))
        kind = str(request.param).removeprefix("real-")
        store = registry.stores().load(kind).build(environment)
        stack.push_async_callback(store.close)
        if request.param == "local":
            yield Subject("local", store, {})
        elif request.param == "http":
            server = await stack.enter_async_context(TestServer(FakeHttp().app()))
            yield Subject("http", store, {}, url=str(server.make_url("/")).rstrip("/"), directories=False)
        elif request.param == "s3":
            fake = FakeS3()
            server = await stack.enter_async_context(TestServer(fake.app()))
            yield Subject("s3", store, _s3_place(f"127.0.0.1:{server.port}"), fake=fake)
        else:
            yield Subject("real-s3", store, _real_s3())


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def _content(store: ArtifactStore, location: Mapping[str, Any]) -> bytes:
    return b"".join([chunk async for chunk in store.read(location)])


async def test_what_is_written_is_read_again_with_its_digest(subject: Subject, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    saved = await subject.store.write(subject.at("a/b.bin"), _file(tmp_path / "in", content))
    assert saved.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert saved.size == len(content)
    await subject.store.fetch(subject.at("a/b.bin"), tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content
    assert await _content(subject.store, subject.at("a/b.bin")) == content


async def test_an_adopted_file_is_stored_and_stays_with_its_giver(subject: Subject, tmp_path: Path) -> None:
    source = _file(tmp_path / "in", b"x")
    await subject.store.adopt(subject.at("adopted"), source)
    assert source.read_bytes() == b"x"
    source.unlink()
    assert await _content(subject.store, subject.at("adopted")) == b"x"


async def test_a_file_of_many_parts_and_an_empty_one(subject: Subject, tmp_path: Path) -> None:
    large = os.urandom(1 << 20) * 40
    for key, content in (("large", large), ("empty", b"")):
        saved = await subject.store.write(subject.at(key), _file(tmp_path / "in", content))
        assert saved.size == len(content)
        await subject.store.fetch(subject.at(key), tmp_path / "out")
        assert hashlib.sha256((tmp_path / "out").read_bytes()).hexdigest() == saved.digest.removeprefix("sha256:")


async def test_writing_again_replaces(subject: Subject, tmp_path: Path) -> None:
    for content in (b"first and long", b"second"):
        await subject.store.write(subject.at("k"), _file(tmp_path / "in", content))
    assert await _content(subject.store, subject.at("k")) == b"second"


async def test_what_is_not_there_is_absent(subject: Subject, tmp_path: Path) -> None:
    await subject.store.write(subject.at("there"), _file(tmp_path / "in", b"x"))
    with pytest.raises(Absent):
        await subject.store.fetch(subject.at("nothing"), tmp_path / "out")
    with pytest.raises(Absent):
        await _content(subject.store, subject.at("nothing"))
    assert await subject.store.exists(subject.at("there"))
    assert not await subject.store.exists(subject.at("nothing"))


async def test_a_missing_source_is_absent(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(Absent):
        await subject.store.write(subject.at("k"), tmp_path / "missing")


async def test_deleting_removes_and_may_be_repeated(subject: Subject, tmp_path: Path) -> None:
    await subject.store.write(subject.at("d/k"), _file(tmp_path / "in", b"x"))
    await subject.store.delete(subject.at("d/k"))
    await subject.store.delete(subject.at("d/k"))
    assert not await subject.store.exists(subject.at("d/k"))


async def test_the_entry_of_a_file_has_its_size(subject: Subject, tmp_path: Path) -> None:
    await subject.store.write(subject.at("k"), _file(tmp_path / "in", b"four"))
    assert [(entry.path, entry.size) async for entry in subject.store.entries(subject.at("k"))] == [("", 4)]


def _tree(path: Path) -> Path:
    (path / "sub" / "deep").mkdir(parents=True)
    (path / "a.txt").write_text("A")
    (path / "sub" / "b & c.txt").write_text("B")
    (path / "sub" / "deep" / "é").write_text("E")
    return path


def _read_tree(path: Path) -> dict[str, str]:
    return {str(file.relative_to(path)): file.read_text() for file in path.rglob("*") if file.is_file()}


async def test_a_directory_is_stored_file_by_file(subject: Subject, tmp_path: Path) -> None:
    if not subject.directories:
        with pytest.raises(PermanentError, match="directory"):
            await subject.store.write(subject.at("tree"), _tree(tmp_path / "in"))
        return
    source = _tree(tmp_path / "in")
    if subject.fake:
        subject.fake.page = 2
    saved = await subject.store.write(subject.at("tree"), source)
    assert saved.size == 3
    await subject.store.fetch(subject.at("tree"), tmp_path / "out")
    assert _read_tree(tmp_path / "out") == _read_tree(source)
    assert await _content(subject.store, subject.at("tree/sub/b & c.txt")) == b"B"
    found = [entry.path async for entry in subject.store.entries(subject.at("tree"))]
    assert found == ["a.txt", "sub/b & c.txt", "sub/deep/é"]
    assert await subject.store.exists(subject.at("tree"))
    await subject.store.delete(subject.at("tree"))
    assert not await subject.store.exists(subject.at("tree"))


async def test_a_link_that_leads_out_of_a_directory_is_not_stored(subject: Subject, tmp_path: Path) -> None:
    source = _tree(tmp_path / "in")
    (source / "sub" / "out").symlink_to("../../../etc/passwd")
    if subject.name == "http":
        with pytest.raises(PermanentError):
            await subject.store.write(subject.at("tree"), source)
        return
    await subject.store.write(subject.at("tree"), source)
    assert not await subject.store.exists(subject.at("tree/sub/out"))
    assert await subject.store.exists(subject.at("tree/a.txt"))


@pytest.mark.parametrize("key", ["../x", "a/../../x", "a\x00b", "a/%2e%2e/b", "a/%252E%252e/b", "..\\x", "k\n", ""])
async def test_keys_that_climb_are_refused(subject: Subject, tmp_path: Path, key: str) -> None:
    if subject.name == "http":
        with pytest.raises(BadLocation):
            locations.with_key("http", {"url": subject.url}, key)
        return
    for attempt in (
        subject.store.write(subject.at(key), _file(tmp_path / "in", b"x")),
        subject.store.fetch(subject.at(key), tmp_path / "out"),
        subject.store.delete(subject.at(key)),
    ):
        with pytest.raises(BadLocation):
            await attempt
    assert not (tmp_path / "x").exists()


async def test_s3_goes_on_where_a_download_broke_off(tmp_path: Path) -> None:
    fake = FakeS3()
    async with _environment(tmp_path) as environment, TestServer(fake.app()) as server:
        store = registry.stores().load("s3").build(environment)
        location = {**_s3_place(f"127.0.0.1:{server.port}"), "key": "k"}
        content = os.urandom(6_000_000)
        await store.write(location, _file(tmp_path / "in", content))
        fake.cut_after = 4_500_000
        await store.fetch(location, tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == content
        assert len(fake.ranges) == 1
        assert int(fake.ranges[0].removeprefix("bytes=").rstrip("-")) > 1_000_000
        await store.close()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (503, "SlowDown", TemporaryError),
        (500, "InternalError", TemporaryError),
        (429, "TooManyRequests", TemporaryError),
        (403, "AccessDenied", PermanentError),
        (404, "NoSuchBucket", PermanentError),
        (400, "InvalidRequest", PermanentError),
    ],
)
async def test_s3_tells_what_may_pass_from_what_stays(
    tmp_path: Path, status: int, code: str, expected: type[Exception]
) -> None:
    fake = FakeS3()
    fake.buckets["bucket"] = {"k": b"x"}
    async with _environment(tmp_path) as environment, TestServer(fake.app()) as server:
        store = registry.stores().load("s3").build(environment)
        fake.fail_once(status, code)
        with pytest.raises(expected) as caught:
            await store.fetch({**_s3_place(f"127.0.0.1:{server.port}"), "key": "k"}, tmp_path / "out")
        assert not isinstance(caught.value, Absent)
        assert "s3cr3t" not in str(caught.value)
        await store.close()


async def test_s3_leaves_no_parts_of_an_upload_that_failed(tmp_path: Path) -> None:
    fake = FakeS3()
    fake.buckets["bucket"] = {}
    async with _environment(tmp_path) as environment, TestServer(fake.app()) as server:
        store = registry.stores().load("s3").build(environment)
        location = {**_s3_place(f"127.0.0.1:{server.port}"), "key": "k"}
        del location["createBucketIfNotPresent"]
        fake.faults = [_pass, _pass, lambda request: web.Response(status=503)]
        with pytest.raises(TemporaryError):
            await store.write(location, _file(tmp_path / "in", bytes(40 << 20)))
        assert fake.uploads == {}
        assert fake.buckets["bucket"] == {}
        await store.close()


def _pass(request: web.Request) -> web.StreamResponse | None:
    return None


async def test_s3_signs_with_the_servers_own_credentials_for_its_own_bucket_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SERVERSOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "word")
    fake = FakeS3()
    fake.buckets |= {"mine": {"k": b"x"}, "other": {"k": b"x"}}
    async with _environment(tmp_path) as environment, TestServer(fake.app()) as server:
        endpoint = f"127.0.0.1:{server.port}"
        environment = replace(environment, repository={"s3": {"endpoint": endpoint, "bucket": "mine"}})
        store = registry.stores().load("s3").build(environment)
        for bucket, ambient in (("mine", True), ("mine", False), ("other", True)):
            place = {"endpoint": endpoint, "insecure": True, "bucket": bucket, "key": "k", "useSDKCreds": ambient}
            await store.fetch(place, tmp_path / "out")
        await store.close()
    assert ["SERVERSOWN" in signed for signed in fake.authorizations] == [True, False, False]


async def test_s3_calls_no_forbidden_host(tmp_path: Path) -> None:
    async with _environment(tmp_path, Outbound()) as environment:
        store = registry.stores().load("s3").build(environment)
        for endpoint in ("127.0.0.1:9", "localhost:9", "169.254.169.254"):
            with pytest.raises(PermanentError, match=r"outbound\.allow"):
                await store.fetch({**_s3_place(endpoint), "key": "k"}, tmp_path / "out")
        await store.close()


async def test_raw_content_is_read_from_the_manifest(tmp_path: Path) -> None:
    async with _environment(tmp_path) as environment:
        store = registry.stores().load("raw").build(environment)
        await store.fetch({"data": "héllo\n"}, tmp_path / "out")
        assert (tmp_path / "out").read_text() == "héllo\n"
        assert await _content(store, {"data": ""}) == b""
        with pytest.raises(PermanentError, match="cannot be written"):
            await store.write({"data": ""}, tmp_path / "out")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repo"
    environment = {"GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"], "HOME": str(tmp_path)}

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=path, env=environment, check=True, capture_output=True)

    path.mkdir()
    git("init", "-q", "-b", "main")
    for number in range(3):
        (path / "n.txt").write_text(str(number))
        git("add", ".")
        git("commit", "-q", "-m", f"commit {number}")
        git("tag", f"v{number}")
    git("checkout", "-q", "-b", "feature")
    (path / "n.txt").write_text("feature")
    git("commit", "-q", "-a", "-m", "feature")
    git("checkout", "-q", "main")
    return path


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "2"),
        ({"revision": "v0"}, "0"),
        ({"revision": "feature"}, "feature"),
        ({"revision": "main"}, "2"),
        ({"depth": 1, "revision": "v1"}, "1"),
        ({"depth": 1}, "2"),
        ({"singleBranch": True, "branch": "feature"}, "feature"),
        ({"fetch": ["refs/tags/*:refs/tags/*"], "revision": "v1"}, "1"),
    ],
)
async def test_git_checks_out_what_is_asked_for(
    repository: Path, tmp_path: Path, options: dict[str, Any], expected: str
) -> None:
    async with _environment(tmp_path / "root") as environment:
        store = registry.stores().load("git").build(environment)
        await store.fetch({"repo": f"file://{repository}", **options}, tmp_path / "out")
        assert (tmp_path / "out" / "n.txt").read_text() == expected
        shallow = (tmp_path / "out" / ".git" / "shallow").exists()
        assert shallow == ("depth" in options)


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ({"repo": "ext::sh -c id"}, "helper program"),
        ({"repo": "--upload-pack=id"}, "cannot be given"),
        ({"repo": "REPO", "revision": "--output=x"}, "cannot be given"),
        ({"repo": "REPO", "fetch": ["--upload-pack=id"]}, "cannot be given"),
        ({"repo": "REPO", "revision": "nosuch"}, "no revision 'nosuch'"),
        ({"repo": "REPO", "singleBranch": True}, "without a branch"),
        ({"repo": "http://169.254.169.254/x"}, r"outbound\.allow"),
        ({"repo": "git@[::1]:x/y"}, r"outbound\.allow"),
        ({"repo": "ftp://example.com/x"}, "not https"),
    ],
)
async def test_git_refuses(repository: Path, tmp_path: Path, location: dict[str, Any], said: str) -> None:
    location = {key: f"file://{repository}" if value == "REPO" else value for key, value in location.items()}
    async with _environment(tmp_path / "root", Outbound()) as environment:
        store = registry.stores().load("git").build(environment)
        with pytest.raises(PermanentError, match=said):
            await store.fetch(location, tmp_path / "out")


async def test_git_reads_no_path_of_the_server_unless_allowed(repository: Path, tmp_path: Path) -> None:
    sessions = Sessions(Outbound())
    environment = Environment(tmp_path, SecretReader(KeptSecrets(), "ns"), Outbound(), sessions)
    store = registry.stores().load("git").build(environment)
    for repo in (f"file://{repository}", str(repository)):
        with pytest.raises(PermanentError, match="path of the server"):
            await store.fetch({"repo": repo}, tmp_path / "out")


async def test_git_takes_an_empty_repository_as_the_peer_does(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "empty")], check=True, capture_output=True)
    async with _environment(tmp_path / "root") as environment:
        store = registry.stores().load("git").build(environment)
        await store.fetch({"repo": f"file://{tmp_path}/empty", "revision": "main"}, tmp_path / "out")
        assert [path.name for path in (tmp_path / "out").iterdir()] == [".git"]
