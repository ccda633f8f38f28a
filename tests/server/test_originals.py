from __future__ import annotations

from findalike.server.originals import Originals


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def originals(clock: Clock) -> Originals:
    return Originals(seconds=60, most_bytes=100, failure_seconds=30, most_failures=2, clock=clock)


def test_pictures_and_failures_are_held_for_their_time():
    clock = Clock()
    held = originals(clock)
    held.put("a", b"x")
    held.put("b", b"")
    assert (held.get("a"), held.get("b"), held.get("c")) == (b"x", b"", None)
    clock.now = 31
    assert (held.get("a"), held.get("b")) == (b"x", None)
    clock.now = 61
    assert held.get("a") is None


def test_bytes_and_failures_are_bounded():
    held = originals(Clock())
    held.put("a", b"x" * 60)
    held.put("b", b"x" * 60)
    assert held.get("a") is None
    for url in "cde":
        held.put(url, b"")
    assert (held.get("b"), held.get("c"), held.get("d"), held.get("e")) == (None, None, b"", b"")
    held.put("d", b"y" * 100)
    assert held.get("d") == b"y" * 100
    held.put("f", b"z" * 101)
    assert held.get("f") is None
