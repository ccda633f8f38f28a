"""The LanceDB engine: the conformance suite, then what only this engine promises."""

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from index_conformance import IndexConformance, ids_of, random_vectors, table, unit

from findalike.errors import (
    EngineError,
    SettingError,
    ShopExistsError,
    ShopNotFoundError,
    StorageError,
)
from findalike.index.embedded import EmbeddedIndex
from findalike.index.filters import And, Comparison, In, Not, parse_filter
from findalike.index.lance_errors import translated


class TestConformance(IndexConformance):
    @pytest.fixture
    def index_factory(self, tmp_path):
        made = []

        def make(size):
            made.append(EmbeddedIndex.create(tmp_path / str(len(made)), embedding_size=size))
            return made[-1]

        return make


class TestConformanceWithAllIndexes(IndexConformance):
    """The same with every index built, however few the rows."""

    @pytest.fixture
    def index_factory(self, tmp_path, monkeypatch):
        monkeypatch.setattr("findalike.index.lance_upkeep.EXACT_LIMIT", 0)
        monkeypatch.setattr("findalike.index.lance_upkeep.ATTRIBUTE_INDEX_ROWS", 0)
        made = []

        def make(size):
            made.append(EmbeddedIndex.create(tmp_path / str(len(made)), embedding_size=size))
            return made[-1]

        return make


@pytest.fixture
def index(tmp_path):
    made = EmbeddedIndex.create(tmp_path / "index", embedding_size=16)
    made.upsert(table([f"i{n:03d}" for n in range(100)], random_vectors(100)))
    return made


def vector_index(index):
    """(parts, rows without) of the vector index, None where there is none."""
    for found in index._run(index._table.list_indices()):
        if "vector" in found.columns:
            return found.num_segments, found.num_unindexed_rows
    return None


def test_create_and_open_say_what_is_wrong(tmp_path, index):
    with pytest.raises(ShopExistsError, match="already holds"):
        EmbeddedIndex.create(index.folder, embedding_size=16)
    with pytest.raises(ShopNotFoundError, match="holds no index"):
        EmbeddedIndex.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    with pytest.raises(SettingError, match="embedding size 0"):
        EmbeddedIndex.create(tmp_path / "new", embedding_size=0)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EngineError, match="file"):
        EmbeddedIndex.create(tmp_path / "file", embedding_size=16)
    assert EmbeddedIndex.open(index.folder).count() == 100
    assert EmbeddedIndex.open(index.folder).embedding_size == 16


def test_a_creation_that_was_cut_short_can_be_repeated(tmp_path):
    (tmp_path / "images.lance" / "_versions").mkdir(parents=True)
    (tmp_path / "images.lance" / "data").mkdir()
    assert EmbeddedIndex.create(tmp_path, embedding_size=4).count() == 0


@pytest.mark.parametrize("part", ["_versions", "data"])
def test_damaged_files_are_named(index, tmp_path, part):
    copy = tmp_path / "copy"
    shutil.copytree(index.folder, copy)
    for file in (copy / "images.lance" / part).iterdir():
        file.write_bytes(file.read_bytes()[:20])
    with pytest.raises(StorageError, match=r"copy.*damaged") as caught:
        EmbeddedIndex.open(copy).search(random_vectors(1), k=1)
    assert ".rs:" not in str(caught.value)


def test_an_index_that_was_deleted_is_not_made_again_by_a_writer(index):
    shutil.rmtree(index.folder)
    with pytest.raises(ShopNotFoundError):
        index.upsert(table("a", random_vectors(1)))
    with pytest.raises(StorageError):
        index.count()
    assert not index.folder.exists()


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (OSError(28, "No space left on device"), StorageError, "no space left"),
        (RuntimeError("LanceError(IO): ... (os error 28)"), StorageError, "no space left"),
        (PermissionError(13, "Permission denied"), StorageError, "not allowed"),
        (RuntimeError("Not found: data/x.lance, /src/local.rs:27:4"), StorageError, "missing"),
        (ValueError("some new failure"), EngineError, "some new failure"),
    ],
)
def test_errors_of_lance_are_translated(tmp_path, error, kind, says):
    with pytest.raises(kind, match=says) as caught, translated(tmp_path, "search"):
        raise error
    assert str(tmp_path) in str(caught.value)
    assert caught.value.__cause__ is error


def test_a_full_disk_leaves_what_was_stored(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount the small disk of this test")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.decode().strip()}")
    try:
        index = EmbeddedIndex.create(disk / "index", embedding_size=64)
        stored = []

        def fill():
            for start in range(0, 100_000, 500):
                ids = [f"i{n}" for n in range(start, start + 500)]
                index.upsert(table(ids, random_vectors(500, 64, seed=start)))
                stored.extend(ids)

        with pytest.raises(StorageError, match=r"no space left.*unharmed"):
            fill()
        assert stored
        assert EmbeddedIndex.open(disk / "index").count() == len(stored)
        hits = index.search(random_vectors(1, 64), k=1)[0]
        assert (hits[0].image_id, hits[0].score) == ("i0", 1.0)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_snapshot_costs_nothing_while_nothing_changes(index):
    first, second = index.snapshot(), index.snapshot()
    assert first._reader is second._reader
    index.upsert(table("z", random_vectors(1)))
    assert index.snapshot()._reader is not first._reader


