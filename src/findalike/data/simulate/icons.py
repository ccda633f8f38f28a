"""Small vector pictures for logos and prints, each drawn from polygons in two colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from findalike.data.simulate.drawing import Sheet, points, ring, star
from findalike.data.simulate.palette import Colour


class Spot(NamedTuple):
    """Where an icon goes, and in which colours."""

    x: float
    y: float
    radius: float
    main: Colour
    second: Colour


Icon: TypeAlias = Callable[[Sheet, Spot], None]


def _mountain(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.polygon(points([(-1, 0.7), (-0.25, -0.75), (0.5, 0.7)], x, y, r), a)
    s.polygon(points([(0, 0.7), (0.5, -0.25), (1, 0.7)], x, y, r), a)
    snow = [(-0.25, -0.75), (-0.5, -0.25), (-0.33, -0.36), (-0.22, -0.2), (-0.1, -0.36), (0, -0.25)]
    s.polygon(points(snow, x, y, r), b)


def _sun(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.polygon(star(x, y, r, 14, 0.7), a)
    s.disc(x, y, 0.58 * r, b)
    s.disc(x, y, 0.46 * r, a)


def _leaf(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    t = np.linspace(0, np.pi, 24)
    side = np.stack([np.sin(t) * 0.55 * np.sin(t / 2 + 0.6), -np.cos(t)], axis=-1)
    turn = np.array([[0.82, -0.57], [0.57, 0.82]])
    blade = np.concatenate([side, side[::-1] * (-1, 1)]) @ turn.T
    s.polygon(points(blade.tolist(), x, y, r), a)
    s.stroke(points((np.array([[0, -0.8], [0, 1.15]]) @ turn.T).tolist(), x, y, r), r * 0.09, b)
    for k in (-0.35, 0.05, 0.45):
        for side_x in (-0.32, 0.32):
            vein = np.array([[0, k + 0.15], [side_x, k - 0.15]]) @ turn.T
            s.stroke(points(vein.tolist(), x, y, r), r * 0.05, b)


def _wave(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    t = np.linspace(-1, 1, 40)
    for row, colour in ((-0.5, a), (0.0, b), (0.5, a)):
        upper = np.stack([t, row + 0.18 * np.sin(t * 2 * np.pi)], axis=-1)
        lower = upper[::-1] + np.array([0, 0.27])
        s.polygon(np.concatenate([upper, lower]) * r + (x, y), colour)


def _star(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.polygon(star(x, y, r, 5, 0.42), a)
    s.polygon(star(x, y, r * 0.5, 5, 0.42), b)


def _bolt(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.disc(x, y, r, a)
    shape = [(0.18, -0.85), (-0.5, 0.12), (-0.05, 0.12), (-0.2, 0.85), (0.5, -0.2), (0.05, -0.2)]
    s.polygon(points(shape, x, y, r), b)


def _rings(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    for share, colour in ((1.0, a), (0.78, b), (0.56, a), (0.3, b)):
        s.disc(x, y, r * share, colour)


def _hexagon(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    for share, colour in ((1.0, a), (0.74, b), (0.55, a)):
        s.polygon(ring(x, y, r * share, r * share, turn=30, count=6), colour)
    s.polygon(points([(-0.18, 0.28), (0, -0.34), (0.18, 0.28)], x, y, r), b)


def _crown(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    shape = [
        (-0.9, 0.6),
        (-1, -0.45),
        (-0.45, 0.1),
        (0, -0.75),
        (0.45, 0.1),
        (1, -0.45),
        (0.9, 0.6),
    ]
    s.polygon(points(shape, x, y, r), a)
    s.rectangle(x - 0.88 * r, y + 0.34 * r, 1.76 * r, 0.13 * r, b)
    for px, py in ((-1, -0.5), (0, -0.82), (1, -0.5)):
        s.disc(x + px * r, y + py * r, 0.13 * r, a)


def _fish(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.ellipse(x - 0.12 * r, y, 0.8 * r, 0.42 * r, a)
    s.polygon(points([(0.5, 0), (1, -0.45), (0.88, 0), (1, 0.45)], x, y, r), a)
    s.polygon(points([(-0.3, -0.36), (0.05, -0.68), (0.25, -0.34)], x, y, r), a)
    s.disc(x - 0.58 * r, y - 0.1 * r, 0.08 * r, b)
    for k in (-0.2, 0.05, 0.3):
        s.stroke(
            ring(x + k * r - 0.15 * r, y, 0.12 * r, 0.25 * r)[36:60].tolist() or [(x, y)],
            r * 0.05,
            b,
        )
        arc = ring(x + k * r, y, 0.14 * r, 0.26 * r)
        s.stroke(np.concatenate([arc[38:], arc[:11]]), r * 0.05, b)


def _bird(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.ellipse(x, y + 0.1 * r, 0.62 * r, 0.42 * r, a, turn=-18)
    s.disc(x - 0.48 * r, y - 0.32 * r, 0.3 * r, a)
    s.polygon(points([(-0.74, -0.42), (-1.05, -0.28), (-0.74, -0.2)], x, y, r), b)
    s.polygon(points([(0.35, 0.05), (1.05, -0.25), (0.95, 0.12), (0.5, 0.35)], x, y, r), a)
    s.polygon(points([(-0.15, -0.02), (0.5, 0.05), (0.1, 0.4)], x, y, r), b)
    s.disc(x - 0.54 * r, y - 0.38 * r, 0.06 * r, b)
    for k in (-0.1, 0.15):
        s.stroke(points([(k, 0.48), (k, 0.85)], x, y, r), r * 0.07, a)


def _cat(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.ellipse(x, y + 0.15 * r, 0.8 * r, 0.7 * r, a)
    for k in (-1, 1):
        s.polygon(points([(k * 0.78, 0.1), (k * 0.72, -0.85), (k * 0.15, -0.45)], x, y, r), a)
        s.ellipse(x + k * 0.3 * r, y + 0.05 * r, 0.13 * r, 0.17 * r, b)
        s.ellipse(x + k * 0.3 * r, y + 0.05 * r, 0.05 * r, 0.14 * r, a)
        for dy in (0.3, 0.42):
            s.stroke(points([(k * 0.3, dy), (k * 0.95, dy - 0.08)], x, y, r), r * 0.04, b)
    s.polygon(points([(-0.1, 0.28), (0.1, 0.28), (0, 0.4)], x, y, r), b)


def _drop(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    t = np.linspace(0, 2 * np.pi, 48)
    shape = np.stack([0.62 * np.sin(t) * np.sin(t / 2), -np.cos(t)], axis=-1)
    s.polygon(shape * r + (x, y), a)
    s.ellipse(x - 0.2 * r, y + 0.38 * r, 0.1 * r, 0.24 * r, b, turn=20)


def _flower(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    for k in range(6):
        t = k * np.pi / 3
        s.ellipse(
            x + 0.55 * r * np.cos(t), y + 0.55 * r * np.sin(t), 0.42 * r, 0.27 * r, a, turn=k * 60
        )
    s.disc(x, y, 0.27 * r, b)


def _compass(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.polygon(star(x, y, r, 4, 0.24), a)
    s.polygon(star(x, y, 0.62 * r, 4, 0.3, turn=-45), b)
    s.polygon(star(x, y, 0.8 * r, 4, 0.2), a)


def _diamond(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.polygon(
        points([(-0.55, -0.65), (0.55, -0.65), (1, -0.15), (0, 0.9), (-1, -0.15)], x, y, r), a
    )
    for line in (
        [(-1, -0.15), (1, -0.15)],
        [(-0.4, -0.15), (0, 0.9), (0.4, -0.15), (0, -0.65), (-0.4, -0.15)],
    ):
        s.stroke(points(line, x, y, r), r * 0.06, b)


def _heart(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    t = np.linspace(0, 2 * np.pi, 60)
    hx = 16 * np.sin(t) ** 3
    hy = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    s.polygon(np.stack([hx, hy], -1) * r / 16.5 + (x, y), a)
    s.ellipse(x - 0.45 * r, y - 0.35 * r, 0.2 * r, 0.12 * r, b, turn=-40)


def _anchor(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.disc(x, y - 0.68 * r, 0.27 * r, a)
    s.disc(x, y - 0.68 * r, 0.13 * r, b)
    s.rectangle(x - 0.09 * r, y - 0.45 * r, 0.18 * r, 1.3 * r, a)
    s.rectangle(x - 0.45 * r, y - 0.3 * r, 0.9 * r, 0.15 * r, a)
    arc = ring(x, y + 0.2 * r, 0.72 * r, 0.66 * r)
    s.stroke(arc[1:24], r * 0.17, a)
    for k in (-1, 1):
        s.polygon(points([(k * 0.55, 0.42), (k * 0.95, 0.42), (k * 0.78, 0.08)], x, y, r), a)


def _moon(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    outer = ring(x, y, r, r, turn=60)[:32]
    inner = ring(x + 0.38 * r, y - 0.2 * r, 0.78 * r, 0.78 * r, turn=68)[1:30][::-1]
    s.polygon(np.concatenate([outer, inner]), a)
    s.polygon(star(x + 0.45 * r, y - 0.25 * r, 0.3 * r, 5, 0.42), b)


def _tree(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.rectangle(x - 0.1 * r, y + 0.5 * r, 0.2 * r, 0.5 * r, b)
    for top, low, half in ((-1, -0.3, 0.45), (-0.62, 0.15, 0.62), (-0.2, 0.65, 0.8)):
        s.polygon(points([(0, top), (half, low), (-half, low)], x, y, r), a)


def _cactus(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.stroke(points([(0, 0.95), (0, -0.65)], x, y, r), r * 0.4, a)
    s.stroke(points([(-0.62, -0.3), (-0.62, 0.2), (0, 0.25)], x, y, r), r * 0.26, a)
    s.stroke(points([(0.62, -0.5), (0.62, 0), (0, 0.05)], x, y, r), r * 0.26, a)
    for dy in (-0.5, -0.15, 0.2, 0.55):
        s.disc(x, y + dy * r, 0.06 * r, b)
    s.disc(x, y - 0.85 * r, 0.16 * r, b)


def _rocket(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.polygon(points([(-0.7, 0.7), (-0.3, 0.1), (0.3, 0.1), (0.7, 0.7), (0, 0.4)], x, y, r), b)
    body = [
        (0, -1),
        (0.24, -0.65),
        (0.34, -0.2),
        (0.26, 0.5),
        (-0.26, 0.5),
        (-0.34, -0.2),
        (-0.24, -0.65),
    ]
    s.polygon(points(body, x, y, r), a)
    s.disc(x, y - 0.3 * r, 0.17 * r, b)
    s.polygon(points([(-0.18, 0.56), (0.18, 0.56), (0, 1)], x, y, r), b)


def _paw(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.ellipse(x, y + 0.35 * r, 0.55 * r, 0.45 * r, a)
    for px, py in ((-0.72, -0.1), (-0.27, -0.55), (0.27, -0.55), (0.72, -0.1)):
        s.ellipse(x + px * r, y + py * r, 0.2 * r, 0.28 * r, a, turn=px * 25)
    s.ellipse(x, y + 0.42 * r, 0.2 * r, 0.14 * r, b)


def _fox(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.polygon(
        points(
            [
                (-0.95, -0.85),
                (-0.3, -0.4),
                (0.3, -0.4),
                (0.95, -0.85),
                (0.85, 0.1),
                (0, 0.95),
                (-0.85, 0.1),
            ],
            x,
            y,
            r,
        ),
        a,
    )
    for k in (-1, 1):
        s.polygon(points([(k * 0.85, 0.12), (k * 0.12, 0.62), (0, 0.95)], x, y, r), b)
        s.polygon(points([(k * 0.42, 0.0), (k * 0.2, 0.16), (k * 0.5, 0.14)], x, y, r), b)
    s.disc(x, y + 0.85 * r, 0.12 * r, b)


def _arrow(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    for dy, colour in ((-0.45, a), (0.0, b), (0.45, a)):
        s.polygon(
            points(
                [
                    (-0.9, dy + 0.45),
                    (0, dy - 0.35),
                    (0.9, dy + 0.45),
                    (0.9, dy + 0.18),
                    (0, dy - 0.62),
                    (-0.9, dy + 0.18),
                ],
                x,
                y,
                r,
            ),
            colour,
        )


def _palm(s: Sheet, at: Spot) -> None:
    x, y, r, a, b = at
    s.stroke(points([(0.1, 0.95), (0.02, 0.3), (0.12, -0.3)], x, y, r), r * 0.13, b)
    for turn in (200, 240, 290, 335, 10, 160):
        t = np.radians(turn)
        s.ellipse(
            x + (0.12 + 0.42 * np.cos(t)) * r,
            y + (-0.32 + 0.42 * np.sin(t)) * r,
            0.5 * r,
            0.13 * r,
            a,
            turn=turn,
        )


ICONS: dict[str, Icon] = {
    "Mountain": _mountain,
    "Sun": _sun,
    "Leaf": _leaf,
    "Wave": _wave,
    "Star": _star,
    "Bolt": _bolt,
    "Rings": _rings,
    "Hexagon": _hexagon,
    "Crown": _crown,
    "Fish": _fish,
    "Bird": _bird,
    "Cat": _cat,
    "Drop": _drop,
    "Flower": _flower,
    "Compass": _compass,
    "Diamond": _diamond,
    "Heart": _heart,
    "Anchor": _anchor,
    "Moon": _moon,
    "Pine": _tree,
    "Cactus": _cactus,
    "Rocket": _rocket,
    "Paw": _paw,
    "Fox": _fox,
    "Arrow": _arrow,
    "Palm": _palm,
}
