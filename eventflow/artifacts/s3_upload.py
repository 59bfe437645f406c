"""Putting one file into S3, in parts when it is large."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from eventflow.artifacts.contract import Saved

SMALL = 16 << 20
"""Up to so many bytes go in one request."""

_PART = 16 << 20
_MOST_PARTS = 10_000
_AT_ONCE = 3


async def upload(client: Any, bucket: str, key: str, source: Path, extra: Mapping[str, str]) -> Saved:
    """Put a file; the digest is of the bytes sent. Memory: four parts of 16 MiB, more beyond 156 GiB."""
    file = await asyncio.to_thread(source.open, "rb", 0)
    try:
        size = (await asyncio.to_thread(source.stat)).st_size
        if size <= SMALL:
            content = await asyncio.to_thread(file.read)
            await client.put_object(Bucket=bucket, Key=key, Body=content, **extra)
            return Saved(f"sha256:{hashlib.sha256(content).hexdigest()}", len(content))
        return await _in_parts(client, {"Bucket": bucket, "Key": key}, file, max(_PART, -(-size // _MOST_PARTS)), extra)
    finally:
        await asyncio.to_thread(file.close)


async def _in_parts(client: Any, place: dict[str, str], file: IO[bytes], part: int, extra: Mapping[str, str]) -> Saved:
    started = await client.create_multipart_upload(**place, **extra)
    place = {**place, "UploadId": started["UploadId"]}
    try:
        saved, parts = await _send_parts(client, place, file, part)
        await client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        return saved
    except BaseException:
        # Shielded: a cancelled upload too must not leave parts that are stored, billed and never seen.
        await asyncio.shield(_abort(client, place))
        raise


async def _abort(client: Any, place: dict[str, str]) -> None:
    await asyncio.gather(client.abort_multipart_upload(**place), return_exceptions=True)


async def _send_parts(
    client: Any, place: dict[str, str], file: IO[bytes], part: int
) -> tuple[Saved, list[dict[str, Any]]]:
    digest, size = hashlib.sha256(), 0
    gate = asyncio.Semaphore(_AT_ONCE)
    sent: list[asyncio.Task[dict[str, Any]]] = []
    try:
        async with asyncio.TaskGroup() as group:
            while content := await asyncio.to_thread(_read, file, part):
                await asyncio.to_thread(digest.update, content)
                size += len(content)
                await gate.acquire()
                sent.append(group.create_task(_send(client, place, len(sent) + 1, content, gate)))
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return Saved(f"sha256:{digest.hexdigest()}", size), [task.result() for task in sent]


def _read(file: IO[bytes], size: int) -> bytes:
    """Read a whole part: an unbuffered file may give less at a time."""
    content = bytearray()
    while len(content) < size and (chunk := file.read(size - len(content))):
        content += chunk
    return bytes(content)


async def _send(
    client: Any, place: dict[str, str], number: int, content: bytes, gate: asyncio.Semaphore
) -> dict[str, Any]:
    try:
        answer = await client.upload_part(**place, PartNumber=number, Body=content)
        return {"PartNumber": number, "ETag": answer["ETag"]}
    finally:
        gate.release()
