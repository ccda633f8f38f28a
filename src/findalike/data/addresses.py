"""Which network addresses a URL from a catalogue may lead to: public ones."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
# Networks that Python counts as public, although packets to them end up somewhere else: tunnels
# (6to4 and its relays, Teredo), translation within one's own network, and retired kinds.
_NOT_PUBLIC: tuple[Network, ...] = (
    IPv4Network("192.88.99.0/24"),
    IPv6Network("::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("100::/64"),
    IPv6Network("2001::/23"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
    IPv6Network("fec0::/10"),
)


def is_allowed(text: str, extra: Sequence[Network] = ()) -> bool:
    """Whether connecting to an address is allowed: a public one, or one of the ``extra`` networks.

    IPv4 addresses written as IPv6 ones, as such (``::ffff:0:0/96``) or by the prefix of NAT64, on
    which networks without IPv4 rely, are judged as the IPv4 address they lead to.

    >>> is_allowed("93.184.216.34"), is_allowed("10.0.0.1"), is_allowed("64:ff9b::7f00:1")
    (True, False, False)
    """
    try:
        address = _embedded(ip_address(text))
    except ValueError:
        return False
    if any(address in network for network in extra):
        return True
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def _embedded(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
