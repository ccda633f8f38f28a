"""Pictures of what is inside: drawn food for the labels of cans, jars, cartons and bottles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from findalike.data.simulate.drawing import Sheet, points, ring
from findalike.data.simulate.icons import Icon, Spot
from findalike.data.simulate.palette import Colour, darker, lighter


@dataclass(frozen=True, slots=True)
class Flavour:
    """A content: its colours and how it is drawn.

    Attributes:
        colour: of the fruit itself, and of the label's accents.
        icon: how to draw one.
    """

    colour: Colour
    icon: Icon


_GREEN: Colour = (70, 128, 52)


def _round_fruit(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.disc(x, y + 0.1 * r, 0.85 * r, darker(a, 0.18))
    s.disc(x - 0.05 * r, y + 0.06 * r, 0.78 * r, a)
    s.ellipse(x - 0.32 * r, y - 0.22 * r, 0.24 * r, 0.15 * r, lighter(a, 0.55), turn=-35)
    s.stroke(points([(0, -0.6), (0.08, -1)], x, y, r), r * 0.1, (92, 70, 40))
    s.ellipse(x + 0.36 * r, y - 0.82 * r, 0.34 * r, 0.15 * r, b, turn=-18)


def _tomato(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.ellipse(x, y + 0.1 * r, 0.98 * r, 0.82 * r, darker(a, 0.18))
    s.ellipse(x - 0.04 * r, y + 0.06 * r, 0.9 * r, 0.75 * r, a)
    s.ellipse(x - 0.4 * r, y - 0.15 * r, 0.22 * r, 0.13 * r, lighter(a, 0.55), turn=-35)
    for k in range(5):
        t = np.radians(k * 72 - 90)
        s.ellipse(
            x + 0.25 * r * np.cos(t),
            y - 0.55 * r + 0.14 * r * np.sin(t),
            0.28 * r,
            0.09 * r,
            b,
            turn=k * 72 - 90,
        )


def _lemon(s: Sheet, at: Spot) -> None:
    x, y, r, a, _ = at
    s.disc(x, y, 0.95 * r, a)
    s.disc(x, y, 0.82 * r, lighter(a, 0.75))
    for k in range(8):
        t = np.radians(k * 45 + 8)
        s.ellipse(
            x + 0.43 * r * np.cos(t),
            y + 0.43 * r * np.sin(t),
            0.33 * r,
            0.15 * r,
            a,
            turn=k * 45 + 8,
        )


def _berries(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    for px, py in ((-0.48, 0.3), (0.46, 0.36), (0, -0.22), (0.02, 0.62)):
        s.disc(x + px * r, y + py * r, 0.44 * r, darker(a, 0.2))
        s.disc(x + (px - 0.03) * r, y + (py - 0.03) * r, 0.38 * r, a)
        s.disc(x + (px - 0.14) * r, y + (py - 0.14) * r, 0.1 * r, lighter(a, 0.55))
    s.ellipse(x - 0.45 * r, y - 0.5 * r, 0.45 * r, 0.18 * r, b, turn=24)
    s.ellipse(x + 0.45 * r, y - 0.5 * r, 0.45 * r, 0.18 * r, b, turn=-24)


def _cherries(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    for px in (-0.45, 0.42):
        s.stroke(points([(0.1, -0.95), (px * 0.6, -0.3), (px, 0.3)], x, y, r), r * 0.08, b)
        s.disc(x + px * r, y + 0.45 * r, 0.44 * r, a)
        s.disc(x + (px - 0.13) * r, y + 0.3 * r, 0.1 * r, lighter(a, 0.6))
    s.ellipse(x + 0.45 * r, y - 0.8 * r, 0.4 * r, 0.17 * r, b, turn=20)


def _beans(s: Sheet, at: Spot) -> None:
    x, y, r, a, _ = at
    for px, py, turn in (
        (-0.4, -0.3, 20),
        (0.4, -0.4, -50),
        (-0.1, 0.25, -15),
        (0.5, 0.35, 60),
        (-0.6, 0.5, 75),
    ):
        s.ellipse(x + px * r, y + py * r, 0.42 * r, 0.25 * r, darker(a, 0.25), turn=turn)
        s.ellipse(x + px * r, y + (py - 0.03) * r, 0.38 * r, 0.2 * r, a, turn=turn)
        s.ellipse(
            x + (px - 0.08) * r, y + (py - 0.09) * r, 0.14 * r, 0.05 * r, lighter(a, 0.5), turn=turn
        )


def _corn(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.ellipse(x, y - 0.1 * r, 0.42 * r, 0.92 * r, a)
    for row in range(9):
        for column in range(5):
            px, py = (column - 2) * 0.17, -0.85 + row * 0.19
            if (px / 0.42) ** 2 + ((py + 0.1) / 0.9) ** 2 < 0.9:
                s.ellipse(x + px * r, y + py * r, 0.075 * r, 0.085 * r, lighter(a, 0.35))
    for k in (-1, 1):
        s.ellipse(x + k * 0.4 * r, y + 0.35 * r, 0.24 * r, 0.72 * r, b, turn=k * 20)


def _wheat(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.stroke(points([(0, 1), (0, -0.6)], x, y, r), r * 0.07, b)
    s.ellipse(x, y - 0.75 * r, 0.14 * r, 0.3 * r, a)
    for k in range(4):
        for side in (-1, 1):
            s.ellipse(
                x + side * 0.27 * r, y + (-0.5 + 0.33 * k) * r, 0.13 * r, 0.3 * r, a, turn=side * 38
            )


def _chili(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    t = np.linspace(0, 1, 24)
    mid = np.stack([-0.75 + 1.5 * t, -0.35 + 0.9 * t**2], axis=-1)
    width = (0.27 * np.sqrt(1 - t) * np.minimum(1, t * 8 + 0.6))[:, None]
    s.polygon(np.concatenate([mid - (0, 1) * width, (mid + (0, 1) * width)[::-1]]) * r + (x, y), a)
    s.stroke(mid[2:14] * r + (x, y - 0.08 * r), r * 0.06, lighter(a, 0.5))
    s.ellipse(x - 0.75 * r, y - 0.36 * r, 0.14 * r, 0.26 * r, b, turn=-20)
    s.stroke(points([(-0.8, -0.4), (-1, -0.72)], x, y, r), r * 0.1, b)


def _mushroom(s: Sheet, at: Spot) -> None:
    x, y, r, a, _ = at
    s.polygon(points([(-0.28, 0), (0.28, 0), (0.36, 0.9), (-0.36, 0.9)], x, y, r), (236, 224, 204))
    s.polygon(ring(x, y + 0.1 * r, 0.98 * r, 0.95 * r)[24:], a)
    for px, py in ((-0.5, -0.2), (0, -0.5), (0.48, -0.15), (0.1, -0.1)):
        s.disc(x + px * r, y + py * r, 0.12 * r, lighter(a, 0.65))


def _carrot(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    for turn in (-30, 0, 30):
        t = np.radians(turn)
        s.ellipse(x + 0.3 * r * np.sin(t), y - 0.72 * r, 0.11 * r, 0.34 * r, b, turn=turn)
    s.polygon(points([(-0.4, -0.35), (0, -0.5), (0.4, -0.35), (0.06, 1), (-0.06, 1)], x, y, r), a)
    for dy, w in ((-0.1, 0.28), (0.2, 0.2), (0.5, 0.12)):
        s.stroke(points([(-w, dy), (w * 0.2, dy + 0.04)], x, y, r), r * 0.05, darker(a, 0.3))


def _cup(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.stroke(
        ring(x + 0.6 * r, y + 0.25 * r, 0.28 * r, 0.26 * r), r * 0.12, (240, 236, 228), closed=True
    )
    s.polygon(
        points([(-0.72, -0.15), (0.65, -0.15), (0.45, 0.75), (-0.5, 0.75)], x, y, r),
        (240, 236, 228),
    )
    s.ellipse(x - 0.03 * r, y - 0.15 * r, 0.69 * r, 0.17 * r, a)
    s.ellipse(x - 0.03 * r, y + 0.85 * r, 0.9 * r, 0.11 * r, (226, 220, 210))
    for k in (-0.35, 0, 0.35):
        t = np.linspace(0, 1, 14)
        s.stroke(
            np.stack([k + 0.08 * np.sin(t * 6), -0.35 - 0.6 * t], -1) * r + (x, y), r * 0.06, b
        )


FLAVOURS: dict[str, Flavour] = {
    "Tomato": Flavour((208, 44, 34), _tomato),
    "Peach": Flavour((240, 150, 84), _round_fruit),
    "Apple": Flavour((150, 186, 60), _round_fruit),
    "Plum": Flavour((104, 44, 108), _round_fruit),
    "Lemon": Flavour((242, 206, 44), _lemon),
    "Orange": Flavour((240, 136, 28), _lemon),
    "Blueberry": Flavour((66, 82, 152), _berries),
    "Strawberry": Flavour((214, 46, 62), _berries),
    "Cherry": Flavour((168, 22, 46), _cherries),
    "Kidney Beans": Flavour((132, 44, 40), _beans),
    "Almond": Flavour((178, 122, 74), _beans),
    "Sweetcorn": Flavour((240, 194, 46), _corn),
    "Wholegrain": Flavour((206, 160, 78), _wheat),
    "Chili": Flavour((200, 36, 28), _chili),
    "Mushroom": Flavour((162, 116, 82), _mushroom),
    "Carrot": Flavour((236, 122, 34), _carrot),
    "Coffee": Flavour((92, 56, 34), _cup),
    "Cocoa": Flavour((84, 46, 34), _beans),
}


def draw_flavour(sheet: Sheet, name: str, x: float, y: float, radius: float) -> None:
    """Draw one fruit of the flavour."""
    flavour = FLAVOURS[name]
    flavour.icon(sheet, Spot(x, y, radius, flavour.colour, _GREEN))
