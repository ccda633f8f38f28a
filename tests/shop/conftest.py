"""A small shop of 24 photos, and the table it is made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from findalike.shop.shop import Shop
from support import Rows, make_tiny_encoder, plain_rows, write_table


@pytest.fixture
def table(tmp_path: Path, photos: Path) -> Path:
    return write_table(tmp_path / "products.csv", plain_rows())


@pytest.fixture
def empty_shop(tmp_path: Path, tiny_encoder: Path) -> Shop:
    return Shop.create(tmp_path / "shop", encoder=tiny_encoder)


@pytest.fixture
def shop(empty_shop: Shop, table: Path, photos: Path) -> Shop:
    empty_shop.add(table, root=photos)
    return empty_shop


@pytest.fixture
def add_rows(tmp_path: Path, photos: Path) -> Callable[[Shop, Rows], object]:
    def add(shop: Shop, rows: Rows, **options: object) -> object:
        return shop.add(write_table(tmp_path / "more.csv", rows), root=photos, **options)

    return add


@pytest.fixture(scope="session")
def other_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encoders") / "other"
    return make_tiny_encoder(folder, name="other", tilt=2.0)
