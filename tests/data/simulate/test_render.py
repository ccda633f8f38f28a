import numpy as np
import pytest

from findalike.data.simulate.light import look_up, make_rig, sample
from findalike.data.simulate.mesh import ellipsoid, grid
from findalike.data.simulate.model import Material, Part, assemble, reflected
from findalike.data.simulate.raster import look_at, place
from findalike.data.simulate.render import draw, linear_table
from findalike.data.simulate.shadow import cast


def solid(*colour):
    return np.full((8, 8, len(colour)), colour, dtype=np.uint8)


def ball(material=None, radius=3.0, centre=(0.0, 0.0, 3.0)):
    material = material or Material(solid(200, 60, 40))
    return assemble([Part(ellipsoid(centre, (radius,) * 3, segments=48, rings=32), material)])


def shoot(model, rig, *, size=120, focal=300.0, fine=3, where=None):
    camera = look_at((0, -30, 3), (0, 0, 3), focal=focal, size=(size, size))
    where = where or place()
    return draw(model, where, camera, rig, cast([(model, where)], rig), fine=fine)


@pytest.mark.parametrize("fine", [1, 2, 3])
def test_a_ball_covers_the_disc_it_projects_to(plain_rig, fine):
    layer = shoot(ball(), plain_rig, fine=fine)
    # The outline of a ball is a circle whose tangent rays touch it.
    radius = 300 * 3 / np.sqrt(30**2 - 3**2)
    assert layer.rgba[..., 3].sum() == pytest.approx(np.pi * radius**2, rel=0.04)


def test_edges_are_smooth_and_the_inside_is_solid(plain_rig):
    alpha = shoot(ball(), plain_rig).rgba[..., 3]
    assert set(np.unique(alpha)) > {0.0, 1.0}
    partial = ((alpha > 0.01) & (alpha < 0.99)).sum()
    assert 60 < partial < 400


def test_colour_is_multiplied_by_coverage(plain_rig):
    rgba = shoot(ball(), plain_rig).rgba
    assert (rgba[rgba[..., 3] == 0] == 0).all()
    assert np.isfinite(rgba).all()
    assert (rgba >= 0).all()


def test_the_side_towards_the_light_is_brighter(plain_rig):
    layer = shoot(ball(), plain_rig)
    half = layer.rgba.shape[1] // 2
    left, right = layer.rgba[:, :half, :3].mean(), layer.rgba[:, half:, :3].mean()
    assert left > 1.3 * right


