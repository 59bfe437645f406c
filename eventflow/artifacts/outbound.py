"""Whom the server may call on behalf of a manifest: the guard against server-side request forgery.

A host is resolved once, its addresses are checked, and the connection goes to exactly those (resolve and pin), so a
name that answers differently the second time gains nothing. Refused by default is whatever is not a public address:
loopback, private, link-local (with it the metadata services of clouds), carrier-grade NAT, and such addresses in
IPv6 clothing. Also what a redirect leads to is checked.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from eventflow.errors import PermanentError, TemporaryError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = tuple(ipaddress.ip_address(text) for text in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254"))


class Forbidden(PermanentError):
    """A destination that the settings do not allow."""


@dataclass(frozen=True)
class Outbound:
    """What may be called. `allow` holds host names (`*` matches), addresses and networks that may be called anyway.

    `private` opens everything but the metadata services, which must be named in `allow`.
    """

    private: bool = False
    allow: tuple[str, ...] = ()
    _networks: tuple[Network, ...] = field(init=False, repr=False, compare=False, default=())
    _hosts: tuple[str, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        networks, hosts = [], []
        for text in self.allow:
            try:
                networks.append(ipaddress.ip_network(text, strict=False))
            except ValueError:
                hosts.append(text.lower())
        object.__setattr__(self, "_networks", tuple(networks))
        object.__setattr__(self, "_hosts", tuple(hosts))

    def also(self, hosts: Iterable[str]) -> "Outbound":
        """The same guard with further hosts allowed: those that the operator's own settings name."""
        return Outbound(self.private, (*self.allow, *(host for host in hosts if host)))

    def permits_host(self, host: str) -> bool:
        """Whether a name is allowed whatever its addresses are."""
        return any(fnmatchcase(host.lower().rstrip("."), pattern) for pattern in self._hosts)

    def permits(self, text: str) -> bool:
        """Whether an address may be called."""
        address = _plain(ipaddress.ip_address(text.partition("%")[0]))
        if any(address.version == network.version and address in network for network in self._networks):
            return True
        if address in _METADATA:
            return False
        return self.private or (address.is_global and not address.is_multicast)

    def check(self, url: URL) -> None:
        """Refuse a URL that is not http or https, or whose host is an address that may not be called.

        Names are checked by `resolver` when they are resolved. Raises Forbidden.
        """
        if url.scheme not in ("http", "https") or not url.host:
            raise Forbidden(f"'{_shown(url)}' is not an http or https URL")
        if _is_address(url.host) and not self.permits_host(url.host) and not self.permits(url.host):
            raise refusal(url.host)

    def resolver(self) -> AbstractResolver:
        """A resolver for aiohttp's connector that yields only addresses that may be called."""
        return _Resolver(self)

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be called, for clients that can be told them. Raises as a connection would.

        A host allowed by name gives none: the client may resolve it by itself.
        """
        if self.permits_host(host):
            return []
        if _is_address(host):
            if not self.permits(host):
                raise refusal(host)
            return [host]
        return [found["host"] for found in await self.resolver().resolve(host, port)]


class _Resolver(AbstractResolver):
    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG)
        results = [_result(host, kind, address) for kind, _, _, _, address in found]
        if self._outbound.permits_host(host):
            return results
        allowed = [result for result in results if self._outbound.permits(result["host"])]
        if results and not allowed:
            raise refusal(host)
        return allowed

    async def close(self) -> None: ...


def _result(host: str, family: int, address: tuple[object, ...]) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=str(address[0]),
        port=int(str(address[1])),
        family=family,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _plain(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that stands for it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def refusal(host: str) -> Forbidden:
    """The error for a host whose addresses may not be called."""
    return Forbidden(f"'{host}' has no address that may be called: allow it by outbound.allow in the settings")


def _shown(url: URL) -> str:
    return str(url.with_user(None)) if url.host else url.scheme


def open_session(outbound: Outbound, *, timeout: float = 60.0) -> aiohttp.ClientSession:
    """A session whose every connection passes the guard. `timeout`: seconds to connect, and between two reads.

    The session follows no redirect by itself if asked with `allow_redirects=False`, as `artifacts.http` does to
    check each step; proxies of the environment are not used, as they would resolve names on their own.
    """
    connector = aiohttp.TCPConnector(resolver=outbound.resolver(), ttl_dns_cache=10, limit=64)
    limits = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
    return aiohttp.ClientSession(connector=connector, timeout=limits, cookie_jar=aiohttp.DummyCookieJar())


def translated(error: Exception, what: str) -> Exception:
    """What a failed request means: a TemporaryError for everything the network did, else the error itself."""
    if isinstance(
        error, aiohttp.InvalidURL | aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError
    ):
        return PermanentError(f"{what}: {error}")
    if isinstance(error, aiohttp.ClientError | TimeoutError | OSError):
        return TemporaryError(f"{what}: {type(error).__name__} {error}".rstrip())
    return error
