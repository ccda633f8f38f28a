from __future__ import annotations

import pytest

from findalike.errors import SettingError
from findalike.server.client_address import (
    NOBODY,
    address_group,
    client_address,
    networks,
    within,
)


def scope(client, *forwarded):
    headers = [(b"x-forwarded-for", text.encode()) for text in forwarded]
    return {"type": "http", "client": client, "headers": headers}


PROXIES = networks(["10.0.0.0/8", "::1"], name="trusted_proxies")


@pytest.mark.parametrize(
    ("client", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        # Not from a proxy of ours: whatever it says of itself is not believed.
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::1", ["2001:db8::5"], "2001:db8::5"),
        # The client made up the first; the proxy added the last.
        ("10.0.0.1", ["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", ["[2001:db8::5]:4711"], "2001:db8::5"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [", ".join(["10.0.0.3"] * 10_000)], "10.0.0.3"),
    ],
)
def test_only_trusted_proxies_say_who_the_client_is(client, forwarded, expected):
    assert client_address(scope((client, 1), *forwarded), PROXIES) == expected


def test_without_trusted_proxies_the_peer_is_the_client():
    assert client_address(scope(("10.0.0.1", 1), "198.51.100.1")) == "10.0.0.1"
    assert client_address(scope(None, "198.51.100.1")) == NOBODY
    assert client_address(scope(("testclient", 1))) == NOBODY


def test_an_ipv6_client_is_its_whole_network():
    assert address_group("2001:db8:1:2:3:4:5:6") == address_group("2001:db8:1:2::9")
    assert address_group("2001:db8:1:2::9") != address_group("2001:db8:1:3::9")
    assert address_group("198.51.100.1") == "198.51.100.1"
    assert address_group(NOBODY) == NOBODY


def test_networks_are_checked():
    with pytest.raises(SettingError, match=r"trusted_proxies: .*10\.1\.0\.0/16"):
        networks(["proxy.internal"], name="trusted_proxies")
    assert within("::ffff:10.1.2.3", PROXIES)
    assert not within(NOBODY, PROXIES)
