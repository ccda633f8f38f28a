from __future__ import annotations

from findalike.server.buckets import Buckets
from findalike.server.guessing import GuessGuard


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills_again():
    clock = Clock()
    buckets = Buckets(burst=3, per_second=2.0, clock=clock)
    assert [buckets.take("a").left for _ in range(3)] == [2, 1, 0]
    refused = buckets.take("a")
    assert (refused.allowed, refused.wait, refused.full) == (False, 0.5, 1.5)
    assert buckets.take("b").allowed
    clock.now = 0.5
    assert buckets.take("a").allowed
    assert not buckets.take("a").allowed
    clock.now = 100.0
    assert [buckets.take("a").allowed for _ in range(4)] == [True, True, True, False]


def test_looking_takes_nothing():
    buckets = Buckets(burst=1, per_second=1.0, clock=Clock())
    assert buckets.take("a", 0).allowed
    assert buckets.take("a", 0).allowed
    assert buckets.take("a").allowed
    assert not buckets.take("a", 0).allowed


def test_more_tokens_than_the_bucket_holds_take_all_of_it():
    buckets = Buckets(burst=5, per_second=1.0, clock=Clock())
    assert buckets.take("a", 16).allowed
    assert buckets.take("a", 16).wait == 5.0


def test_memory_is_bounded():
    buckets = Buckets(burst=1, per_second=0.001, names=100, clock=Clock())
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 100
    assert not buckets.take("999").allowed
    assert buckets.take("0").allowed


def test_wrong_keys_make_an_address_wait():
    clock = Clock()
    guesses = GuessGuard(burst=3, per_minute=6, clock=clock)
    for _ in range(3):
        assert guesses.wait("198.51.100.1", "aa") == 0
        guesses.note("198.51.100.1", "aa", right=False)
    assert guesses.wait("198.51.100.1", "bb") == 10
    assert guesses.wait("198.51.100.2", "bb") == 0
    clock.now = 10
    assert guesses.wait("198.51.100.1", "bb") == 0


def test_who_was_in_is_not_locked_out_by_a_guesser_at_the_same_address():
    guesses = GuessGuard(burst=2, per_minute=6, clock=Clock())
    guesses.note("198.51.100.1", "good", right=True)
    for _ in range(2):
        guesses.note("198.51.100.1", "bad", right=False)
    assert guesses.wait("198.51.100.1", "good") == 0
    assert guesses.wait("198.51.100.1", "new") > 0
    # Nor by one who knows the id of the key, as everybody does of one that a page holds.
    guesses.note("198.51.100.1", "good", right=False)
    assert guesses.wait("198.51.100.1", "good") == 0
    assert guesses.wait("198.51.100.1", "new") > 0
