"""The soak finds what it is for, and a shop that is killed once passes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def ledger(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from soak_ledger import Ledger

    return Ledger(frozenset({"settled"}))


def version(edition, **images):
    from soak_ledger import Version

    return Version(edition, images)


def listed(product_id, shown, **images):
    at = [{"image_id": name, "location": f"ab/{end}"} for name, end in images.items()]
    return {**shown.words(product_id), "product_id": product_id, "images": at}


def hit(product_id, shown, image_id):
    return {**shown.words(product_id), "product_id": product_id, "image": {"image_id": image_id}}


def test_a_change_that_was_answered_holds(ledger):
    first = version(1, main="1.jpg")
    ledger.begin("p", first, 1.0)
    ledger.answered("p", 2.0)
    assert ledger.wrong_product("p", listed("p", first, main="1.jpg"), 3.0, 4.0) is None
    assert "lost" in ledger.wrong_product("p", None, 3.0, 4.0)
    # Who asked before the answer may not have seen it yet.
    assert ledger.wrong_product("p", None, 1.5, 4.0) is None


def test_a_change_without_an_answer_may_be_either_way_but_whole(ledger):
    old, new = version(1, main="1.jpg"), version(2, main="2.jpg", other="3.jpg")
    ledger.begin("p", old, 1.0)
    ledger.answered("p", 2.0)
    ledger.begin("p", new, 3.0)
    for shown in (old, new):
        assert ledger.wrong_product("p", listed("p", shown, **shown.images), 9.0, 9.0) is None
    for shown, images in (
        (new, old.images),
        (old, new.images),
        (new, {"main": "2.jpg"}),
        (new, {**new.images, "more": "4.jpg"}),
        (new, {"main": "1.jpg", "other": "3.jpg"}),
    ):
        assert ledger.wrong_product("p", listed("p", shown, **images), 9.0, 9.0) is not None
    assert "lost" in ledger.wrong_product("p", None, 9.0, 9.0)


def test_a_removed_product_must_not_be_found(ledger):
    shown = version(1, main="1.jpg")
    ledger.begin("p", shown, 1.0)
    ledger.answered("p", 2.0)
    ledger.begin("p", None, 3.0)
    assert ledger.wrong_hit(hit("p", shown, "main"), 3.5, 4.5) is None
    ledger.answered("p", 4.0)
    assert ledger.wrong_hit(hit("p", shown, "main"), 3.5, 4.5) is None
    assert "no product" in ledger.wrong_hit(hit("p", shown, "main"), 5.0, 6.0)


def test_words_and_image_of_a_hit_belong_together(ledger):
    old, new = version(1, one="1.jpg"), version(2, two="2.jpg")
    ledger.begin("p", old, 1.0)
    ledger.answered("p", 2.0)
    ledger.begin("p", new, 3.0)
    assert ledger.wrong_hit(hit("p", new, "two"), 4.0, 5.0) is None
    assert "image of another" in ledger.wrong_hit(hit("p", new, "one"), 4.0, 5.0)


def test_products_of_nobody_are_wrong_and_settled_ones_right(ledger):
    assert ledger.wrong_hit({"product_id": "settled"}, 0.0, 1.0) is None
    assert ledger.wrong_hit(hit("bad-one", version(1), "main"), 0.0, 1.0) is not None


def test_a_refused_change_never_was(ledger):
    shown = version(1, main="1.jpg")
    ledger.begin("p", shown, 1.0)
    ledger.refused("p")
    assert ledger.wrong_product("p", listed("p", shown, main="1.jpg"), 2.0, 3.0) is not None
    assert ledger.present() == []


def test_what_is_seen_after_a_kill_settles_a_change(ledger):
    shown = version(1, main="1.jpg")
    ledger.begin("p", shown, 1.0)
    assert ledger.uncertain("p")
    ledger.settle("p", None, 5.0)
    assert not ledger.uncertain("p")
    assert ledger.wrong_hit(hit("p", shown, "main"), 4.0, 7.0) is None
    assert ledger.wrong_product("p", listed("p", shown, main="1.jpg"), 6.0, 7.0) is not None


@pytest.mark.slow
def test_soak(shared_data, tmp_path):
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, str(BENCHMARKS / "soak.py"), "--smoke"),
            *("--work", str(tmp_path), "--json", str(figures), "--seed", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "FINDALIKE_DATA": str(shared_data), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    told = json.loads(figures.read_text())
    assert told["kills"] == 1
    assert told["wrong"] == []
    assert told["checks"]["own photo first"] > 0
    assert told["checks"]["bad requests"] > 0
    assert any(name.startswith("put, new: 201") for name in told["statuses"])
    assert told["disk"]["new_mb"] > 0
