from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.errors import SettingError  # noqa: E402
from findalike.losses import margins_by_frequency  # noqa: E402


def test_the_rarer_the_larger():
    margins = margins_by_frequency([1, 16, 81, 256])
    # n ** -1/4 is 1, 1/2, 1/3, 1/4: linear from 0.05 at the last to 0.45 at the first.
    expected = [0.05 + 0.4 * (1 / n - 0.25) / 0.75 for n in (1, 2, 3, 4)]
    assert margins.dtype == torch.float32
    assert margins.tolist() == pytest.approx(expected)
    assert margins.tolist()[0] == pytest.approx(0.45)


def test_the_range_is_an_argument():
    assert margins_by_frequency([3, 30], low=0.1, high=0.2).tolist() == pytest.approx([0.2, 0.1])


def test_classes_of_one_size_have_the_mean_and_empty_ones_the_largest():
    margins = margins_by_frequency([5, 0, 5], low=0.1, high=0.3)
    assert margins.tolist() == pytest.approx([0.2, 0.3, 0.2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), "0 counts"),
        (([0, 0],), "at least one of them above 0"),
        (([3, -1],), "the least -1"),
        (([3, 1], 0.5, 0.1), "0.5 to 0.1"),
        (([3, 1], -0.1, 0.1), "0 <= low"),
        (([3, 1], 0.1, 1.6), "1.57"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(SettingError, match=message):
        margins_by_frequency(*arguments)
