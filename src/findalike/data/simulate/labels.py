"""Printed labels: emblems for shirts and mugs, wraps for food, with bar codes and small print."""

from __future__ import annotations

import numpy as np

from findalike.data.simulate.drawing import STYLES, Sheet, arched, fit, lettering, ring
from findalike.data.simulate.food import FLAVOURS, draw_flavour
from findalike.data.simulate.icons import ICONS, Spot
from findalike.data.simulate.palette import Colour, darker, ink, legible, lighter, mix
from findalike.data.simulate.spec import ProductSpec

EMBLEMS = ("stack", "arch", "line", "big", "frame", "initial", "side")

MOTIFS = tuple(ICONS)

_SAYINGS = (
    "since 1974",
    "est. 1988",
    "supply co.",
    "original",
    "quality goods",
    "no. 12",
    "studio",
)


def saying(spec: ProductSpec) -> str:
    """A small line that goes with the brand; the same for all variants."""
    return _SAYINGS[int(spec.rng(7).integers(len(_SAYINGS)))]


def emblem(
    sheet: Sheet,
    spec: ProductSpec,
    box: tuple[float, float, float, float],
    main: Colour,
    second: Colour,
) -> None:
    """Print the brand and motif of a product inside ``box`` (x, y, w, h) in the spec's layout."""
    x, y, w, h = box
    style, small = STYLES[spec.style], STYLES["spaced"]
    second = legible(second, main)
    icon = ICONS[spec.motif] if spec.motif else None
    if spec.layout == "line" or icon is None:
        sheet.text(spec.brand, (x, y + 0.2 * h, w, 0.42 * h), main, style)
        sheet.text(saying(spec), (x + 0.2 * w, y + 0.7 * h, 0.6 * w, 0.09 * h), second, small)
        if icon is not None:
            icon(sheet, Spot(x + w / 2, y + 0.08 * h, 0.09 * h, second, main))
    elif spec.layout == "big":
        icon(sheet, Spot(x + w / 2, y + 0.42 * h, 0.42 * min(w, h), main, second))
        sheet.text(spec.brand, (x + 0.15 * w, y + 0.88 * h, 0.7 * w, 0.12 * h), main, style)
    elif spec.layout == "arch":
        _arch(sheet, spec, box, main)
        icon(sheet, Spot(x + w / 2, y + 0.58 * h, 0.25 * min(w, h), second, main))
        sheet.text(saying(spec), (x + 0.15 * w, y + 0.9 * h, 0.7 * w, 0.09 * h), main, small)
    elif spec.layout == "frame":
        sheet.rectangle(x, y + 0.1 * h, w, 0.8 * h, main)
        line = max(2.0, 0.015 * w)
        sheet.stroke(
            [
                (x + 3 * line, y + 0.1 * h + 3 * line),
                (x + w - 3 * line, y + 0.1 * h + 3 * line),
                (x + w - 3 * line, y + 0.9 * h - 3 * line),
                (x + 3 * line, y + 0.9 * h - 3 * line),
            ],
            line,
            second,
            closed=True,
        )
        icon(sheet, Spot(x + w / 2, y + 0.36 * h, 0.17 * min(w, h), second, main))
        sheet.text(spec.brand, (x + 0.12 * w, y + 0.58 * h, 0.76 * w, 0.18 * h), second, style)
    elif spec.layout == "initial":
        sheet.disc(x + w / 2, y + 0.4 * h, 0.38 * min(w, h), main)
        sheet.text(
            spec.brand[:1], (x + 0.3 * w, y + 0.18 * h, 0.4 * w, 0.44 * h), second, STYLES["black"]
        )
        sheet.text(spec.motif, (x + 0.1 * w, y + 0.85 * h, 0.8 * w, 0.13 * h), main, small)
    elif spec.layout == "side":
        icon(sheet, Spot(x + 0.2 * w, y + h / 2, 0.2 * min(w, 1.6 * h), second, main))
        sheet.text(
            spec.brand, (x + 0.44 * w, y + 0.3 * h, 0.56 * w, 0.26 * h), main, style, align=0
        )
        sheet.text(
            saying(spec), (x + 0.44 * w, y + 0.62 * h, 0.5 * w, 0.1 * h), main, small, align=0
        )
    else:
        icon(sheet, Spot(x + w / 2, y + 0.32 * h, 0.3 * min(w, h), main, second))
        sheet.text(spec.brand, (x, y + 0.68 * h, w, 0.2 * h), main, style)
        sheet.text(saying(spec), (x + 0.2 * w, y + 0.92 * h, 0.6 * w, 0.07 * h), second, small)


