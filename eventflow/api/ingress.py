"""The ingress: HTTP requests of senders, read within bounds, handed to the sources, answered.

Bounds, all before anything is stored: the head's size and time (see `listener`), the body's size while it streams, its
time and its pace, no encoded bodies. A request that breaks one is answered and its connection closed.

    400 malformed   401 not proven   404 unknown endpoint   405 method   408 too slow   413 too large
    415 encoded     503 + Retry-After not now (and never 429, which Alertmanager takes for final)
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from aiohttp import web

from eventflow.bus.log import EventLog
from eventflow.clock import Clock
from eventflow.errors import EventflowError, PermanentError, TemporaryError, UserError
from eventflow.sources import bindings
from eventflow.sources.endpoints import Endpoints
from eventflow.sources.payloads.request import Answer, Refused, Request

GRACE = 5.0
SLOWEST = 1024
"""Bytes a second that a sender has to keep up with, after so many seconds of grace."""

ROOM = 64 * 1024
"""Bytes for which a body gets a second more than its timeout."""

log = logging.getLogger(__name__)


class Ingress:
    """Serves the endpoints of event sources, and the events route of Argo's API.

    `event_size` is the limit of a body in bytes, unless the source has its own; `body_timeout` in seconds.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        log: EventLog,
        clock: Clock,
        *,
        event_size: int = 1 << 20,
        body_timeout: float = 30.0,
        owner: str = "local",
    ) -> None:
        self._endpoints = endpoints
        self._log = log
        self._clock = clock
        self._event_size = event_size
        self._body_timeout = body_timeout
        self._owner = owner

    def add_to(self, app: web.Application) -> None:
        """Add the routes to an application: the events route, and last of all whatever path sources listen at."""
        app.router.add_post("/api/v1/events/{namespace}/{discriminator:.*}", self.post_event)
        app.router.add_route("*", "/{path:.*}", self.handle)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve a request to the endpoint of a source."""
        found = self._endpoints.find(request.method, unquote(request.raw_path.partition("?")[0]))
        if found is None:
            return web.Response(status=404, text="404 page not found\n")
        route, variables = found

        async def respond() -> web.Response:
            body = await self._body(request, route.most(self._event_size))
            return _response(await self._endpoints.receive(route, variables, _request(request, body)))

        return await _guarded(request, respond)

    async def post_event(self, request: web.Request) -> web.StreamResponse:
        """Serve Argo's `ReceiveEvent`: store the event for the WorkflowEventBindings of the namespace."""

        async def respond() -> web.Response:
            body = await self._body(request, bindings.LARGEST)
            namespace, discriminator = request.match_info["namespace"], request.match_info["discriminator"]
            received = _request(request, body)
            event = bindings.posted(received, namespace, discriminator, self._owner, self._clock.now())
            await self._log.receive([event])
            return web.json_response({})

        return await _guarded(request, respond)

    async def _body(self, request: web.Request, most: int) -> bytes:
        """Read a body. Raises Refused: 413 beyond `most` bytes, 408 when it comes too slowly, 415 when encoded."""
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Refused(415, "encoded bodies are not taken", hint="send the body without Content-Encoding")
        if (request.content_length or 0) > most:
            raise _too_large(most)
        if request.content.is_eof():
            whole = await request.content.readany()
            if len(whole) > most:
                raise _too_large(most)
            return whole
        return await self._streamed(request, most)

    async def _streamed(self, request: web.Request, most: int) -> bytes:
        """Read a body that is still under way."""
        loop = asyncio.get_running_loop()
        started, pieces, size = loop.time(), list[bytes](), 0
        while True:
            elapsed = loop.time() - started
            left = self._body_timeout + size / ROOM - elapsed
            if left <= 0 or (elapsed > GRACE and size < elapsed * SLOWEST):
                raise Refused(408, "the body comes too slowly")
            try:
                async with asyncio.timeout(min(left, GRACE)):
                    piece = await request.content.readany()
            except TimeoutError:
                raise Refused(408, "the body comes too slowly") from None
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > most:
                raise _too_large(most)
            pieces.append(piece)


async def _guarded(request: web.Request, respond: Callable[[], Awaitable[web.Response]]) -> web.Response:
    """Turn what went wrong into an answer; a connection with an unread body is closed."""
    try:
        return await respond()
    except Refused as refusal:
        return _closing(request, web.Response(status=refusal.status, text=refusal.message))
    except TemporaryError as error:
        log.warning("not taken now: %s", error)
        return _later(request, error)
    except UserError as error:
        log.error("a source cannot serve a request: %s", error)
        return _closing(request, web.Response(status=500, text="the source is not configured right"))
    except PermanentError as error:
        log.error("a request cannot be served: %s", error)
        return _closing(request, web.Response(status=500, text="the request cannot be served"))
    except EventflowError:
        log.exception("a request failed")
        return _closing(request, web.Response(status=500, text="failed to record event"))


def _later(request: web.Request, error: TemporaryError) -> web.Response:
    headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return _closing(request, web.Response(status=503, text="failed to record event", headers=headers))


def _closing(request: web.Request, response: web.Response) -> web.Response:
    if not request.content.at_eof():
        response.force_close()
    return response


def _too_large(most: int) -> Refused:
    return Refused(413, f"the body is larger than {most} bytes")


def _request(request: web.Request, body: bytes) -> Request:
    headers = tuple(
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for name, value in request.raw_headers
        if name.lower() != b"host"
    )
    return Request(request.method, request.raw_path, headers, body)


def _response(answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.text.encode(), headers=dict(answer.headers))
    response.headers["Content-Type"] = answer.content_type
    return response
