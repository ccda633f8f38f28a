"""The promises of a catalogue as a whole: streaming, refusing without stopping, counting."""

import csv
import random
import subprocess
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet
from reading import read, write

from findalike.data.catalogue import open_catalogue
from findalike.data.catalogue.fields import MAX_ATTRIBUTES

MEASURE = """
import resource, sys
from pathlib import Path
from findalike.data.catalogue import open_catalogue
catalogue = open_catalogue(Path(sys.argv[1]))
rows = sum(1 for _ in catalogue.rows())
try:
    # Of this process alone; ru_maxrss starts with what the process that started it had.
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) >> 10
except OSError:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
print(catalogue.row_count, rows, peak)
"""


def peak_mb(path):
    """Rows counted, rows read, and the peak memory in MB of a process that reads a catalogue."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], check=True, capture_output=True, text=True
    )
    return tuple(map(int, done.stdout.split()))


def test_three_bad_rows_among_ten_thousand_stop_nothing(tmp_path):
    path = tmp_path / "shop.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "price", "description"])
        for n in range(10_000):
            row = [n, f"{n}.jpg", f"{n}.50", f'Text {n}, with "quotes"\nand lines']
            if n == 10:
                row[1] = ""
            if n == 5_000:
                row[2] = "ask us"
            if n == 9_999:
                row = row[:2]
            writer.writerow(row)
    found = read(path)
    assert found.catalogue.row_count == 10_000
    assert len(found.rows) == 9_997
    assert [(r.row, r.column, r.value) for r in found.refusals] == [
        (22, "image", ""),
        (10_002, "price", "ask us"),
        (20_000, "", "9999,9999.jpg"),
    ]
    lines = path.read_text(encoding="utf-8").split("\n")
    for refusal in found.refusals:
        assert lines[refusal.row - 1].startswith(f"{(refusal.row - 2) // 2},")


def table(path, count):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image", "price", "brand", "stock", "description"])
        for n in range(count):
            brand = f"Brand {n % 100}"
            writer.writerow([n, f"Product {n}", f"{n}.jpg", "9.99", brand, n % 7, "words " * 20])


def joined(path, count):
    with (path.parent / "products.csv").open("w", encoding="utf-8") as file:
        file.write("product_id,title,price,brand\n")
        file.writelines(f"p{n},Product {n},{n}.25,Brand {n % 100}\n" for n in range(count))
    with path.open("w", encoding="utf-8") as file:
        file.write("seller_img_id,img_path,product_id\n")
        file.writelines(f"{n},images/{n}.jpg,p{n}\n" for n in range(count))


def feed(path, count):
    with path.open("w", encoding="utf-8") as file:
        file.write('<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n')
        for n in range(count):
            file.write(
                f"<item><g:id>{n}</g:id><g:title>Product {n}</g:title><g:price>9 EUR</g:price>"
                f"<g:image_link>https://x/{n}.jpg</g:image_link><g:brand>b</g:brand></item>\n"
            )
        file.write("</channel></rss>\n")


def columns(path, count):
    parquet.write_table(
        pa.table(
            {
                "id": pa.array(range(count)),
                "image": [f"{n}.jpg" for n in range(count)],
                "description": ["words " * 20 + str(n) for n in range(count)],
            }
        ),
        path,
        row_group_size=5_000,
    )


@pytest.mark.parametrize(
    ("name", "make", "count"),
    [
        ("shop.csv", table, 200_000),
        ("gallery.csv", joined, 40_000),
        ("feed.xml", feed, 40_000),
        ("shop.parquet", columns, 40_000),
    ],
)
def test_memory_does_not_grow_with_the_rows(tmp_path, name, make, count):
    peaks = []
    for rows in (count // 20, count):
        make(tmp_path / name, rows)
        counted, read, peak = peak_mb(tmp_path / name)
        assert (counted, read) == (rows, rows)
        peaks.append(peak)
    # What grows is the memory of the images seen, 16-32 bytes each, and SQLite's 16 MB of cache.
    assert peaks[1] - peaks[0] < 25, f"{peaks} MB for {count // 20:,} and {count:,} rows"


def test_the_survey_reports_its_progress(tmp_path):
    path = write(tmp_path / "shop.csv", "id,image", *(f"{n},{n}.jpg" for n in range(2500)))
    calls = []
    catalogue = open_catalogue(path, progress=calls.append)
    assert calls == [1000, 2000]
    assert catalogue.row_count == 2500


def test_attributes_without_a_value_are_left_out(tmp_path):
    path = write(tmp_path / "shop.csv", "id,image,empty,null,colour", "1,a.jpg,,NULL,red")
    assert dict(read(path).catalogue.fields) == {"colour": "text"}


def test_attributes_beyond_the_limit_cost_their_rows_only(tmp_path):
    items = "".join(
        f"<item><g:id>{n}</g:id><g:image_link>a.jpg</g:image_link><g:a{n}>x</g:a{n}></item>"
        for n in range(MAX_ATTRIBUTES + 3)
    )
    path = tmp_path / "feed.xml"
    path.write_text(f'<rss xmlns:g="http://base.google.com/ns/1.0">{items}</rss>')
    found = read(path)
    assert len(found.catalogue.fields) == len(found.rows) == MAX_ATTRIBUTES
    assert [r.reason for r in found.refusals] == ["attribute beyond the limit"] * 3


def test_every_row_fits_the_fields(tmp_path):
    rng = random.Random(7)
    cells = ["1", "2.5", "true", "no", "x", "", '["a"]', "007", "1e5", "NULL", "é"]
    header = "id,image," + ",".join(f"c{n}" for n in range(12))
    for attempt in range(40):
        some = [rng.sample(cells, 3) for _ in range(12)]
        rows = [[str(n), f"{n}.jpg", *(rng.choice(choice) for choice in some)] for n in range(20)]
        path = tmp_path / f"{attempt}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header.split(","), *rows])
        found = read(path)
        assert found.refusals == [], "what was found for all values takes all values"
        kinds = {"text": str, "number": float, "boolean": bool, "list": tuple}
        for row in found.rows:
            for name, value in row.product.attributes.items():
                assert type(value) is kinds[found.catalogue.fields[name]]
