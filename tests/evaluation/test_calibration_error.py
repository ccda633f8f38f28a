from __future__ import annotations

import numpy as np
import pytest

from findalike.evaluation import calibration_error


def test_by_hand():
    chances = np.array([0.1, 0.2, 0.8, 0.9])
    right = np.array([False, True, True, True])
    # Halves: 0.15 said and 0.5 true, 0.85 said and 1 true.
    assert calibration_error(chances, right, bins=2) == pytest.approx((0.35 + 0.15) / 2)


def test_true_chances_have_almost_none():
    rng = np.random.default_rng(0)
    chances = rng.random(50_000)
    assert calibration_error(chances, rng.random(50_000) < chances) < 0.01
    assert calibration_error(chances, rng.random(50_000) < chances**2) > 0.1


def test_fewer_cases_than_bins():
    assert calibration_error(np.array([0.25]), np.array([True])) == pytest.approx(0.75)
    assert calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0.0
