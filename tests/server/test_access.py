from __future__ import annotations

import pytest

from findalike.errors import SettingError
from findalike.server.access import require
from findalike.server.keys import KEYS_NAME, KeyStore
from findalike.server.protection import check_protection
from findalike.server.settings import ServerSettings
from server.guarded_app import bearer, guarded

ROUTES = {
    "search": ("POST", "/v1/search"),
    "catalogue": ("POST", "/v1/imports"),
    "admin": ("POST", "/v1/shop:rollback"),
}
ROLES = list(ROUTES)


def ask(client, role, headers=None):
    method, path = ROUTES[role]
    return client.request(method, path, headers=headers or {}, json={})


@pytest.fixture
def keys(tmp_path):
    store = KeyStore(tmp_path)
    return {role: store.create(role)[1] for role in ROLES}


@pytest.mark.parametrize("held", ROLES)
@pytest.mark.parametrize("needed", ROLES)
def test_each_role_may_do_what_those_before_it_may(tmp_path, keys, held, needed):
    answer = ask(guarded(tmp_path), needed, bearer(keys[held]))
    if ROLES.index(held) >= ROLES.index(needed):
        assert answer.status_code == 200
        assert answer.json()["caller"] == keys[held][3:15]
    else:
        assert answer.status_code == 403
        problem = answer.json()
        assert problem["type"].endswith("role-too-low")
        assert needed in problem["detail"]


