from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from findalike.training.soup import greedy_soup, interpolate, mean_state  # noqa: E402


def state(value: float, **extra):
    return {"weight": torch.full((2,), value), "count": torch.tensor(int(value)), **extra}


def test_the_mean_of_states():
    mean = mean_state([state(1.0), state(2.0), state(6.0)])
    assert mean["weight"].tolist() == [3.0, 3.0]
    assert mean["count"].item() == 1


def test_half_precision_is_averaged_in_single():
    # A sum in bfloat16 would stop growing at 256.
    one = {"w": torch.ones(1, dtype=torch.bfloat16)}
    mean = mean_state([one] * 300)
    assert mean["w"].dtype == torch.bfloat16
    assert mean["w"].item() == 1.0


def test_averaging_changes_no_argument():
    first, second = state(1.0), state(3.0)
    mean_state([first, second])
    interpolate(first, second, 0.5)
    assert first["weight"].tolist() == [1.0, 1.0]
    assert second["weight"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"other": torch.zeros(2)}, "different tensors"),
        (state(0.0) | {"weight": torch.zeros(3)}, "shapes"),
    ],
)
def test_states_that_do_not_fit(other, said):
    with pytest.raises(ValueError, match=said):
        mean_state([state(1.0), other])
    with pytest.raises(ValueError, match="nothing"):
        mean_state([])


def test_a_greedy_soup_takes_only_what_helps():
    # The judge likes a mean weight of 2: 1 and 3 make it, 9 spoils it.
    states = [state(1.0), state(9.0), state(3.0)]
    asked = []

    def judge(candidate):
        asked.append(candidate["weight"][0].item())
        return -abs(candidate["weight"][0].item() - 2.0)

    soup = greedy_soup(states, judge)
    assert soup.members == (0, 2)
    assert soup.state["weight"].tolist() == [2.0, 2.0]
    assert soup.score == 0.0
    assert asked == [1.0, 5.0, 2.0]


def test_interpolation_leaves_what_the_start_had_not():
    end = state(4.0, head=torch.ones(3))
    start = state(0.0)
    mixed = interpolate(start, end, 0.25)
    assert mixed["weight"].tolist() == [1.0, 1.0]
    assert mixed["head"].tolist() == [1.0, 1.0, 1.0]
    assert mixed["count"].item() == 4
    assert interpolate(start, end, 1.0)["weight"].tolist() == [4.0, 4.0]
