"""From whatever colours an image is stored in to sRGB, 8 bits a channel, without transparency."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

WHITE = 255

_SIXTEEN_BITS = 65_535
_PROFILE_SPACES = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}
_PROBE_SIDE = 6
_INVISIBLE = 3
_ROWS_AT_ONCE = 256


def flattened(image: Image.Image) -> Image.Image:
    """The picture in mode ``RGB``, ``L`` or ``CMYK``, 8 bits a channel, laid on white.

    Args:
        image: a loaded image of any mode that the allowed formats have.

    Raises:
        ValueError: if the mode cannot be converted.
    """
    if image.mode in _PROFILE_SPACES and "transparency" not in image.info:
        return image
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _from_deep_grey(image)
    if image.mode == "1":
        return flattened(_grey_from_bits(image))
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.upper())
    if image.has_transparency_data and "A" not in image.getbands():
        image = _with_alpha_channel(image)
    if "A" not in image.getbands():
        return image.convert("RGB")
    return _on_white(image)


def to_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """A flattened picture in sRGB, by its colour profile where that says something else.

    Costs about 20 ns a pixel where the colours are converted, so call it on small pictures.

    Args:
        image: mode ``RGB``, ``L`` or ``CMYK``.
        icc: the profile the file carries; one that is damaged, or of another kind of colours, is
            ignored.
    """
    transform = _transform(icc, image.mode) if icc else None
    if transform is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    converted: Image.Image = transform.apply(image)
    return converted


@lru_cache(maxsize=32)
def _transform(icc: bytes, mode: str) -> ImageCmsTransform | None:
    """The conversion a profile asks for; None where it would change nothing that can be seen."""
    from PIL import ImageCms  # noqa: PLC0415 - few images need it

    try:
        profile = ImageCms.getOpenProfile(io.BytesIO(icc))
        if profile.profile.xcolor_space != _PROFILE_SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")
        if mode != "CMYK" and _changes_little(transform, mode):
            return None
    except (ImageCms.PyCMSError, ImportError, OSError, ValueError, TypeError):
        return None
    return transform


def _changes_little(transform: ImageCmsTransform, mode: str) -> bool:
    """Whether a grid of colours comes out as it went in: most profiles found in files are sRGB."""
    steps = np.linspace(0, WHITE, _PROBE_SIDE).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    if mode == "L":
        grid = np.repeat(steps, 3).reshape(1, -1, 3)
    probe = Image.fromarray(grid)
    result = np.asarray(transform.apply(probe.getchannel(0) if mode == "L" else probe))
    return int(np.abs(result.astype(np.int16) - grid).max()) <= _INVISIBLE


def _on_white(image: Image.Image) -> Image.Image:
    """A picture with an alpha channel laid on white, some rows at a time to save memory."""
    ground = Image.new("L" if image.mode == "LA" else "RGB", image.size, "white")
    for top in range(0, image.height, _ROWS_AT_ONCE):
        bottom = min(top + _ROWS_AT_ONCE, image.height)
        rows = image.crop((0, top, image.width, bottom))
        if rows.mode not in ("LA", "RGBA"):
            rows = rows.convert("RGBA")
        ground.paste(rows.convert(ground.mode), (0, top), rows.getchannel("A"))
    return ground


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits in mode ``L``.

    The white of 16-bit files is 65,535 (or 4,095, for a TIFF of 12 bits). Files of 32-bit whole
    numbers and of floats agree on none: the smallest of 1 (floats only), 255 and 65,535 that holds
    the brightest pixel is taken, or else that pixel.
    """
    values = np.asarray(image)
    transparent = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        levels = _scaled(np.arange(_SIXTEEN_BITS + 1), float((1 << _sample_bits(image)) - 1))
        if isinstance(transparent, int) and 0 <= transparent <= _SIXTEEN_BITS:
            levels[transparent] = WHITE
        return Image.fromarray(levels[values])
    values = np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    peak = float(values.max())
    usual = (1.0, 255.0, 65_535.0) if image.mode == "F" else (255.0, 65_535.0)
    return Image.fromarray(_scaled(values, next((top for top in usual if peak <= top), peak)))


def _scaled(values: NDArray[Any], white: float) -> NDArray[np.uint8]:
    lit: NDArray[np.float32] = np.clip(values, 0, white).astype(np.float32)
    lit *= WHITE / white
    lit += 0.5
    return lit.astype(np.uint8)


def _grey_from_bits(image: Image.Image) -> Image.Image:
    grey = image.convert("L")
    if grey.info.get("transparency") == 1:
        grey.info["transparency"] = WHITE
    return grey


def _sample_bits(image: Image.Image) -> int:
    """Bits a sample has in the file: only a TIFF may say other than 16."""
    stated = getattr(image, "tag_v2", {}).get(258, (16,))
    return 12 if stated == (12,) else 16


def _with_alpha_channel(image: Image.Image) -> Image.Image:
    """The picture with its transparent colour, or palette of opacities, made a channel."""
    transparent = image.info.get("transparency")
    if isinstance(transparent, tuple) and max(transparent) > WHITE:
        # A 16-bit PNG names the colour in 16 bits, and its pixels were decoded to 8.
        image.info["transparency"] = tuple(level >> 8 for level in transparent)
    return image.convert("LA" if image.mode in ("1", "L") else "RGBA")
