"""The encoders inside the package: small, licensed, and as good as their cards say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from findalike.data.prepare import prepare
from findalike.models import DEFAULT_ENCODER, Encoder, find_bundle
from findalike.models.registry import IMAGENET_ENCODER

REPOSITORY = Path(__file__).resolve().parents[2]


ENCODERS = {IMAGENET_ENCODER: 1280, DEFAULT_ENCODER: 512}


@pytest.mark.parametrize("name", ENCODERS)
def test_it_is_small_and_says_where_it_comes_from(name):
    bundle = find_bundle(name)
    assert sum(path.stat().st_size for path in bundle.folder.iterdir()) < 10_000_000
    assert (bundle.input.size, bundle.embedding_size) == (224, ENCODERS[name])
    assert bundle.manifest.licence == "Apache-2.0"
    assert bundle.manifest.mean == bundle.manifest.std == (0.5, 0.5, 0.5)
    notice = (REPOSITORY / "NOTICE").read_text(encoding="utf-8")
    for said in (name, "Apache License", "TensorFlow Authors", "ML Illustrated", "timm"):
        assert said in notice


def test_the_cards_say_what_they_were_trained_on():
    plain, own = find_bundle(IMAGENET_ENCODER), find_bundle(DEFAULT_ENCODER)
    assert "ImageNet" in plain.manifest.trained_on
    assert "models pull timm/tf_efficientnet_lite0" in (plain.folder / "README.md").read_text()
    assert all(name in own.manifest.trained_on for name in ("grocery", "simulated", "clothing"))
    # What the figures are quoted for was not trained on.
    assert "apparel" not in own.manifest.trained_on
    assert "apparel/view" in (own.folder / "README.md").read_text()


@pytest.mark.parametrize("name", ENCODERS)
def test_the_figure_of_its_description_is_true(shared_data, name):
    folder = shared_data / "apparel"
    with (folder / "images.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    encoder = Encoder.load(name)
    pictures = [
        prepare((folder / row["img_path"]).read_bytes(), encoder.input, name=row["img_path"]).pixels
        for row in rows
    ]
    embeddings = encoder.embed(np.stack(pictures))
    main = np.array([row["view"] == "main" for row in rows])
    products = np.array([row["product_id"] for row in rows])
    ranked = np.argsort(-(embeddings[~main] @ embeddings[main].T), axis=1, kind="stable")
    relevant = products[main][ranked] == products[~main][:, None]
    # One main view a product: the average precision is one over its rank.
    mean = (1.0 / (relevant.argmax(axis=1) + 1)).mean()
    figures = {(f.protocol, f.metric): f.value for f in encoder.bundle.manifest.figures}
    assert mean == pytest.approx(figures["apparel/view", "mAP@1000"], abs=0.003)
    assert relevant[:, 0].mean() == pytest.approx(figures["apparel/view", "R@1"], abs=0.01)
