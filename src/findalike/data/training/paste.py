"""A product cut out of its seller's photo and laid on clutter."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.config.sampling import PasteAugment
from findalike.data.training.clutter import Clutter
from findalike.data.training.cutout import Cutout, cut_out
from findalike.types import Pixels

_NARROWEST = 0.6
_GROUND_PART = (0.35, 1.0)
_SHADOW = (0.15, 0.5)
_LIGHT = (0.65, 1.12)


def paste(
    picture: Pixels,
    clutter: Clutter,
    section: PasteAugment,
    *,
    label: int,
    rng: np.random.Generator,
) -> Pixels | None:
    """Cut a product out, turn it, light it as its new ground is lit, and lay it down.

    The result is about as large as the picture was, in a shape between that of the product and a
    square, as boxes drawn by shoppers are.

    Args:
        picture: uint8 (h, w, 3), left as it is.
        clutter: where it is laid.
        section: how large and how far turned.
        label: of the product.
        rng: chance.

    Returns:
        uint8 (h, w, 3); None where the picture has no plain ground.
    """
    found = cut_out(picture)
    if found is None:
        return None
    product = _turned(found, float(rng.uniform(-section.degrees, section.degrees)))
    height, width = product.alpha.shape
    share = float(rng.uniform(*section.scale))
    longer = max(height, width) / share
    shorter = max(min(height, width) / share, _NARROWEST * longer)
    shorter = float(rng.uniform(shorter, longer))
    frame = (longer, shorter) if height >= width else (shorter, longer)
    # Neither larger than the photo it comes from, nor blown up.
    scale = min(max(picture.shape[:2]) / longer, 1.0)
    rows, columns = (max(round(side * scale), 2) for side in frame)
    product = _scaled(product, min(scale, rows / height, columns / width))
    height, width = product.alpha.shape
    ground = _ground(clutter.draw(label, rng), (rows, columns), rng)
    top, left = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    alpha = np.zeros((rows, columns), np.float32)
    window = (slice(top, top + height), slice(left, left + width))
    alpha[window] = product.alpha
    ground = _shadowed(ground, alpha, rng)
    lit = _lit(product.pixels, ground, rng)
    cover = cv2.merge([product.alpha] * 3)
    part = lit * cover + ground[window] * (1 - cover)
    ground[window] = cv2.convertScaleAbs(part)
    return ground


def _turned(product: Cutout, degrees: float) -> Cutout:
    """Turned about its middle, on a canvas that holds all of it."""
    if abs(degrees) < 0.5:
        return product
    height, width = product.alpha.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    columns, rows = round(height * sin + width * cos), round(height * cos + width * sin)
    matrix[:, 2] += (columns - width) / 2, (rows - height) / 2
    # Colours past the edge repeat, so that the soft edge mixes in nothing foreign.
    pixels = cv2.warpAffine(
        product.pixels, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE
    )
    alpha = cv2.warpAffine(product.alpha, matrix, (columns, rows))
    seen_rows, seen = np.flatnonzero(alpha.max(axis=1) > 0.5), np.flatnonzero(alpha.max(0) > 0.5)
    if len(seen_rows) < 2 or len(seen) < 2:
        return product
    window = (slice(seen_rows[0], seen_rows[-1] + 1), slice(seen[0], seen[-1] + 1))
    return Cutout(np.ascontiguousarray(pixels[window]), np.ascontiguousarray(alpha[window]))


def _scaled(product: Cutout, scale: float) -> Cutout:
    if scale >= 1.0:
        return product
    height, width = product.alpha.shape
    size = (max(int(width * scale), 1), max(int(height * scale), 1))
    return Cutout(
        np.asarray(cv2.resize(product.pixels, size, interpolation=cv2.INTER_AREA)),
        np.asarray(cv2.resize(product.alpha, size, interpolation=cv2.INTER_AREA)),
    )


def _ground(picture: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A random part of a ground with the shape of the frame, mirrored half of the time."""
    rows, columns = size
    height, width = picture.shape[:2]
    most = min(height / rows, width / columns)
    scale = most * float(rng.uniform(*_GROUND_PART))
    h, w = max(int(rows * scale), 1), max(int(columns * scale), 1)
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    part = picture[top : top + h, left : left + w]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    way = cv2.INTER_AREA if h > rows else cv2.INTER_LINEAR
    return np.array(cv2.resize(np.ascontiguousarray(part), (columns, rows), interpolation=way))


def _shadowed(ground: Pixels, alpha: NDArray[np.float32], rng: np.random.Generator) -> Pixels:
    """The ground with the product's soft shadow, thrown to one side and down."""
    reach = max(alpha.shape)
    across, down = rng.uniform(-0.05, 0.05) * reach, rng.uniform(0.0, 0.06) * reach
    depth = float(rng.uniform(*_SHADOW))
    move = np.array([[1, 0, across], [0, 1, down]], np.float32)
    # At a quarter of the size: a shadow is blurred anyway.
    small = cv2.resize(cv2.warpAffine(alpha, move, alpha.shape[::-1]), None, fx=0.25, fy=0.25)
    soft = cv2.GaussianBlur(small, (0, 0), max(0.025 * reach / 4, 0.5))
    shade = 1.0 - depth * cv2.resize(soft, alpha.shape[::-1])
    return np.asarray(cv2.multiply(ground, cv2.merge([shade] * 3), dtype=cv2.CV_8U))


def _lit(product: Pixels, ground: Pixels, rng: np.random.Generator) -> NDArray[np.float32]:
    """The product in the light of its ground: some of its brightness and of its tint."""
    around = cv2.mean(cv2.resize(ground, (8, 8), interpolation=cv2.INTER_AREA))[:3]
    tint = np.array(around, np.float32)
    brightness = float(tint.mean())
    share = float(rng.uniform(0.2, 0.7))
    gain = np.clip(1.0 + share * (brightness / 140.0 - 1.0), *_LIGHT)
    hue = 1.0 + 0.25 * share * (tint / max(brightness, 1.0) - 1.0)
    matrix = np.diag(gain * hue)
    return np.asarray(cv2.transform(product.astype(np.float32), matrix))
