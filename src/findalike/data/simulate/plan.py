"""Which products a simulated shop sells: families of variants, drawn one after the other.

Everything about family number f comes from ``SeedSequence(seed, spawn_key=(stream, f))``, so a
larger shop begins with the same products as a smaller one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from findalike.data.simulate.palette import COLOURS
from findalike.data.simulate.products import KINDS
from findalike.data.simulate.products.book import book_title
from findalike.data.simulate.spec import Axis, Kind, ProductSpec
from findalike.data.simulate.words import brand_name

FAMILY_STREAM, ORDER_STREAM, COUNT_STREAM, PROP_STREAM, SELLER_STREAM, USER_STREAM = range(1, 7)

_FAMILY_SIZES = (0.25, 0.25, 0.25, 0.15, 0.1)
_SELLER_IMAGES = (0.25, 0.35, 0.25, 0.15)
_USER_IMAGES = (0.25, 0.4, 0.25, 0.1)
_ACCENTS = (
    "white",
    "cream",
    "navy",
    "red",
    "teal",
    "mustard",
    "coral",
    "forest",
    "black",
    "sky",
    "pink",
    "orange",
)
_STYLES = (
    "plain",
    "bold",
    "black",
    "wide",
    "spaced",
    "condensed",
    "italic",
    "racing",
    "outline",
    "tall",
)
_FAR_ENOUGH = 95


def stream(seed: int, *key: int) -> np.random.Generator:
    """The generator of one purpose: the first number of the key says which, the rest which item."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


@dataclass(frozen=True, slots=True)
class PlannedProduct:
    """A product before any picture is drawn.

    Attributes:
        index: from 0, in the order of the shop.
        product_id: its name in the files.
        spec: how it looks.
        variant_of: product id of the first of its family; "" for the first itself.
        axis: what it differs in from the first of its family; "" for the first itself.
        title, category, price, in_stock, tags: as a shop would list them.
        views: numbers of the kind's views that the seller shows.
        user_images: how many shoppers photographed it.
        first_seller, first_user: number of its first seller and user image in the whole shop.
    """

    index: int
    product_id: str
    spec: ProductSpec
    variant_of: str
    axis: str
    title: str
    category: str
    price: float
    in_stock: bool
    tags: tuple[str, ...]
    views: tuple[int, ...]
    user_images: int
    first_seller: int
    first_user: int


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _apart(name: str, others: tuple[str, ...]) -> bool:
    """Whether a colour can be told from all the others at a glance."""
    return all(
        sum(abs(a - b) for a, b in zip(COLOURS[name], COLOURS[other], strict=True)) > _FAR_ENOUGH
        for other in others
    )


def draw_spec(kind: Kind, rng: np.random.Generator) -> ProductSpec:
    """A random product of a kind."""
    colour = _one(rng, kind.colours)
    trims = tuple(t for t in kind.trims if _apart(t, (colour,))) or kind.trims
    accents = tuple(a for a in _ACCENTS if _apart(a, (colour,)))
    return ProductSpec(
        kind=kind.name,
        shape=_one(rng, kind.shapes),
        material=_one(rng, kind.materials),
        colour=colour,
        trim=_one(rng, trims),
        pattern=_one(rng, kind.patterns),
        accent=_one(rng, accents),
        motif=_one(rng, kind.motifs),
        brand=brand_name(rng),
        layout=_one(rng, kind.layouts),
        style=_one(rng, _STYLES),
        grain=int(rng.integers(2**31)),
    )


def _usable_axes(kind: Kind, spec: ProductSpec) -> tuple[Axis, ...]:
    """Axes along which a variant of this very product would look different."""
    hidden = {
        axis for choice, axis in kind.hides if choice in (spec.shape, spec.material, spec.layout)
    }
    if not spec.motif or spec.layout in ("line", "initial"):
        hidden.add("motif")
    return tuple(axis for axis in kind.axes if axis not in hidden)


def _variants(
    kind: Kind, base: ProductSpec, count: int, axis: Axis, rng: np.random.Generator
) -> list[ProductSpec]:
    """Up to ``count`` specs that differ from the base, and from each other, along one axis."""
    options = {
        "colour": kind.colours,
        "trim": kind.trims,
        "shape": kind.shapes,
        "pattern": kind.patterns,
        "motif": tuple(m for m in kind.motifs if m),
    }[axis]
    chosen = [str(getattr(base, axis))]
    clear = (base.accent,) if axis == "colour" else (base.colour,) if axis == "trim" else ()
    for k in rng.permutation(len(options)):
        option = options[int(k)]
        if len(chosen) > count:
            break
        if option in chosen:
            continue
        if axis in ("colour", "trim") and not _apart(option, (*chosen, *clear)):
            continue
        chosen.append(option)
    return [_varied(base, axis, value) for value in chosen[1:]]


