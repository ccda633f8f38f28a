import sqlite3

import pytest

from findalike.data.catalogue.lookup import DiskLookup
from findalike.errors import StorageError


def test_the_first_value_of_a_key_stays():
    lookup = DiskLookup()
    assert lookup.put("a", "1")
    assert not lookup.put("a", "2")
    assert lookup.put("é\u4e00", "3")
    assert lookup.get("a") == "1"
    assert lookup.get("é\u4e00") == "3"
    assert lookup.get("b") is None
    lookup.close()


def test_trouble_with_the_disk_is_a_storage_error(monkeypatch):
    def fail(*args, **kwargs):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", fail)
    with pytest.raises(StorageError, match="disk is full"):
        DiskLookup()
