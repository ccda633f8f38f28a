import dataclasses

import cv2
import numpy as np
import pytest

from findalike.data.simulate.camera import (
    Shot,
    disc_blur,
    encode_jpeg,
    expose,
    smear,
    soft_clip,
    to_srgb,
)

NEUTRAL = Shot(
    exposure=0.0,
    white_balance=(1.0, 1.0),
    gradient=(0.0, 0.0),
    vignette=0.0,
    glare=0.0,
    glare_at=(0.5, 0.5),
    motion=0.0,
    motion_angle=0.0,
    noise=0.0,
    saturation=1.0,
    contrast=0.0,
    jpeg_quality=90,
)


def grey(level=0.2, size=(48, 64)):
    return np.full((*size, 3), level, dtype=np.float32)


def shoot(light, **changes):
    return expose(light, dataclasses.replace(NEUTRAL, **changes), np.random.default_rng(1))


def test_srgb_of_known_light():
    light = np.array([[[0.0, 0.2140, 1.0]]], dtype=np.float32)
    assert to_srgb(light).tolist() == [[[0, 127, 255]]] or to_srgb(light).tolist() == [
        [[0, 128, 255]]
    ]


def test_a_neutral_shot_keeps_grey_grey():
    picture = shoot(grey(0.2))
    assert abs(int(picture[0, 0, 0]) - int(to_srgb(grey(0.2))[0, 0, 0])) <= 1
    assert (np.ptp(picture, axis=2) == 0).all()


def test_the_shoulder_rises_and_stays_below_one():
    light = np.linspace(0, 20, 400, dtype=np.float32)
    out = soft_clip(light)
    assert (np.diff(out) >= 0).all()
    assert out.max() <= 1
    assert np.allclose(out[light < 0.7], light[light < 0.7])


def test_exposure_counts_in_stops():
    assert np.allclose(shoot(grey(0.1), exposure=1.0), shoot(grey(0.2)), atol=1)


def test_white_balance_colours_and_saturation_takes_colour_away():
    warm = shoot(grey(), white_balance=(1.3, 0.8))[0, 0].astype(int)
    assert warm[0] > warm[1] > warm[2]
    pale = shoot(grey(), white_balance=(1.3, 0.8), saturation=0.0)
    assert np.ptp(pale[0, 0].astype(int)) <= 1


def test_a_gradient_lightens_one_side_and_a_vignette_the_middle():
    sloped = shoot(grey(), gradient=(0.5, 0.0))[..., 1].astype(int)
    assert sloped[:, -1].mean() > sloped[:, 0].mean() + 20
    dim = shoot(grey(), vignette=0.5)[..., 1].astype(int)
    assert dim[24, 32] > dim[0, 0] + 10


def test_glare_lifts_where_it_comes_from():
    lit = shoot(grey(0.05), glare=0.3, glare_at=(0.0, 0.0))[..., 1].astype(int)
    assert lit[0, 0] > lit[-1, -1] + 30


def test_contrast_parts_dark_and_light():
    dark, light = (shoot(grey(v), contrast=0.4)[0, 0, 0] for v in (0.05, 0.5))
    dark0, light0 = (shoot(grey(v))[0, 0, 0] for v in (0.05, 0.5))
    assert dark < dark0
    assert light > light0


@pytest.mark.parametrize("level", [3.0, 9.0])
def test_noise_has_about_the_given_strength(level):
    spread = shoot(grey(), noise=level).astype(float).std()
    assert 0.6 * level < spread < 1.5 * level


def test_motion_smears_along_its_direction_only():
    light = grey(0.0)
    light[24, 32] = 1.0
    blurred = smear(light, 9.0, 0.0)[..., 0]
    assert (blurred[24] > 0.02).sum() >= 7
    assert (blurred[:, 32] > 0.02).sum() <= 3
    assert blurred.sum() == pytest.approx(1.0, rel=0.02)


def test_defocus_keeps_the_light_and_spreads_it():
    light = grey(0.0)
    light[24, 32] = 1.0
    blurred = disc_blur(light, 3.0)[..., 0]
    assert blurred.sum() == pytest.approx(1.0, rel=1e-3)
    assert 20 < (blurred > 0.01).sum() < 45
    assert disc_blur(light, 0.1) is light


def test_jpeg_can_be_read_back_and_quality_counts(rng):
    picture = rng.integers(0, 255, (40, 40, 3)).astype(np.uint8)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)
    good, bad = encode_jpeg(picture, 95), encode_jpeg(picture, 20)
    assert len(good) > 1.5 * len(bad)
    back = cv2.imdecode(np.frombuffer(good, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert abs(back.astype(int) - picture).mean() < 4