def test_a_surface_keeps_the_hue_of_its_texture(plain_rig):
    layer = shoot(ball(), plain_rig)
    middle = layer.rgba[layer.rgba.shape[0] // 2, layer.rgba.shape[1] // 2]
    assert middle[0] > 3 * middle[2]


def test_a_texture_lies_the_right_way_round(plain_rig):
    texture = np.zeros((64, 64, 3), dtype=np.uint8)
    texture[:32, :32] = (250, 0, 0)  # upper left is red
    texture[32:, 32:] = (0, 0, 250)  # lower right is blue
    mesh = grid([[(-2, 0, 5), (2, 0, 5)], [(-2, 0, 1), (2, 0, 1)]])
    rgba = shoot(assemble([Part(mesh, Material(texture))]), plain_rig).rgba
    h, w = rgba.shape[:2]
    upper_left, lower_right = rgba[h // 3, w // 3], rgba[2 * h // 3, 2 * w // 3]
    assert upper_left[0] > 10 * upper_left[2]
    assert lower_right[2] > 10 * lower_right[0]


def test_a_cut_out_lets_the_background_through(plain_rig):
    texture = np.dstack([solid(255, 255, 255), np.zeros((8, 8), dtype=np.uint8)])
    texture[:, :4, 3] = 255
    mesh = grid([[(-2, 0, 5), (2, 0, 5)], [(-2, 0, 1), (2, 0, 1)]])
    alpha = shoot(assemble([Part(mesh, Material(texture))]), plain_rig).rgba[..., 3]
    half = alpha.shape[1] // 2
    assert alpha[:, : half - 6].max() == 1
    assert alpha[:, half + 8 :].max() == 0


def test_glass_hides_only_a_part(plain_rig):
    glass = Material(solid(230, 230, 230), opacity=0.3)
    layer = shoot(ball(glass), plain_rig)
    middle = layer.rgba[layer.rgba.shape[0] // 2, layer.rgba.shape[1] // 2, 3]
    assert 0.25 < middle < 0.4


def test_a_later_layer_lies_over_an_earlier_one(plain_rig):
    near, far = Material(solid(0, 0, 240)), Material(solid(240, 0, 0))
    inner = Part(ellipsoid((0, 0, 3), (2, 2, 2)), near, layer=1)
    outer = Part(ellipsoid((0, 0, 3), (3, 3, 3)), far)
    rgba = shoot(assemble([inner, outer]), plain_rig).rgba
    middle = rgba[rgba.shape[0] // 2, rgba.shape[1] // 2]
    assert middle[2] > 5 * middle[0]


def test_a_lamp_shines_by_itself():
    dark = make_rig(
        key=(0, 0, 1), key_colour=(0, 0, 0), softness=0.5, sky=((0, 0, 0),) * 3, panels=()
    )
    off = shoot(ball(Material(solid(255, 255, 255))), dark).rgba
    on = shoot(ball(Material(solid(255, 255, 255), emission=0.5)), dark).rgba
    assert off[..., :3].max() < 0.01
    assert on[..., :3].max() == pytest.approx(0.5, abs=0.02)


def test_nothing_is_drawn_outside_the_picture(plain_rig):
    assert shoot(ball(), plain_rig, where=place(x=100)) is None


def test_a_reflected_model_is_the_mirror_image(plain_rig):
    one = assemble([Part(ellipsoid((1.5, 0, 3), (2, 1, 1)), Material(solid(90, 90, 90)))])
    left, right = shoot(one, plain_rig), shoot(reflected(one), plain_rig)
    assert right.x + right.rgba.shape[1] == pytest.approx(120 - left.x, abs=1)
    assert right.rgba[..., 3].sum() == pytest.approx(left.rgba[..., 3].sum(), rel=0.01)


def test_the_floor_is_dark_under_a_thing_and_light_far_from_it(plain_rig):
    model = ball()
    shadows = cast([(model, place())], plain_rig)
    x = np.array([0.0, 4.0, 5.0], dtype=np.float32)
    y = np.array([0.0, 4.0, -5.0], dtype=np.float32)
    key, touch = shadows.on_floor(x, y)
    assert touch[0] < 0.5
    assert key[1] < 0.3  # opposite the light
    assert key[2] > 0.9
    assert touch[2] > 0.9


def test_a_thing_shades_its_far_side_but_not_its_lit_side(plain_rig):
    model = ball()
    shadows = cast([(model, place())], plain_rig)
    towards, middle = plain_rig.key * 3, np.array([0, 0, 3])
    lit = [np.array([c], dtype=np.float32) for c in middle + towards]
    hidden = [np.array([c], dtype=np.float32) for c in middle - towards]
    assert shadows.on_surface(*lit)[0] > 0.9
    assert shadows.on_surface(*hidden)[0] < 0.3


def test_looking_up_an_even_map_gives_its_colour(plain_rig, rng):
    d = rng.normal(size=(3, 500))
    d = (d / np.linalg.norm(d, axis=0)).astype(np.float32)
    assert np.allclose(look_up(plain_rig.diffuse, *d), 0.4, atol=1e-4)


def test_sampling_is_bilinear_and_wraps():
    table = np.array([[0.0, 10.0]], dtype=np.float32)
    x = np.array([0.0, 0.5, 1.0, 1.5], dtype=np.float32)
    y = np.zeros(4, dtype=np.float32)
    assert np.allclose(sample(table, x, y)[0], (0, 5, 10, 10), atol=0.2)
    assert np.allclose(sample(table, x, y, wrap=True)[0], (0, 5, 10, 5), atol=0.2)


def test_linear_table_has_the_known_points_of_srgb():
    table = linear_table()
    assert table[0] == 0
    assert table[255] == 1
    assert table[188] == pytest.approx(0.5, abs=0.005)
