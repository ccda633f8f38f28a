"""From scene light to a phone's picture: exposure, white balance, blur, noise, tone and JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.mesh import Floats
from findalike.types import Pixels

_KNEE = 0.72
_GRAIN_SIDE = 1024
_GRAIN_STREAM = 0x96A1


@dataclass(frozen=True, slots=True)
class Shot:
    """What a phone does to the light that reaches it.

    Attributes:
        exposure: stops, 0 is right.
        white_balance: factors on red and blue.
        gradient: (dx, dy) share of light gained towards the right and the bottom edge.
        vignette: light lost in the corners, 0-1.
        glare: strength of a veil of stray light.
        glare_at: where it comes from, in shares of the width and height.
        motion: length of the smear in pixels.
        motion_angle: its direction in degrees.
        noise: standard deviation at mid grey, in 8-bit steps.
        saturation: factor.
        contrast: strength of the tone curve, 0 linear.
        jpeg_quality: 1-100.
    """

    exposure: float
    white_balance: tuple[float, float]
    gradient: tuple[float, float]
    vignette: float
    glare: float
    glare_at: tuple[float, float]
    motion: float
    motion_angle: float
    noise: float
    saturation: float
    contrast: float
    jpeg_quality: int


def soft_clip(light: Floats) -> Floats:
    """Linear light kept below 1 by a shoulder that starts at :data:`_KNEE`."""
    room, knee = np.float32(1 - _KNEE), np.float32(_KNEE)
    over = np.maximum(light - knee, 0)
    return np.asarray(np.minimum(light, knee) + over * room / (over + room))


def _srgb(value: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)


_STEPS = 4096
_BRIGHTEST = 4.0
_SRGB = np.round(_srgb(np.arange(_STEPS) / (_STEPS - 1)) * 255).astype(np.uint8)


def to_srgb(light: Floats) -> Pixels:
    """Linear light to 8-bit sRGB."""
    return np.asarray(_SRGB[_index(light, 1.0)])


def _index(light: Floats, brightest: float) -> NDArray[np.int16]:
    """Linear light as a position in a table of :data:`_STEPS` entries up to ``brightest``."""
    scaled = light * np.float32((_STEPS - 1) / brightest) + np.float32(0.5)
    return np.clip(scaled, 0, _STEPS - 1, out=scaled).astype(np.int16)


def _tone_curve(contrast: float) -> NDArray[np.float32]:
    """8-bit values of linear light up to :data:`_BRIGHTEST`: shoulder, sRGB and contrast."""
    # Square root spacing keeps the shadows' steps below one 8-bit value.
    value = (np.arange(_STEPS) / (_STEPS - 1)) ** 2 * _BRIGHTEST
    t = _srgb(soft_clip(value.astype(np.float32)))
    return np.asarray((t + (t * t * (3 - 2 * t) - t) * contrast) * 255, dtype=np.float32)


@lru_cache(maxsize=1)
def _film_grain() -> Floats:
    """Noise of a sensor after demosaicking: fine and blotchy, standard deviation 1."""
    rng = np.random.default_rng(np.random.SeedSequence(_GRAIN_STREAM))
    fine = rng.standard_normal((_GRAIN_SIDE, _GRAIN_SIDE, 3), dtype=np.float32)
    coarse = rng.standard_normal((_GRAIN_SIDE // 2, _GRAIN_SIDE // 2, 3), dtype=np.float32)
    blotch = cv2.resize(coarse, (_GRAIN_SIDE, _GRAIN_SIDE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(0.75 * fine + 0.8 * blotch)


def disc_blur(picture: Floats, radius: float) -> Floats:
    """Blur of a lens out of focus; ``radius`` in pixels, below a third of a pixel nothing."""
    if radius < 0.35:
        return picture
    side = 2 * int(np.ceil(radius)) + 1
    at = np.arange(side, dtype=np.float32) - side // 2
    distance = np.sqrt(at[:, None] ** 2 + at[None] ** 2)
    kernel = np.clip(radius + 0.5 - distance, 0, 1)
    return np.asarray(
        cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    )


def smear(picture: Floats, length: float, angle: float) -> Floats:
    """Blur of a camera that moved along a line."""
    if length < 1.2:
        return picture
    side = 2 * int(np.ceil(length / 2)) + 3
    kernel = np.zeros((side * 4, side * 4), dtype=np.float32)
    a = np.radians(angle)
    middle = side * 2
    reach = np.array([np.cos(a), np.sin(a)]) * length * 2
    start, end = (np.round((middle + s * reach) * 16).astype(int) for s in (-1, 1))
    cv2.line(kernel, start.tolist(), end.tolist(), 1.0, 4, cv2.LINE_8, 4)
    kernel = cv2.resize(kernel, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(
        cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    )


def _light_field(shot: Shot, height: int, width: int) -> Floats:
    """Factor on the light of each pixel: gradient over the frame and dark corners."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    slope = 1 + np.float32(shot.gradient[0]) * x + np.float32(shot.gradient[1]) * y
    corner = 1 - np.float32(shot.vignette / 2) * (x * x + y * y)
    return np.asarray(np.maximum(slope, np.float32(0.25)) * corner)


def expose(light: Floats, shot: Shot, rng: np.random.Generator) -> Pixels:
    """Develop a picture of linear light, (h, w, 3), before JPEG."""
    height, width = light.shape[:2]
    light = smear(light, shot.motion, shot.motion_angle)
    gain = np.diag([shot.white_balance[0], 1.0, shot.white_balance[1]]) * 2**shot.exposure
    keep = shot.saturation
    colour = np.eye(3) * keep + (1 - keep) * np.array([[0.25, 0.65, 0.1]])
    light = np.asarray(cv2.transform(light, colour @ gain))
    light *= three(_light_field(shot, height, width))
    if shot.glare > 0:
        y = np.linspace(0, 1, height, dtype=np.float32)[:, None] - np.float32(shot.glare_at[1])
        x = np.linspace(0, 1, width, dtype=np.float32)[None] - np.float32(shot.glare_at[0])
        veil = np.exp(-(x * x + y * y) / np.float32(0.18)) * np.float32(shot.glare)
        light += three(veil)
    root = np.sqrt(np.maximum(light, 0, out=light), out=light)
    picture = _tone_curve(shot.contrast)[_index(root, _BRIGHTEST**0.5)]
    if shot.noise > 0.2:
        top, left = (int(v) for v in rng.integers(0, _GRAIN_SIDE - max(height, width), 2))
        grain = _film_grain()[top : top + height, left : left + width]
        picture += grain * np.float32(shot.noise)
    return np.asarray(cv2.add(picture, np.zeros_like(picture), dtype=cv2.CV_8U))


def three(plane: Floats) -> Floats:
    """The plane three times side by side, (h, w, 3): arithmetic with it beats broadcasting."""
    return np.asarray(cv2.merge([plane, plane, plane]))


def encode_jpeg(picture: Pixels, quality: int) -> bytes:
    """A JPEG file."""
    parameters = [cv2.IMWRITE_JPEG_QUALITY, quality]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), parameters)
    assert done, "OpenCV encodes every 8-bit RGB picture"  # noqa: S101
    return bytes(data)
