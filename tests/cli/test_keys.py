from __future__ import annotations

import pytest

from findalike.server.keys import KeyStore
from findalike.shop import Shop


@pytest.fixture
def shop(tmp_path, tiny_encoder):
    Shop.create(tmp_path / "shop", encoder=tiny_encoder)
    return tmp_path / "shop"


def test_a_key_is_made_listed_and_revoked(findalike, shop):
    made = findalike(
        "keys", "create", "--shop", shop, "--role", "admin", "--note", "[me]", "--json"
    )
    assert made.code == 0
    text, key_id = made.json["key"], made.json["id"]
    assert KeyStore(shop).check(text).role == "admin"

    listed = findalike("keys", "list", "--shop", shop, "--json")
    assert [key["id"] for key in listed.json["keys"]] == [key_id]
    assert text[-64:] not in listed.out
    table = findalike("keys", "list", "--shop", shop)
    assert "[me]" in table.out
    assert "never" in table.out

    assert findalike("keys", "revoke", key_id, "--shop", shop).code == 0
    assert KeyStore(shop).check(text) is None
    assert "keys create" in findalike("keys", "list", "--shop", shop).out


def test_only_the_key_goes_to_standard_output(findalike, shop):
    made = findalike("keys", "create", "--shop", shop)
    assert KeyStore(shop).check(made.out.strip()).role == "search"
    assert "not shown again" in made.err


def test_expiry_and_origins(findalike, shop):
    arguments = ["--expires", "90", "--origin", "https://a.example", "--origin", "http://b.example"]
    findalike("keys", "create", "--shop", shop, *arguments)
    key = KeyStore(shop).keys()[0]
    assert (key.expires_at - key.created_at).days in (89, 90)
    assert key.origins == ("https://a.example", "http://b.example")
    dated = findalike("keys", "create", "--shop", shop, "--expires", "2999-01-31", "--json")
    assert dated.json["expires_at"].startswith("2999-01-31")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--role", "root"], "search, catalogue, admin"),
        (["--expires", "soon"], "2027-01-31"),
        (["--expires", "2020-01-01"], "moment to come"),
        (["--expires", "9" * 30], "number of days"),
        (["--origin", "a.example/x"], "web origin"),
    ],
)
def test_mistakes_are_explained(findalike, shop, arguments, message):
    outcome = findalike("keys", "create", "--shop", shop, *arguments)
    assert outcome.code == 2
    assert message in outcome.err
    assert not KeyStore(shop)


def test_keys_need_a_shop(findalike, tmp_path):
    assert findalike("keys", "create", "--shop", tmp_path).code == 2
    assert list(tmp_path.iterdir()) == []
