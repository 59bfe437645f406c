"""Artifacts behind a URL: GET to read, PUT to write, as Argo's http and artifactory artifacts.

Redirects are followed here, each checked by the outbound guard; credentials and the artifact's own headers do not
travel to another origin. A download that breaks off goes on with a Range request for the same ETag.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from yarl import URL

from eventflow.artifacts import files, http_auth, outbound
from eventflow.artifacts.contract import CHUNK, Absent, ArtifactStore, Entry, Location, Saved
from eventflow.artifacts.environment import Environment, StorePlugin
from eventflow.artifacts.files import Body
from eventflow.artifacts.http_auth import Credentials
from eventflow.errors import EventflowError, PermanentError, TemporaryError

_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)


class HttpStore(ArtifactStore):
    """Reads `http: {url, headers, auth}` and `artifactory: {url, usernameSecret, passwordSecret}`."""

    def __init__(self, kind: str, environment: Environment) -> None:
        self.kind = kind
        self._environment = environment

    async def fetch(self, location: Location, destination: Path) -> None:
        credentials = await self._credentials(location)

        @asynccontextmanager
        async def ask(offset: int, version: str) -> AsyncIterator[Body]:
            resume = {"Range": f"bytes={offset}-", "If-Range": version} if offset and version else {}
            async with self._answer("GET", location, credentials, resume) as answer:
                start = offset if answer.status == 206 else 0
                yield Body(_chunks(answer), start, _version(answer))

        await files.download(ask, destination)

    async def read(self, location: Location) -> AsyncIterator[bytes]:
        async with self._answer("GET", location, await self._credentials(location)) as answer:
            async for chunk in _chunks(answer):
                yield chunk

    async def write(self, location: Location, source: Path) -> Saved:
        if await asyncio.to_thread(source.is_dir):
            raise PermanentError(f"a directory cannot be written to {self.kind} without an archive")
        saved = await asyncio.to_thread(_digest, source)
        credentials = await self._credentials(location)
        async with self._answer("PUT", location, credentials, {"Content-Length": str(saved.size)}, source):
            return saved

    async def exists(self, location: Location) -> bool:
        try:
            async with self._answer("HEAD", location, await self._credentials(location)):
                return True
        except Absent:
            return False

    async def delete(self, location: Location) -> None:
        try:
            async with self._answer("DELETE", location, await self._credentials(location)):
                return
        except Absent:
            return

    async def entries(self, location: Location) -> AsyncIterator[Entry]:
        async with self._answer("HEAD", location, await self._credentials(location)) as answer:
            yield Entry("", answer.content_length or 0)

    async def _credentials(self, location: Location) -> Credentials:
        environment = self._environment
        return await http_auth.resolve(location, environment.secrets, environment.sessions.get(), environment.outbound)

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        location: Location,
        credentials: Credentials,
        extra: Mapping[str, str] | None = None,
        source: Path | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The final answer, of a status that means success. Raises Absent, TemporaryError, PermanentError."""
        url = _url(location)
        what = f"{method} {url.with_user(None).with_query(None)}"
        try:
            with ExitStack() as opened:  # closes the body only after the answer, which may come before all is sent
                async with await self._follow(method, url, credentials, extra or {}, source, opened) as answer:
                    _check(answer, what)
                    yield answer
        except EventflowError:
            raise
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise outbound.translated(error, what) from error

    async def _follow(
        self,
        method: str,
        url: URL,
        credentials: Credentials,
        extra: Mapping[str, str],
        source: Path | None,
        opened: ExitStack,
    ) -> aiohttp.ClientResponse:
        origin = url.origin()
        session = self._environment.sessions.get()
        for _ in range(_MOST_REDIRECTS):
            self._environment.outbound.check(url)
            at_home = url.origin() == origin
            body = opened.enter_context(await asyncio.to_thread(source.open, "rb")) if source else None
            answer = await session.request(
                method,
                url,
                headers={**(credentials.headers if at_home else {}), **extra},
                data=body,
                ssl=credentials.context if at_home and credentials.context else True,
                allow_redirects=False,
            )
            if answer.status not in _REDIRECTS or "Location" not in answer.headers:
                return answer
            answer.release()
            url = url.join(URL(answer.headers["Location"]))
        raise PermanentError(f"{method} {origin} redirects more than {_MOST_REDIRECTS} times")


def _url(location: Location) -> URL:
    text = str(location.get("url") or "")
    try:
        url = URL(text)
    except ValueError as error:
        raise PermanentError(f"'{text}' is not a URL") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise PermanentError(f"'{text}' is not an http or https URL")
    return url


def _check(answer: aiohttp.ClientResponse, what: str) -> None:
    if answer.status in (404, 410):
        raise Absent(f"{what} answered {answer.status}")
    if answer.status in _TEMPORARY:
        raise TemporaryError(f"{what} answered {answer.status}", retry_after=_retry_after(answer))
    if not 200 <= answer.status < 300:
        raise PermanentError(f"{what} answered {answer.status} {answer.reason}")


def _retry_after(answer: aiohttp.ClientResponse) -> float:
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 60.0) if text.isdigit() else 1.0


def _version(answer: aiohttp.ClientResponse) -> str:
    """A strong ETag, or a date; a weak ETag does not promise equal bytes, so it cannot be gone on from."""
    tag = answer.headers.get("ETag", "")
    return answer.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag


async def _chunks(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.content.iter_chunked(CHUNK):
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise TemporaryError(f"the answer broke off: {type(error).__name__} {error}") from error


def _digest(source: Path) -> Saved:
    try:
        return files.digest(source)
    except FileNotFoundError as error:
        raise Absent(f"{source.name}: no such file or directory") from error


PLUGIN = StorePlugin("http", "any URL: GET and PUT", lambda environment: HttpStore("http", environment))
ARTIFACTORY = StorePlugin(
    "artifactory", "JFrog Artifactory, by its HTTP interface", lambda environment: HttpStore("artifactory", environment)
)
