"""Who is let in, and when the others should come again."""

from __future__ import annotations

import pytest

from findalike.server.admission import Admission, ByteBudget
from findalike.server.problems import Problem


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_places_are_taken_and_given_back() -> None:
    admission = Admission(places=2, deadline=10)
    with admission.enter():
        with admission.enter():
            assert admission.taken == 2
            with pytest.raises(Problem) as refused, admission.enter():
                pass
        assert admission.taken == 1
    assert (admission.taken, admission.refused) == (0, 1)
    assert refused.value.status == 429
    assert int(refused.value.headers["Retry-After"]) >= 1


def test_a_batch_takes_as_many_places() -> None:
    admission = Admission(places=3, deadline=10)
    with pytest.raises(Problem), admission.enter(4):
        pass
    with admission.enter(3):
        assert admission.taken == 3


def test_places_come_back_after_a_failure() -> None:
    admission = Admission(places=1, deadline=10)
    with pytest.raises(ValueError, match="x"), admission.enter():
        raise ValueError("x")
    assert admission.taken == 0


def test_the_wait_is_estimated_from_the_latest_searches() -> None:
    clock = Clock()
    admission = Admission(places=100, deadline=100, clock=clock)
    assert admission.seconds_to_clear() == 0
    for _ in range(200):
        with admission.enter():
            clock.now += 0.01
    with admission.enter(10):
        # Each took 10 ms alone: ten take 100 ms.
        assert admission.seconds_to_clear() == pytest.approx(0.1)


def test_nobody_is_let_in_who_would_run_out_of_time() -> None:
    clock = Clock()
    admission = Admission(places=100, deadline=0.05, clock=clock)
    for _ in range(40):
        with admission.enter():
            clock.now += 0.004
    with admission.enter(50), pytest.raises(Problem, match="busy"), admission.enter():
        pass
    with admission.enter():
        pass


def test_bytes_are_bounded() -> None:
    budget = ByteBudget(100)
    budget.take(60)
    with pytest.raises(Problem) as refused:
        budget.take(41)
    assert refused.value.status == 429
    budget.take(40)
    budget.give_back(100)
    assert budget.held == 0
