"""Sneakers: low runners, court shoes and high-tops, seen from the side."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.drawing import STYLES, Sheet
from findalike.data.simulate.icons import ICONS, Spot
from findalike.data.simulate.labels import MOTIFS
from findalike.data.simulate.mesh import Mesh, grid, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, legible, lighter
from findalike.data.simulate.products.parts import along, cloth, glossy, printed, solid, stitches
from findalike.data.simulate.spec import Kind, ProductSpec, View
from findalike.data.simulate.textures import relief
from findalike.types import Pixels

_LENGTH = 29.0
_STATIONS = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0])
_HALF_WIDTH = [3.4, 3.4, 3.4, 3.3, 3.7, 4.4, 4.7, 4.6, 4.3]
# Height of the upper's ridge above the ground, from heel to toe, by style.
_RIDGE = {
    "runner": [10.6, 10.4, 9.6, 9.4, 9.3, 8.0, 6.8, 6.3, 5.8],
    "court": [9.8, 9.6, 9.0, 9.0, 8.8, 7.5, 6.4, 5.9, 5.4],
    "high": [15.2, 15.4, 15.0, 14.4, 11.6, 8.6, 6.8, 6.2, 5.6],
}
_SOLE = {
    "runner": [4.4, 4.3, 3.9, 3.3, 3.0, 2.8, 2.7, 2.9, 3.3],
    "court": [2.9, 2.9, 2.8, 2.7, 2.7, 2.7, 2.7, 2.8, 3.0],
    "high": [3.0, 3.0, 2.9, 2.8, 2.7, 2.7, 2.8, 3.1, 3.4],
}
_OPENING = {"runner": 0.36, "court": 0.35, "high": 0.38}


def _curve(values: list[float], s: NDArray[np.float64]) -> NDArray[np.float64]:
    """A smooth reading of a table of stations."""
    dense = np.interp(np.linspace(0, 1, 200), _STATIONS, values)
    kernel = np.hanning(27)
    padded = np.pad(dense, 13, mode="reflect", reflect_type="odd")
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    return np.interp(s, np.linspace(0, 1, 200), smooth)


def _width(s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the width of the foot, rounded off at both ends."""
    toe = np.clip((s - 0.8) / 0.2, 0, 1) ** 2.3
    heel = np.clip((0.12 - s) / 0.12, 0, 1) ** 2.3
    return _curve(_HALF_WIDTH, s) * np.sqrt(np.maximum((1 - toe) * (1 - heel), 0))


