"""Waits until a daemon's containers are ready, as their readinessProbe says (httpGet, tcpSocket, exec)."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Probe = Mapping[str, Any]
Execute = Callable[[], Awaitable[bool]]

_PERIOD = 1.0


async def until_ready(probe: Probe, container: Mapping[str, Any], execute: Execute) -> None:
    """Return once the probe succeeds as often in a row as it wants (`successThreshold`).

    Asks at least once a second, however long `periodSeconds` is: a workflow waits for the answer.
    """
    await asyncio.sleep(float(probe.get("initialDelaySeconds") or 0))
    left = wanted = int(probe.get("successThreshold") or 1)
    while True:
        left = left - 1 if await _succeeds(probe, container, execute) else wanted
        if left <= 0:
            return
        await asyncio.sleep(min(_PERIOD, float(probe.get("periodSeconds") or 10)))


async def _succeeds(probe: Probe, container: Mapping[str, Any], execute: Execute) -> bool:
    try:
        async with asyncio.timeout(float(probe.get("timeoutSeconds") or 1)):
            if probe.get("httpGet"):
                return await _http(probe["httpGet"], container)
            if probe.get("tcpSocket"):
                return await _tcp(probe["tcpSocket"], container)
            if probe.get("exec"):
                return await execute()
    except (OSError, TimeoutError, ValueError):
        return False
    return True


async def _tcp(check: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
    _, writer = await asyncio.open_connection(check.get("host") or "127.0.0.1", _port(check["port"], container))
    await _close(writer)
    return True


async def _http(check: Mapping[str, Any], container: Mapping[str, Any]) -> bool:
    host = check.get("host") or "127.0.0.1"
    port = _port(check["port"], container)
    context = _unverified() if str(check.get("scheme") or "HTTP").upper() == "HTTPS" else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        headers = {"Host": f"{host}:{port}", "User-Agent": "eventflow", "Connection": "close"}
        headers |= {one["name"]: one["value"] for one in check.get("httpHeaders") or ()}
        lines = [f"GET {check.get('path') or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        status = (await reader.readline()).split()
    finally:
        await _close(writer)
    return len(status) > 1 and 200 <= int(status[1]) < 400


def _port(port: int | str, container: Mapping[str, Any]) -> int:
    """Return a port's number; a name is one of the container's `ports`. Raises ValueError."""
    named = {one.get("name"): one["containerPort"] for one in container.get("ports") or ()}
    return int(named.get(port, port))


def _unverified() -> ssl.SSLContext:
    """A probe does not check certificates (Kubernetes' rule for HTTPS probes)."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
