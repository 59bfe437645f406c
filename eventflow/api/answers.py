"""Answers of the API: JSON, and errors in the form of Argo Server (grpc-gateway): `{code, message}`, code by gRPC.

eventflow adds `hint` and `location` where it knows them, and `problems`, each with its place, of manifests.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from eventflow.errors import Conflict, Location, NotFound, PermanentError, TemporaryError, Unauthorized, UserError
from eventflow.model.problems import ManifestError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

INVALID, NOT_FOUND, EXISTS, DENIED, EXHAUSTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 3, 5, 6, 7, 8, 13, 14, 16
BODY_SECONDS = 30.0


def json(value: Any, status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def error(status: int, code: int, message: str, hint: str | None = None) -> web.Response:
    """Return an error answer."""
    return json(_body(code, message, hint), status)


def _body(code: int, message: str, hint: str | None = None, location: Location | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message}
    if hint:
        body["hint"] = hint
    if location:
        body["location"] = str(location)
    return body


def _problems(caught: ManifestError) -> list[dict[str, Any]]:
    return [
        {
            "rule": each.rule,
            "location": str(each.location),
            "message": each.message,
            "hint": each.hint,
            "source": each.source,
        }
        for each in caught.problems
    ]


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what an API handler raises into an answer."""
    if not request.path.startswith("/api/v1/"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPException as refusal:
        if refusal.status == 413:
            return error(413, EXHAUSTED, "the body is too large", hint="limits.manifestSize")
        return error(refusal.status, INVALID, refusal.reason)
    except Exception as caught:
        if request.transport is None or request.transport.is_closing():
            raise
        return of_error(caught)


def of_error(caught: Exception) -> web.Response:
    """Return the answer to an error; what eventflow did not foresee is logged and not told."""
    if isinstance(caught, UserError):
        status, code = _refusal(caught)
        if isinstance(caught, ManifestError):
            return json(
                {**_body(code, str(caught), caught.hint, caught.location), "problems": _problems(caught)}, status
            )
        return json(_body(code, caught.message, caught.hint, caught.location), status)
    if isinstance(caught, TemporaryError):
        answer = error(503, UNAVAILABLE, str(caught))
        answer.headers["Retry-After"] = str(max(1, round(caught.retry_after)))
        return answer
    if isinstance(caught, PermanentError):
        return error(500, INTERNAL, str(caught))
    log.error("a request failed", exc_info=caught)
    return error(500, INTERNAL, "internal error; the server's log has the details")


def _refusal(caught: UserError) -> tuple[int, int]:
    if isinstance(caught, NotFound):
        return 404, NOT_FOUND
    if isinstance(caught, Conflict):
        return 409, EXISTS
    if isinstance(caught, Unauthorized):
        return 401, UNAUTHENTICATED
    return 400, INVALID


async def body(request: web.Request) -> bytes:
    """Read a body within the application's limit and a time. Raises UserError for one that is encoded or too slow."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UserError("encoded bodies are not taken", hint="send the body without Content-Encoding")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise UserError("the body comes too slowly") from None


async def json_body(request: web.Request) -> dict[str, Any]:
    """Read a JSON object; no body is an empty one. Raises UserError."""
    text = await body(request)
    if not text.strip():
        return {}
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as caught:
        raise UserError(f"the body is not JSON: {caught}") from caught
    if not isinstance(found, dict):
        raise UserError("the body must be a JSON object")
    return found
