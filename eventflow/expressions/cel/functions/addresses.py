"""IP addresses, networks and versions. Source: Kubernetes' CEL library (ip.go, cidr.go, semver.go)."""

from typing import Any

from eventflow.expressions.cel.errors import Failure
from eventflow.expressions.cel.functions.registry import Function, define
from eventflow.expressions.cel.network import Cidr, Ip
from eventflow.expressions.cel.semver import Semver


def _parses(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except Failure:
        return False
    return True


def _is_global_unicast(ip: Ip) -> bool:
    # As Go's net/netip: everything that is not special, private networks included.
    address = ip.address
    special = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not special and str(address) != "255.255.255.255"


def _is_link_local_multicast(ip: Ip) -> bool:
    return ip.address.packed[:3] == b"\xe0\x00\x00" or (
        ip.address.version == 6 and ip.address.packed[1] & 15 == 2 and ip.address.packed[0] == 255
    )


def _contains_ip(cidr: Cidr, ip: Any) -> bool:
    return cidr.contains(Ip.parse(ip) if ip.__class__ is str else ip)


def _contains_cidr(cidr: Cidr, inner: Any) -> bool:
    return cidr.contains(Cidr.parse(inner) if inner.__class__ is str else inner)


def _compare(a: Semver, b: Semver) -> int:
    return (a > b) - (a < b)


FUNCTIONS: tuple[Function, ...] = (
    define("isIP", lambda text: _parses(Ip.parse, text), "string", "bool", form="free"),
    define("ip.isCanonical", lambda text: str(Ip.parse(text)) == text, "string", "bool", form="free"),
    define("family", lambda ip: ip.address.version, "ip", "int"),
    define("isUnspecified", lambda ip: ip.address.is_unspecified, "ip", "bool"),
    define("isLoopback", lambda ip: ip.address.is_loopback, "ip", "bool"),
    define("isGlobalUnicast", _is_global_unicast, "ip", "bool"),
    define("isLinkLocalUnicast", lambda ip: ip.address.is_link_local, "ip", "bool"),
    define("isLinkLocalMulticast", _is_link_local_multicast, "ip", "bool"),
    define("isCIDR", lambda text: _parses(Cidr.parse, text), "string", "bool", form="free"),
    define("containsIP", _contains_ip, "cidr, ip|string", "bool"),
    define("containsCIDR", _contains_cidr, "cidr, cidr|string", "bool"),
    define("prefixLength", lambda cidr: cidr.interface.network.prefixlen, "cidr", "int"),
    define("masked", lambda cidr: cidr.masked(), "cidr", "cidr"),
    define("isSemver", lambda text: _parses(Semver, text), "string", "bool", form="free"),
    define("compareTo", _compare, "semver, semver", "int"),
    define("isLessThan", lambda a, b: a < b, "semver, semver", "bool"),
    define("isGreaterThan", lambda a, b: a > b, "semver, semver", "bool"),
    define("major", lambda version: version.key[0][0], "semver", "int"),
    define("minor", lambda version: version.key[0][1], "semver", "int"),
    define("patch", lambda version: version.key[0][2], "semver", "int"),
)
