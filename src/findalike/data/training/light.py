"""Colours and sharpness changed at random: light, phone cameras, wiped-out rectangles."""

from __future__ import annotations

import cv2
import numpy as np

from findalike.config.sampling import ColourAugment, PhoneAugment
from findalike.types import Pixels

_ERASED_AREA = (0.02, 0.33)
_ERASED_RATIO = (0.3, 1 / 0.3)


def jitter(picture: Pixels, section: ColourAugment, rng: np.random.Generator) -> Pixels:
    """Brightness, contrast, saturation and hue changed, in random order.

    What `torchvision.transforms.v2.ColorJitter` does, with OpenCV's tables: for a picture of
    160 x 160 pixels several times faster. Hue turns in steps of two degrees.

    Args:
        picture: uint8 (h, w, 3) RGB; left as it is.
        section: the largest changes.
        rng: chance.
    """

    def factor(most: float) -> float:
        return float(rng.uniform(max(0.0, 1.0 - most), 1.0 + most))

    values = (
        factor(section.brightness),
        factor(section.contrast),
        factor(section.saturation),
        float(rng.uniform(-section.hue, section.hue)),
    )
    for step in rng.permutation(4).tolist():
        picture = _STEPS[step](picture, values[step])
    return picture


def brightened(picture: Pixels, factor: float) -> Pixels:
    """Every value times ``factor``."""
    if factor == 1.0:
        return picture
    return np.asarray(cv2.convertScaleAbs(picture, alpha=factor))


def contrasted(picture: Pixels, factor: float) -> Pixels:
    """Away from the picture's mean grey, or towards it below 1."""
    if factor == 1.0:
        return picture
    mean = float(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).mean())
    table = np.arange(256, dtype=np.float32) * factor + (1 - factor) * mean
    return np.asarray(cv2.LUT(picture, np.clip(table, 0, 255).astype(np.uint8)))


def saturated(picture: Pixels, factor: float) -> Pixels:
    """Away from grey, or towards it below 1."""
    if factor == 1.0:
        return picture
    return np.asarray(cv2.addWeighted(picture, factor, grey(picture), 1.0 - factor, 0.0))


def turned_hue(picture: Pixels, turn: float) -> Pixels:
    """Hue turned by ``turn`` of the circle, -0.5 to 0.5."""
    steps = round(turn * 180)
    if steps == 0:
        return picture
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    table = ((np.arange(256) + steps) % 180).astype(np.uint8)
    hsv[..., 0] = table[hsv[..., 0]]
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


_STEPS = (brightened, contrasted, saturated, turned_hue)


def grey(picture: Pixels) -> Pixels:
    """The picture without colour, still with three channels."""
    plane = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.merge([plane, plane, plane]))


def phone(picture: Pixels, section: PhoneAugment, rng: np.random.Generator) -> Pixels:
    """Blur, then JPEG, each with its probability."""
    blurs, packs = (rng.random(2) < (section.blur, section.jpeg)).tolist()
    sigma = float(rng.uniform(0.1, section.sigma)) if section.sigma > 0.1 else section.sigma
    quality = int(rng.integers(section.quality[0], section.quality[1] + 1))
    if blurs:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))
    if packs:
        # OpenCV takes the channels for blue, green, red; JPEG weighs them, so they are put right.
        swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
        picture = np.asarray(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))
    return picture


def erased(picture: Pixels, rng: np.random.Generator) -> Pixels:
    """A rectangle filled with noise (Zhong et al., arXiv:1708.04896, RE-R).

    Its area is 0.02 to 0.33 of the picture's, its ratio 0.3 to 3.3, as in
    `torchvision.transforms.v2.RandomErasing`. The paper draws the ratio evenly; this draws its
    logarithm, as torchvision does.
    """
    height, width = picture.shape[:2]
    for _ in range(10):
        area = float(rng.uniform(*_ERASED_AREA)) * height * width
        ratio = float(np.exp(rng.uniform(*np.log(_ERASED_RATIO))))
        h, w = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if 0 < h < height and 0 < w < width:
            top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
            wiped = picture.copy()
            wiped[top : top + h, left : left + w] = rng.integers(0, 256, (h, w, 3), np.uint8)
            return wiped
    return picture
