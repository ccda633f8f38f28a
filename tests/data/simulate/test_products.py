"""Every kind of product, in every shape and material, and every axis of its variants."""

import dataclasses

import cv2
import numpy as np
import pytest

from findalike.data.simulate.camera import soft_clip, to_srgb
from findalike.data.simulate.plan import _usable_axes, _variants, draw_spec
from findalike.data.simulate.products import KINDS
from findalike.data.simulate.raster import place
from findalike.data.simulate.render import draw
from findalike.data.simulate.seller import framed, seller_picture, studio
from findalike.data.simulate.shadow import cast

SIZE = 128


def look(model, view):
    """A small picture of a model on white, without the floor."""
    rig = studio(0, from_above=view.pitch > 50)
    lift = float(model.bounds[1][2]) if view.turned_over else 0.0
    where = place(z=lift, yaw=-view.yaw, roll=180.0 if view.turned_over else 0.0)
    camera = framed(model, where, dataclasses.replace(view, zoom=1.0), SIZE, 0.9)
    layer = draw(model, where, camera, rig, cast([(model, where)], rig), fine=2)
    light = np.ones((SIZE, SIZE, 3), dtype=np.float32)
    h, w = layer.rgba.shape[:2]
    part = light[layer.y : layer.y + h, layer.x : layer.x + w]
    part *= 1 - layer.rgba[..., 3:]
    part += soft_clip(layer.rgba[..., :3])
    mask = np.zeros((SIZE, SIZE), dtype=np.float32)
    mask[layer.y : layer.y + h, layer.x : layer.x + w] = layer.rgba[..., 3]
    return to_srgb(light).astype(int), mask


def specs(kind):
    """One spec of each shape, running through the materials and layouts."""
    rng = np.random.default_rng(41)
    for k in range(max(len(kind.shapes), len(kind.materials), len(kind.layouts))):
        yield dataclasses.replace(
            draw_spec(kind, rng),
            shape=kind.shapes[k % len(kind.shapes)],
            material=kind.materials[k % len(kind.materials)],
            layout=kind.layouts[k % len(kind.layouts)],
        )


@pytest.mark.parametrize("name", KINDS)
def test_every_shape_builds_a_sound_model_that_stands_on_the_floor(name):
    for spec in specs(KINDS[name]):
        model = KINDS[name].build(spec)
        low, high = model.bounds
        assert np.isfinite(model.points).all()
        assert abs(float(low[2])) < 0.6, spec
        assert 1 < float((high - low).max()) < 120, spec
        assert np.allclose(np.linalg.norm(model.normals, axis=1), 1, atol=1e-2)
        assert model.facets.max() < len(model.points)
        assert (model.openness >= 0).all()
        assert (model.openness <= 1).all()
        for material in model.materials:
            assert material.albedo.dtype == np.uint8
            assert material.albedo.shape[2] in (3, 4)


@pytest.mark.parametrize("name", KINDS)
def test_every_view_shows_a_product(name):
    kind = KINDS[name]
    model = kind.build(draw_spec(kind, np.random.default_rng(2)))
    for view in kind.views:
        picture, mask = look(model, view)
        assert 0.03 < mask.mean() < 0.9
        inside = picture[mask > 0.99]
        assert len(inside) > 200
        assert inside.std() > 6


@pytest.mark.parametrize("name", KINDS)
def test_variants_look_different(name):
    kind = KINDS[name]
    rng = np.random.default_rng(8)
    for axis in kind.axes:
        base = draw_spec(kind, rng)
        while axis not in _usable_axes(kind, base):
            base = draw_spec(kind, rng)
        (other,) = _variants(kind, base, 1, axis, rng)
        models = [kind.build(spec) for spec in (base, other)]
        change = 0.0
        # A trim may be on the far side of the front view: the next one may show it.
        for view in kind.views[:2]:
            (first, mask), (second, _) = (look(model, view) for model in models)
            change = max(change, float(abs(first - second)[mask > 0.5].mean()))
            if change > 0.3:
                break
        assert change > 0.3, (axis, base, other)


@pytest.mark.parametrize("name", KINDS)
def test_a_product_is_built_the_same_every_time(name):
    spec = draw_spec(KINDS[name], np.random.default_rng(6))
    first, second = (KINDS[name].build(spec) for _ in range(2))
    assert (first.points == second.points).all()
    assert (first.uv == second.uv).all()
    for one, other in zip(first.materials, second.materials, strict=True):
        assert (one.albedo == other.albedo).all()


@pytest.mark.parametrize("name", ["mug", "shirt", "chair"])
def test_seller_pictures_are_square_and_white_around(name, rng):
    kind = KINDS[name]
    picture = seller_picture(kind.build(draw_spec(kind, rng)), kind.views[0], rng, 1)
    assert picture.shape[0] == picture.shape[1]
    assert 384 <= picture.shape[0] <= 480
    edge = 6
    corners = [
        picture[y, x] for y in (slice(0, edge), slice(-edge, None)) for x in (slice(0, edge),)
    ]
    assert min(int(c.min()) for c in corners) >= 250
    assert (picture >= 250).all(axis=2).mean() > 0.25
    dark = (picture < 235).any(axis=2).astype(np.uint8)
    _, _, w, h = cv2.boundingRect(dark)
    assert max(w, h) > 0.7 * picture.shape[0]


def test_a_product_throws_a_soft_shadow_on_the_white():
    kind = KINDS["mug"]
    rng = np.random.default_rng(4)
    spec = dataclasses.replace(draw_spec(kind, rng), colour="red", pattern="plain")
    picture = seller_picture(kind.build(spec), kind.views[0], rng, 0).astype(int)
    neutral = np.ptp(picture, axis=2) < 6
    shade = neutral & (picture.mean(axis=2) > 150) & (picture.mean(axis=2) < 248)
    assert shade.mean() > 0.01
