"""Searches beside a writing process: each answer is of one version."""

from __future__ import annotations

import subprocess
import sys

from findalike.shop.shop import Shop
from support import plain_rows, write_table

WRITER = """
import sys
from findalike.shop.shop import Shop
shop = Shop.open(sys.argv[1])
for table in sys.argv[3:]:
    report = shop.add(table, root=sys.argv[2])
    assert report.updated == 24, report
print("done")
"""

GENERATIONS = 12


def test_a_search_sees_one_version_while_another_process_imports(shop, photos, tmp_path):
    tables = []
    for generation in range(1, GENERATIONS + 1):
        rows = [row | {"price": generation} for row in plain_rows()]
        tables.append(str(write_table(tmp_path / f"{generation}.csv", rows)))
    shop.add(tables[0], root=photos)
    reader = Shop.open(shop.folder)
    command = [sys.executable, "-c", WRITER, str(shop.folder), str(photos), *tables[1:]]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    seen = []
    while writer.poll() is None:
        result = reader.search(photos / "3.jpg", k=12)
        assert len(result.products) == 12
        prices = {hit.product.price for hit in result.products}
        assert len(prices) == 1, f"version {result.shop_version} is a mixture"
        seen.append((result.shop_version, prices.pop()))
    assert writer.communicate()[0] == "done\n"
    assert seen == sorted(seen), "a later search saw an older version"
    assert len({price for _, price in seen}) >= 3, "the searches did not run beside the writer"
    assert reader.search(photos / "3.jpg", k=1).products[0].product.price == GENERATIONS


def test_the_price_filter_and_the_price_agree_beside_a_writer(shop, photos, tmp_path):
    """A filter never lets a row through whose value in the answer does not pass it."""
    table = write_table(tmp_path / "dear.csv", [r | {"price": 500} for r in plain_rows()])
    command = [sys.executable, "-c", WRITER, str(shop.folder), str(photos), str(table)]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    reader = Shop.open(shop.folder)
    while writer.poll() is None:
        result = reader.search(photos / "3.jpg", k=12, where="price < 100")
        assert len(result.products) in (0, 12)
        assert all(hit.product.price < 100 for hit in result.products)
    assert writer.communicate()[0] == "done\n"
