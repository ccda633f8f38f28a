"""Baseball caps."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import MOTIFS, emblem
from findalike.data.simulate.mesh import Mesh, ellipsoid, grid, lathe
from findalike.data.simulate.model import Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, lighter
from findalike.data.simulate.products.parts import cloth, printed, solid, stitches
from findalike.data.simulate.spec import Kind, ProductSpec, View
from findalike.types import Pixels


def build_cap(spec: ProductSpec) -> Model:
    """A baseball cap: six panels, a button, a curved brim, a patch or print in front."""
    t = np.linspace(0, np.pi / 2, 12)
    flat = spec.shape == "snapback"
    dome = np.stack(
        [
            9.2 * np.sin(t) ** 0.85,
            (12.2 if flat else 11.0) * np.cos(t) ** (0.75 if flat else 0.9) + 1.0,
        ],
        -1,
    )
    dome = np.concatenate([dome, [(9.2, 0.0)]])
    sheet = Sheet.of(printed(spec, 1024, 320, (12, 4)))
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    if spec.material == "trucker":
        for left, width in ((0, 340), (684, 340)):
            sheet.rectangle(left, 0, width, 320, trim)
    for k in range(6):
        # The seams run between the panels, one panel facing the front.
        x = (k + 0.5) / 6 * 1024
        sheet.rectangle(x - 1, 0, 3, 320, darker(base, 0.3))
        for dx in (-8, 9):
            stitches(sheet, [(x + dx, 0), (x + dx, 320)], lighter(base, 0.2), length=12)
        sheet.disc((k / 6 * 1024) % 1024, 96, 5, darker(base, 0.5))
    box = (512 - 88, 130, 176, 130)
    if spec.pattern != "plain" or spec.layout == "frame":
        sheet.ellipse(512, 195, 105, 78, base)
    emblem(sheet, spec, box, ink(base), trim if trim != base else spec.tint(spec.accent))
    crown = cloth(sheet.pixels, "canvas", repeat=(16, 6), strength=0.6)
    inside = cloth(solid(darker(base, 0.55)))
    visor = cloth(_brim_sheet(spec), "canvas", repeat=(6, 4), strength=0.5, two_sided=True)
    button = ellipsoid((0, 0, dome[0, 1]), (0.8, 0.8, 0.45), segments=12, rings=6)
    return assemble(
        [
            Part(lathe(dome * (0.98, 0.97), inside=True, squash=1.12, segments=36), inside),
            Part(lathe(dome, squash=1.12, segments=40), crown),
            Part(_brim(flat=flat), visor),
            Part(button, cloth(solid(trim))),
        ]
    )


def _brim_sheet(spec: ProductSpec) -> Pixels:
    tone = spec.tint(spec.trim if spec.material == "trucker" else spec.colour)
    sheet = Sheet(512, 192, tone)
    for row in range(5):
        y = 40 + row * 32
        stitches(sheet, [(0, y), (512, y)], lighter(tone, 0.18), length=11)
    return sheet.pixels


def _brim(*, flat: bool) -> Mesh:
    """The visor, thicker towards its edge, in a round bend."""
    angle = np.radians(np.linspace(-80, 80, 29))
    rows = []
    for s in (0.0, 0.15, 0.35, 0.55, 0.75, 0.9, 1.0):
        reach = 8.9 + s * 7.4 * np.cos(angle * 0.98) ** 0.7
        x, y = np.sin(angle) * reach * (1 - 0.05 * s), -np.cos(angle) * reach * 1.12
        droop = 0.012 if flat else 0.03
        rows.append(np.stack([x, y, 0.9 + s * 0.9 - droop * x**2 * (0.35 + 0.65 * s)], -1))
    top = np.stack(rows)
    top[..., 2] += 0.35 - min(float(top[..., 2].min()), 0.0)
    # The edge turns under, so that it shows its thickness.
    edge = top[-1] * np.array([1.004, 1.004, 1.0])
    return grid(
        np.concatenate([top, [edge - (0, 0, 0.12)], [edge * (0.99, 0.99, 1) - (0, 0, 0.32)]])
    )


CAP = Kind(
    name="cap",
    noun="Cap",
    category="Clothing/Accessories/Caps",
    build=build_cap,
    shapes=("curved", "snapback"),
    materials=("cotton", "trucker"),
    colours=(
        "black",
        "navy",
        "red",
        "white",
        "olive",
        "grey",
        "sand",
        "forest",
        "burgundy",
        "sky",
        "mustard",
    ),
    trims=("white", "black", "red", "charcoal", "navy", "mustard"),
    patterns=("plain", "plain", "plain", "camo", "pinstripes", "tartan", "floral", "leaves"),
    motifs=MOTIFS,
    layouts=("stack", "big", "arch", "frame", "initial", "line"),
    axes=("colour", "motif", "trim", "pattern"),
    hides=(("cotton", "trim"),),
    price=(9, 35),
    views=(
        View("front", 0, 16),
        View("angled", 38, 24),
        View("side", 84, 14),
        View("detail", -10, 14, zoom=1.8, aim=0.55),
    ),
    grounds=("floor", "table", "bed"),
    pitch=(12, 50),
    yaw=45,
)