@pytest.mark.parametrize("role", ROLES)
def test_without_a_key_nothing_goes(tmp_path, keys, role):
    answer = ask(guarded(tmp_path), role)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert "findalike keys create" in problem["next_step"]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_open_search_opens_search_alone(tmp_path, keys):
    client = guarded(tmp_path, open_search=True)
    assert ask(client, "search").json()["caller"] == "anonymous"
    assert ask(client, "catalogue").status_code == 401
    assert ask(client, "admin").status_code == 401
    # A key that is given is checked all the same.
    assert ask(client, "search", bearer("fa_wrong")).status_code == 401
    assert ask(client, "search", bearer(keys["search"])).json()["caller"] != "anonymous"


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Token x", "Bearer a b c", "Bearer \xff\xfe"],
)
def test_headers_that_hold_no_key(tmp_path, keys, header):
    headers = {"Authorization": header.encode("latin-1")}
    answer = ask(guarded(tmp_path, open_search=True), "search", headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/", "/v1/images/7"])
def test_a_password_of_a_proxy_is_no_key(tmp_path, keys, path):
    client = guarded(tmp_path, open_search=True)
    basic = {"Authorization": "Basic dXNlcjpwYXNz"}
    assert client.get(path, headers=basic).status_code == 200
    assert ask(client, "search", basic).json()["caller"] == "anonymous"
    assert ask(client, "admin", basic).status_code == 401
    both = [("Authorization", "Basic dXNlcjpwYXNz"), *bearer(keys["search"]).items()]
    assert client.post("/v1/search", headers=both, json={}).json()["caller"] != "anonymous"


@pytest.mark.parametrize("text", ["fa_wrong", "fa_" + "0" * 12 + "_" + "0" * 64])
def test_a_wrong_key_matters_only_where_one_is_asked_for(tmp_path, keys, text):
    client = guarded(tmp_path)
    assert client.get("/", headers=bearer(text)).status_code == 200
    assert ask(client, "search", bearer(text)).status_code == 401


def test_guesses_at_the_key_of_a_page_lock_nobody_out_who_holds_it(tmp_path):
    key, text = KeyStore(tmp_path).create("search", origins=["https://shop.example"])
    client, page = guarded(tmp_path), {"Origin": "https://shop.example"}
    assert ask(client, "search", bearer(text) | page).status_code == 200
    wrong = bearer(f"fa_{key.key_id}_" + "0" * 64)
    assert {ask(client, "search", wrong).status_code for _ in range(15)} == {401}
    assert ask(client, "search", bearer(text) | page).status_code == 200


def test_two_keys_are_none(tmp_path, keys):
    both = [("Authorization", f"Bearer {keys[role]}") for role in ("admin", "search")]
    assert guarded(tmp_path).post("/v1/search", headers=both, json={}).status_code == 401


def test_the_scheme_is_written_as_one_likes(tmp_path, keys):
    headers = {"authorization": f"bearer  {keys['search']} "}
    assert ask(guarded(tmp_path), "search", headers).status_code == 200


def test_a_running_service_knows_new_and_revoked_keys_at_once(tmp_path):
    client = guarded(tmp_path)
    key, text = KeyStore(tmp_path).create("search")
    assert ask(client, "search", bearer(text)).status_code == 200
    KeyStore(tmp_path).revoke(key.key_id)
    assert ask(client, "search", bearer(text)).status_code == 401


def test_a_damaged_key_file_lets_nobody_in_and_names_no_folder(tmp_path, keys):
    client = guarded(tmp_path)
    (tmp_path / KEYS_NAME).write_text("{")
    answer = ask(client, "search", bearer(keys["admin"]))
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text


def test_a_key_for_pages_is_good_for_those_alone(tmp_path):
    _, text = KeyStore(tmp_path).create("search", origins=["https://shop.example"])
    client = guarded(tmp_path)
    for headers, status in (
        ({"Origin": "https://shop.example"}, 200),
        ({"Referer": "https://shop.example/a/page?x=1"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://shop.example.evil.example"}, 403),
        ({"Origin": "http://shop.example"}, 403),
        ({"Origin": "null", "Referer": "https://shop.example/"}, 403),
        ({"Referer": "https://evil.example/?https://shop.example/"}, 403),
        ({}, 403),
    ):
        assert ask(client, "search", bearer(text) | headers).status_code == status, headers


def test_guessing_is_slowed(tmp_path, keys):
    client = guarded(tmp_path)
    wrong = "fa_" + "0" * 12 + "_" + "0" * 64
    statuses = [ask(client, "search", bearer(wrong)).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    waiting = ask(client, "search", bearer(keys["search"]))
    assert waiting.status_code == 429
    assert 1 <= int(waiting.headers["retry-after"]) <= 10
    # Without a key there is nothing to guess.
    assert ask(client, "search").status_code == 401


def test_guessing_from_one_address_is_not_held_against_another(tmp_path, keys):
    client = guarded(tmp_path, trusted_proxies=("203.0.113.0/24",))
    wrong = bearer("fa_" + "0" * 12 + "_" + "0" * 64)
    for _ in range(12):
        ask(client, "search", wrong | {"X-Forwarded-For": "198.51.100.1"})
    good = bearer(keys["search"])
    assert ask(client, "search", good | {"X-Forwarded-For": "198.51.100.2"}).status_code == 200
    assert ask(client, "search", good | {"X-Forwarded-For": "198.51.100.1"}).status_code == 429


def test_who_may_not_send_a_body_has_none_read(tmp_path, keys):
    """FastAPI reads bodies before it asks dependencies; the role is asked for before that."""
    client = guarded(tmp_path)
    headers = bearer(keys["search"]) | {"Content-Type": "application/json"}
    answer = client.put("/v1/products/7", content=b"{" * 1000, headers=headers)
    assert answer.status_code == 403
    assert answer.headers["connection"] == "close"
    headers = bearer(keys["catalogue"]) | {"Content-Type": "application/json"}
    assert client.put("/v1/products/7", content=b"{" * 1000, headers=headers).status_code == 400


def test_a_service_that_nobody_could_use_does_not_start(tmp_path):
    with pytest.raises(SettingError, match=r"keys create.*--open-search"):
        check_protection(ServerSettings(shop=tmp_path))
    check_protection(ServerSettings(shop=tmp_path, open_search=True))
    KeyStore(tmp_path).create("search")
    check_protection(ServerSettings(shop=tmp_path))


@pytest.mark.parametrize(
    "setting",
    [
        {"cors": ("shop.example",)},
        {"frame_ancestors": ("https://a.example; script-src *",)},
        {"trusted_proxies": ("proxy",)},
        {"metrics_networks": ("10.0.0.0/99",)},
        {"trace_endpoint": "localhost"},
        {"queue": 15},
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path, setting):
    with pytest.raises(SettingError, match=next(iter(setting)).replace("_", "[_-]")):
        check_protection(ServerSettings(shop=tmp_path, open_search=True, **setting))


def test_require_knows_the_roles_alone():
    with pytest.raises(ValueError, match="root"):
        require("root")
