"""Who is let in, and when the others should come again."""

from __future__ import annotations

import pytest

from findalike.server.admission import Admission, Budget
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


def test_a_budget_is_bounded_in_all() -> None:
    budget = Budget(100, share=100, what="bytes are held")
    budget.take(60, "a")
    with pytest.raises(Problem, match="60 bytes are held") as refused:
        budget.take(41, None)
    assert refused.value.status == 429
    budget.take(40, None)
    budget.give_back(60, "a")
    budget.give_back(40, None)
    assert budget.held == 0


def test_nobody_takes_more_than_a_share_of_a_budget() -> None:
    budget = Budget(100, share=30, what="bytes are held")
    budget.take(30, "a")
    with pytest.raises(Problem, match="for you alone") as refused:
        budget.take(1, "a")
    assert refused.value.status == 429
    budget.take(30, "b")
    budget.take(40, None)
    for held, owner in ((30, "a"), (30, "b"), (40, None)):
        budget.give_back(held, owner)
    budget.take(30, "a")
