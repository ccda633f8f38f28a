"""What `findalike data` writes is what a recipe's reader of tables reads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")

from findalike.config.data import TrainingData
from findalike.data.datasets import PRODUCTS10K, Entry, write_tables
from findalike.data.training.reading import read_training_set
from findalike.types import Box
from support import write_photos, write_table


def test_the_table_of_a_public_data_set(tmp_path):
    root = tmp_path / "set"
    write_photos(root / "train", range(12))

    def read(_):
        for n in range(12):
            box = Box(5, 6, 50, 40) if n else None
            yield Entry(f"train/{n}.jpg", str(n // 3), "train", "train.csv", n + 2, "g", box)

    dataset = replace(PRODUCTS10K, read=read)
    report = write_tables(dataset, root, tmp_path / "tables", val_share=0.5)
    assert report.val_images == 6

    entry = TrainingData(
        name="p10k", path=str(tmp_path / "tables/train.csv"), reader="table", root=str(root)
    )
    found = read_training_set(entry, base=tmp_path)
    # A product that training never sees has no class in its loss: val_queries.csv judges it.
    held = found.rare_images
    images = found.images
    assert (len(images), held, found.rows) == (6, 6, 12)
    assert not found.refused
    assert {(image.domain, image.group, image.split) for image in images} == {
        ("seller", "g", "train")
    }
    assert Box(5, 6, 50, 40) in {image.box for image in images}


def test_the_table_of_pairs(tmp_path: Path):
    write_photos(tmp_path / "images/ab", range(4))
    write_table(
        tmp_path / "pairs_0.6.csv",
        [
            {"image_path": f"images/ab/{n}.jpg", "label": f"B{n // 2}", "domain": domain}
            for n, domain in enumerate(("seller", "user") * 2)
        ],
    )
    entry = TrainingData(name="amazon", path="pairs_0.6.csv", reader="table")
    images = read_training_set(entry, base=tmp_path).images
    assert [(image.label, image.domain) for image in images] == [
        ("B0", "seller"),
        ("B0", "user"),
        ("B1", "seller"),
        ("B1", "user"),
    ]
