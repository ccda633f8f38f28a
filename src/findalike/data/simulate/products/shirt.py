"""T-shirts laid flat."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from findalike.data.simulate.drawing import STYLES, Sheet
from findalike.data.simulate.labels import EMBLEMS, MOTIFS, emblem
from findalike.data.simulate.mesh import Floats, Mesh, grid
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import darker, ink, lighter, mix
from findalike.data.simulate.products.parts import along, printed, stitches
from findalike.data.simulate.spec import Kind, ProductSpec, View
from findalike.data.simulate.textures import noise, slopes
from findalike.types import Pixels

_PIX = 640
_RELIEF = 320
_SHIRT_CM = 78.0
_CELLS = 40

# Left halves of the outlines, in shares of the picture.
_BODY = [(0.5, 0.122), (0.385, 0.105), (0.29, 0.145), (0.262, 0.3), (0.272, 0.6), (0.258, 0.92)]
_HEM = [(0.36, 0.938), (0.5, 0.944)]
_SLEEVES = {
    "short": [
        (0.32, 0.13),
        (0.225, 0.175),
        (0.135, 0.27),
        (0.07, 0.365),
        (0.178, 0.45),
        (0.268, 0.35),
    ],
    "long": [(0.32, 0.13), (0.215, 0.185), (0.135, 0.42), (0.05, 0.8), (0.148, 0.83), (0.275, 0.4)],
}
_NECK_DEPTH = {"v": 0.27, "crew": 0.182, "long": 0.178, "henley": 0.182}


def _both(half: NDArray[np.float64]) -> NDArray[np.float64]:
    """An outline from its left half: the right one is its mirror image."""
    return np.concatenate([half, np.array([1.0, 0.0]) + half[::-1] * np.array([-1.0, 1.0])])


def _mask(*outlines: NDArray[np.float64], soft: float = 1.6) -> Pixels:
    sheet = Sheet(_PIX, _PIX, (0, 0, 0))
    for outline in outlines:
        sheet.polygon(outline * _PIX, (255, 255, 255))
    return np.asarray(cv2.GaussianBlur(sheet.pixels[..., 0], (0, 0), soft))


def _masks(shape: str) -> dict[str, Pixels]:
    """Outlines of the body, the sleeves, the opening of the neck and its collar, as masks."""
    body = np.concatenate([along(_BODY[:3], 10), along(_BODY[2:], 24), np.array(_HEM)])
    left = along([*_SLEEVES["long" if shape == "long" else "short"]], 40)
    right = np.array([1.0, 0.0]) + left * np.array([-1.0, 1.0])
    depth = _NECK_DEPTH[shape]
    if shape == "v":
        neck = np.array([(0.5, 0.07), (0.4, 0.07), (0.4, 0.115), (0.5, depth)])
    else:
        t = np.linspace(0, np.pi / 2, 10)
        curve = np.stack([0.5 - 0.1 * np.cos(t), 0.106 + (depth - 0.106) * np.sin(t)], axis=-1)
        neck = np.concatenate([[(0.5, 0.07), (0.4, 0.07)], curve])
    opening = _mask(_both(neck), soft=0.8)
    ring = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (27, 27))
    return {
        "body": _mask(_both(body)),
        "sleeves": _mask(left, right),
        "neck": opening,
        "collar": np.asarray(cv2.dilate(opening, ring)),
    }


def _puff(mask: Pixels, reach: float) -> Floats:
    """Height of a flattened tube of cloth: rises over ``reach`` pixels from its outline."""
    inside = (cv2.resize(mask, (_RELIEF, _RELIEF)) > 127).astype(np.uint8)
    t = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) / reach, 0, 1)
    return np.asarray(np.sqrt(np.maximum(1 - (1 - t) ** 2, 0)), dtype=np.float32)


def _drape(spec: ProductSpec, masks: dict[str, Pixels]) -> tuple[Floats, Floats]:
    """Height of the cloth in shares, and its slopes with folds, seams and the collar."""
    body, sleeves = _puff(masks["body"], 26), _puff(masks["sleeves"], 17) * np.float32(0.8)
    height = np.maximum(body, sleeves)
    rng = spec.rng(21)
    y, x = np.mgrid[0:_RELIEF, 0:_RELIEF].astype(np.float32) / _RELIEF
    soft = noise(rng, _RELIEF, _RELIEF, (3, 3), octaves=2)
    # Folds pull from the armpits, hang from the chest, and crease where the cloth lay folded.
    pull = np.zeros_like(x)
    for side in (-1, 1):
        dx, dy = (x - 0.5) * side + 0.23, y - 0.34
        angle = np.arctan2(dy, dx + 0.3)
        pull += np.sin(angle * 11 + soft) * np.exp(-((np.sqrt(dx**2 + dy**2) - 0.13) ** 2) / 0.025)
    hang = np.sin(x * 30 + soft * 2.4 + y * 5) * np.clip((y - 0.42) * 2, 0, 1)
    crease = np.sqrt(noise(rng, _RELIEF, _RELIEF, (3, 4), octaves=2) ** 2 + 0.03)
    surface = height * 9 + pull * 2.2 + hang * 1.8 - crease * 4.0 + soft * 2.2
    seam = (abs(body - sleeves) < 0.06).astype(np.float32)
    collar = cv2.resize(masks["collar"], (_RELIEF, _RELIEF)).astype(np.float32) / 255
    surface += cv2.GaussianBlur(collar, (0, 0), 1.2) * 2 - cv2.GaussianBlur(seam, (0, 0), 1.2) * 2
    surface[0] = surface[-1] = 0
    return height, slopes(cv2.GaussianBlur(surface, (0, 0), 0.9), 0.6)


def _front_sheet(spec: ProductSpec, masks: dict[str, Pixels], cloth: Pixels) -> Pixels:
    """What is printed and sewn on the front, with its cut-out."""
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    sheet = Sheet.of(cloth)
    if spec.motif:
        if spec.pattern != "plain":
            sheet.disc(0.5 * _PIX, 0.435 * _PIX, 0.165 * _PIX, base)
        box = (0.365 * _PIX, 0.3 * _PIX, 0.27 * _PIX, 0.27 * _PIX)
        emblem(sheet, spec, box, ink(base), spec.tint(spec.accent))
    sheet.stamp(masks["collar"], 0, 0, trim)
    sheet.stamp(cv2.erode(masks["collar"], np.ones((3, 3), np.uint8)), 0, 0, lighter(trim, 0.06))
    if spec.shape == "henley":
        sheet.rectangle(0.482 * _PIX, 0.19 * _PIX, 0.036 * _PIX, 0.12 * _PIX, trim)
        for k in range(3):
            sheet.disc(0.5 * _PIX, (0.205 + 0.038 * k) * _PIX, 4, lighter(trim, 0.5))
    mask = np.maximum(masks["body"], masks["sleeves"])
    return np.dstack([sheet.pixels, np.minimum(mask, 255 - masks["neck"])])


def _back_sheet(spec: ProductSpec, masks: dict[str, Pixels], cloth: Pixels) -> Pixels:
    """The back, as seen when the shirt is turned over."""
    sheet = Sheet.of(cloth)
    sheet.ellipse(0.5 * _PIX, 0.1 * _PIX, 0.115 * _PIX, 0.035 * _PIX, spec.tint(spec.trim))
    mask = np.maximum(masks["body"], masks["sleeves"])
    return np.ascontiguousarray(np.dstack([sheet.pixels, mask])[:, ::-1])


def _inside_sheet(spec: ProductSpec, masks: dict[str, Pixels]) -> Pixels:
    """The inside of the back, seen through the opening of the neck, with the maker's tag."""
    base = spec.tint(spec.colour)
    sheet = Sheet(_PIX, _PIX, darker(base, 0.3))
    x, y, w, h = 0.47 * _PIX, 0.128 * _PIX, 0.06 * _PIX, 0.032 * _PIX
    sheet.rectangle(x, y, w, h, mix(base, (250, 250, 248), 0.9))
    sheet.text(spec.brand, (x + 2, y + 4, w - 4, h - 8), (60, 60, 62), STYLES["bold"])
    near = cv2.dilate(masks["neck"], np.ones((25, 25), np.uint8))
    return np.dstack([sheet.pixels, np.minimum(masks["body"], near)])


