from __future__ import annotations

from findalike.models import Manifest
from findalike.models.card import model_card


def test_the_card_says_what_the_description_says(manifest_values):
    manifest = Manifest.model_validate(manifest_values | {"mean": (0.25, 0.5, 0.75)})
    card = model_card(manifest)
    for said in ("# tiny", "mean colours", "16 x 16", "stretch", "0.25, 0.5, 0.75", "Apache-2.0"):
        assert said in card
    assert "--encoder tiny" in card
