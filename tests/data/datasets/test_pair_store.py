"""The state of a collection of pairs."""

from __future__ import annotations

import pytest

from findalike.data.datasets.pair_store import PairStore
from findalike.errors import SettingError, StorageError


@pytest.fixture
def store(tmp_path):
    with PairStore(tmp_path / "state.sqlite") as store:
        with store.reading():
            for label in ("p2", "p1", "only_user"):
                store.add(label, "user", [f"{label}/u1", f"{label}/u2", f"{label}/u1"], most=5)
            for label in ("p1", "p2", "only_seller"):
                store.add(label, "seller", [f"{label}/s1"], most=5)
        yield store


def test_products_with_both_kinds_in_the_order_of_their_reviews(store):
    assert store.choose(None) == 2
    assert store.counts() == {"new": 6, "done": 0, "failed": 0, "later": 0}
    assert [url for _, url in store.pending()] == ["p2/u1", "p2/u2", "p1/u1", "p1/u2", "p1/s1",
                                                   "p2/s1"]  # fmt: skip
    listed = [(label, [p.url for p in pictures]) for label, pictures in store.products()]
    assert listed == [("p2", ["p2/s1", "p2/u1", "p2/u2"]), ("p1", ["p1/s1", "p1/u1", "p1/u2"])]
    assert store.choose(1) == 1
    assert [url for _, url in store.pending()] == ["p2/u1", "p2/u2", "p2/s1"]


def test_states_survive_and_only_what_may_pass_stays_pending(store, tmp_path):
    store.choose(None)
    numbers = {url: number for number, url in store.pending()}
    store.done(numbers["p1/u1"], "aa", "images/aa.jpg")
    store.done(numbers["p1/u2"], "bb", "images/bb.jpg")
    store.done(numbers["p2/u1"], "bb", "images/bb.jpg")
    store.failed(numbers["p1/s1"], "404", final=True)
    store.failed(numbers["p2/s1"], "503", final=False)
    store.commit()
    with PairStore(tmp_path / "state.sqlite") as again:
        again.choose(None)
        assert again.counts() == {"new": 1, "done": 3, "failed": 1, "later": 1}
        assert [url for _, url in again.pending()] == ["p2/u2", "p2/s1"]
        assert list(again.contents()) == [[("aa", "images/aa.jpg"), ("bb", "images/bb.jpg")]]
        pictures = {p.url: p for _, listed in again.products() for p in listed}
    assert [url for url, picture in pictures.items() if picture.shared] == ["p2/u1", "p1/u2"]
    assert pictures["p1/s1"].reason == "404"


def test_a_failed_reading_leaves_what_was_there(store):
    def lines():
        yield ["p9/u1"]
        raise ValueError("cut off")

    def read():
        with store.reading():
            for urls in lines():
                store.add("p9", "user", urls, most=5)

    with pytest.raises(ValueError, match="cut off"):
        read()
    assert not store.has("p9")
    assert store.has("p1")
    assert store.choose(None) == 2


def test_most_pictures_of_a_kind(store):
    with store.reading():
        store.add("p", "user", [f"u{n}" for n in range(5)], most=3)
        store.add("p", "user", ["u0", "v"], most=3)
        store.add("p", "seller", ["s"], most=3)
    store.choose(None)
    assert [url for _, url in store.pending()] == ["u0", "u1", "u2", "s"]


def test_the_same_sources_or_another_folder(store):
    assert store.require_same({"reviews": "a"}) is False
    store.tell("made_from", {"reviews": "a"})
    assert store.require_same({"reviews": "a"}) is True
    with pytest.raises(SettingError, match="made with reviews a, not b"):
        store.require_same({"reviews": "b"})


def test_a_damaged_file(tmp_path):
    (tmp_path / "state.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(StorageError, match="delete it and start anew"):
        PairStore(tmp_path / "state.sqlite")
