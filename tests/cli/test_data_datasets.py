"""`findalike data products10k`, `sop`, `inshop` and `amazon-reviews` from the command line."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from support import write_photos


@pytest.fixture
def products10k(tmp_path: Path) -> Path:
    root = tmp_path / "products10k"
    write_photos(root / "train", range(12))
    write_photos(root / "test", range(20, 24))
    lines = ["name,class,group", *(f"{n}.jpg,{n // 2},{n // 4}" for n in range(12))]
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    lines = ["name,class,group,Usage", *(f"{n}.jpg,{n // 2 - 10},0,Public" for n in range(20, 24))]
    (root / "test_kaggletest.csv").write_text("\n".join(lines) + "\n")
    return root


def test_products10k_and_its_evaluation(findalike, products10k, tiny_encoder):
    done = findalike("data", "products10k", products10k, "--val-share", "0.5", "--json")
    assert done.code == 0, done.err
    assert done.json["train_images"] == done.json["val_images"] == 6
    assert done.json["refusals"] == []
    tables = products10k / "findalike"
    for prefix in ("", "val_"):
        judged = findalike(
            "evaluate",
            "--gallery",
            tables / f"{prefix}gallery.csv",
            "--queries",
            tables / f"{prefix}queries.csv",
            "--root",
            products10k,
            "--encoder",
            tiny_encoder,
            "--json",
        )
        assert judged.code == 0, judged.err
        assert "other than the query's own picture" in judged.json["protocol"]
        assert judged.json["queries_without_relevant"] == 0


def test_what_was_left_out_is_told(findalike, products10k):
    for number in range(5):
        (products10k / "train" / f"{number}.jpg").unlink()
    done = findalike("data", "products10k", products10k, "--out", products10k / "t")
    assert done.code == 0
    assert "Products-10K: 7 images of 4 products to train with, 0 of 0 held out" in done.out
    assert (products10k / "t/train.csv").is_file()
    assert "non-commercial" in done.out
    assert "train.csv, row 2 left out: name train/0.jpg: there is no such image" in done.err
    assert "... and 2 more, in" in done.err


def test_the_seed_chooses_what_is_held_out(findalike, products10k):
    held = set()
    for seed in range(4):
        done = findalike(
            "data", "products10k", products10k, "--val-share", "0.2", "--seed", seed, "--json"
        )
        assert done.json["val_labels"] == 1
        held.add((products10k / "findalike/val_queries.csv").read_text())
    assert len(held) > 1


def test_check_images(findalike, products10k):
    (products10k / "test/20.jpg").write_text("not found")
    assert "0 queries" not in findalike("data", "products10k", products10k).out
    assert findalike("data", "products10k", products10k, "--json").json["queries"] == 4
    checked = findalike("data", "products10k", products10k, "--json", "--check-images")
    assert checked.json["queries"] == 3


def test_boxes_of_inshop_are_optional(findalike, tmp_path):
    write_photos(tmp_path / "Img/img/MEN/Denim/id_1", range(4))
    names = [f"img/MEN/Denim/id_1/{n}.jpg" for n in range(4)]
    parts = ["train", "train", "query", "gallery"]
    items = ["id_0", "id_0", "id_1", "id_1"]
    lines = ["4", "image_name item_id evaluation_status"]
    lines += [" ".join(row) for row in zip(names, items, parts, strict=True)]
    (tmp_path / "Eval").mkdir()
    (tmp_path / "Eval/list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    lines = ["4", "image_name clothes_type pose_type x_1 y_1 x_2 y_2"]
    lines += [f"{name} 1 1 10 5 90 60" for name in names]
    (tmp_path / "Anno").mkdir()
    (tmp_path / "Anno/list_bbox_inshop.txt").write_text("\n".join(lines) + "\n")

    queries = tmp_path / "findalike/queries.csv"
    assert findalike("data", "inshop", tmp_path).code == 0
    assert "2,img" not in queries.read_text()
    assert ",10,5,80,55," in queries.read_text()
    assert findalike("data", "inshop", tmp_path, "--no-boxes").code == 0
    assert "bbox_x" not in queries.read_text()


@pytest.mark.parametrize("command", ["products10k", "sop", "inshop"])
def test_a_folder_of_something_else_is_the_users_mistake(findalike, command, tmp_path):
    (tmp_path / "holiday.jpg").touch()
    done = findalike("data", command, tmp_path)
    assert done.code == 2
    assert done.err.strip().startswith("error: ")
    assert "'holiday.jpg'" in done.err
    assert len(done.err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("products10k", ["products-10k.github.io", "non-commercial research"]),
        ("sop", ["cvgl.stanford.edu", "LICENSE"]),
        ("inshop", ["mmlab.ie.cuhk.edu.hk", "agreement", "non-commercial"]),
    ],
)
def test_help_says_where_from_and_under_which_terms(findalike, command, told):
    done = findalike("data", command, "--help")
    assert done.code == 0
    for words in (*told, "Example:"):
        assert words in done.out


@pytest.fixture
def amazon(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Metadata and reviews of three products, whose photos a local server has."""
    photos = tmp_path / "served"
    write_photos(photos, range(9))
    handler = partial(_Quiet, directory=str(photos))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    metadata = [{"asin": f"p{n}", "imageURLHighRes": [f"{url}/{3 * n}.jpg"]} for n in range(3)]
    reviews = [
        {"asin": f"p{n}", "image": [f"{url}/{3 * n + k}.jpg" for k in (1, 2)]} for n in range(3)
    ]
    paths = (tmp_path / "meta.json", tmp_path / "reviews.json")
    for path, lines in zip(paths, (metadata, reviews), strict=True):
        path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    with paths[1].open("a") as file:
        file.write("not JSON\n")
    yield paths
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_amazon_reviews(findalike, amazon, tmp_path, tiny_encoder):
    command = ["data", "amazon-reviews", *amazon, "--out", tmp_path / "out", "--encoder",
               tiny_encoder, "--allow-network", "127.0.0.0/8"]  # fmt: skip
    done = findalike(*command, "--min-cosine", "-1", "--min-agreement", "-1", "--json")
    assert done.code == 0, done.err
    assert (done.json["products"], done.json["downloaded"], done.json["embedded"]) == (3, 9, 9)
    (table,) = done.json["tables"]
    assert table["user_images"] == 6
    assert Path(table["path"]).read_text().startswith("image_path,label,domain\n")
    assert done.json["refused"] == 1

    done = findalike(*command, "--min-cosine", "0.9", "--min-cosine", "0.99")
    assert done.code == 0
    assert "3 products, 9 pictures (0 embedded now, by tiny)" in done.out
    assert "pairs_0.99.csv" in done.out
    assert "% of the buyers' photos do not reach: " in done.out
    assert "reviews.json, line 4 left out: no JSON" in done.err

    done = findalike(*command, "--min-cosine", "-1", "--min-images", "4", "--json")
    assert done.json["tables"][0]["products"] == 0
    done = findalike(*command, "--min-cosine", "-1", "--copy-cosine", "-1", "--json")
    assert done.json["tables"][0]["dropped"]["a copy of another picture of the product"] == 6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--limit", "1"], (1, 3)),
        (["--per-product", "1"], (3, 6)),
        (["--min-side", "70"], (3, 0)),
    ],
)
def test_amazon_reviews_within_limits(findalike, amazon, tmp_path, tiny_encoder, options, told):
    done = findalike(
        "data", "amazon-reviews", *amazon, "--out", tmp_path / "out", "--encoder", tiny_encoder,
        "--allow-network", "127.0.0.0/8", "--json", *options,
    )  # fmt: skip
    assert (done.json["products"], done.json["downloaded"]) == told


