import tracemalloc

from findalike.data.catalogue.seen import SeenStrings


def test_each_string_is_new_once():
    seen = SeenStrings()
    strings = [f"image/{n}" for n in range(20_000)]
    assert all(seen.add(string) for string in strings)
    assert not any(seen.add(string) for string in strings)
    assert len(seen) == 20_000


def test_strings_are_not_kept():
    tracemalloc.start()
    seen = SeenStrings()
    for n in range(50_000):
        seen.add(f"a rather long image id of product number {n}" * 10)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 50_000 * 40
