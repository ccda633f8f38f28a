from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from findalike.errors import BundleError, EvaluationError
from findalike.models.calibration import (
    FALSE_ALARMS,
    Calibration,
    fit_calibration,
    fit_logistic,
)
from findalike.models.manifest import Manifest, read_manifest

VALUES = {
    "slope": 10.0,
    "offset": -3.0,
    "same": 0.5,
    "very_similar": 0.3,
    "similar": 0.1,
    "false_alarms": 0.05,
    "caught": 0.4,
    "queries": 20,
    "fitted_on": "photos",
    "command": "c",
}


def searches(seed: int = 0, size: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half the products absent; right ones rise by 0.4 on average, others by 0.2."""
    rng = np.random.default_rng(seed)
    present = np.arange(size) < size // 2
    right = present & (rng.random(size) < 0.8)
    rises = rng.normal(np.where(right, 0.4, 0.2), 0.1)
    return rises, right, present


def fitted(seed: int = 0) -> Calibration:
    return fit_calibration(*searches(seed), fitted_on="simulated", command="c")


def test_the_curve_is_the_one_the_data_came_from():
    # Two normal curves of one width: the log odds are a line of slope (0.4 - 0.2) / 0.1^2, and
    # cross the odds of 0.4 to 0.6 halfway.
    slope, offset = fit_logistic(*searches(size=40_000)[:2])
    assert slope == pytest.approx(20, rel=0.05)
    assert offset == pytest.approx(-20 * 0.3 + np.log(0.4 / 0.6), abs=0.3)


def test_the_chances_come_true_on_other_searches():
    calibration = fitted()
    rises, right, _ = searches(seed=1, size=20_000)
    chances = np.array([calibration.chance(rise + 0.3, typical=0.3) for rise in rises])
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        among = (chances >= low) & (chances < low + 0.2)
        assert right[among].mean() == pytest.approx(chances[among].mean(), abs=0.05)


def test_the_limit_of_nothing_like_it_spares_right_answers():
    calibration = fitted()
    rises, right, present = searches(seed=1)
    said = np.array([calibration.nothing_like_it(rise, typical=0.0) for rise in rises])
    assert said[right].mean() == pytest.approx(FALSE_ALARMS, abs=0.02)
    assert said[~present].mean() == pytest.approx(calibration.caught, abs=0.05)
    assert calibration.caught > 0.5


def test_platts_targets_keep_a_clean_cut_from_certainty():
    rises = np.array([0.1, 0.2, 0.8, 0.9])
    slope, offset = fit_logistic(rises, rises > 0.5)
    chances = 1 / (1 + np.exp(-(slope * rises + offset)))
    # Platt's targets for two of each are 1/4 and 3/4.
    assert chances[:2].mean() == pytest.approx(0.25, abs=0.01)
    assert chances[2:].mean() == pytest.approx(0.75, abs=0.01)


@settings(deadline=None)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_more_is_never_less(one: float, other: float, typical: float):
    calibration = Calibration(**VALUES)
    low, high = sorted((one, other))
    words = ("unlike", "similar", "very similar", "same")
    likeness = [words.index(calibration.likeness_of(s, typical=typical)) for s in (low, high)]
    assert likeness == sorted(likeness)
    chances = [calibration.chance(score, typical=typical) for score in (low, high)]
    assert 0 <= chances[0] <= chances[1] <= 1
    unlike = calibration.likeness_of(low, typical=typical) == "unlike"
    assert calibration.nothing_like_it(low, typical=typical) == unlike


@pytest.mark.parametrize(
    ("score", "word"),
    [(0.71, "same"), (0.51, "very similar"), (0.31, "similar"), (0.29, "unlike")],
)
def test_words_go_by_the_rise_over_the_typical_score(score: float, word: str):
    assert Calibration(**VALUES).likeness_of(score, typical=0.2) == word


def test_what_cannot_be_learnt_from():
    rises, right, present = searches(size=100)
    with pytest.raises(EvaluationError, match="0 of 100 searches were right"):
        fit_calibration(rises, right & False, present, fitted_on="p", command="c")
    with pytest.raises(EvaluationError, match="0 for products that are not in the gallery"):
        fit_calibration(rises, right, present | True, fitted_on="p", command="c")
    with pytest.raises(EvaluationError, match="cannot be calibrated"):
        fit_calibration(-rises, right, present, fitted_on="p", command="c")


@pytest.mark.parametrize(
    "change",
    [{"slope": 0.0}, {"slope": -1.0}, {"same": 0.2}, {"similar": 0.4}, {"version": 2}, {"x": 1}],
)
def test_a_calibration_that_makes_no_sense_is_refused(change: dict[str, object]):
    with pytest.raises(ValidationError):
        Calibration(**(VALUES | change))


def test_it_travels_in_the_description(tmp_path, manifest_values):
    path = tmp_path / "encoder.json"
    path.write_text(json.dumps(manifest_values | {"calibration": VALUES}), encoding="utf-8")
    assert read_manifest(path).calibration == Calibration(**VALUES)
    path.write_text(json.dumps(manifest_values), encoding="utf-8")
    assert read_manifest(path).calibration is None
    broken = manifest_values | {"calibration": VALUES | {"slopes": 1.0}}
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(BundleError, match=r"calibration\.slopes'?, did you mean 'slope'"):
        read_manifest(path)


def test_it_changes_no_fingerprint(make_bundle, tmp_path):
    from findalike.models.bundle import Bundle

    plain = Bundle.load(make_bundle(tmp_path / "plain"))
    told = Bundle.load(make_bundle(tmp_path / "told", calibration=VALUES))
    assert isinstance(told.manifest, Manifest)
    assert told.manifest.calibration == Calibration(**VALUES)
    assert plain.fingerprint == told.fingerprint