def test_amazon_reviews_of_ones_own_network_need_leave(findalike, amazon, tmp_path, tiny_encoder):
    done = findalike(
        "data", "amazon-reviews", *amazon, "--out", tmp_path / "out", "--encoder", tiny_encoder,
        "--json",
    )  # fmt: skip
    assert (done.json["downloaded"], done.json["failed"]) == (0, 9)
    assert "not a public address" in (tmp_path / "out/dropped_0.6.csv").read_text()
    done = findalike(
        "data", "amazon-reviews", *amazon, "--out", tmp_path / "out", "--encoder", tiny_encoder,
        "--allow-network", "127.0.0.0/8",
    )  # fmt: skip
    assert done.code == 2
    assert "made with allow_network [], not ['127.0.0.0/8']: give another folder" in done.err


def test_pace_and_side_of_amazon_reviews_arrive(findalike, monkeypatch, tmp_path, tiny_encoder):
    import findalike.pipelines.amazon_reviews as pipeline
    from findalike.errors import StorageError

    seen = {}

    def stand_in(*arguments, settings, **_):
        seen["settings"] = settings
        raise StorageError("enough")

    monkeypatch.setattr(pipeline, "collect_pairs", stand_in)
    done = findalike(
        "data", "amazon-reviews", "meta", "reviews", "--out", tmp_path, "--encoder", tiny_encoder,
        "--connections", 3, "--per-host", 2, "--rate", 0.5, "--retries", 1, "--timeout", 7,
        "--image-side", 300,
    )  # fmt: skip
    assert done.code == 1
    settings = seen["settings"]
    pace = settings.pace
    assert (pace.connections, pace.per_host, pace.rate, pace.retries) == (3, 2, 0.5, 1)
    assert (settings.timeout, settings.side, settings.thresholds) == (7, 300, (0.6,))


def test_amazon_reviews_tell_terms_and_mistakes(findalike, tmp_path, tiny_encoder):
    told = findalike("data", "amazon-reviews", "--help").out
    for words in ("amazon-reviews-2023.github.io", "amazon_v2", "research", "Example:"):
        assert words in told
    done = findalike(
        "data", "amazon-reviews", tmp_path / "no", tmp_path / "nor", "--out", tmp_path / "out",
        "--encoder", tiny_encoder,
    )  # fmt: skip
    assert done.code == 2
    assert "cannot read" in done.err
