"""The encoder inside the package: small, licensed, and as good as its card says."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from findalike.models import DEFAULT_ENCODER, Encoder, find_bundle

REPOSITORY = Path(__file__).resolve().parents[2]


def test_it_is_small_and_says_where_it_comes_from():
    bundle = find_bundle(DEFAULT_ENCODER)
    assert sum(path.stat().st_size for path in bundle.folder.iterdir()) < 15_000_000
    assert (bundle.input.size, bundle.embedding_size) == (224, 1280)
    assert bundle.manifest.licence == "Apache-2.0"
    assert "ImageNet" in bundle.manifest.trained_on
    assert bundle.manifest.mean == bundle.manifest.std == (0.5, 0.5, 0.5)
    notice = (REPOSITORY / "NOTICE").read_text(encoding="utf-8")
    for said in (DEFAULT_ENCODER, "Apache License", "TensorFlow Authors", "ML Illustrated", "timm"):
        assert said in notice
    assert "models pull timm/tf_efficientnet_lite0" in (bundle.folder / "README.md").read_text()


def test_a_back_view_finds_its_front(shared_data):
    from PIL import Image

    with (shared_data / "apparel" / "images.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    fronts = [row for row in rows if row["view"] == "main"]
    backs = [row for row in rows if row["view"] == "back"][:30]

    def embed(group):
        photos = [
            Image.open(shared_data / "apparel" / row["img_path"]).convert("RGB") for row in group
        ]
        return encoder.embed(np.stack([np.asarray(photo.resize((224, 224))) for photo in photos]))

    encoder = Encoder.load(DEFAULT_ENCODER)
    ranked = np.argsort(-(embed(backs) @ embed(fronts).T), axis=1)
    wanted = np.array([[row["product_id"] == f["product_id"] for f in fronts] for row in backs])
    found = np.take_along_axis(wanted, ranked[:, :10], axis=1).any(axis=1)
    assert found.mean() == pytest.approx(0.6, abs=0.25)
