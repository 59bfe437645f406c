"""A small S3 in memory: objects, listings, multipart uploads, and faults on demand. Signatures are not checked."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web

Fault = Callable[[web.Request], web.StreamResponse | None]


class FakeS3:
    """Serves path-style requests. `faults` are asked first, oldest first, each once it has answered."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.faults: list[Fault] = []
        self.cut_after: int | None = None
        self.ranges: list[str] = []
        self.authorizations: list[str] = []
        self.page = 1000

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{bucket}", self._bucket)
        app.router.add_route("*", "/{bucket}/{key:.*}", self._object)
        return app

    def fail_once(self, status: int, code: str) -> None:
        self.faults.append(lambda request: _error(status, code))

    def _fault(self, request: web.Request) -> web.StreamResponse | None:
        return self.faults.pop(0)(request) if self.faults else None

    async def _bucket(self, request: web.Request) -> web.StreamResponse:
        if fault := self._fault(request):
            return fault
        name = request.match_info["bucket"]
        if request.method == "PUT":
            self.buckets.setdefault(name, {})
            return web.Response()
        if name not in self.buckets:
            return _error(404, "NoSuchBucket", head=request.method == "HEAD")
        if request.method == "HEAD":
            return web.Response()
        return self._list(name, request)

    def _list(self, bucket: str, request: web.Request) -> web.Response:
        prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
        found = sorted(key for key in self.buckets[bucket] if key.startswith(prefix) and key > after)
        page, more = found[: self.page], len(found) > self.page
        rows = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.buckets[bucket][key])}</Size></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        truncated = "true" if more else "false"
        return _xml(f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{token}{rows}</ListBucketResult>")

    async def _object(self, request: web.Request) -> web.StreamResponse:
        self.authorizations.append(request.headers.get("Authorization", ""))
        if fault := self._fault(request):
            return fault
        name, key = request.match_info["bucket"], request.match_info["key"]
        if not key:
            return await self._bucket(request)
        if name not in self.buckets:
            return _error(404, "NoSuchBucket")
        if "uploads" in request.query or "uploadId" in request.query:
            return await self._multipart(request, self.buckets[name], key)
        if request.method == "PUT":
            content = await request.read()
            self.buckets[name][key] = content
            return web.Response(headers={"ETag": _tag(content)})
        if request.method == "DELETE":
            self.buckets[name].pop(key, None)
            return web.Response(status=204)
        return await self._get(request, self.buckets[name].get(key))

    async def _get(self, request: web.Request, content: bytes | None) -> web.StreamResponse:
        if content is None:
            return _error(404, "NoSuchKey", head=request.method == "HEAD")
        start = 0
        if wanted := request.headers.get("Range"):
            self.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        headers = {"ETag": _tag(content), "Content-Length": str(len(content) - start)}
        answer = web.StreamResponse(status=206 if start else 200, headers=headers)
        await answer.prepare(request)
        if request.method == "GET":
            body = content[start:]
            if self.cut_after is not None:
                body, self.cut_after = body[: self.cut_after], None
                await answer.write(body)
                await asyncio.sleep(0.05)  # the client forgets what it has not read when the connection ends
                assert request.transport is not None
                request.transport.close()
                return answer
            await answer.write(body)
        return answer

    async def _multipart(self, request: web.Request, bucket: dict[str, bytes], key: str) -> web.StreamResponse:
        if "uploads" in request.query:
            upload = f"u{len(self.uploads)}"
            self.uploads[upload] = {}
            return _xml(f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>")
        parts = self.uploads[request.query["uploadId"]]
        if request.method == "PUT":
            content = await request.read()
            parts[int(request.query["partNumber"])] = content
            return web.Response(headers={"ETag": _tag(content)})
        del self.uploads[request.query["uploadId"]]
        if request.method == "DELETE":
            return web.Response(status=204)
        bucket[key] = b"".join(parts[number] for number in sorted(parts))
        return _xml("<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>")


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def _xml(text: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0"?>{text}', content_type="application/xml")


def _error(status: int, code: str, head: bool = False) -> web.Response:
    if head:
        return web.Response(status=status)
    body: dict[str, Any] = {"content_type": "application/xml", "status": status}
    return web.Response(text=f"<Error><Code>{code}</Code><Message>said so</Message></Error>", **body)
