import numpy as np
import pytest

from findalike.data.simulate.drawing import STYLES, Sheet, arched, lettering
from findalike.data.simulate.food import FLAVOURS, draw_flavour
from findalike.data.simulate.icons import ICONS, Spot
from findalike.data.simulate.labels import EMBLEMS, FOOD_LAYOUTS, barcode, emblem, food_wrap
from findalike.data.simulate.palette import COLOURS, ink, legible, luminance
from findalike.data.simulate.patterns import PATTERNS, swatch
from findalike.data.simulate.plan import draw_spec
from findalike.data.simulate.products import KINDS
from findalike.data.simulate.surfaces import GROUNDS, WALLS, surface
from findalike.data.simulate.textures import noise, relief

WHITE, RED, BLUE = (255, 255, 255), (200, 20, 20), (20, 20, 200)


def seam(picture, axis):
    """How much larger the step over the edge is than the largest step inside, 8-bit."""
    p = np.moveaxis(picture.astype(int), axis, 0)
    inside = abs(np.diff(p, axis=0)).mean(axis=tuple(range(1, p.ndim)))
    over = abs(p[0] - p[-1]).mean()
    return over - inside.max()


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_shows_both_colours_and_is_repeatable(name):
    draw = [
        swatch(name, (160, 120), (WHITE, BLUE), (4, 3), np.random.default_rng(5)) for _ in range(2)
    ]
    assert draw[0].shape == (120, 160, 3)
    assert (draw[0] == draw[1]).all()
    if name != "plain":
        assert draw[0][..., 0].std() > 10


@pytest.mark.parametrize("name", [n for n in PATTERNS if n not in ("speckle", "terrazzo")])
def test_patterns_tile_around_a_cup(name):
    picture = swatch(name, (160, 120), (WHITE, BLUE), (4, 4), np.random.default_rng(5))
    assert seam(picture, axis=1) < 25


@pytest.mark.parametrize("name", ICONS)
def test_icons_stay_near_their_spot_and_use_their_colours(name):
    sheet = Sheet(200, 200, WHITE)
    ICONS[name](sheet, Spot(100, 100, 60, RED, BLUE))
    changed = (sheet.pixels != 255).any(axis=2)
    ys, xs = np.nonzero(changed)
    assert changed.sum() > 1500
    assert min(xs.min(), ys.min()) >= 25
    assert max(xs.max(), ys.max()) <= 175
    assert (sheet.pixels == np.array(RED)).all(axis=2).sum() > 300


@pytest.mark.parametrize("name", FLAVOURS)
def test_flavours_are_drawn(name):
    sheet = Sheet(120, 120, WHITE)
    draw_flavour(sheet, name, 60, 60, 45)
    assert (sheet.pixels != 255).any(axis=2).sum() > 1500


@pytest.mark.parametrize("style", STYLES)
def test_lettering_is_cut_to_its_ink_and_longer_for_longer_words(style):
    short, long = (lettering(word, STYLES[style]) for word in ("Norvik", "Norvik & Tide"))
    assert long.shape[1] > 1.4 * short.shape[1]
    for mask in (short, long):
        assert mask[0].max() > 8
        assert mask[:, 0].max() > 8
        assert mask[:, -1].max() > 8


def test_text_stays_inside_its_box():
    sheet = Sheet(200, 100, WHITE)
    sheet.text("Norvik", (40, 30, 100, 40), RED, STYLES["bold"])
    ys, xs = np.nonzero((sheet.pixels != 255).any(axis=2))
    assert xs.min() >= 39
    assert xs.max() <= 141
    assert ys.min() >= 29
    assert ys.max() <= 71
    assert xs.max() - xs.min() > 90 or ys.max() - ys.min() > 36


def test_a_stamp_over_the_edge_is_cut():
    sheet = Sheet(10, 10, WHITE)
    sheet.stamp(np.full((6, 6), 255, dtype=np.uint8), -3, 7, RED)
    assert (sheet.pixels[7:, :3] == RED).all()
    assert (sheet.pixels[:7] == 255).all()
    sheet.stamp(np.full((6, 6), 255, dtype=np.uint8), 30, 30, RED)


def test_a_bent_text_keeps_its_ink():
    mask = lettering("Norvik", STYLES["bold"])
    bent = arched(mask, 200)
    assert bent.sum() == pytest.approx(mask.sum(), rel=0.25)
    assert bent.shape[0] > mask.shape[0]


@pytest.mark.parametrize("layout", EMBLEMS)
def test_emblems_print_something_in_their_box(layout, rng):
    import dataclasses

    spec = dataclasses.replace(draw_spec(KINDS["mug"], rng), layout=layout, motif="Fox")
    sheet = Sheet(300, 300, WHITE)
    emblem(sheet, spec, (75, 75, 150, 150), RED, BLUE)
    ys, xs = np.nonzero((sheet.pixels != 255).any(axis=2))
    assert len(xs) > 800
    assert min(xs.min(), ys.min()) >= 45
    assert max(xs.max(), ys.max()) <= 255


@pytest.mark.parametrize("layout", FOOD_LAYOUTS)
def test_food_labels_differ_by_flavour(layout, rng):
    import dataclasses

    spec = dataclasses.replace(draw_spec(KINDS["tin"], rng), layout=layout, motif="Tomato")
    other = dataclasses.replace(spec, motif="Peach")
    first, second = (food_wrap(s, 512, 256, "choice", "400 g").pixels for s in (spec, other))
    assert abs(first.astype(int) - second).mean() > 1
    assert (first[:, 500:] == second[:, 500:]).all(axis=2).mean() > 0.8


def test_a_bar_code_has_bars(rng):
    sheet = Sheet(240, 60, RED)
    barcode(sheet, draw_spec(KINDS["tin"], rng), (10, 10, 220, 40))
    row = sheet.pixels[30, 10:230, 0].astype(int)
    assert (abs(np.diff(row)) > 60).sum() > 20


@pytest.mark.parametrize("name", COLOURS)
def test_ink_can_be_read(name):
    colour = COLOURS[name]
    assert abs(luminance(colour) - luminance(ink(colour))) > 0.3
    assert legible(colour, colour) == ink(colour)


@pytest.mark.parametrize(
    "name", ["knit", "canvas", "leather", "wood", "brushed", "fur", "felt", "ribs", "ripple"]
)
def test_reliefs_tile(name):
    slope = relief(name) * 100
    assert slope.shape == (256, 256, 2)
    assert seam(slope, 0) < 5
    assert seam(slope, 1) < 5


def test_noise_has_unit_spread_and_tiles(rng):
    field = noise(rng, 128, 128, (16, 16), octaves=3)
    assert abs(field.mean()) < 0.25
    assert 0.5 < field.std() < 1.5
    assert seam(field * 100, 0) < 10


@pytest.mark.parametrize("name", sorted({*sum(GROUNDS.values(), ()), *WALLS}))
def test_surfaces_are_drawn_once_and_differ_between_variants(name):
    first, second = surface(name, 0), surface(name, 1)
    assert surface(name, 0) is first
    assert first.albedo.shape == (512, 512, 3)
    assert first.size > 0
    assert (first.albedo != second.albedo).any()
