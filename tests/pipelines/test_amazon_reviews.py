"""Collecting pairs: both files, a server that fails on purpose, a real encoder, kill and resume."""

from __future__ import annotations

import csv
import gzip
import http.server
import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from findalike.data.datasets.pair_filter import PairRules
from findalike.data.download import Pace
from findalike.errors import CatalogueError, SettingError, StorageError
from findalike.models.encoder import Encoder
from findalike.pipelines.amazon.settings import AmazonSettings
from findalike.pipelines.amazon_reviews import collect_pairs

SETTINGS = AmazonSettings(
    allow_networks=("127.0.0.0/8",),
    pace=Pace(rate=1e6, backoff=0.01, retries=2),
    timeout=5,
)


def photo(pattern: int, *, noise: int = 0, amount: float = 40) -> bytes:
    """A picture of a pattern; another noise is another photo of the same thing."""
    cells = np.random.default_rng(pattern).integers(0, 256, (4, 4, 3)).astype(float)
    cells += np.random.default_rng([pattern, noise]).normal(0, amount, cells.shape)
    picture = Image.fromarray(cells.clip(0, 255).astype(np.uint8))
    file = io.BytesIO()
    picture.resize((96, 96), Image.Resampling.NEAREST).save(file, "JPEG", quality=90)
    return file.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lock = threading.Lock()
    counts: Counter[str]
    pictures: dict[str, bytes]
    trouble: dict[str, str]
    delay = 0.0

    def do_GET(self):
        name = self.path.strip("/")
        with self.lock:
            self.counts[name] += 1
            count = self.counts[name]
        time.sleep(self.delay)
        trouble = self.trouble.get(name, "") if count == 1 else ""
        if trouble == "busy":
            self.answer(429, b"", Retry_After="1")
        elif trouble == "broken":
            self.answer(500, b"")
        elif trouble == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"\xff\xd8\xff")
            self.close_connection = True
        elif self.trouble.get(name) == "page":
            self.answer(200, b"<html>Sorry! We couldn't find that page</html>")
        elif self.trouble.get(name) == "down":
            self.answer(503, b"")
        elif name in self.pictures:
            self.answer(200, self.pictures[name], Content_Type="text/plain")
        else:
            self.answer(404, b"")

    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Shop:
    """A server of pictures, and the two files that name them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.handler = type(
            "Pictures", (Handler,), {"counts": Counter(), "pictures": {}, "trouble": {}}
        )
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        self.metadata: list[str] = []
        self.reviews: list[str] = []

    def add(self, name: str, content: bytes | None, trouble: str = "") -> str:
        if content is not None:
            self.handler.pictures[name] = content
        if trouble:
            self.handler.trouble[name] = trouble
        return f"{self.url}/{name}"

    def product(self, label: str, sellers: list[str], users: list[str], *, old: bool) -> None:
        """A product in the format of 2018 or 2023."""
        if old:
            self.metadata.append(json.dumps({"asin": label, "imageURLHighRes": sellers}))
            self.reviews += [json.dumps({"asin": label, "image": [url]}) for url in users]
            self.reviews.append(json.dumps({"asin": label, "overall": 5.0}))
        else:
            images = [{"hi_res": url, "large": None, "variant": "MAIN"} for url in sellers]
            self.metadata.append(json.dumps({"parent_asin": label, "images": images}))
            photos = [{"large_image_url": url, "attachment_type": "IMAGE"} for url in users]
            self.reviews.append(json.dumps({"parent_asin": label, "asin": "x", "images": photos}))
            self.reviews.append(json.dumps({"parent_asin": label, "asin": "x", "images": []}))

    def files(self, *, packed: bool) -> tuple[Path, Path]:
        paths = (self.folder / "meta.json.gz", self.folder / "reviews.json.gz")
        for path, lines in zip(paths, (self.metadata, self.reviews), strict=True):
            content = ("\n".join(lines) + "\n").encode()
            path.write_bytes(gzip.compress(content) if packed else content)
        return paths


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path)
    yield shop
    shop.http.shutdown()
    shop.http.server_close()


@pytest.fixture(scope="session")
def encoder(tiny_encoder: Path) -> Encoder:
    return Encoder.load(tiny_encoder)


def fill(shop: Shop, *, old: bool) -> None:
    """Products of each fate."""
    good = [shop.add(f"good{n}", photo(1, noise=n)) for n in range(3)]
    bad = [
        shop.add("other_thing", photo(50)),
        shop.add("gone", None),
        shop.add("page", None, "page"),
        shop.add("tiny", _small()),
    ]
    shop.product("good", good[:1], [*good[1:], *bad], old=old)
    trouble = [
        shop.add(name, photo(2, noise=n), name) for n, name in enumerate(("busy", "broken", "cut"))
    ]
    shop.product("trouble", trouble[:1], trouble[1:], old=old)
    copy = shop.add("copy", photo(3))
    shop.product("copied", [copy], [shop.add("again", photo(3))], old=old)
    logo = [shop.add(f"logo{n}", photo(4)) for n in range(2)]
    shop.product("logo_a", [logo[0], shop.add("a", photo(5))], [shop.add("au", photo(5, noise=1))],
                 old=old)  # fmt: skip
    shop.product("logo_b", [logo[1]], [shop.add("bu", photo(6))], old=old)
    mixed = [shop.add("mix1", photo(7)), shop.add("mix2", _opposite(7))]
    shop.product("mixed_up", mixed, [shop.add("mu", photo(7, noise=1))], old=old)
    shop.metadata.append(json.dumps({"asin": "no_review", "imageURL": [f"{shop.url}/never"]}))
    shop.reviews.append(json.dumps({"asin": "no_metadata", "image": [f"{shop.url}/never"]}))
    shop.reviews.insert(1, "{'asin': 'python'}")


def _small() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "GIF")
    return file.getvalue()


def _opposite(pattern: int) -> bytes:
    with Image.open(io.BytesIO(photo(pattern))) as picture:
        turned = Image.fromarray(255 - np.asarray(picture))
    file = io.BytesIO()
    turned.save(file, "JPEG")
    return file.getvalue()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("old", [True, False], ids=["2018", "2023"])
def test_from_the_files_to_the_table(shop, encoder, tmp_path, old):
    fill(shop, old=old)
    out = tmp_path / "out"
    metadata, reviews = shop.files(packed=old)
    stages: Counter[str] = Counter()
    report = collect_pairs(
        metadata, reviews, out, encoder=encoder, settings=SETTINGS,
        progress=lambda stage, *_: stages.update([stage]),
    )  # fmt: skip

    (table,) = report.tables
    kept = rows(table.path)
    assert list(kept[0]) == ["image_path", "label", "domain"]
    assert table.path == out / "pairs_0.6.csv"
    assert Counter((row["label"], row["domain"]) for row in kept) == {
        ("good", "seller"): 1,
        ("good", "user"): 2,
        ("trouble", "seller"): 1,
        ("trouble", "user"): 2,
        ("logo_a", "seller"): 1,
        ("logo_a", "user"): 1,
    }
    by_label = {row["label"]: (out / row["image_path"]).read_bytes() for row in kept}
    assert by_label["logo_a"] in (photo(5), photo(5, noise=1))
    assert (table.products, table.seller_images, table.user_images) == (3, 3, 5)

    dropped = {row["url"].rpartition("/")[2]: row for row in rows(table.dropped_path)}
    reasons = {name: row["reason"] for name, row in dropped.items()}
    assert reasons["other_thing"] == "its mean cosine is too low"
    assert float(dropped["other_thing"]["mean_cosine"]) < 0.6
    assert "could not be had" in reasons["gone"]
    assert "404" in reasons["gone"]
    assert "web page" in reasons["page"]
    assert "1 x 1 pixels" in reasons["tiny"]
    assert reasons["logo0"] == reasons["logo1"] == "another product has the same picture"
    assert reasons["bu"] == "the product has no seller picture left"
    assert reasons["again"] == "a copy of another picture of the product"
    assert reasons["copy"] == "the product has no user picture left"
    assert {reasons[name] for name in ("mix1", "mix2", "mu")} == {
        "the seller's pictures have nothing in common"
    }
    assert sum(table.dropped.values()) == len(dropped)

    assert (report.products, report.failed, report.later) == (6, 3, 0)
    # The one picture of both logos is one file.
    assert report.downloaded == 17
    assert report.embedded == 15
    assert (report.refused, report.refusals[0].row) == (1, 2)
    assert shop.handler.counts["never"] == 0
    assert shop.handler.counts["busy"] == shop.handler.counts["broken"] == 2
    assert shop.handler.counts["cut"] == 2
    assert stages["downloading"] == 20
    assert stages["reading reviews.json.gz"] >= 1
    told = json.loads((out / "report.json").read_text())
    assert told["tables"][0]["dropped"] == table.dropped
    assert "research" in told["terms"]


def test_another_threshold_costs_nothing(shop, encoder, tmp_path):
    fill(shop, old=True)
    files = shop.files(packed=True)
    first = collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=SETTINGS)
    asked = shop.handler.counts.total()
    looser = replace(SETTINGS, thresholds=(0.6, -1))
    again = collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=looser)
    assert again.embedded == 0
    assert shop.handler.counts.total() == asked
    assert again.tables[0] == first.tables[0]
    # They tell which threshold keeps how many, whatever the threshold of the table is.
    assert again.tables[0].quantiles == again.tables[1].quantiles
    means = [
        float(row["mean_cosine"])
        for row in rows(first.tables[0].dropped_path)
        if row["domain"] == "user" and row["mean_cosine"]
    ]
    quantiles = first.tables[0].quantiles
    assert list(quantiles) == sorted(quantiles)
    assert min(means) < quantiles[0] < 0.6 < quantiles[-1] <= 1
    strict, loose = ({row["image_path"] for row in rows(table.path)} for table in again.tables)
    assert strict < loose
    assert (tmp_path / "out/pairs_-1.csv").is_file()


def test_another_encoder_embeds_anew(shop, encoder, tmp_path, tiny_encoder):
    from support import make_tiny_encoder

    fill(shop, old=True)
    files = shop.files(packed=True)
    collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=SETTINGS)
    other = Encoder.load(make_tiny_encoder(tmp_path / "other", name="other", tilt=40.0))
    report = collect_pairs(*files, tmp_path / "out", encoder=other, settings=SETTINGS)
    assert report.embedded == 15
    assert report.encoder == "other"


def test_limits_on_products_and_their_pictures(shop, encoder, tmp_path):
    for product in range(5):
        urls = [shop.add(f"{product}_{n}", photo(product, noise=n)) for n in range(6)]
        shop.product(f"p{product}", urls[:2], urls[2:], old=False)
    files = shop.files(packed=False)
    settings = replace(SETTINGS, limit=2, per_product=3)
    report = collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=settings)
    assert (report.products, report.downloaded) == (2, 2 * (2 + 3))
    assert {name[0] for name in shop.handler.counts} == {"0", "1"}
    more = replace(settings, limit=None)
    report = collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=more)
    assert (report.products, report.downloaded) == (5, 25)
    assert shop.handler.counts.total() == 25
    rules = PairRules(min_images=6)
    report = collect_pairs(
        *files, tmp_path / "out", encoder=encoder, settings=replace(more, rules=rules)
    )
    assert report.tables[0].products == 0


def test_what_may_pass_is_tried_again_and_what_may_not_is_not(shop, encoder, tmp_path):
    urls = [shop.add(f"u{n}", photo(1, noise=n)) for n in range(2)]
    down = shop.add("down", photo(1, noise=2), "down")
    shop.product("p", urls[:1], [urls[1], down, shop.add("gone", None)], old=True)
    files = shop.files(packed=False)
    report = collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=SETTINGS)
    assert (report.downloaded, report.failed, report.later) == (2, 1, 1)
    shop.handler.trouble.clear()
    report = collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=SETTINGS)
    assert (report.downloaded, report.failed, report.later) == (3, 1, 0)
    assert shop.handler.counts == {"u0": 1, "u1": 1, "down": 4, "gone": 1}


def test_other_files_need_another_folder(shop, encoder, tmp_path):
    fill(shop, old=True)
    metadata, reviews = shop.files(packed=False)
    collect_pairs(metadata, reviews, tmp_path / "out", encoder=encoder, settings=SETTINGS)
    with pytest.raises(SettingError, match=r"made with image_side 800, not 400: give another"):
        collect_pairs(
            metadata, reviews, tmp_path / "out", encoder=encoder,
            settings=replace(SETTINGS, side=400),
        )  # fmt: skip
    with reviews.open("a") as file:
        file.write("{}\n")
    with pytest.raises(SettingError, match=r"made with reviews reviews.json.gz"):
        collect_pairs(metadata, reviews, tmp_path / "out", encoder=encoder, settings=SETTINGS)


def test_files_the_wrong_way_round_and_none_at_all(shop, encoder, tmp_path):
    fill(shop, old=True)
    metadata, reviews = shop.files(packed=False)
    with pytest.raises(CatalogueError, match=r"no review has a photo.*wrong way round"):
        collect_pairs(reviews, metadata, tmp_path / "a", encoder=encoder, settings=SETTINGS)
    # The mistake costs nothing but another try.
    right = collect_pairs(metadata, reviews, tmp_path / "a", encoder=encoder, settings=SETTINGS)
    assert right.products == 6
    reviews.write_text("{'asin': 'B1', 'image': ['u']}\n" * 3)
    with pytest.raises(CatalogueError, match=r"none of the 3 lines.*release of 2018 or"):
        collect_pairs(metadata, reviews, tmp_path / "b", encoder=encoder, settings=SETTINGS)
    with pytest.raises(CatalogueError, match="cannot read"):
        collect_pairs(
            tmp_path / "nowhere", reviews, tmp_path / "c", encoder=encoder, settings=SETTINGS
        )


def test_two_runs_at_once(shop, encoder, tmp_path):
    from filelock import FileLock

    fill(shop, old=True)
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out/lock"), pytest.raises(StorageError, match="another run"):
        collect_pairs(
            *shop.files(packed=False), tmp_path / "out", encoder=encoder, settings=SETTINGS
        )


@pytest.mark.parametrize(
    "wrong", [{"thresholds": ()}, {"thresholds": (2.0,)}, {"limit": 0}, {"side": -1}]
)
def test_settings_out_of_range(wrong):
    with pytest.raises(SettingError):
        replace(SETTINGS, **wrong)


def test_a_killed_run_goes_on_where_it_was(shop, encoder, tmp_path, tiny_encoder):
    for product in range(40):
        urls = [shop.add(f"{product}_{n}", photo(product, noise=n)) for n in range(3)]
        shop.product(f"p{product}", urls[:1], urls[1:], old=product % 2 == 0)
    files = shop.files(packed=True)
    whole = collect_pairs(*files, tmp_path / "whole", encoder=encoder, settings=SETTINGS)
    shop.handler.counts.clear()
    shop.handler.delay = 0.05

    command = [
        sys.executable, "-m", "findalike", "data", "amazon-reviews", *map(str, files),
        "--out", str(tmp_path / "out"), "--encoder", str(tiny_encoder), "--connections", "2",
        "--rate", "1000", "--allow-network", "127.0.0.0/8",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while shop.handler.counts.total() < 80:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = shop.handler.counts.total()
    assert before < 120
    assert not (tmp_path / "out/pairs_0.6.csv").exists()

    shop.handler.delay = 0.0
    report = collect_pairs(*files, tmp_path / "out", encoder=encoder, settings=SETTINGS)
    assert report.downloaded == 120
    assert rows(report.tables[0].path) == rows(whole.tables[0].path)
    assert len(rows(report.tables[0].path)) > 60
    # Only what was under way, and what was done in the half second before, is asked for twice.
    assert shop.handler.counts.total() - 120 <= 50
    assert not any((tmp_path / "out/partial").iterdir())
