"""A simulated shop that the tests of this folder share, and helpers to draw small pictures."""

from __future__ import annotations

import numpy as np
import pytest

from findalike.data.simulate.light import make_rig
from findalike.data.simulate.shop import simulate

PRODUCTS, SEED = 9, 3


@pytest.fixture(scope="session")
def shop(tmp_path_factory):
    """Nine products."""
    return simulate(tmp_path_factory.mktemp("simulated") / "shop", products=PRODUCTS, seed=SEED)


@pytest.fixture(scope="session")
def plain_rig():
    """Even grey surroundings and a key light from the upper left."""
    return make_rig(
        key=(-1.0, -1.0, 1.0),
        key_colour=(0.5, 0.5, 0.5),
        softness=0.4,
        sky=((0.4, 0.4, 0.4),) * 3,
        panels=(),
    )


@pytest.fixture
def rng():
    """Chance that is the same in every run."""
    return np.random.default_rng(20)
