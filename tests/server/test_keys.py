from __future__ import annotations

import json
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest

from findalike.errors import SettingError, StorageError
from findalike.server.keys import KEYS_NAME, KeyStore


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path)


def test_a_key_is_found_by_its_text(store):
    key, text = store.create("catalogue", note="nightly import")
    assert store.check(text) == key
    assert key.role == "catalogue"
    assert key.note == "nightly import"
    assert store.keys() == [key]
    assert store


@pytest.mark.parametrize("change", ["", "x", "fa_", "fa__", "secret", "id", "upper", "\ud800", "é"])
def test_no_other_text_is_a_key(store, change):
    key, text = store.create("admin")
    wrong = {
        "secret": text[:-1] + ("0" if text[-1] != "0" else "1"),
        "id": f"fa_{'0' * 12}_{text[-64:]}",
        "upper": text.upper(),
    }.get(change, change)
    assert store.check(wrong) is None
    assert store.check(text + "\n") is None
    assert store.check(text) == key


def test_the_file_holds_no_secret_and_is_for_its_owner_only(store, tmp_path):
    _, text = store.create("admin")
    file = tmp_path / KEYS_NAME
    assert text[-64:] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    store.create("search")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [".keys.lock", KEYS_NAME]


def test_what_another_process_changes_is_seen_at_once(store, tmp_path):
    other = KeyStore(tmp_path)
    assert not store
    key, text = other.create("search")
    assert store.check(text) == key
    other.revoke(key.key_id)
    assert store.check(text) is None
    assert not store


def test_a_key_is_revoked_by_the_beginning_of_its_id(store):
    key, _ = store.create("search")
    other, text = store.create("admin")
    length = next(n for n in range(1, 13) if key.key_id[:n] != other.key_id[:n])
    assert store.revoke(key.key_id[:length]) == key
    assert store.check(text) == other
    with pytest.raises(SettingError, match="no key with the id"):
        store.revoke(key.key_id)


@pytest.mark.parametrize("key_id", ["", "x" * 12])
def test_nothing_is_revoked_without_an_id(store, key_id):
    store.create("search")
    with pytest.raises(SettingError, match="findalike keys list"):
        store.revoke(key_id)
    assert len(store.keys()) == 1


def test_an_expired_key_is_refused(store):
    soon = datetime.now(UTC) + timedelta(days=1)
    key, text = store.create("search", expires_at=soon)
    assert not key.expired()
    assert key.expired(soon)
    assert store.check(text) == key
    entries = json.loads((store._path).read_text())
    entries["keys"][0]["expires_at"] = (soon - timedelta(days=2)).isoformat()
    store._path.write_text(json.dumps(entries))
    assert store.check(text) is None
    assert store.keys()[0].expired()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"role": "root"}, "search, catalogue, admin"),
        ({"role": "search", "note": "two\nlines"}, "one line"),
        ({"role": "search", "note": "x" * 201}, "200"),
        ({"role": "search", "expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "moment to come"),
        ({"role": "search", "origins": ["shop.example"]}, "https://shop.example"),
        ({"role": "search", "origins": ["https://shop.example/search"]}, "without a path"),
        ({"role": "search", "origins": ["*"]}, "not a web origin"),
    ],
)
def test_what_cannot_be_used_is_refused(store, arguments, message):
    with pytest.raises(SettingError, match=message):
        store.create(arguments.pop("role"), **arguments)
    assert not store


def test_origins_are_kept_as_browsers_send_them(store):
    key, _ = store.create("search", origins=["HTTPS://Shop.Example:443/", "http://[::1]:8000"])
    assert key.origins == ("https://shop.example", "http://[::1]:8000")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"keys": [{}]}', '{"keys": 7}', "\udcff"])
def test_a_damaged_file_lets_nobody_in(store, tmp_path, text):
    _, key = store.create("admin")
    (tmp_path / KEYS_NAME).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StorageError, match="damaged"):
        store.check(key)
    with pytest.raises(StorageError, match="damaged"):
        store.create("admin")


def test_keys_made_at_the_same_time_are_all_kept(tmp_path):
    made: list[str] = []

    def make() -> None:
        store = KeyStore(tmp_path)
        made.extend(store.create("search")[1] for _ in range(5))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = KeyStore(tmp_path)
    assert len(store.keys()) == len(made) == 40
    assert all(store.check(text) for text in made)


def test_a_failed_write_keeps_the_old_keys(store, tmp_path, monkeypatch):
    _, text = store.create("search")

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        store.create("search")
    assert store.check(text)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".keys.lock", KEYS_NAME]
