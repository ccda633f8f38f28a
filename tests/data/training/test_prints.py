from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.training.sets import noisy_photo, seller_photo
from findalike.data.training.print_store import PrintStore, file_key
from findalike.data.training.prints import Print, near_pairs, picture_print
from findalike.errors import ImageError, StorageError


def jpeg(picture: np.ndarray, *, quality: int = 90, side: int | None = None) -> bytes:
    image = Image.fromarray(picture)
    if side:
        image = image.resize((side, side))
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def test_copies_are_near_and_other_pictures_are_not() -> None:
    pictures = [noisy_photo(seed) for seed in range(6)]
    first = [picture_print(jpeg(p), name="a") for p in pictures]
    copies = [picture_print(jpeg(p, quality=50, side=120), name="a") for p in pictures]
    pairs = near_pairs(first, copies)
    assert [(a, b) for a, b, _ in pairs] == [(n, n) for n in range(6)]
    assert max(bits for *_, bits in pairs) <= 24
    assert all(a.sha256 != b.sha256 for a, b in zip(first, copies, strict=True))
    assert near_pairs([], copies) == near_pairs(first, []) == []


def test_one_shape_in_two_colours_is_two_pictures() -> None:
    red, blue = (
        picture_print(jpeg(seller_photo(colour)), name="a")
        for colour in ((220, 30, 30), (30, 30, 220))
    )
    assert near_pairs([red], [blue]) == []
    assert near_pairs([red], [red]) == [(0, 0, 0)]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    prints = [picture_print(jpeg(noisy_photo(seed % 5)), name="a") for seed in range(15)]
    whole = near_pairs(prints, prints)
    monkeypatch.setattr("findalike.data.training.prints._BLOCK", 20)
    assert sorted(near_pairs(prints, prints)) == sorted(whole)
    assert len(whole) == 45


def test_damaged_files_have_no_print() -> None:
    with pytest.raises(ImageError, match=r"a\.jpg"):
        picture_print(b"nothing", name="a.jpg")


def test_a_store_remembers(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "prints"
    one = Print(b"s" * 32, b"b" * 32, b"t" * 192)
    vector = np.arange(4, dtype=np.float16)
    with PrintStore(path) as store:
        store.keep([("a", one)])
        store.keep_vectors([("a", vector)], "encoder")
    with PrintStore(path) as store:
        assert store.find(["a", "b"]) == {"a": one}
        assert store.find_vectors(["a"], "encoder")["a"].tolist() == [0, 1, 2, 3]
        assert store.find_vectors(["a"], "another") == {}
    with PrintStore(None) as store:
        store.keep([("a", one)])
        assert store.find(["a"]) == {}


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prints"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="delete it, it is made anew"):
        PrintStore(path)


def test_a_changed_file_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"one")
    before = file_key(path)
    path.write_bytes(b"three")
    assert file_key(path) != before
    assert file_key(tmp_path / "gone") == ""
