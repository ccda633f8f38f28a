"""Thousands of malformed photos and rows in one import: nothing crashes, everything is told."""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from itertools import accumulate
from pathlib import Path

import pytest

from data.catalogue.malformed import NASTY
from data.malformed import malformed_images
from findalike.data.prepare import prepare
from findalike.errors import ImageError
from findalike.shop.shop import Shop
from support import write_photos, write_table

MALFORMED = 2000
VALID = 200

# In a process of its own, so that a crash is seen and its memory can be measured.
IMPORT = r"""
import json, pathlib, re, sys
from findalike.pipelines.index import index_catalogue
from findalike.shop.shop import Shop

def peak():
    # Not getrusage, which counts what the parent held.
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return 0
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) // 1024

source, root, shop, encoder = sys.argv[1:5]
Shop.create(shop, encoder=encoder).encoder
before = peak()
types = {"stock": "number", "sold_out": "boolean", "tags": "list"} if root else None
root = pathlib.Path(root) if root else None
done = index_catalogue(pathlib.Path(source), pathlib.Path(shop), root=root, types=types)
print(json.dumps({
    "added": done.added, "refused": done.refused, "images": done.images,
    "report": str(done.report), "grown_mb": peak() - before,
}))
"""


def run_import(source: Path, shop: Path, encoder: Path, *, root: Path | None = None) -> dict:
    arguments = [str(source), str(root or ""), str(shop), str(encoder)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def lines_of(report: str) -> list[dict[str, str]]:
    with Path(report).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def assert_refusals_are_told(lines: list[dict[str, str]], source: Path) -> None:
    for line in lines:
        if line["outcome"] == "refused":
            assert Path(line["file"]).name == source.name
            assert int(line["row"]) >= 1
            assert line["reason"]
            assert line["allowed"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 malformed photos and 200 valid ones."""
    folder = tmp_path_factory.mktemp("malformed") / "photos"
    write_photos(folder, range(VALID))
    for name, data in malformed_images(seed=11, n=MALFORMED):
        (folder / f"m{name}").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def readable(folder: Path, tiny_encoder: Path) -> set[str]:
    """Names of the photos that can be used after all, found out one by one."""
    from findalike.models.bundle import Bundle

    spec = Bundle.load(tiny_encoder).input
    names = set()
    for path in folder.iterdir():
        try:
            prepare(path.read_bytes(), spec, name=path.name)
        except ImageError:
            continue
        names.add(path.name)
    return names


def test_malformed_photos_of_a_table(folder, readable, tiny_encoder, tmp_path):
    names = sorted(path.name for path in folder.iterdir())
    random.Random(0).shuffle(names)
    table = write_table(
        tmp_path / "shop.csv", [{"product_id": f"p-{name}", "image": name} for name in names]
    )
    done = run_import(table, tmp_path / "shop", tiny_encoder, root=folder)
    assert (done["added"], done["refused"]) == (len(readable), len(names) - len(readable))
    assert min(done["added"], done["refused"]) > 500
    assert done["images"] == done["added"]
    lines = lines_of(done["report"])
    assert [int(line["row"]) for line in lines] == list(range(2, len(names) + 2))
    assert [line["location"] or line["value"] for line in lines] == names
    assert {line["location"] for line in lines if line["outcome"] == "added"} == readable
    assert_refusals_are_told(lines, table)
    shop = Shop.open(tmp_path / "shop")
    assert shop.verify() == []
    assert all(shop.get(f"p-{number}.jpg") for number in range(0, VALID, 20))
    # A photo takes at most 100 MB, and the encoder and the index theirs.
    assert done["grown_mb"] < 600


def test_malformed_photos_of_a_folder(folder, readable, tiny_encoder, tmp_path):
    done = run_import(folder, tmp_path / "shop", tiny_encoder)
    taken = {line["location"] for line in lines_of(done["report"]) if line["outcome"] == "added"}
    assert taken <= readable
    # A folder also holds files that are no photos by their names; only those are passed over.
    assert {Path(name).suffix for name in readable - taken} <= {".exe", ".txt"}
    assert {f"{number}.jpg" for number in range(VALID)} <= taken
    assert_refusals_are_told(lines_of(done["report"]), folder)


def malformed_rows() -> list[dict[str, object]]:
    """2,000 rows with one to four bad or odd cells, and a valid one after every ten of them."""
    rng = random.Random(5)
    rows: list[dict[str, object]] = []
    for number in range(MALFORMED):
        rows.append(valid_row(f"bad-{number}", number))
        for column in rng.sample(sorted(rows[-1]), rng.choice([1, 1, 2, 4])):
            rows[-1][column] = rng.choice(NASTY)
        if number % 10 == 9:
            rows.append(valid_row(f"good-{number // 10}", number))
    return rows


def valid_row(product: str, number: int) -> dict[str, object]:
    return {
        "id": product,
        "image": f"{number % VALID}.jpg",
        "title": f"Thing {number}",
        "price": f"{number}.50",
        "category": "Fruit > Apple",
        "url": f"https://shop.example/{number}",
        "bbox_x": 1,
        "bbox_y": 2,
        "bbox_w": 40,
        "bbox_h": 30,
        "stock": number,
        "sold_out": "yes",
        "tags": '["a", "b"]',
    }


def test_malformed_rows(folder, tiny_encoder, tmp_path):
    rows = malformed_rows()
    table = write_table(tmp_path / "shop.csv", rows)
    done = run_import(table, tmp_path / "shop", tiny_encoder, root=folder)
    lines = lines_of(done["report"])
    assert done["refused"] > 500
    assert done["added"] + done["refused"] == len(lines)
    assert_refusals_are_told(lines, table)
    # A row is told by its first line in the file. A cell may list several images, so that some
    # rows are told of more than once; none is left out.
    breaks = [sum(str(cell).count("\n") for cell in row.values()) for row in rows]
    starts = list(accumulate((1 + more for more in breaks), initial=2))[:-1]
    assert {int(line["row"]) for line in lines} >= set(starts)
    assert all(line["outcome"] == "refused" for line in lines if int(line["row"]) not in starts)
    shop = Shop.open(tmp_path / "shop")
    assert shop.stats().images == done["images"] == done["added"]
    assert shop.verify() == []
    for number in range(VALID):
        product = shop.get(f"good-{number}").product
        assert (product.title, product.price) == (
            f"Thing {10 * number + 9}",
            10 * number + 9.5,
        )
        assert product.attributes == {
            "stock": 10 * number + 9,
            "sold_out": True,
            "tags": ("a", "b"),
        }
