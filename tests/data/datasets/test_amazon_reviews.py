"""The files of Amazon Reviews, in the formats of 2018 and 2023, and which pictures are kept."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from findalike.data.datasets.amazon_reviews import (
    buyer_photos,
    product_of,
    seller_pictures,
    sized,
)
from findalike.data.datasets.json_lines import LONGEST_LINE, json_lines
from findalike.data.datasets.pair_filter import PairRules, judge_product
from findalike.errors import CatalogueError, SettingError
from findalike.types import Refusal

NA = "https://images-na.ssl-images-amazon.com/images/I"
M = "https://m.media-amazon.com/images/I"

META_2018 = {
    "category": ["Clothing, Shoes & Jewelry"],
    "title": "Girls Ballet Tutu",
    "imageURL": [f"{NA}/31mC._SX38_SY50_CR,0,0,38,50_.jpg"],
    "imageURLHighRes": [f"{NA}/31mC.jpg", f"{NA}/41xx.jpg"],
    "asin": "0000031852",
}
REVIEW_2018 = {
    "image": [f"{NA}/71eG75FTJJL._SY88.jpg"],
    "overall": 5.0,
    "verified": True,
    "reviewerID": "AUI6WTTT0QZYS",
    "asin": "5120053084",
    "reviewText": "I now have 4 of the 5 available colors",
}
META_2023 = {
    "main_category": "All Beauty",
    "title": "Howard LC0008 Leather Conditioner",
    "images": [
        {
            "thumb": f"{M}/41qf._SS40_.jpg",
            "large": f"{M}/41qf.jpg",
            "variant": "MAIN",
            "hi_res": f"{M}/71i7._SL1500_.jpg",
        },
        {"thumb": f"{M}/41w2._SS40_.jpg", "large": f"{M}/41w2.jpg", "variant": "PT01",
         "hi_res": None},
    ],
    "parent_asin": "B01CUPMQZE",
}  # fmt: skip
REVIEW_2023 = {
    "rating": 5.0,
    "images": [
        {
            "small_image_url": f"{M}/81FN4c0VHzL._SL256_.jpg",
            "medium_image_url": f"{M}/81FN4c0VHzL._SL800_.jpg",
            "large_image_url": f"{M}/81FN4c0VHzL._SL1600_.jpg",
            "attachment_type": "IMAGE",
        }
    ],
    "asin": "B088SZDGXG",
    "parent_asin": "B08BBQ29N5",
}


def test_the_release_of_2018():
    assert product_of(META_2018) == "0000031852"
    assert seller_pictures(META_2018) == [f"{NA}/31mC.jpg", f"{NA}/41xx.jpg"]
    assert seller_pictures(META_2018 | {"imageURLHighRes": []}) == META_2018["imageURL"]
    assert product_of(REVIEW_2018) == "5120053084"
    assert buyer_photos(REVIEW_2018) == [f"{NA}/71eG75FTJJL._SY88.jpg"]
    # The page that describes the release also shows a text in place of a list.
    assert seller_pictures({"imageURL": f"{NA}/a.jpg"}) == [f"{NA}/a.jpg"]


def test_the_release_of_2023():
    assert product_of(META_2023) == "B01CUPMQZE"
    assert seller_pictures(META_2023) == [f"{M}/71i7._SL1500_.jpg", f"{M}/41w2.jpg"]
    assert product_of(REVIEW_2023) == "B08BBQ29N5"
    assert buyer_photos(REVIEW_2023) == [f"{M}/81FN4c0VHzL._SL1600_.jpg"]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"images": None, "image": 3, "imageURL": {}},
        {"images": [{}, None, 7, {"hi_res": None, "large_image_url": 5}]},
        {"image": ["javascript:alert(1)", ""], "imageURL": "/local.jpg"},
        {"image": ["https://a.example/\ud800.jpg", "https://a.example/\n.jpg"]},
    ],
)
def test_records_without_pictures(record):
    assert seller_pictures(record) == buyer_photos(record) == []
    assert product_of(record | {"asin": 7, "parent_asin": " "}) is None
    assert product_of(record | {"asin": "B\udfff"}) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"{NA}/71eG75FTJJL._SY88.jpg", f"{NA}/71eG75FTJJL._SL800_.jpg"),
        (f"{NA}/31mC._SX38_SY50_CR,0,0,38,50_.jpg", f"{NA}/31mC._SL800_.jpg"),
        (f"{M}/71w0PBmui+L._SL1500_.jpg", f"{M}/71w0PBmui+L._SL800_.jpg"),
        (f"{M}/41qf.png", f"{M}/41qf._SL800_.png"),
        ("http://ecx.images-amazon.com/images/I/31W.jpg",
         "http://ecx.images-amazon.com/images/I/31W._SL800_.jpg"),
        ("https://shop.example/images/I/31W._SY88.jpg", None),
        ("https://evil.example/m.media-amazon.com/images/I/31W.jpg", None),
        (f"{M}/C1OFT0iGsoS.mp4", None),
    ],
)  # fmt: skip
def test_sizes_are_asked_for_in_the_name(url, expected):
    assert sized(url, 800) == (expected or url)
    assert sized(url, 0) == url


@pytest.mark.parametrize("packed", [False, True])
def test_ten_thousand_lines_with_three_bad_ones(tmp_path, packed):
    lines = [json.dumps({"asin": f"p{n}"}) for n in range(10_000)]
    lines[10] = "{'asin': 'p10'}"
    lines[5_000] = '["asin"]'
    lines[9_999] = '{"asin": "p99'
    lines.insert(100, "")
    content = "\n".join(lines).encode()
    path = tmp_path / "meta.json.gz"
    path.write_bytes(gzip.compress(content) if packed else content)
    told: list[tuple[int, int]] = []
    found = list(json_lines(path, lambda *done: told.append(done)))
    refusals = [item for item in found if isinstance(item, Refusal)]
    assert len(found) - len(refusals) == 9_997
    assert [refusal.row for refusal in refusals] == [11, 5_002, 10_001]
    assert refusals[1].reason == "JSON, but no object"
    assert told == sorted(told)
    assert told[-1] == (path.stat().st_size,) * 2


def test_lines_take_the_memory_of_one(tmp_path):
    path = tmp_path / "reviews.json.gz"
    line = json.dumps(REVIEW_2023 | {"text": "x" * 500}).encode() + b"\n"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(5_000):
            file.write(line)
    tracemalloc.start()
    assert sum(1 for _ in json_lines(path)) == 5_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000 < 5_000 * len(line)


def test_endless_lines_and_broken_files(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": "' + b"x" * (2 * LONGEST_LINE) + b'"}\n{"asin": "p"}\n')
    refusal, good = json_lines(path)
    assert isinstance(refusal, Refusal)
    assert "more than" in refusal.reason
    assert good == {"asin": "p"}

    whole = gzip.compress(b'{"asin": "p"}\n' * 10_000)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CatalogueError, match=r"cut off or damaged.*get the file again"):
        list(json_lines(path))
    with pytest.raises(CatalogueError, match="cannot read"):
        list(json_lines(Path("nowhere.json")))


def turned(*degrees: float) -> np.ndarray:
    """Unit vectors in the plane: the cosine of two is that of the angle between them."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def judge(sellers: tuple[float, ...], users: tuple[float, ...], **rules: float) -> list[str]:
    kinds = np.array([True] * len(sellers) + [False] * len(users))
    verdicts = judge_product(turned(*sellers, *users), kinds, PairRules(**rules))
    return [reason.split(" ")[0] if reason else "" for reason, _ in verdicts]