def test_another_handle_sees_a_change_at_once(index):
    other = EmbeddedIndex.open(index.folder)
    assert other.count() == 100
    index.upsert(table("z", random_vectors(1), {"brand": "text"}, brand=["A"]))
    assert other.count(Comparison("brand", "=", "A")) == 1
    assert other.version == index.version


def test_fetch_is_of_the_version_at_the_call(index):
    batches = index.fetch(columns=["image_id"])
    index.delete(And(()))
    assert sum(batch.num_rows for batch in batches) == 100
    assert index.count() == 0


def test_all_rows_can_go_and_come_back(index, monkeypatch):
    monkeypatch.setattr("findalike.index.lance_upkeep.EXACT_LIMIT", 0)
    index.optimise()
    assert index.delete(And(())) == 100
    assert index.search(random_vectors(1), k=5) == [[]]
    index.optimise()
    index.upsert(table("ab", random_vectors(2)))
    assert ids_of(index.search(random_vectors(1), k=5)[0]) == ["a", "b"]
    index.optimise()
    assert ids_of(index.search(random_vectors(1), k=5)[0]) == ["a", "b"]


def test_versions_are_dated_in_utc(index):
    age = datetime.now(UTC) - index.versions()[-1].created_at
    assert timedelta(0) <= age < timedelta(minutes=5)


def test_pruning_frees_space(index):
    def stored():
        return sum(f.stat().st_size for f in index.folder.rglob("*") if f.is_file())

    for turn in range(10):
        index.upsert(table([f"i{n:03d}" for n in range(100)], random_vectors(100, seed=turn)))
        if turn == 5:
            old = index.snapshot()
    before = stored()
    index.prune()
    assert stored() >= before
    assert len(list(old.fetch())) == 1
    index.prune(min_age=timedelta(0))
    assert stored() < before / 3
    with pytest.raises(StorageError, match="pruned"):
        list(old.fetch())


def test_the_vector_index_appears_above_the_limit(index, monkeypatch):
    index.optimise()
    assert vector_index(index) is None
    monkeypatch.setattr("findalike.index.lance_upkeep.EXACT_LIMIT", 100 * 16 - 1)
    index.optimise()
    assert vector_index(index) == (1, 0)


def test_upkeep_follows_the_changes(index, monkeypatch):
    monkeypatch.setattr("findalike.index.lance_upkeep.EXACT_LIMIT", 0)
    monkeypatch.setattr("findalike.index.lance_upkeep.MAX_SEGMENTS", 2)
    monkeypatch.setattr("findalike.index.lance_upkeep.SMALL_CHANGE", 20)
    index.optimise()
    index.upsert(table([f"few{n}" for n in range(19)], random_vectors(19, seed=1)))
    version = index.version
    index.optimise()
    assert index.version == version
    assert vector_index(index) == (1, 19)
    index.upsert(table("x", random_vectors(1, seed=2)))
    index.optimise()
    assert vector_index(index) == (2, 0)
    index.upsert(table([f"more{n}" for n in range(30)], random_vectors(30, seed=3)))
    index.optimise()
    assert vector_index(index) == (1, 0)
    # One row at a time is merged before the files are many, however small the change.
    monkeypatch.setattr("findalike.index.lance_upkeep.MAX_FRAGMENTS", 5)
    for n in range(8):
        index.upsert(table([f"single{n}"], random_vectors(1, seed=4 + n)))
    index.optimise()
    assert vector_index(index) == (2, 0)


def clustered(n, size, seed):
    """Images of n / 3 products in 20 categories."""
    rng = np.random.default_rng(seed)
    categories = rng.normal(size=(20, size))[rng.integers(0, 20, n // 3)]
    products = categories + 0.8 * rng.normal(size=(n // 3, size))
    return unit(np.repeat(products, 3, axis=0) + 0.4 * rng.normal(size=(n, size)))


def test_the_graph_finds_what_exact_search_finds(tmp_path, monkeypatch):
    monkeypatch.setattr("findalike.index.lance_upkeep.EXACT_LIMIT", 0)
    index = EmbeddedIndex.create(tmp_path / "graph", embedding_size=96)
    vectors = clustered(3000, 96, 0)
    ids = [f"i{n:04d}" for n in range(3000)]
    draws = np.random.default_rng(1).integers(0, 1000, 3000).astype(float).tolist()
    index.upsert(table(ids, vectors, {"draw": "number"}, draw=draws))
    index.optimise()
    # Part of the rows changed or gone since the graph was built.
    moved = clustered(900, 96, 5)
    index.upsert(table(ids[:900], moved, {"draw": "number"}, draw=draws[:900]))
    index.delete(In("image_id", tuple(ids[900:1500])))
    queries = unit(vectors[::30] + 0.05 * np.random.default_rng(2).normal(size=(100, 96)))
    for text in (None, "draw < 10", "draw < 100", "draw < 500", "not draw < 10"):
        where = parse_filter(text, index.fields) if text else None
        truth = index.search(queries, k=10, where=where, exact=True)
        found = index.search(queries, k=10, where=where)
        shared = [
            len(set(ids_of(a)) & set(ids_of(b))) / len(b) for a, b in zip(found, truth, strict=True)
        ]
        assert np.mean(shared) >= 0.99, text
        scores = {(q, hit.image_id): hit.score for q, hits in enumerate(truth) for hit in hits}
        for q, hits in enumerate(found):
            assert all(scores.get((q, h.image_id), h.score) == h.score for h in hits)
    assert index.count(Not(In("image_id", tuple(ids)))) == 0
