"""The guard against server-side request forgery (reliability.md, attack 26)."""

import asyncio
import socket
from typing import Any

import pytest
from yarl import URL

from eventflow.artifacts.outbound import Forbidden, Outbound

PUBLIC = ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
INNER = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


def test_public_addresses_pass_and_all_others_do_not() -> None:
    guard = Outbound()
    assert all(guard.permits(address) for address in PUBLIC)
    assert [address for address in INNER if guard.permits(address)] == []


def test_private_opens_all_but_the_metadata_services() -> None:
    guard = Outbound(private=True)
    shut = [address for address in INNER if not guard.permits(address)]
    assert shut == ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"]
    assert Outbound(private=True, allow=("169.254.169.254",)).permits("::ffff:169.254.169.254")


def test_networks_and_hosts_can_be_allowed() -> None:
    guard = Outbound(allow=("10.0.0.0/8", "minio", "*.svc.cluster.local"))
    assert guard.permits("10.9.9.9")
    assert not guard.permits("192.168.0.1")
    assert guard.permits_host("MinIO")
    assert guard.permits_host("a.b.svc.cluster.local.")
    assert not guard.permits_host("minio.evil.example")
    assert guard.also(["other", ""]).permits_host("other")


@pytest.mark.parametrize("host", ["//127.0.0.1/", "//[::ffff:127.0.0.1]/", "//[::1]:80/", "///etc/passwd"])
def test_urls_with_such_addresses_are_refused(host: str) -> None:
    for scheme in ("http", "https", "file", "gopher"):
        with pytest.raises(Forbidden):
            Outbound().check(URL(f"{scheme}:{host}"))


async def _resolve(monkeypatch: pytest.MonkeyPatch, guard: Outbound, host: str, *answers: str) -> list[Any]:
    async def getaddrinfo(*arguments: object, **options: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, 80)) for answer in answers]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    return [found["host"] for found in await guard.resolver().resolve(host, 80)]


async def test_a_name_yields_only_addresses_that_may_be_called(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await _resolve(monkeypatch, Outbound(), "mixed", "127.0.0.1", "93.184.216.34") == ["93.184.216.34"]
    with pytest.raises(Forbidden, match="'rebound' has no address that may be called"):
        await _resolve(monkeypatch, Outbound(), "rebound", "169.254.169.254", "10.0.0.1")
    assert await _resolve(monkeypatch, Outbound(allow=("minio",)), "minio", "10.0.0.1") == ["10.0.0.1"]


async def test_an_address_written_as_a_number_is_resolved_and_refused() -> None:
    with pytest.raises(Forbidden):
        await Outbound().addresses("2130706433", 80)
    with pytest.raises(Forbidden):
        await Outbound().addresses("localhost", 80)
