"""Cushions with piping."""

from __future__ import annotations

import cv2
import numpy as np

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import MOTIFS, emblem
from findalike.data.simulate.mesh import moved, pillow, rotation, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink
from findalike.data.simulate.products.parts import cloth, printed, solid
from findalike.data.simulate.spec import Kind, ProductSpec
from findalike.data.simulate.textures import noise, relief, slopes
from findalike.types import Pixels


def build_cushion(spec: ProductSpec) -> Model:
    """A filled cover with piping around its edge."""
    width, height = {"square": (45.0, 45.0), "oblong": (55.0, 34.0)}[spec.shape]
    repeats = (5, 5) if spec.shape == "square" else (7, 4)
    sheet = Sheet.of(printed(spec, 720, round(720 * height / width), repeats))
    base = spec.tint(spec.colour)
    if spec.motif:
        side = 0.42 * sheet.height
        box = ((sheet.width - side * 1.2) / 2, (sheet.height - side) / 2, side * 1.2, side)
        if spec.pattern != "plain":
            sheet.rectangle(box[0] - 20, box[1] - 20, box[2] + 40, box[3] + 40, base)
        emblem(sheet, spec, box, ink(base), spec.tint(spec.accent))
    weave = {"cotton": "canvas", "knit": "knit", "velvet": "felt"}[spec.material]
    front = _cover(sheet.pixels, spec, weave)
    back = _cover(solid(darker(base, 0.05)), spec, weave)
    near, far = pillow(width, height, 19.0, plump=0.46, waist=0.09)
    square = near.points.reshape(21, 21, 3)
    loop = np.concatenate([square[0], square[1:, -1], square[-1, -2::-1], square[-2::-1, 0]])
    trim = cloth(solid(spec.tint(spec.trim)), "ribs", repeat=(1, 8), strength=0.4)
    piping = tube(loop, 0.45, up=(0, 1, 0), sides=8, caps=False)
    lean = rotation(pitch=-14.0)
    parts = [Part(near, front), Part(far, back), Part(piping, trim)]
    leaning = [Part(moved(p.mesh, turn=lean), p.material) for p in parts]
    lift = -min(float(p.mesh.points[:, 2].min()) for p in leaning)
    return assemble([Part(moved(p.mesh, (0.0, 0.0, lift)), p.material) for p in leaning])


def _cover(texture: Pixels, spec: ProductSpec, weave: str) -> Material:
    """Cloth with its weave, dented and puckered where the filling lets it."""
    side = 512
    rng = spec.rng(22)
    times = 2 if weave == "knit" else 4
    fine = cv2.resize(relief(weave), (side // times, side // times), interpolation=cv2.INTER_AREA)
    v, u = np.mgrid[0:side, 0:side].astype(np.float32) / side * 2 - 1
    soft = noise(rng, side, side, (3, 3), octaves=2)
    # Puckers run from the corners to the middle and die out there.
    corner = np.minimum(abs(u), abs(v)) / np.maximum(np.maximum(abs(u), abs(v)), 0.05)
    rays = np.sin((abs(u) - abs(v)) * 16 + soft * 1.5) * corner**2 * np.maximum(abs(u * v), 0)
    dent = np.sqrt(noise(rng, side, side, (2, 3), octaves=2) ** 2 + 0.05)
    broad = slopes(rays * 9 - dent * 7 + soft * 5, 0.8)
    broad[[0, -1]] = 0
    broad[:, [0, -1]] = 0
    return Material(
        texture,
        roughness=0.9 if weave != "felt" else 0.7,
        specular=0.02,
        sheen=0.3 if weave != "felt" else 0.7,
        bump=np.asarray(broad + np.tile(fine, (times, times, 1)) * 0.7, dtype=np.float32),
    )


CUSHION = Kind(
    name="cushion",
    noun="Cushion",
    category="Home/Cushions",
    build=build_cushion,
    shapes=("square", "oblong"),
    materials=("cotton", "knit", "velvet"),
    colours=(
        "cream",
        "mustard",
        "teal",
        "navy",
        "coral",
        "olive",
        "grey",
        "pink",
        "white",
        "forest",
        "sand",
    ),
    trims=("white", "charcoal", "tan", "navy", "mustard", "cream"),
    patterns=(
        "plain",
        "stripes",
        "gingham",
        "tartan",
        "argyle",
        "zigzag",
        "floral",
        "leaves",
        "dots",
        "waves",
        "scales",
        "terrazzo",
        "cacti",
        "stars",
        "hearts",
    ),
    motifs=("", "", *MOTIFS),
    layouts=("stack", "big", "arch", "initial"),
    axes=("colour", "pattern", "trim", "motif"),
    price=(9, 39),
    grounds=("bed", "floor"),
    pitch=(10, 45),
    yaw=35,
)
