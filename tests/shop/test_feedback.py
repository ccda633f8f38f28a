"""Feedback: appended by several processes, bounded, survives a crash, and comes out as pairs."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from findalike.errors import SettingError, ShopLockedError, StorageError
from findalike.shop.feedback import FeedbackSettings, FeedbackStore
from findalike.shop.feedback_export import checked_events, export_feedback
from findalike.types import Box

ADD = """
import sys
from pathlib import Path
from findalike.shop.feedback import FeedbackStore
store = FeedbackStore(Path(sys.argv[1]))
for n in range(40):
    store.add(query_id=f"{sys.argv[2]}-{n}", product_id="p" * 200, event="click", rank=n + 1)
"""


def test_several_processes_write_whole_lines(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path), str(n)]) for n in range(3)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    events = list(FeedbackStore(tmp_path).events())
    assert len(events) == len({event.query_id for event in events}) == 120


def test_a_line_that_was_cut_short_harms_no_other(tmp_path):
    store = FeedbackStore(tmp_path)
    store.add(query_id="a", product_id="p", event="view")
    (day,) = store.folder.glob("*.jsonl")
    with day.open("ab") as file:
        file.write(b'{"at": "2026-11-23T00:00:00+00:00", "query')
    store.add(query_id="b", product_id="p", event="wrong")
    assert [event.query_id for event in store.events()] == ["a", "b"]


def test_a_day_has_bounds(tmp_path, photos):
    store = FeedbackStore(tmp_path)
    store.change_settings(
        FeedbackSettings(keep_photos=True, photo_bytes_a_day=5000, event_bytes_a_day=600)
    )
    kept = []
    for number in range(6):
        photo = (photos / f"{number}.jpg").read_bytes()
        kept.append(
            store.add(
                query_id=f"q{number}", product_id="p", event="click", photo=photo, consent=True
            )
        )
    assert [k.photo for k in kept if k.photo == "day is full"]
    assert not kept[-1].stored
    assert sum(p.stat().st_size for p in store.folder.rglob("*.jpg")) <= 5000
    (day,) = store.folder.glob("*.jsonl")
    assert day.stat().st_size <= 600


def test_broken_settings_keep_nothing(tmp_path, photos):
    store = FeedbackStore(tmp_path)
    store.change_settings(FeedbackSettings(keep_photos=True))
    (store.folder / "settings.json").write_text('{"keep_photos": "perhaps"}')
    photo = (photos / "1.jpg").read_bytes()
    with pytest.raises(StorageError):
        store.add(query_id="q", product_id="p", event="click", photo=photo, consent=True)


def test_export_is_a_table_that_training_reads(shop, photos, tmp_path):
    store = FeedbackStore(shop.folder)
    store.change_settings(FeedbackSettings(keep_photos=True))
    one, two = ((photos / f"{n}.jpg").read_bytes() for n in (1, 9))
    box = Box(10, 10, 40, 30)
    store.add(query_id="q1", product_id="p03", event="click", photo=one, box=box, consent=True)
    store.add(query_id="q1", product_id="p05", event="purchase")  # stronger, and no photo again
    store.add(query_id="q1", product_id="p07", event="wrong")
    store.add(query_id="q2", product_id="p02", event="view", photo=two, consent=True)
    store.add(query_id="q3", product_id="p02", event="purchase")  # of a query without a photo

    out = tmp_path / "out" / "pairs.csv"
    out.parent.mkdir()
    exported = export_feedback(shop, store.events(), out, folder=store.folder)
    assert (exported.user_photos, exported.seller_photos, exported.wrong) == (1, 2, 1)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    user = [row for row in rows if row["domain"] == "user"]
    assert [(row["label"], row["event"], float(row["bbox_w"])) for row in user] == [
        ("p05", "purchase", 40.0)
    ]
    assert {row["label"] for row in rows} == {"p05"}
    for row in rows:
        assert (out.parent / row["image_path"]).is_file()
    wrong = list(csv.DictReader(exported.negatives.read_text().splitlines()))
    assert [(row["label"], row["event"]) for row in wrong] == [("p07", "wrong")]

    pytest.importorskip("torch")
    from findalike.config.data import TrainingData
    from findalike.data.training.reading import read_training_set

    entry = TrainingData(name="feedback", path=str(out), reader="table", min_images=1)
    read = read_training_set(entry, base=tmp_path)
    assert read.refused == ()
    assert sorted((image.label, image.domain) for image in read.images) == [
        ("p05", "seller"),
        ("p05", "seller"),
        ("p05", "user"),
    ]
    views = export_feedback(
        shop, store.events(), tmp_path / "v.csv", folder=store.folder, positives=["view"]
    )
    assert views.user_photos == 1


def test_only_events_that_can_be_right(tmp_path):
    assert checked_events(["purchase", "view"]) == ("view", "purchase")
    with pytest.raises(SettingError, match="purchase"):
        checked_events(["wrong"])


def test_the_command(shop, photos, tmp_path):
    from typer.testing import CliRunner

    from findalike.cli.main import app

    run = CliRunner().invoke
    folder = str(shop.folder)
    assert "none" in run(app, ["shop", "feedback", "--shop", folder]).output
    assert run(app, ["shop", "feedback", "--shop", folder, "--keep-photos"]).exit_code == 0
    store = FeedbackStore(Path(folder))
    assert store.settings.keep_photos
    photo = (photos / "4.jpg").read_bytes()
    store.add(query_id="q", product_id="p03", event="cart", photo=photo, consent=True)
    out = tmp_path / "pairs.csv"
    told = run(app, ["shop", "feedback", "--shop", folder, "--out", str(out), "--json"])
    assert '"user_photos": 1' in told.output
    assert out.is_file()


def test_a_lock_that_is_kept_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("findalike.shop.feedback.LOCK_SECONDS", 0.05)
    store = FeedbackStore(tmp_path)
    store.add(query_id="a", product_id="p", event="view")
    with FileLock(store.folder / ".lock"):
        for work in (
            lambda: store.add(query_id="b", product_id="p", event="view"),
            lambda: store.change_settings(FeedbackSettings()),
        ):
            with pytest.raises(ShopLockedError, match="another process"):
                work()
    assert [event.query_id for event in store.events()] == ["a"]
