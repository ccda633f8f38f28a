"""An import that is killed at any moment loses nothing it reported, and the next one finishes."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from findalike.shop.shop import Shop
from support import write_photos

KILLS = 25
IMAGES = 400

IMPORT = """
import sys
from findalike.shop import importing, shop
importing.COMMIT_IMAGES = 16
importing.EMBED_BATCH = 8
opened = shop.Shop.open(sys.argv[1])
def show(done, total):
    print(done, flush=True)
report = opened.add(sys.argv[2], root=sys.argv[3], progress=show)
print("end", report.added, report.unchanged, report.refused, flush=True)
"""


def start(shop: Path, table: Path, photos: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(shop), str(table), str(photos)],
        stdout=subprocess.PIPE,
        text=True,
    )


def kill_after(process: subprocess.Popen[str], rows: int, delay: float) -> tuple[int, bool]:
    """Kill once ``rows`` were reported and ``delay`` seconds passed.

    Returns the rows reported by then, and whether the import had not ended.
    """
    assert process.stdout is not None
    lines: list[str] = []
    while rows and (line := process.stdout.readline()):
        lines.append(line)
        if line.startswith("end") or int(line) >= rows:
            break
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    lines += process.communicate()[0].splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]  # the last may be cut off
    done = [int(line) for line in whole if not line.startswith("end")]
    return max(done, default=0), not any(line.startswith("end") for line in whole)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("kill")
    write_photos(folder / "photos", range(IMAGES))
    table = folder / "products.csv"
    lines = [f"p{n // 2},{n}.jpg,Thing {n}" for n in range(IMAGES)]
    table.write_text("product_id,image,title\n" + "\n".join(lines) + "\n")
    return table, folder / "photos"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_sigkill_at_random_moments(tmp_path, catalogue, tiny_encoder):
    table, photos = catalogue
    empty = tmp_path / "empty"
    Shop.create(empty, encoder=tiny_encoder)

    chance = random.Random(20261122)
    interrupted = 0
    for kill in range(KILLS):
        folder = tmp_path / f"shop{kill}"
        shutil.copytree(empty, folder)
        process = start(folder, table, photos)
        rows = chance.randrange(0, IMAGES + 1)
        reported, cut_short = kill_after(process, rows, chance.uniform(0.0, 0.06))
        interrupted += cut_short

        shop = Shop.open(folder)
        survived = shop.stats().images
        assert survived >= reported
        assert shop.verify() == []  # no image twice, none without its photo

        report = shop.add(table, root=photos)
        assert (report.unchanged, report.added) == (survived, IMAGES - survived)
        assert (report.refused, report.updated) == (0, 0)
        assert (report.images, report.products) == (IMAGES, IMAGES // 2)
        assert shop.verify() == []
        shutil.rmtree(folder)
    assert interrupted >= KILLS // 2, "most kills came too late to interrupt anything"
