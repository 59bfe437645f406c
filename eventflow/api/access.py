"""Who may call the API: checked before anything else is looked at.

On loopback nothing is asked, but a browser's page of another site must not get through: its Host (DNS rebinding) and
its Origin are checked. Beyond loopback a bearer token is required; tokens are stored as SHA-256, compared in constant
time. Endpoints of event sources verify their senders themselves.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from eventflow.api import answers
from eventflow.api.answers import Handler
from eventflow.errors import Location, UserError
from eventflow.settings import Server

OPEN = frozenset({"/healthz", "/readyz", "/"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = ("/api/v1/", "/metrics")
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def middleware(server: Server) -> Middleware:
    """Return the middleware that lets requests through. Raises UserError for settings that leave the door open."""
    tokens = read_tokens(server.tokens) if server.tokens is not None else []
    check_settings(server, tokens)
    hosts = _hosts(server)

    @web.middleware
    async def allowed(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(_OURS):
            return await handler(request)
        if tokens and not _proven(request, tokens):
            refusal = answers.error(401, answers.UNAUTHENTICATED, "a valid token is needed", "Authorization: Bearer …")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        if not tokens and hosts and _host(request.headers.get("Host", "")) not in hosts:
            return answers.error(403, answers.DENIED, "this Host is not served here", "server.baseUrl names others")
        if request.method not in _SAFE and foreign(request):
            return answers.error(403, answers.DENIED, "requests from pages of other sites are refused")
        return await handler(request)

    return allowed


def check_settings(server: Server, tokens: Sequence[bytes]) -> None:
    """Raise UserError where the server would listen beyond this machine without asking for tokens."""
    if _loopback(server.host) or server.insecure:
        return
    if not tokens:
        raise UserError(
            f"server.host is {server.host}, which other machines reach, and there are no tokens",
            hint="set server.tokens and server.tlsCertificate, or server.insecure behind a proxy that has them",
        )
    if server.tls_certificate is None:
        raise UserError(
            f"server.host is {server.host}, which other machines reach, and tokens would travel in clear text",
            hint="set server.tlsCertificate and tlsKey, or server.insecure behind a proxy that has TLS",
        )


def read_tokens(path: Path) -> list[bytes]:
    """Return the SHA-256 digests of a token file: `name:sha256` a line, `#` comments. Raises UserError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UserError(f"the token file cannot be read: {error.strerror}", location=Location(str(path))) from error
    found: list[bytes] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            digest = bytes.fromhex(line.partition(":")[2].strip())
        except ValueError:
            digest = b""
        if len(digest) != 32:
            place = Location(str(path), number, 1)
            hint = "printf %s TOKEN | sha256sum"
            raise UserError("a line must be NAME:SHA256 of the token, in hexadecimal", location=place, hint=hint)
        found.append(digest)
    return found


def _proven(request: web.Request, tokens: Sequence[bytes]) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    given = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
    return any([hmac.compare_digest(given, each) for each in tokens])  # noqa: C419 - all are compared, none is first


def foreign(request: web.Request) -> bool:
    """Tell whether a browser sends this for a page of another site."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower()


def _hosts(server: Server) -> frozenset[str]:
    if not _loopback(server.host):
        return frozenset()
    named = urlsplit(server.base_url).hostname if server.base_url else None
    return _LOCAL | {server.host.lower()} | ({named.lower()} if named else set())


def _host(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