def _varied(base: ProductSpec, axis: Axis, value: str) -> ProductSpec:
    match axis:
        case "colour":
            return dataclasses.replace(base, colour=value)
        case "trim":
            return dataclasses.replace(base, trim=value)
        case "shape":
            return dataclasses.replace(base, shape=value)
        case "pattern":
            return dataclasses.replace(base, pattern=value)
        case "motif":
            return dataclasses.replace(base, motif=value)


def _kind_of(seed: int, family: int) -> Kind:
    """Kinds come in rounds: each once in the registry's order, then each once in random orders."""
    names = tuple(KINDS)
    turn, place = divmod(family, len(names))
    if turn == 0:
        return KINDS[names[place]]
    order = stream(seed, ORDER_STREAM, turn).permutation(len(names))
    return KINDS[names[int(order[place])]]


def draw_family(seed: int, family: int) -> list[tuple[ProductSpec, str]]:
    """The products of one family with the axis in which each differs from the first."""
    kind = _kind_of(seed, family)
    rng = stream(seed, FAMILY_STREAM, family)
    base = draw_spec(kind, rng)
    axes = _usable_axes(kind, base)
    count = int(rng.choice(len(_FAMILY_SIZES), p=_FAMILY_SIZES))
    axis = axes[int(rng.integers(len(axes)))]
    return [(base, ""), *((spec, axis) for spec in _variants(kind, base, count, axis, rng))]


def draw_prop(seed: int, number: int) -> ProductSpec:
    """A thing that lies around in shoppers' photos and that no shop sells."""
    rng = stream(seed, PROP_STREAM, number)
    return draw_spec(KINDS[_one(rng, tuple(KINDS))], rng)


def title_of(spec: ProductSpec) -> str:
    """The title a shop would give a product."""
    kind = KINDS[spec.kind]
    if spec.kind == "book":
        return f"{book_title(spec)} ({spec.shape.title()}) by {spec.brand}, {spec.colour} edition"
    words = [spec.brand, spec.shape.title(), kind.noun]
    title = " ".join(words)
    if spec.motif:
        title += f" “{spec.motif}”"
    look = spec.colour if spec.pattern == "plain" else f"{spec.colour}, {spec.pattern}"
    return f"{title}, {look}"


def _tags(spec: ProductSpec) -> tuple[str, ...]:
    seen = (
        spec.kind,
        spec.shape,
        spec.material,
        spec.colour,
        spec.trim,
        spec.pattern,
        spec.motif.lower(),
    )
    return tuple(dict.fromkeys(tag for tag in seen if tag and tag != "plain"))


def plan(seed: int, products: int) -> Iterator[PlannedProduct]:
    """The first ``products`` products of the shop with this seed, in order."""
    index = sellers = users = family = 0
    while index < products:
        head = f"p{index:06d}"
        price_rng = stream(seed, COUNT_STREAM, 0, family)
        for spec, axis in draw_family(seed, family):
            if index >= products:
                return
            kind = KINDS[spec.kind]
            if not axis:
                low, high = kind.price
                price = round(float(np.exp(price_rng.uniform(np.log(low), np.log(high))))) + 0.99
            rng = stream(seed, COUNT_STREAM, 1, index)
            shown = 1 + int(rng.choice(len(_SELLER_IMAGES), p=_SELLER_IMAGES))
            extra = 1 + rng.permutation(len(kind.views) - 1)[: shown - 1]
            photos = int(rng.choice(len(_USER_IMAGES), p=_USER_IMAGES))
            # A shop of one product still has a photo to search with.
            photos = max(photos, 1) if index == 0 else photos
            item = PlannedProduct(
                index=index,
                product_id=f"p{index:06d}",
                spec=spec,
                variant_of=head if axis else "",
                axis=axis,
                title=title_of(spec),
                category=kind.category,
                price=price,
                in_stock=bool(rng.random() < 0.85),
                tags=_tags(spec),
                views=(0, *sorted(int(v) for v in extra)),
                user_images=photos,
                first_seller=sellers,
                first_user=users,
            )
            yield item
            index += 1
            sellers += len(item.views)
            users += photos
        family += 1
