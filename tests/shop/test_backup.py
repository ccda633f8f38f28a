"""Backups: whole, made beside writers, restored in one step or not at all."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from findalike.errors import SettingError, ShopExistsError, StorageError
from findalike.shop.backup import back_up, restore
from findalike.shop.shop import Shop
from support import plain_rows, write_photos, write_table


@pytest.fixture
def shop(tmp_path: Path, tiny_encoder: Path, photos: Path) -> Shop:
    made = Shop.create(tmp_path / "shop", encoder=tiny_encoder)
    made.add(write_table(tmp_path / "products.csv", plain_rows()), root=photos)
    return made


def found(shop: Shop, photos: Path) -> list[tuple[str, float]]:
    answer = shop.search((photos / "5.jpg").read_bytes(), k=5)
    return [(hit.product.product_id, round(hit.score, 5)) for hit in answer.products]


def test_restored_shop_answers_as_the_old_one(shop: Shop, photos: Path, tmp_path: Path):
    shop.remove(["p03"])
    location = shop.keep_upload((photos / "7.jpg").read_bytes(), name="an upload")
    (shop.folder / "keys.json").write_text("[]")
    made = back_up(shop.folder, tmp_path / "b.tar.gz")
    again = restore(tmp_path / "b.tar.gz", tmp_path / "elsewhere" / "again")
    assert found(again, photos) == found(shop, photos)
    assert again.version == made.version == shop.version
    assert [v.what for v in again.versions()] == [v.what for v in shop.versions()]
    assert again.verify() == []
    assert (again.folder / "uploads" / location).read_bytes() == (photos / "7.jpg").read_bytes()
    assert (again.folder / "keys.json").read_text() == "[]"
    again.rollback(again.versions()[1].version)
    assert again.get("p03") is not None
    assert shop.get("p03") is None


def test_archive_is_the_owners_only(shop: Shop, tmp_path: Path):
    back_up(shop.folder, tmp_path / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o077 == 0
    with tarfile.open(tmp_path / "b.tar.gz") as tar:
        names = tar.getnames()
    assert not [name for name in names if name.endswith((".lock", ".new"))]


def test_what_cannot_be_written_or_restored_is_refused(shop: Shop, tmp_path: Path):
    archive = tmp_path / "b.tar.gz"
    with pytest.raises(SettingError, match="lies in the shop"):
        back_up(shop.folder, shop.folder / "b.tar.gz")
    back_up(shop.folder, archive)
    with pytest.raises(SettingError, match="exists"):
        back_up(shop.folder, archive)
    with pytest.raises(ShopExistsError, match="not empty"):
        restore(archive, shop.folder)
    with pytest.raises(SettingError, match="no backup"):
        restore(tmp_path / "missing.tar.gz", tmp_path / "new")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.99])
def test_half_an_archive_leaves_nothing_behind(shop: Shop, tmp_path: Path, kept: float):
    archive = tmp_path / "b.tar.gz"
    back_up(shop.folder, archive)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(StorageError):
        restore(archive, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".new")]


@pytest.mark.parametrize("name", ["../outside", "/outside", "index/../../outside"])
def test_archive_writes_nowhere_else(tmp_path: Path, name: str):
    archive = tmp_path / "evil.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(StorageError):
        restore(archive, tmp_path / "a" / "new")
    assert not list(tmp_path.rglob("outside"))


WRITE_ON = """
import sys
from pathlib import Path

from findalike.shop.shop import Shop
from support import plain_rows, write_table

folder, photos, table = sys.argv[1:]
shop, price = Shop.open(folder), 0
while True:
    price += 1
    rows = [{**row, "price": str(price)} for row in plain_rows()]
    shop.add(write_table(Path(table), rows), root=photos)
    shop.compact(keep_versions=2)
"""


def test_backups_beside_a_writer_are_whole(shop: Shop, photos: Path, tmp_path: Path):
    places = [str(shop.folder), str(photos), str(tmp_path / "now.csv")]
    first = shop.version
    tests = Path(__file__).parents[1]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITE_ON, *places], env=os.environ | {"PYTHONPATH": str(tests)}
    )
    try:
        deadline = time.monotonic() + 60
        while shop.version == first and writer.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        for number in range(4):
            back_up(shop.folder, tmp_path / f"{number}.tar.gz")
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    for number in range(4):
        again = restore(tmp_path / f"{number}.tar.gz", tmp_path / f"again{number}")
        assert again.stats().products == 12
        prices = {again.get(f"p{n:02d}").product.price for n in range(12)}  # type: ignore[union-attr]
        assert len(prices) in (1, 12)  # of one import, or as it was at first
        assert again.verify() == []


def test_restored_shop_takes_writes_and_names_them(shop: Shop, photos: Path, tmp_path: Path):
    back_up(shop.folder, tmp_path / "b.tar.gz")
    shop.remove(["p01"])
    again = restore(tmp_path / "b.tar.gz", tmp_path / "again")
    write_photos(photos, [30])
    rows = [{"product_id": "late", "image": "30.jpg"}]
    again.add(write_table(tmp_path / "late.csv", rows), root=photos)
    assert "late.csv" in again.versions()[0].what
    assert again.get("late") is not None
