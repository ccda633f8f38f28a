"""The embedded engine with other threads and processes at work, and after some were killed."""

import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engine_process import BATCH, ROWS, SIZE, check_snapshot, rows, vectors

from findalike.index.embedded import EmbeddedIndex

SCRIPT = Path(__file__).with_name("engine_process.py")


@pytest.fixture
def index(tmp_path):
    return EmbeddedIndex.create(tmp_path / "index", embedding_size=SIZE)


@pytest.fixture
def start(tmp_path):
    """Start a command of ``engine_process.py`` on the index; ended after the test."""
    started = []

    def run(command, argument):
        arguments = [sys.executable, str(SCRIPT), command, str(tmp_path / "index"), str(argument)]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def ended_well(process):
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


def all_ids(index):
    return [i for batch in index.fetch(columns=["image_id"]) for i in batch["image_id"].to_pylist()]


def test_readers_beside_a_writer_see_whole_versions(index, start):
    index.upsert(rows([f"i{n}" for n in range(ROWS)], 0))
    writer, reader = start("epochs", 20), start("read", 20)
    seen = set()
    while writer.poll() is None:
        view = index.snapshot()
        check_snapshot(view)
        seen.add(view.version)
    ended_well(writer)
    ended_well(reader)
    assert len(seen) > 3


def test_two_writers_take_turns(index, start):
    writers = [start("contend", "a"), start("contend", "b")]
    for writer in writers:
        ended_well(writer)
    counts = Counter(all_ids(index))
    assert set(counts.values()) == {1}
    own = {f"{prefix}-{turn}" for prefix in "ab" for turn in range(8)}
    assert set(counts) == own | {f"i{n}" for n in range(ROWS)}


def test_a_killed_writer_loses_nothing_it_reported(index, start):
    rng = random.Random(5)
    reported = set()
    for kill in range(4):
        writer = start("append", f"k{kill}")
        first = writer.stdout.readline()
        time.sleep(rng.random() * 0.25)
        writer.kill()
        rest, _ = writer.communicate()
        reported |= {f"k{kill}-{line}" for line in (first + rest).decode().split()}
        counts = Counter(all_ids(index))
        assert set(counts.values()) == {1}
        batches = Counter(i.rsplit("-", 1)[0] for i in counts)
        assert set(batches.values()) == {BATCH}
        assert reported <= set(batches)
    # Whatever the kills left behind, the index goes on.
    index.optimise()
    index.upsert(rows(["last"], 0))
    assert index.search(vectors(1, 0), k=1)[0][0].score == 1.0


def test_threads_search_while_one_writes(index):
    stored = vectors(500, 7)
    index.upsert(rows([f"i{n}" for n in range(500)], 7))

    def check(n):
        [hits] = index.search(stored[n : n + 1], k=3, columns=["epoch"])
        return hits[0].image_id == f"i{n}" and hits[0].row == {"epoch": 7.0} and len(hits) == 3

    with ThreadPoolExecutor(8) as pool:
        checks = [pool.submit(check, n % 500) for n in range(300)]
        for turn in range(10):
            index.upsert(rows([f"other-{turn}"], turn))
            if turn % 4 == 3:
                index.optimise()
        assert all(done.result() for done in checks)


def test_a_forked_child_is_told_to_open_its_own(index):
    index.upsert(rows(["a"], 0))
    script = f"""
import os, pathlib, sys, warnings
warnings.simplefilter("ignore")
from findalike.errors import EngineError
from findalike.index.embedded import EmbeddedIndex
index = EmbeddedIndex.open(pathlib.Path({str(index.folder)!r}))
assert index.count() == 1
if os.fork() == 0:
    try:
        index.count()
    except EngineError as error:
        os._exit(7 if "spawn" in str(error) else 1)
    os._exit(2)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
assert index.count() == 1
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
