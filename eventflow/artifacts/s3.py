"""Artifacts in S3 and what speaks its protocol (MinIO, Ceph, R2 ...). The only module that knows aioboto3.

A file is one object; a directory (`archive: none`) is a prefix with one object a file, as in Argo v4.1.2
(`workflow/artifacts/s3/s3.go`). Large files go up in parts, which S3 shows only once they are complete.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from eventflow.artifacts import extract, files, keys, s3_upload, tree
from eventflow.artifacts.contract import CHUNK, Absent, ArtifactStore, BadLocation, Entry, Location, Saved
from eventflow.artifacts.environment import Environment, StorePlugin
from eventflow.artifacts.files import Body
from eventflow.artifacts.s3_client import Clients, translated
from eventflow.errors import PermanentError

log = logging.getLogger(__name__)

_AT_ONCE = 8
"""Objects of a directory moved at the same time."""


class S3Store(ArtifactStore):
    """Reads `s3: {endpoint, bucket, key, region, insecure, accessKeySecret, secretKeySecret, ...}`."""

    kind = "s3"

    def __init__(self, environment: Environment) -> None:
        self._clients = Clients(environment)

    async def close(self) -> None:
        await self._clients.close()

    async def fetch(self, location: Location, destination: Path) -> None:
        client = await self._clients.get(location)
        bucket, key = _place(location)
        try:
            await self._download(client, bucket, key, destination)
        except Absent:
            found = [entry async for entry in self._below(client, bucket, key)]
            if not found:
                raise
            await self._download_tree(client, bucket, key, found, destination)

    async def read(self, location: Location) -> AsyncIterator[bytes]:
        client = await self._clients.get(location)
        bucket, key = _place(location)
        async with self._open(client, bucket, key, 0, "") as body:
            async for chunk in body.chunks:
                yield chunk

    async def write(self, location: Location, source: Path) -> Saved:
        client = await self._clients.get(location)
        bucket, key = _place(location)
        if location.get("createBucketIfNotPresent") is not None:
            await self._clients.make_bucket(client, location)
        with translated(f"put s3://{bucket}/{key}"):
            if await asyncio.to_thread(source.is_dir):
                return await self._upload_tree(client, bucket, key, source)
            if not await asyncio.to_thread(source.is_file):
                raise Absent(f"{source.name}: no such file or directory")
            return await s3_upload.upload(client, bucket, key, source, _encryption(location))

    async def exists(self, location: Location) -> bool:
        client = await self._clients.get(location)
        bucket, key = _place(location)
        try:
            with translated(f"head s3://{bucket}/{key}"):
                await client.head_object(Bucket=bucket, Key=key)
            return True
        except Absent:
            async for _ in self._below(client, bucket, key):
                return True
            return False

    async def delete(self, location: Location) -> None:
        client = await self._clients.get(location)
        bucket, key = _place(location)
        try:
            below = [f"{key.rstrip('/')}/{entry.path}" async for entry in self._below(client, bucket, key)]
            with translated(f"delete s3://{bucket}/{key}"):
                for name in [key, *below]:
                    await client.delete_object(Bucket=bucket, Key=name)
        except Absent:
            return

    async def entries(self, location: Location) -> AsyncIterator[Entry]:
        client = await self._clients.get(location)
        bucket, key = _place(location)
        try:
            with translated(f"head s3://{bucket}/{key}"):
                head = await client.head_object(Bucket=bucket, Key=key)
            yield Entry("", int(head["ContentLength"]))
        except Absent:
            found = False
            async for entry in self._below(client, bucket, key):
                found = True
                yield entry
            if not found:
                raise

    async def _below(self, client: Any, bucket: str, key: str) -> AsyncIterator[Entry]:
        """The objects of a prefix that is used as a directory; markers of directories are passed over."""
        prefix = key.rstrip("/") + "/"
        token: dict[str, str] = {}
        while True:
            with translated(f"list s3://{bucket}/{prefix}"):
                page = await client.list_objects_v2(Bucket=bucket, Prefix=prefix, **token)
            for found in page.get("Contents", ()):
                path = str(found["Key"]).removeprefix(prefix)
                if path and not path.endswith("/"):
                    yield Entry(path, int(found["Size"]))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    @asynccontextmanager
    async def _open(self, client: Any, bucket: str, key: str, offset: int, version: str) -> AsyncIterator[Body]:
        resume = {"Range": f"bytes={offset}-", "IfMatch": version} if offset and version else {}
        with translated(f"get s3://{bucket}/{key}"):
            answer = await client.get_object(Bucket=bucket, Key=key, **resume)
        async with answer["Body"] as body:
            yield Body(_chunks(body, f"get s3://{bucket}/{key}"), offset if resume else 0, str(answer.get("ETag", "")))

    async def _download(self, client: Any, bucket: str, key: str, destination: Path) -> None:
        await files.download(lambda offset, version: self._open(client, bucket, key, offset, version), destination)

    async def _download_tree(self, client: Any, bucket: str, key: str, found: list[Entry], destination: Path) -> None:
        """Bring the objects of a prefix; their names are a stranger's, so each must stay below the destination."""
        await asyncio.to_thread(extract.remove, destination)
        await asyncio.to_thread(destination.mkdir)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(path: str) -> None:
            async with gate:
                target = destination.joinpath(*keys.segments(path))
                await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
                await self._download(client, bucket, f"{key.rstrip('/')}/{path}", target)

        async with asyncio.TaskGroup() as group:
            for entry in found:
                group.create_task(one(entry.path))

    async def _upload_tree(self, client: Any, bucket: str, key: str, source: Path) -> Saved:
        members: dict[str, Saved] = {}
        for path in await asyncio.to_thread(_files_below, source):
            members[path] = await s3_upload.upload(client, bucket, f"{key.rstrip('/')}/{path}", source / path, {})
        return files.of_tree(members)


def _place(location: Location) -> tuple[str, str]:
    bucket = str(location.get("bucket") or "")
    if not bucket:
        raise BadLocation("the s3 artifact names no bucket")
    return bucket, keys.check(str(location.get("key") or ""))


def _encryption(location: Location) -> dict[str, str]:
    """Server-side encryption as Argo's `encryptionOptions` asks for it."""
    options = location.get("encryptionOptions") or {}
    if not options.get("enableEncryption"):
        return {}
    if options.get("kmsKeyId"):
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": str(options["kmsKeyId"])}
    return {"ServerSideEncryption": "AES256"}


def _files_below(source: Path) -> list[str]:
    """The files of a directory. A link cannot be kept as an object; one that leads out is left out, and logged."""
    root = tree.open_directory(source)
    found = []
    try:
        for item in tree.walk(root):
            if item.is_link and _leads_out(root, item):
                continue
            if item.is_link:
                raise PermanentError(f"{item.path} is a link, which s3 cannot keep: leave out 'archive: none'")
            if item.is_file:
                found.append(item.path)
    finally:
        os.close(root)
    return found


def _leads_out(root: int, item: tree.Item) -> bool:
    try:
        tree.check_link(root, item)
    except tree.Escapes as error:
        log.warning("left out of the artifact: %s", error)
        return True
    return False


async def _chunks(body: Any, what: str) -> AsyncIterator[bytes]:
    with translated(what):
        async for chunk in body.content.iter_chunked(CHUNK):
            yield chunk


PLUGIN = StorePlugin("s3", "S3, MinIO, Ceph and others of that protocol", S3Store)