class TestJudging:
    def test_the_mean_cosine_is_with_the_other_kind(self):
        kinds = np.array([True, True, False, False])
        verdicts = judge_product(turned(0, 40, 20, 100), kinds, PairRules())
        cos = lambda degrees: np.cos(np.radians(degrees))  # noqa: E731
        # The seller's with the one buyer's photo that is kept.
        expected = [cos(20), cos(20), cos(20), (cos(100) + cos(60)) / 2]
        assert [mean for _, mean in verdicts] == pytest.approx(expected, abs=1e-6)
        assert [reason for reason, _ in verdicts] == ["", "", "", "its mean cosine is too low"]

    def test_a_lower_threshold_keeps_all_photos_of_a_higher_one(self):
        rng = np.random.default_rng(0)
        for _ in range(200):
            angles = rng.uniform(0, 120, 8)
            high, low = (
                judge(tuple(angles[:3]), tuple(angles[3:]), min_cosine=t, copy_cosine=1)
                for t in (0.6, 0.5)
            )
            assert {n for n, r in enumerate(high) if not r and n > 2} <= {
                n for n, r in enumerate(low) if not r
            }
            # With a buyer's photo that is kept there is a seller's picture that is kept.
            for verdict in (high, low):
                assert ("" in verdict[3:]) == ("" in verdict[:3])

    def test_of_two_copies_the_sellers_stays(self):
        assert judge((0,), (1, 30)) == ["", "a", ""]
        assert judge((0, 1), (30, 31)) == ["", "a", "", "a"]
        kinds = np.array([False, True, False])
        verdicts = judge_product(turned(1, 0, 30), kinds, PairRules())
        assert [bool(reason) for reason, _ in verdicts] == [True, False, False]

    def test_sellers_pictures_without_anything_in_common(self):
        assert judge((0, 85), (12, 60)) == ["the"] * 4
        assert judge((0, 85), (12, 60), min_agreement=0.0)[0] == ""
        # One that agrees is enough: others may be details.
        assert judge((0, 85, 30), (14,), min_cosine=0.1) == [""] * 4

    def test_both_kinds_and_enough_of_them_are_needed(self):
        assert judge((0,), (80,)) == ["the", "its"]
        assert judge((0,), ()) == ["the"]
        assert judge((0,), (1,)) == ["the", "a"]
        assert judge((0,), (30,), min_images=3) == ["the", "the"]
        assert judge((0,), (30, 45), min_images=3) == [""] * 3
        assert judge((), (30,)) == ["the"]
        # A detail among the seller's pictures goes, the product stays.
        assert judge((0, 70), (5, 20), min_cosine=0.6, copy_cosine=1) == ["", "its", "", ""]

    @pytest.mark.parametrize("rules", [{"min_cosine": 1.5}, {"copy_cosine": -2}, {"min_images": 1}])
    def test_rules_out_of_range(self, rules):
        with pytest.raises(SettingError, match=next(iter(rules))):
            PairRules(**rules)