def _height(shape: str, s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height of the ridge, which drops in a round toe."""
    toe = np.clip((s - 0.8) / 0.2, 0, 1) ** 2.8
    base = _curve(_SOLE[shape], s)
    return base + (_curve(_RIDGE[shape], s) - base) * np.sqrt(np.maximum(1 - toe, 0))


def _upper(shape: str) -> Mesh:
    """The skin from the far edge of the sole over the top to the near one; u runs toe to heel."""
    s = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, 48))
    ridge, base = _height(shape, s), _curve(_SOLE[shape], s) - 0.4
    theta = np.linspace(np.pi, 0, 35)[:, None]
    c, n = np.cos(theta), np.sin(theta)
    tall = np.clip((ridge - 6.5) / 4, 0, 1.3)
    y = -_width(s) * np.sign(c) * np.abs(c) ** 0.72 * (1 - 0.36 * n**2 * tall)
    z = base + (ridge - base) * n ** (0.8 - 0.25 * np.clip(tall, 0, 1))
    # Around the ankle the skin turns over its edge and down inside.
    open_ = 1 / (1 + np.exp((s - _OPENING[shape]) * 70))
    inner = np.clip((n - 0.84) / 0.16, 0, 1)
    z = z - open_ * inner**0.7 * (ridge - base) * 0.7
    x = np.broadcast_to((0.5 - s) * _LENGTH, z.shape)
    dark = 1 - 0.8 * open_ * np.clip(inner * 1.5, 0, 1)
    return grid(np.stack([x, y, z], axis=-1), openness=dark)


def _tongue(shape: str) -> Mesh:
    """A padded flap that rises out of the opening under the laces."""
    t = np.linspace(1, 0, 12)
    s = 0.68 - (0.68 - _OPENING[shape] - 0.03) * t
    ridge = _height(shape, s) + 0.05 + 1.0 * t**3
    half = 1.3 + 0.7 * t - 0.5 * t**8
    across = np.linspace(1, -1, 9)[:, None]
    z = ridge - 0.9 * across**2 + 0.25 * (1 - across**2)
    x = np.broadcast_to((0.5 - s) * _LENGTH, z.shape)
    return grid(np.stack([x, across * half, z], -1)[:, ::-1])


def _sole(shape: str) -> Mesh:
    """The side wall of the sole, once around from the toe over the near side."""
    t = np.linspace(0, 2 * np.pi, 97)
    s = 0.5 + 0.5 * np.cos(t)
    y = -np.sign(np.sin(t)) * np.where((s > 1e-6) & (s < 1 - 1e-6), 1, 0)
    top = _curve(_SOLE[shape], s) + 0.2
    spring = 1.2 * np.clip((s - 0.76) / 0.24, 0, 1) ** 2
    if shape == "runner":
        spring = spring + 0.8 * np.clip((0.12 - s) / 0.12, 0, 1) ** 1.5
    flare = {
        "runner": (0.1, 0.55, 0.5, -0.1),
        "court": (0.05, 0.3, 0.3, 0.1),
        "high": (0.1, 0.32, 0.3, 0.1),
    }
    rows = []
    for share, out in zip((1.0, 0.72, 0.3, 0.0), flare[shape], strict=True):
        x = (0.5 - s) * (_LENGTH + 2 * out)
        rows.append(np.stack([x, y * (_width(s) + out), spring + (top - spring) * share], -1))
    return grid(np.stack(rows), wrap=True)


def _upper_sheet(spec: ProductSpec) -> Pixels:
    """What is sewn and printed on the upper: the near half, repeated mirrored for the far one."""
    width, height = 900, 340
    base, trim, accent = spec.tint(spec.colour), spec.tint(spec.trim), spec.tint(spec.accent)
    sheet = Sheet.of(printed(spec, width, height, (12, 5)))
    # u runs from the toe (0) to the heel (1); v from the ridge (0) to the sole (1).
    toe = [(0, 0), (0.15, 0), (0.21, 0.5), (0.17, 1), (0, 1)]
    heel = [(1, 0), (0.93, 0), (0.86, 0.5), (0.8, 1), (1, 1)]
    scale = np.array([width, height])
    panel = darker(base, 0.12) if spec.material == "mesh" else lighter(base, 0.08)
    sheet.polygon(np.array(toe) * scale, trim if spec.shape == "high" else panel)
    sheet.polygon(np.array(heel) * scale, trim)
    stay = [(0.33, 0), (0.66, 0), (0.66, 0.16), (0.6, 0.3), (0.34, 0.28), (0.31, 0.12)]
    sheet.polygon(np.array(stay) * scale, trim if spec.material == "suede" else panel)
    seam = lighter(base, 0.35)
    for line in (toe[1:4], heel[1:4], stay[2:6]):
        for a, b in itertools.pairwise(line):
            stitches(sheet, [np.array(a) * scale, np.array(b) * scale], seam)
    for k in range(6):
        sheet.disc((0.35 + 0.052 * k) * width, 0.2 * height, 7, darker(base, 0.6))
    mark = legible(accent, base)
    if spec.layout == "stripes":
        for k in range(3):
            x = 0.46 + 0.06 * k
            sheet.polygon(
                np.array([(x, 0.32), (x + 0.03, 0.32), (x + 0.09, 1), (x + 0.06, 1)]) * scale, mark
            )
    elif spec.layout == "swoop":
        t = np.linspace(0, 1, 30)
        upper = np.stack([0.28 + 0.5 * t, 0.86 - 0.5 * t**2.2], -1)
        lower = np.stack([0.28 + 0.5 * t, 0.9 - 0.38 * t**2.6 + 0.06 * np.sin(t * np.pi)], -1)
        sheet.polygon(np.concatenate([upper, lower[::-1]]) * scale, mark)
    else:
        ICONS[spec.motif](sheet, Spot(0.58 * width, 0.62 * height, 62, mark, base))
    sheet.text(
        spec.brand,
        (0.855 * width, 0.3 * height, 0.11 * width, 0.13 * height),
        ink(trim),
        STYLES[spec.style],
    )
    near = sheet.pixels
    return np.concatenate([near[::-1], near])


def _laces(spec: ProductSpec) -> list[Part]:
    tone = spec.tint("white") if spec.trim == "black" else spec.tint(spec.trim)
    material = cloth(solid(lighter(tone, 0.25)), "ribs", repeat=(1, 6), strength=0.3)
    shape = spec.shape
    parts = []
    low, high = (0.46, 0.7) if shape != "high" else (0.44, 0.7)
    for k, s in enumerate(np.linspace(low, high, 6)):
        at = np.array([s])
        z = float(_height(shape, at)[0]) + 0.4
        w = 1.9 - 0.1 * k
        x = (0.5 - s) * _LENGTH
        path = along(
            [
                (x + 0.3, -w, z - 1.1),
                (x + 0.1, -w * 0.5, z - 0.1),
                (x, 0, z + 0.1),
                (x - 0.1, w * 0.5, z - 0.1),
                (x - 0.3, w, z - 1.1),
            ],
            9,
        )
        parts.append(Part(tube(path, 0.36, flatten=0.6, sides=8), material, layer=1))
    return parts


def build_sneaker(spec: ProductSpec) -> Model:
    """Upper, tongue, laces and sole."""
    weave = {"mesh": "canvas", "leather": "leather", "suede": "felt"}[spec.material]
    base = spec.tint(spec.colour)
    sheet = _upper_sheet(spec)
    upper = Material(
        sheet,
        roughness=0.4 if spec.material == "leather" else 0.85,
        sheen=0 if spec.material == "leather" else 0.25,
        bump=relief(weave),
        bump_repeat=(10, 8),
        bump_strength=0.6,
    )
    wall = Sheet(1024, 96, (240, 238, 232) if spec.trim != "tan" else (176, 128, 80))
    if spec.shape == "court":
        wall.rectangle(0, 34, 1024, 12, legible(spec.tint(spec.accent), (240, 238, 232)))
    elif spec.shape == "runner":
        for k in range(64):
            wall.polygon(
                [(k * 16, 30), (k * 16 + 7, 30), (k * 16 + 11, 66), (k * 16 + 4, 66)],
                (214, 212, 206),
            )
    else:
        wall.rectangle(0, 14, 1024, 9, legible(spec.tint(spec.accent), (240, 238, 232)))
    wall.rectangle(0, 78, 1024, 18, (70, 66, 62))
    return assemble(
        [
            Part(_upper(spec.shape), upper),
            Part(_tongue(spec.shape), cloth(solid(darker(base, 0.08)), two_sided=True)),
            Part(_sole(spec.shape), glossy(wall.pixels, roughness=0.55), layer=1),
            *_laces(spec),
        ]
    )


SNEAKER = Kind(
    name="sneaker",
    noun="Sneaker",
    category="Shoes/Sneakers",
    build=build_sneaker,
    shapes=("runner", "court", "high"),
    materials=("mesh", "leather", "suede"),
    colours=(
        "white",
        "black",
        "navy",
        "grey",
        "red",
        "sky",
        "olive",
        "pink",
        "mustard",
        "teal",
        "burgundy",
        "cream",
    ),
    trims=("white", "black", "charcoal", "navy", "red", "tan", "mustard", "teal"),
    patterns=("plain", "plain", "plain", "fade", "camo", "speckle", "gingham", "zigzag"),
    motifs=MOTIFS,
    layouts=("stripes", "swoop", "icon", "icon"),
    axes=("colour", "trim", "pattern"),
    price=(35, 140),
    views=(
        View("front", 0, 10),
        View("angled", -38, 22),
        View("back", 180, 12),
        View("top", -12, 60),
    ),
    grounds=("floor", "table"),
    pitch=(12, 55),
    yaw=48,
)
