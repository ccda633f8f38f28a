"""Whose request it is: the address of the client, also behind proxies that are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from starlette.types import Scope

from findalike.errors import SettingError

Network: TypeAlias = IPv4Network | IPv6Network

NOBODY = "unknown"
"""The address of a client that has none, as behind a Unix socket."""

MOST_HOPS = 20


def networks(texts: Sequence[str], *, name: str) -> tuple[Network, ...]:
    """Networks as settings write them, such as ``10.1.0.0/16`` or ``::1``.

    Raises:
        SettingError: if a text is none; ``name`` is what it calls the setting.
    """
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise SettingError(f"{name}: {error}: write it like 10.1.0.0/16 or 127.0.0.1") from error


def client_address(scope: Scope, trusted: Sequence[Network] = ()) -> str:
    """The address of the client.

    ``X-Forwarded-For`` is read from its end, the part that the nearest proxy wrote, and only as
    far as each hop is a trusted proxy: what stands before that is whatever a client made up.

    Args:
        scope: of the request.
        trusted: the networks of the shop's own proxies.
    """
    client = scope.get("client")
    address = _plain(client[0]) if client else None
    if address is None:
        return NOBODY
    if not trusted or not _within(address, trusted):
        return address
    hops: list[str] = []
    for name, value in scope["headers"]:
        if name == b"x-forwarded-for":
            hops += value.decode("latin-1").split(",")
    for hop in reversed(hops[-MOST_HOPS:]):
        forwarded = _plain(hop.strip())
        if forwarded is None:
            break
        address = forwarded
        if not _within(address, trusted):
            break
    return address


def address_group(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one, which one has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((int(parsed) >> 64 << 64, 64)))
    return address


def payer(address: str, *, key_id: str | None, shared_key: bool) -> str | None:
    """Whose share it is that a request takes something of.

    Args:
        address: of the client.
        key_id: of its key, None without one.
        shared_key: whether the key is one that pages hold, which everybody can read there.

    Returns:
        The name of the key or the address; None for `NOBODY`.
    """
    if key_id is not None and not shared_key:
        return f"key {key_id}"
    return None if address == NOBODY else address_group(address)


def within(address: str, allowed: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks; `NOBODY` is in none."""
    plain = _plain(address)
    return plain is not None and _within(plain, allowed)


def _within(address: str, allowed: Sequence[Network]) -> bool:
    parsed = ip_address(address)
    return any(parsed in network for network in allowed)


def _plain(text: str) -> str | None:
    """The address without port or brackets, an IPv4 one as such; None where it is no address."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
