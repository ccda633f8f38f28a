"""Insulated flasks."""

from __future__ import annotations

from findalike.data.simulate.drawing import Sheet
from findalike.data.simulate.labels import EMBLEMS, MOTIFS, emblem
from findalike.data.simulate.mesh import disc, lathe, tube
from findalike.data.simulate.model import Material, Model, Part, assemble
from findalike.data.simulate.palette import ink, mix
from findalike.data.simulate.products.parts import along, glossy, printed, solid, steel
from findalike.data.simulate.spec import Kind, ProductSpec
from findalike.data.simulate.textures import relief

_FLASKS = {
    # body profile, lid radius, lid height
    "slim": ([(2.2, 22), (3.2, 20.6), (3.5, 18.5), (3.5, 9), (3.5, 1.2), (3.35, 0.9)], 2.3, 3.0),
    "wide": ([(3.4, 20), (4.2, 19), (4.4, 17), (4.4, 8), (4.4, 1.2), (4.2, 0.9)], 3.5, 3.4),
    "curved": (
        [(2.4, 23), (3.3, 21), (3.6, 17), (3.1, 11), (3.5, 4), (3.5, 1.2), (3.3, 0.9)],
        2.5,
        2.6,
    ),
}


def build_flask(spec: ProductSpec) -> Model:
    """A powder-coated steel body, a bare foot, a lid with a loop."""
    knots, lid_radius, lid_height = _FLASKS[spec.shape]
    profile = along(knots, 24)
    top = profile[0, 1]
    skin = Sheet.of(printed(spec, 1024, 640, (8, 5)))
    base = spec.tint(spec.colour)
    if spec.motif:
        box = (0.4 * 1024, 0.34 * 640, 0.2 * 1024, 0.42 * 640)
        if spec.pattern != "plain":
            skin.rectangle(box[0] - 12, box[1] - 20, box[2] + 24, box[3] + 40, base)
        emblem(skin, spec, box, ink(base), mix(base, ink(base), 0.55))
    coat = Material(
        skin.pixels, roughness=0.42, bump=relief("felt"), bump_repeat=(10, 10), bump_strength=0.3
    )
    lid = glossy(solid(spec.tint(spec.trim)), roughness=0.4)
    r, h = lid_radius, lid_height
    cap = [
        (r * 0.6, top + h),
        (r * 0.94, top + h - 0.1),
        (r, top + h - 0.5),
        (r, top + 0.3),
        (r * 0.97, top),
    ]
    parts = [
        Part(lathe(profile), coat),
        Part(
            lathe([(profile[-1, 0], 0.9), (profile[-1, 0], 0.1), (profile[-1, 0] - 0.3, 0)]),
            steel(),
        ),
        Part(lathe([(r * 0.9, top + 0.35), (r * 0.92, top - 0.15)]), steel()),
        Part(lathe(along(cap, 12)), lid),
        Part(disc(r * 0.62, top + h, dish=0.1), lid),
    ]
    if spec.shape != "curved":
        high = top + h
        loop = along(
            [
                (-r * 0.85, 0, high - 0.8),
                (-r * 0.7, 0, high + 1.3),
                (r * 0.7, 0, high + 1.3),
                (r * 0.85, 0, high - 0.8),
            ],
            16,
        )
        parts.append(Part(tube(loop, 0.55, up=(0, 1, 0), flatten=1.5, sides=10), lid))
    return assemble(parts)


FLASK = Kind(
    name="flask",
    noun="Insulated Flask",
    category="Outdoor/Flasks",
    build=build_flask,
    shapes=tuple(_FLASKS),
    materials=("steel",),
    colours=(
        "white",
        "navy",
        "teal",
        "black",
        "coral",
        "mint",
        "olive",
        "sky",
        "red",
        "lilac",
        "yellow",
        "forest",
    ),
    trims=("black", "charcoal", "white", "tan", "navy", "coral"),
    patterns=(
        "plain",
        "plain",
        "plain",
        "fade",
        "blocks",
        "speckle",
        "camo",
        "marble",
        "zigzag",
        "leaves",
    ),
    motifs=MOTIFS,
    layouts=EMBLEMS,
    axes=("colour", "trim", "pattern", "motif"),
    price=(15, 42),
    grounds=("table", "floor"),
    pitch=(4, 40),
    yaw=35,
)
