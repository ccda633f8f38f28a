"""The shipped encoders on real photos.

Those of the ImageNet weights are what the set-up of the data was measured with. A change of
decoding, cropping, encoder or metric that moves a figure by more than 0.015 is found here; a better
encoder moves them on purpose, and with it these numbers.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from findalike.models.registry import DEFAULT_ENCODER, IMAGENET_ENCODER
from findalike.pipelines.evaluate import evaluate_methods
from findalike.pipelines.evaluation_set import read_evaluation_set
from support import write_table

TOLERANCE = 0.015

GROCERY = {IMAGENET_ENCODER: (0.498, 0.518, 0.480), DEFAULT_ENCODER: (0.783, 0.942, 0.642)}
APPAREL = {IMAGENET_ENCODER: 0.414, DEFAULT_ENCODER: 0.626}


@pytest.mark.parametrize("encoder", GROCERY)
def test_grocery_phone_photos_find_their_products(shared_data, encoder):
    whole, seen, unseen = GROCERY[encoder]
    folder = shared_data / "grocery"
    data = read_evaluation_set(folder / "gallery.csv", folder / "queries.csv")
    (evaluation,) = evaluate_methods(data, [encoder])
    assert evaluation.rankings.unreadable == ()
    figures = evaluation.result.figures
    assert (figures.queries, figures.gallery_images, figures.k) == (2580, 60, 1000)
    assert figures.map_at_k == pytest.approx(whole, abs=TOLERANCE)
    splits = {part.value: part for part in evaluation.result.slices if part.column == "split"}
    assert splits["seen"].map_at_k == pytest.approx(seen, abs=TOLERANCE)
    assert splits["unseen"].map_at_k == pytest.approx(unseen, abs=TOLERANCE)
    assert (splits["seen"].queries, splits["unseen"].queries) == (1212, 1368)


@pytest.mark.parametrize("encoder", APPAREL)
def test_other_views_of_a_garment_find_its_main_view(shared_data, tmp_path, encoder):
    folder = shared_data / "apparel"
    with (folder / "images.csv").open(encoding="utf-8", newline="") as file:
        images = list(csv.DictReader(file))

    def table(name: str, key: str, *, main: bool) -> Path:
        chosen = [row for row in images if (row["view"] == "main") == main]
        columns = ("img_path", "product_id")
        return write_table(
            tmp_path / name,
            [{key: row["img_path"], **{c: row[c] for c in columns}} for row in chosen],
        )

    data = read_evaluation_set(
        table("gallery.csv", "seller_img_id", main=True),
        table("queries.csv", "user_img_id", main=False),
        root=folder,
    )
    (evaluation,) = evaluate_methods(data, [encoder])
    assert evaluation.rankings.unreadable == ()
    figures = evaluation.result.figures
    assert (figures.queries, figures.gallery_images) == (122, 199)
    assert figures.map_at_k == pytest.approx(APPAREL[encoder], abs=TOLERANCE)