def _cloth(spec: ProductSpec, masks: dict[str, Pixels]) -> Pixels:
    """The fabric with its hems, front and back alike."""
    base, trim = spec.tint(spec.colour), spec.tint(spec.trim)
    sheet = Sheet.of(printed(spec, _PIX, _PIX, (9, 9)))
    sleeve_only = (masks["sleeves"] > 127) & (masks["body"] <= 127)
    if spec.material == "ringer":
        sheet.pixels[sleeve_only] = trim
    seam = darker(base, 0.22)
    for dy in (0.0, 0.009):
        stitches(
            sheet, [(0.27 * _PIX, (0.905 + dy) * _PIX), (0.73 * _PIX, (0.905 + dy) * _PIX)], seam
        )
    left = np.array(_SLEEVES["long" if spec.shape == "long" else "short"])[3:5]
    inwards = np.array([0.012, -0.012])
    for ends in (left + inwards, np.array([1.0, 0.0]) + (left + inwards) * np.array([-1.0, 1.0])):
        stitches(sheet, ends * _PIX, darker(trim if spec.material == "ringer" else base, 0.22))
    return sheet.pixels


def _sheet_mesh(height: Floats, mask: Pixels, thickness: float, base: float) -> Mesh:
    """A square sheet lying flat, raised by the height, without the cells the mask leaves out.

    A negative thickness makes its underside.
    """
    under = thickness < 0
    small = cv2.resize(height, (_CELLS + 1, _CELLS + 1), interpolation=cv2.INTER_AREA)
    at = np.linspace(-0.5, 0.5, _CELLS + 1) * _SHIRT_CM
    x, y = np.meshgrid(-at if under else at, -at)
    normal = np.broadcast_to([0, 0, -1.0 if under else 1.0], (*x.shape, 3))
    whole = grid(np.stack([x, y, base + small * thickness], -1), normals=normal)
    near = cv2.dilate(mask, np.ones((3, 3), np.uint8))
    cells = cv2.resize(near, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    kept = (cells[:, ::-1] if under else cells).ravel() > 8
    facets = whole.facets[kept]
    return dataclasses.replace(whole, facets=facets, coarse=facets)


def _fabric(sheet: Pixels, bump: Floats | None) -> Material:
    return Material(sheet, roughness=0.95, specular=0.02, sheen=0.25, bump=bump)


def build_shirt(spec: ProductSpec) -> Model:
    """A shirt laid flat: the inside of its back, its front, and the back seen when turned over."""
    masks = _masks(spec.shape)
    height, bump = _drape(spec, masks)
    cloth = _cloth(spec, masks)
    outline = np.maximum(masks["body"], masks["sleeves"])
    other = np.ascontiguousarray(bump[:, ::-1] * np.array([-1, 1], dtype=np.float32))
    flat = np.zeros_like(height)
    inside = _sheet_mesh(flat, np.minimum(masks["body"], masks["collar"]), 1.0, 0.15)
    front = _sheet_mesh(height, outline, 2.4, 0.3)
    back = _sheet_mesh(height, outline, -0.2, 0.25)
    return assemble(
        [
            Part(inside, _fabric(_inside_sheet(spec, masks), None)),
            Part(front, _fabric(_front_sheet(spec, masks, cloth), bump), layer=1),
            Part(back, _fabric(_back_sheet(spec, masks, cloth), other), layer=1),
        ]
    )


SHIRT = Kind(
    name="shirt",
    noun="T-Shirt",
    category="Clothing/Tops/T-Shirts",
    build=build_shirt,
    shapes=("crew", "v", "long", "henley"),
    materials=("cotton", "ringer"),
    colours=(
        "white",
        "black",
        "navy",
        "grey",
        "red",
        "forest",
        "sky",
        "mustard",
        "burgundy",
        "mint",
        "coral",
        "olive",
    ),
    trims=("white", "black", "navy", "red", "charcoal", "cream"),
    patterns=(
        "plain",
        "plain",
        "plain",
        "stripes",
        "breton",
        "pinstripes",
        "camo",
        "floral",
        "dots",
        "blocks",
        "fade",
        "stars",
        "leaves",
    ),
    motifs=("", *MOTIFS),
    layouts=EMBLEMS,
    axes=("colour", "trim", "pattern", "motif", "shape"),
    price=(8, 45),
    views=(
        View("front", 0, 88),
        View("back", 0, 88, turned_over=True),
        View("angled", 20, 58),
        View("detail", 4, 80, zoom=2.0, aim=0.5),
    ),
    grounds=("bed", "floor"),
    pitch=(55, 86),
    yaw=35,
)
