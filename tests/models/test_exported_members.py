from __future__ import annotations

from types import ModuleType

import findalike.models


def test_all_names_what_the_package_imports():
    found = {
        name
        for name, value in vars(findalike.models).items()
        if not name.startswith("_") and name != "annotations" and not isinstance(value, ModuleType)
    }
    assert sorted(findalike.models.__all__) == sorted(found)
