"""A hand that reaches around a product: palm, thumb, fingers with nails, a sleeve."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.mesh import ellipsoid, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import COLOURS, Colour, lighter, mix
from findalike.data.simulate.products.parts import along, solid
from findalike.data.simulate.textures import relief

_SKINS: tuple[Colour, ...] = (
    (232, 188, 160),
    (216, 164, 130),
    (190, 136, 100),
    (150, 100, 70),
    (106, 68, 48),
    (78, 52, 40),
)
_SLEEVES = ("charcoal", "navy", "grey", "burgundy", "forest", "cream", "black", "sky")


def hand(rng: np.random.Generator, radius: float, height: float) -> Model:
    """A right hand whose fingers lie on the front of something.

    Args:
        rng: skin, sleeve, and how far the fingers reach.
        radius: of the thing, cm; it stands at the origin.
        height: of the thing, cm.

    The hand comes in from the right (+x); its fingers end on the front (-y).
    """
    tone = _SKINS[int(rng.integers(len(_SKINS)))]
    skin = Material(
        solid(tone),
        roughness=0.6,
        specular=0.025,
        sheen=0.25,
        bump=relief("leather"),
        bump_repeat=(2, 5),
        bump_strength=0.12,
    )
    nail = Material(solid(mix(lighter(tone, 0.3), (236, 170, 160), 0.35)), roughness=0.25)
    middle = max(height * float(rng.uniform(0.35, 0.6)), 2.6)
    count = 4 if height > 5 else 3
    front = -radius * 0.95 - 0.8
    knuckle = radius + 1.6
    parts = []
    for k in range(count):
        z = middle + (1.5 - k) * 1.75
        length = (0.8, 1.0, 0.95, 0.72)[k]
        reach = float(rng.uniform(3.4, 4.6)) * length
        path = along(
            [
                (knuckle + 2.2, 0.9 + 0.2 * k, middle + (1.5 - k) * 1.45),
                (knuckle - 0.2, front * 0.45, z),
                (knuckle - 1.7, front * 0.95, z + 0.05),
                (knuckle - 1.7 - reach, front - 0.1, z - 0.25),
            ],
            18,
        )
        thick = np.linspace(0.98, 0.72, 18) * (0.92 if k == 3 else 1.0)
        thick[[8, 13]] *= 1.05
        parts.append(Part(tube(path, thick, up=(0.0, 0.0, 1.0), sides=14), skin))
        tip = path[-1] + np.array([0.05, -0.5, 0.05])
        parts.append(Part(ellipsoid(tip.tolist(), (0.55, 0.3, 0.42), segments=12, rings=8), nail))
    parts += _palm_and_arm(rng, skin, knuckle, middle)
    return assemble(parts)


def _palm_and_arm(
    rng: np.random.Generator, skin: Material, knuckle: float, middle: float
) -> list[Part]:
    """What the fingers grow from: a flat palm, a wrist and a sleeve that leaves the picture."""
    drop = float(rng.uniform(0.0, 0.5))
    bones = along(
        [
            (knuckle + 1.4, 0.6, middle),
            (knuckle + 4.5, 1.6, middle - 0.6),
            (knuckle + 8.5, 2.6, middle - 1.2 - drop),
            (knuckle + 13, 3.4, middle - 2.0 - 2 * drop),
        ],
        18,
    )
    wide = np.interp(np.linspace(0, 1, 18), [0, 0.25, 0.55, 0.75, 1], [3.3, 3.9, 3.2, 2.5, 2.7])
    palm = tube(bones, wide, up=(0.0, 1.0, 0.0), flatten=0.62, sides=18)
    away = bones[-1] - bones[-4]
    far = np.stack([bones[-2] + away * t for t in np.linspace(0, 9, 8)])
    far[:, 2] = np.maximum(far[:, 2], 3.0)
    cloth = Material(
        solid(COLOURS[_SLEEVES[int(rng.integers(len(_SLEEVES)))]]),
        roughness=0.95,
        sheen=0.3,
        bump=relief("knit"),
        bump_repeat=(3, 5),
        bump_strength=0.6,
    )
    sleeve = tube(far, np.linspace(3.5, 5.0, 8), up=(0.0, 1.0, 0.0), sides=18, caps=False)
    return [Part(palm, skin), Part(sleeve, cloth)]