def _arch(
    sheet: Sheet, spec: ProductSpec, box: tuple[float, float, float, float], colour: Colour
) -> None:
    x, y, w, h = box
    mask = lettering(spec.brand, STYLES[spec.style])
    bent = arched(mask, max(mask.shape[1] / 2.1, 60.0))
    scale = min(w / bent.shape[1], 0.6 * h / bent.shape[0])
    small = fit(bent, max(round(bent.shape[1] * scale), 2), max(round(bent.shape[0] * scale), 2))
    sheet.stamp(small, round(x + (w - small.shape[1]) / 2), round(y), colour)


def barcode(sheet: Sheet, spec: ProductSpec, box: tuple[float, float, float, float]) -> None:
    """A bar code on white; every product of a family shares it, as sloppy shops do."""
    x, y, w, h = box
    sheet.rectangle(x, y, w, h, (246, 246, 244))
    widths = spec.rng(11).integers(1, 4, 39)
    edges = np.cumsum(widths) / widths.sum() * 0.86 + 0.07
    for left, right in zip(edges[::2], edges[1::2], strict=False):
        sheet.rectangle(x + left * w, y + 0.1 * h, (right - left) * w, 0.7 * h, (20, 20, 22))


def small_print(
    sheet: Sheet,
    box: tuple[float, float, float, float],
    colour: Colour,
    lines: int,
    rng: np.random.Generator,
) -> None:
    """Rows of text too small to read."""
    x, y, w, h = box
    step = h / lines
    for k in range(lines):
        at = x
        end = x + w * rng.uniform(0.7, 1.0)
        while at < end:
            word = min(rng.uniform(1.2, 5.0) * step * 0.8, end - at)
            sheet.rectangle(at, y + k * step, word, step * 0.42, colour)
            at += word + step * 0.5


def facts(sheet: Sheet, box: tuple[float, float, float, float], rng: np.random.Generator) -> None:
    """A table of nutrition facts."""
    x, y, w, h = box
    sheet.rectangle(x, y, w, h, (244, 243, 238))
    sheet.text(
        "Nutrition",
        (x + 0.06 * w, y + 0.04 * h, 0.88 * w, 0.12 * h),
        (26, 26, 28),
        STYLES["bold"],
        align=0,
    )
    rows = ("Energy", "Fat", "Carbs", "Sugars", "Protein", "Salt")
    for k, row in enumerate(rows):
        top = y + (0.22 + 0.125 * k) * h
        sheet.rectangle(x + 0.06 * w, top - 0.02 * h, 0.88 * w, 0.012 * h, (26, 26, 28))
        sheet.text(
            row, (x + 0.07 * w, top, 0.5 * w, 0.075 * h), (26, 26, 28), STYLES["plain"], align=0
        )
        number = f"{rng.uniform(0.1, 60):.1f} g"
        sheet.text(
            number, (x + 0.5 * w, top, 0.42 * w, 0.075 * h), (26, 26, 28), STYLES["plain"], align=1
        )


def ribbon(
    sheet: Sheet, words: str, box: tuple[float, float, float, float], colour: Colour
) -> None:
    """A coloured band with notched ends and words on it."""
    x, y, w, h = box
    notch = 0.35 * h
    corners = [
        (x, y),
        (x + w, y),
        (x + w - notch, y + h / 2),
        (x + w, y + h),
        (x, y + h),
        (x + notch, y + h / 2),
    ]
    sheet.polygon(corners, colour)
    sheet.text(
        words,
        (x + 1.6 * notch, y + 0.22 * h, w - 3.2 * notch, 0.56 * h),
        ink(colour),
        STYLES["black"],
    )


