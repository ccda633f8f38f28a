"""Named colours of products, and arithmetic on them."""

from __future__ import annotations

from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]
"""sRGB, 0-255."""

COLOURS: dict[str, Colour] = {
    "white": (238, 236, 232),
    "cream": (235, 222, 196),
    "sand": (208, 184, 148),
    "mustard": (212, 158, 42),
    "yellow": (240, 200, 40),
    "orange": (228, 112, 36),
    "coral": (232, 108, 92),
    "red": (190, 34, 40),
    "burgundy": (106, 24, 40),
    "pink": (232, 160, 178),
    "magenta": (196, 40, 116),
    "lilac": (176, 156, 206),
    "purple": (96, 52, 128),
    "navy": (28, 40, 78),
    "blue": (34, 86, 168),
    "sky": (124, 178, 218),
    "teal": (22, 116, 118),
    "turquoise": (58, 178, 172),
    "mint": (164, 212, 184),
    "green": (44, 122, 62),
    "olive": (104, 108, 56),
    "forest": (28, 68, 48),
    "brown": (104, 66, 40),
    "tan": (170, 118, 72),
    "grey": (134, 136, 138),
    "charcoal": (58, 60, 64),
    "black": (28, 28, 30),
}


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` of the second colour in the first."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(first, second, strict=True))
    return r, g, b


def luminance(colour: Colour) -> float:
    """Perceived lightness, 0-1."""
    r, g, b = colour
    return (0.299 * r + 0.587 * g + 0.114 * b) / 255


def ink(colour: Colour) -> Colour:
    """A colour to print on ``colour`` so that it can be read."""
    return (32, 30, 34) if luminance(colour) > 0.5 else (244, 240, 230)


def lighter(colour: Colour, share: float = 0.35) -> Colour:
    """The colour mixed with white."""
    return mix(colour, (255, 255, 255), share)


def darker(colour: Colour, share: float = 0.35) -> Colour:
    """The colour mixed with black."""
    return mix(colour, (0, 0, 0), share)


def legible(colour: Colour, on: Colour) -> Colour:
    """The colour, or black or white where it would not stand out on ``on``."""
    distance = sum(abs(a - b) for a, b in zip(colour, on, strict=True))
    return colour if distance > 170 else ink(on)
