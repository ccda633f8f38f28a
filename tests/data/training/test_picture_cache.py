from __future__ import annotations

import multiprocessing
import pickle
import warnings

import numpy as np
import pytest

from findalike.data.training import picture_cache
from findalike.data.training.picture_cache import PictureCache, available_memory, bytes_needed
from findalike.errors import SettingError

PICTURE = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


def test_pictures_come_back_read_only() -> None:
    cache = PictureCache(10, 8)
    assert cache.get(9) is None
    cache.put(9, PICTURE)
    found = cache.get(9)
    assert found is not None
    assert np.array_equal(found, PICTURE)
    assert cache.get(8) is None
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


def test_a_forked_worker_fills_it_for_all() -> None:
    cache = PictureCache(3, 8)
    with warnings.catch_warnings():
        # Python 3.12 warns of forks beside threads; the child does next to nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        worker = multiprocessing.get_context("fork").Process(target=cache.put, args=(1, PICTURE))
        worker.start()
    worker.join()
    found = cache.get(1)
    assert found is not None
    assert np.array_equal(found, PICTURE)


def test_a_copy_sent_elsewhere_begins_empty() -> None:
    cache = PictureCache(3, 8)
    cache.put(1, PICTURE)
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.get(1) is None
    copy.put(1, PICTURE)
    assert copy.get(1) is not None


def test_more_than_fits_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bytes_needed(1_000_000, 240) > 100e9
    monkeypatch.setattr(picture_cache, "available_memory", lambda: 4_000_000_000)
    with pytest.raises(SettingError, match=r"takes 129.6 GB, and 4.0 GB are free: set it to false"):
        PictureCache(1_000_000, 240)


def test_some_memory_is_free() -> None:
    assert available_memory() > 10_000_000
