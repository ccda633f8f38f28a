from __future__ import annotations

import numpy as np
import pytest

from findalike.shop import Shop
from support import plain_rows, write_table


def test_it_is_the_mean_cosine_with_the_pictures(photos, tiny_encoder, tmp_path):
    shop = Shop.create(tmp_path / "shop", encoder=tiny_encoder)
    query = np.zeros(49, np.float32)
    query[-1] = 1.0

    def typical() -> float:
        first, second = shop.typical_scores(np.stack([query, -query])).tolist()
        assert second == -first
        return first

    assert shop.typical_scores(query[None]) is None
    rows = plain_rows()
    shop.add(write_table(tmp_path / "a.csv", rows[:12]), root=photos)
    hits = shop._index.snapshot().search(query[None], k=100)[0]
    assert len(hits) == 12
    first = typical()
    assert first == pytest.approx(np.mean([hit.score for hit in hits]), abs=1e-3)
    # It follows the shop as that grows, but not for every picture.
    shop.add(write_table(tmp_path / "b.csv", rows[12:13]), root=photos)
    assert typical() == first
    shop.add(write_table(tmp_path / "c.csv", rows[12:]), root=photos)
    hits = shop._index.snapshot().search(query[None], k=100)[0]
    assert typical() == pytest.approx(np.mean([h.score for h in hits]), abs=1e-3)
