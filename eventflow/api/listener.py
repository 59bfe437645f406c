"""The listening socket, with the bounds that hold before a request is one.

A connection on which no whole head of a request arrives within the header timeout is closed, at its beginning and
between requests; heads are at most 8 KiB a line; bodies are not decompressed.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from eventflow.errors import UserError

LONGEST_LINE = 8190


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; `port` is the one it got."""

    host: str
    port: int
    tls: bool

    @property
    def url(self) -> str:
        """The address as a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    header_timeout: float = 10.0,
    shutdown_timeout: float = 20.0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Address]:
    """Serve an application while the block runs; port 0 takes a free one. Raises UserError when the port is taken."""
    runner = web.AppRunner(
        app,
        keepalive_timeout=header_timeout,
        max_line_size=LONGEST_LINE,
        max_field_size=LONGEST_LINE,
        lingering_time=0.5,
        auto_decompress=False,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=shutdown_timeout,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls, backlog=1024)
        try:
            await site.start()
        except OSError as error:
            raise UserError(
                f"cannot listen on {host}:{port}: {error.strerror or error}", hint="choose another server.port"
            ) from error
        yield Address(host, runner.addresses[0][1], tls is not None)
    finally:
        await runner.cleanup()
