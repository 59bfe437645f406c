"""IP addresses and networks, as Kubernetes' CEL library knows them (k8s.io/apiserver/pkg/cel/library/ip.go, cidr.go).

Zones (fe80::1%eth0) and IPv4 addresses dressed as IPv6 with a dotted tail are refused, as there.
"""

import ipaddress

from eventflow.expressions.cel.errors import Failure

_LONGEST_TEXT = 64
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _address(text: str) -> Address:
    if len(text) > _LONGEST_TEXT or "%" in text or (":" in text and "." in text):
        raise ValueError("not an address")
    return ipaddress.ip_address(text)


class Ip:
    """An address. One mapped into IPv6 (::ffff:c0a8:1) equals the IPv4 address it stands for."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        self.address = address

    @classmethod
    def parse(cls, text: str) -> "Ip":
        """Raises Failure."""
        try:
            return cls(_address(text))
        except ValueError:
            raise Failure("not an IP address") from None

    @property
    def plain(self) -> Address:
        mapped = self.address.ipv4_mapped if isinstance(self.address, ipaddress.IPv6Address) else None
        return mapped or self.address

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ip) and other.plain == self.plain

    def __hash__(self) -> int:
        return hash(self.plain)

    def __str__(self) -> str:
        return str(self.address)


class Cidr:
    """A network with the address it was written with: 192.168.0.1/24 keeps its host part."""

    __slots__ = ("interface",)

    def __init__(self, interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> None:
        self.interface = interface

    @classmethod
    def parse(cls, text: str) -> "Cidr":
        """Raises Failure."""
        address, slash, length = text.partition("/")
        try:
            if not slash or not length.isascii() or not length.isdigit() or len(length) > 3:
                raise ValueError("no prefix length")
            return cls(ipaddress.ip_interface((_address(address), int(length))))
        except ValueError:
            raise Failure("not a network in CIDR notation") from None

    def contains(self, inner: "Ip | Cidr") -> bool:
        network = self.interface.network
        if isinstance(inner, Ip):
            return inner.address in network
        other = inner.interface.network
        if isinstance(network, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
            return other.subnet_of(network)
        if isinstance(network, ipaddress.IPv6Network) and isinstance(other, ipaddress.IPv6Network):
            return other.subnet_of(network)
        return False

    def masked(self) -> "Cidr":
        network = self.interface.network
        return Cidr(ipaddress.ip_interface((network.network_address, network.prefixlen)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cidr) and other.interface == self.interface

    def __hash__(self) -> int:
        return hash(self.interface)

    def __str__(self) -> str:
        return str(self.interface)