def food_panel(
    sheet: Sheet, spec: ProductSpec, box: tuple[float, float, float, float], what: str, net: str
) -> None:
    """The front of a food label inside ``box``: brand, picture of the content, name and weight."""
    x, y, w, h = box
    fruit = FLAVOURS[spec.motif].colour
    base = spec.tint(spec.colour)
    letters = ink(base)
    style = STYLES[spec.style]
    name = STYLES["black"]
    cx = x + w / 2
    if spec.layout == "oval":
        sheet.polygon(ring(cx, y + 0.24 * h, 0.46 * w, 0.17 * h), darker(fruit, 0.25))
        sheet.polygon(ring(cx, y + 0.24 * h, 0.43 * w, 0.15 * h), lighter(base, 0.85))
        sheet.text(
            spec.brand, (x + 0.16 * w, y + 0.17 * h, 0.68 * w, 0.14 * h), darker(fruit, 0.45), style
        )
        _heap(sheet, spec, cx, y + 0.62 * h, 0.2 * min(w, h))
        ribbon(sheet, spec.motif, (x + 0.05 * w, y + 0.83 * h, 0.9 * w, 0.12 * h), fruit)
    elif spec.layout == "split":
        sheet.rectangle(x, y + 0.52 * h, w, 0.48 * h, lighter(fruit, 0.72))
        sheet.rectangle(x, y + 0.5 * h, w, 0.03 * h, fruit)
        sheet.text(spec.brand, (x + 0.08 * w, y + 0.1 * h, 0.84 * w, 0.2 * h), letters, style)
        sheet.text(what, (x + 0.2 * w, y + 0.36 * h, 0.6 * w, 0.06 * h), letters, STYLES["spaced"])
        _heap(sheet, spec, cx, y + 0.72 * h, 0.19 * min(w, h))
        sheet.text(
            spec.motif, (x + 0.12 * w, y + 0.9 * h, 0.76 * w, 0.08 * h), darker(fruit, 0.5), name
        )
    elif spec.layout == "burst":
        sheet.disc(cx, y + 0.6 * h, 0.42 * min(w, h), lighter(fruit, 0.55))
        sheet.disc(cx, y + 0.6 * h, 0.36 * min(w, h), lighter(base, 0.9))
        draw_flavour(sheet, spec.motif, cx, y + 0.6 * h, 0.28 * min(w, h))
        sheet.text(spec.brand, (x + 0.06 * w, y + 0.06 * h, 0.88 * w, 0.16 * h), letters, style)
        ribbon(
            sheet, spec.motif, (x + 0.12 * w, y + 0.86 * h, 0.76 * w, 0.1 * h), darker(fruit, 0.2)
        )
    else:
        sheet.rectangle(x + 0.08 * w, y + 0.08 * h, 0.84 * w, 0.84 * h, lighter(base, 0.88))
        sheet.rectangle(x + 0.08 * w, y + 0.08 * h, 0.84 * w, 0.05 * h, fruit)
        sheet.text(
            spec.brand,
            (x + 0.16 * w, y + 0.2 * h, 0.68 * w, 0.13 * h),
            mix(base, (20, 20, 20), 0.75),
            style,
        )
        draw_flavour(sheet, spec.motif, cx, y + 0.54 * h, 0.17 * min(w, h))
        sheet.text(
            spec.motif, (x + 0.16 * w, y + 0.74 * h, 0.68 * w, 0.1 * h), darker(fruit, 0.3), name
        )
    sheet.text(
        net, (x + 0.04 * w, y + 0.965 * h, 0.22 * w, 0.03 * h), letters, STYLES["plain"], align=0
    )


FOOD_LAYOUTS = ("oval", "split", "burst", "card")


def _heap(sheet: Sheet, spec: ProductSpec, x: float, y: float, radius: float) -> None:
    for dx, dy, share in ((-1.3, 0.15, 0.75), (1.3, 0.15, 0.75), (0.0, 0.0, 1.0)):
        draw_flavour(sheet, spec.motif, x + dx * radius, y + dy * radius, radius * share)


def food_wrap(spec: ProductSpec, width: int, height: int, what: str, net: str) -> Sheet:
    """A label that goes all around: the front in the middle, facts and bar code at the back."""
    base = spec.tint(spec.colour)
    fruit = FLAVOURS[spec.motif].colour
    sheet = Sheet(width, height, base)
    if spec.pattern != "plain":
        for k in range(0, 24, 2):
            sheet.rectangle(k * width / 24, 0, width / 24, height, mix(base, ink(base), 0.12))
    sheet.rectangle(0, 0, width, 0.035 * height, fruit)
    sheet.rectangle(0, 0.965 * height, width, 0.035 * height, fruit)
    food_panel(sheet, spec, (0.31 * width, 0.05 * height, 0.38 * width, 0.9 * height), what, net)
    rng = spec.rng(12)
    facts(sheet, (0.78 * width, 0.2 * height, 0.14 * width, 0.6 * height), rng)
    barcode(sheet, spec, (0.06 * width, 0.55 * height, 0.13 * width, 0.26 * height))
    small_print(sheet, (0.05 * width, 0.18 * height, 0.16 * width, 0.3 * height), ink(base), 8, rng)
    return sheet
