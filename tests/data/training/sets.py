"""Training sets that tests make."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from findalike.data.training.images import TrainingImage, TrainingSet


def make_set(
    name: str,
    products: Sequence[str],
    *,
    root: Path = Path("/nowhere"),
    groups: dict[str, str] | None = None,
    domains: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    **more: object,
) -> TrainingSet:
    """A set whose n-th image is ``n.jpg`` with the n-th label."""
    images = [
        TrainingImage(
            location=f"{number}.jpg",
            label=label,
            group=(groups or {}).get(label),
            domain="user" if domains and domains[number] == "user" else "seller",
            split="val" if splits and splits[number] == "val" else "train",
        )
        for number, label in enumerate(products)
    ]
    return TrainingSet(name=name, root=root, images=images, **more)  # type: ignore[arg-type]


def seller_photo(
    colour: tuple[int, int, int] = (200, 40, 60), *, ground: int = 255, side: int = 240
) -> np.ndarray:
    """A product with a print on it, in the middle of a plain ground."""
    picture = np.full((side, side, 3), ground, np.uint8)
    middle = (side // 2, side // 2)
    cv2.ellipse(picture, middle, (side // 4, side // 3), 0, 0, 360, colour, -1, cv2.LINE_AA)
    top = (side // 2 - side // 12, side // 2 - side // 12)
    bottom = (side // 2 + side // 12, side // 2 + side // 12)
    cv2.rectangle(picture, top, bottom, (255, 255, 255), -1)
    return picture


def noisy_photo(seed: int, *, side: int = 200) -> np.ndarray:
    """A photo without a plain ground."""
    cells = np.random.default_rng(seed).integers(0, 256, (14, 14, 3), dtype=np.uint8)
    return cv2.resize(cells, (side, side), interpolation=cv2.INTER_CUBIC)


def write_photo(path: Path, picture: np.ndarray, *, quality: int = 92) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return path
