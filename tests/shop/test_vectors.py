"""Embeddings a shop has already: by photo and box, however often a photo stands in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from findalike.index.embedded import EmbeddedIndex
from findalike.index.schema import image_rows
from findalike.shop.vectors import stored_vectors
from findalike.types import Box

SIZE = 8
LEFT, RIGHT = Box(0.0, 0.0, 0.5, 1.0), Box(0.5, 0.0, 0.5, 1.0)
MANY = 20_000
BOX = ("box_x", "box_y", "box_w", "box_h")


@pytest.fixture
def index(tmp_path: Path) -> EmbeddedIndex:
    made = EmbeddedIndex.create(tmp_path / "index", embedding_size=SIZE)

    def put(names: list[str], sha256: str, box: Box | None, axis: int) -> None:
        values = {} if box is None else dict(zip(BOX, (box.x, box.y, box.w, box.h), strict=True))
        rows = [{"image_id": n, "product_id": n, "sha256": sha256, **values} for n in names]
        vectors = np.repeat(np.eye(SIZE, dtype=np.float32)[[axis]], len(names), axis=0)
        made.upsert(image_rows(rows, vectors, {}))

    put(["a"], "photo", None, 0)
    put(["b"], "photo", LEFT, 1)
    put([f"none{n}" for n in range(MANY)], "no-picture", None, 2)
    put(["c"], "photo", RIGHT, 3)
    return made


def axes(found: dict) -> dict:
    return {key: int(np.argmax(vector)) for key, vector in found.items()}


def test_by_photo_and_box(index):
    keys = {("photo", None), ("photo", LEFT), ("photo", RIGHT), ("other", None)}
    found = axes(stored_vectors(index, keys))
    assert found == {("photo", None): 0, ("photo", LEFT): 1, ("photo", RIGHT): 3}
    assert stored_vectors(index, set()) == {}
    assert axes(stored_vectors(index, [("photo", LEFT)])) == {("photo", LEFT): 1}


def test_a_photo_that_is_everywhere_is_not_read_everywhere(index, monkeypatch):
    read = []
    original = EmbeddedIndex.fetch

    def counted(self, *given, **named):
        for batch in original(self, *given, **named):
            read.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(EmbeddedIndex, "fetch", counted)
    assert axes(stored_vectors(index, {("no-picture", None)})) == {("no-picture", None): 2}
    assert sum(read) < MANY


def test_vectors_are_not_views_of_what_was_read(index):
    (vector,) = stored_vectors(index, {("no-picture", None)}).values()
    assert vector.base is None
    assert vector.dtype == np.float32
