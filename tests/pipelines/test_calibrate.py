from __future__ import annotations

import csv

import numpy as np
import pytest
from typer.testing import CliRunner

from findalike.cli.main import app
from findalike.errors import EvaluationError
from findalike.models.bundle import Bundle
from findalike.models.encoder import Encoder
from findalike.pipelines.calibrate import FirstHits, first_hits, joined
from findalike.pipelines.evaluation_set import read_evaluation_set
from support import make_tiny_encoder, write_photos, write_table


@pytest.fixture
def tables(tmp_path):
    """24 photos of 12 products: one of each in the gallery, the other a query.

    p10 and p11 are variants.

    Photo 2n + 1 is a darker copy of photo 2n for every product but p03, whose query is p04's.
    """
    import cv2

    write_photos(tmp_path, range(24))
    for number in range(0, 24, 2):
        shown = 8 if number == 6 else number
        picture = cv2.imread(str(tmp_path / f"{shown}.jpg"))
        cv2.imwrite(str(tmp_path / f"{number + 1}.jpg"), (picture * 0.8).astype(np.uint8))
    gallery = write_table(
        tmp_path / "gallery.csv",
        [
            {
                "seller_img_id": f"s{n}",
                "img_path": f"{2 * n}.jpg",
                "product_id": f"p{n:02d}",
                "variant_of": "p10" if n == 11 else "",
            }
            for n in range(12)
        ],
    )
    queries = write_table(
        tmp_path / "queries.csv",
        [
            {"user_img_id": f"u{n}", "img_path": f"{2 * n + 1}.jpg", "product_id": f"p{n:02d}"}
            for n in range(12)
        ],
    )
    return gallery, queries


def test_each_photo_is_searched_with_twice(tables, tiny_encoder):
    encoder = Encoder.load(tiny_encoder)
    data = read_evaluation_set(*tables)
    hits = first_hits(data, encoder)
    assert hits.present.tolist() == [True] * 12 + [False] * 12
    assert hits.right.tolist() == [n != 3 for n in range(12)] + [False] * 12
    # Without its product and that one's variants, a photo's best is lower or, where a wrong one
    # was first, the same picture over the mean of one picture fewer.
    right = np.flatnonzero(hits.right)
    assert (hits.rises[right] > hits.rises[right + 12]).all()


def test_the_variants_go_with_the_product(tables, tiny_encoder):
    gallery, queries = tables
    with gallery.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows[11]["img_path"] = rows[10]["img_path"]  # the variant looks the same
    write_table(gallery, rows)
    encoder = Encoder.load(tiny_encoder)
    hits = first_hits(read_evaluation_set(gallery, queries), encoder)
    assert hits.rises[10 + 12] < hits.rises[10] - 0.05


def test_sets_count_alike():
    def part(size: int, rise: float) -> FirstHits:
        return FirstHits(np.full(size, rise), np.ones(size, bool), np.ones(size, bool))

    both = joined([part(10, 0.1), part(31, 0.2)])
    assert (both.rises == 0.1).sum() == 30
    assert (both.rises == 0.2).sum() == 31
    assert len(both.right) == len(both.present) == 61


def test_queries_of_other_products(tables, tiny_encoder):
    gallery, queries = tables
    write_table(queries, [{"user_img_id": "u", "img_path": "1.jpg", "product_id": "other"}])
    with pytest.raises(EvaluationError, match="no photo shows a product of the gallery"):
        first_hits(read_evaluation_set(gallery, queries), Encoder.load(tiny_encoder))


def test_the_command_writes_it_into_the_bundle(tables, tmp_path):
    folder = make_tiny_encoder(tmp_path / "mine", name="mine")
    before = Bundle.load(folder)
    gallery, queries = map(str, tables)
    asked = ["models", "calibrate", str(folder), "--gallery", gallery, "--queries", queries]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "(12 photos)" in done.output
    after = Bundle.load(folder)
    calibration = after.manifest.calibration
    assert calibration is not None
    assert calibration.queries == 12
    assert calibration.fitted_on == f"{tmp_path.name}/queries.csv (12 photos)"
    assert str(tmp_path.parent) not in calibration.command
    assert after.fingerprint == before.fingerprint
    assert after.manifest.model_copy(update={"calibration": None}) == before.manifest
    assert not list(folder.glob(".*"))


def test_a_stand_in_is_asked_and_the_bundle_written(tables, tmp_path):
    gallery, queries = map(str, tables)
    curves = {}
    for name, tilt, asked in (
        ("own", 1.0, None),
        ("other", 300.0, None),
        ("by-other", 1.0, "other"),
    ):
        folder = make_tiny_encoder(tmp_path / name, name=name, tilt=tilt)
        command = ["models", "calibrate", str(folder), "--gallery", gallery, "--queries", queries]
        command += ["--stand-in", str(tmp_path / asked)] if asked else []
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        made = Bundle.load(folder).manifest.calibration
        assert made is not None
        curves[name] = made
    taken, own, other = curves["by-other"], curves["own"], curves["other"]
    assert (taken.same, taken.similar) == (other.same, other.similar)
    assert (taken.same, taken.similar) != (own.same, own.similar)
    assert taken.command.endswith("--stand-in other")


def test_the_command_wants_pairs(tables, tmp_path):
    gallery, queries = map(str, tables)
    asked = ["models", "calibrate", "x", "--gallery", gallery, "--gallery", gallery]
    done = CliRunner().invoke(app, [*asked, "--queries", queries])
    assert done.exit_code != 0
