"""What every index engine must do. An engine's tests subclass ``IndexConformance``.

The subclass gives the fixture ``index_factory``: a function of the embedding size that returns an
empty, writable index.
"""

import random
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from filter_strategies import ATTRIBUTES, random_filter, random_row

from findalike.errors import SettingError
from findalike.index.filters import And, Comparison, In, Not, matches, parse_filter
from findalike.index.schema import image_rows

SIZE = 16


def unit(vectors):
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def random_vectors(n, size=SIZE, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, size)))


def table(ids, vectors, attributes=None, **columns):
    """Rows with ids and products ``p0``, ``p0``, ``p1``, ``p1``, …"""
    rows = [
        {
            "image_id": image_id,
            "product_id": f"p{at // 2}",
            **{name: values[at] for name, values in columns.items()},
        }
        for at, image_id in enumerate(ids)
    ]
    return image_rows(rows, vectors, attributes or {})


def all_rows(index, where=None, columns=None):
    batches = index.fetch(where, columns=columns)
    return [row for batch in batches for row in batch.to_pylist()]


def ids_of(hits):
    return [hit.image_id for hit in hits]


class IndexConformance:
    """The suite; engines run it as it stands."""

    @pytest.fixture
    def index(self, index_factory):
        return index_factory(SIZE)

    def test_an_empty_index_answers(self, index):
        assert index.count() == 0
        assert index.embedding_size == SIZE
        assert all_rows(index) == []
        assert index.search(random_vectors(2), k=5) == [[], []]
        assert index.delete(Comparison("price", ">", 1.0)) == 0
        index.optimise()
        assert index.count() == 0
        assert dict(index.attributes) == {}
        assert index.fields["price"] == "number"

    def test_rows_come_back_as_they_were_given(self, index):
        rng = random.Random(1)
        rows = [random_row(rng, n) for n in range(200)]
        vectors = random_vectors(200)
        index.upsert(image_rows(rows, vectors, ATTRIBUTES))
        assert dict(index.attributes) == ATTRIBUTES
        stored = {row["image_id"]: row for row in all_rows(index)}
        assert len(stored) == 200
        for row in rows:
            for name, value in row.items():
                assert stored[row["image_id"]][name] == value
            assert stored[row["image_id"]]["url"] is None
        fetched = all_rows(index, In("image_id", ("i7",)), ["image_id", "vector"])
        np.testing.assert_array_equal(np.float32(fetched[0]["vector"]), vectors[7])

    def test_an_upsert_replaces_whole_rows(self, index):
        vectors = random_vectors(4)
        kinds = {"brand": "text"}
        index.upsert(table("ab", vectors[:2], kinds, price=[1.0, 2.0], brand=["x", "y"]))
        index.upsert(table("bc", vectors[2:], kinds, price=[None, 5.0], brand=["z", None]))
        assert index.count() == 3
        rows = {row["image_id"]: row for row in all_rows(index)}
        assert (rows["b"]["price"], rows["b"]["brand"]) == (None, "z")
        assert (rows["a"]["price"], rows["a"]["brand"]) == (1.0, "x")
        # The replaced vector is no longer found, the new one is.
        nearest = index.search(vectors, k=1)
        assert [ids_of(hits) for hits in nearest[::2]] == [["a"], ["b"]]
        assert nearest[2][0].score == 1.0
        assert nearest[1][0].score < 1.0

    def test_the_schema_grows_with_the_rows(self, index):
        vectors = random_vectors(3)
        index.upsert(table("a", vectors[:1]))
        index.upsert(table("b", vectors[1:2], {"size": "number"}, size=[38.0]))
        index.upsert(table("c", vectors[2:], {"tags": "list"}, tags=[["x", "y"]]))
        assert dict(index.attributes) == {"size": "number", "tags": "list"}
        rows = {row["image_id"]: row for row in all_rows(index)}
        assert [rows[i]["size"] for i in "abc"] == [None, 38.0, None]
        assert rows["c"]["tags"] == ["x", "y"]

    def test_rows_without_images_still_name_their_columns(self, index):
        index.upsert(table("", np.empty((0, SIZE), np.float32), {"size": "number"}))
        assert dict(index.attributes) == {"size": "number"}
        assert index.count() == 0

    @pytest.mark.parametrize("fault", ["twice", "short", "zero", "nan", "wide", "inf", "null"])
    def test_a_refused_upsert_changes_nothing(self, index, fault):
        index.upsert(table("a", random_vectors(1)))
        ids, vectors, prices = ["b", "c"], random_vectors(2), [1.0, 2.0]
        if fault == "twice":
            ids = ["b", "b"]
        elif fault == "short":
            vectors = vectors * 0.5
        elif fault == "zero":
            vectors[1] = 0
        elif fault == "nan":
            vectors[1, 3] = np.nan
        elif fault == "wide":
            vectors = random_vectors(2, SIZE + 1)
        elif fault == "inf":
            prices = [1.0, float("inf")]
        elif fault == "null":
            ids = ["b", None]
        rows = table(ids, vectors, {"new": "text"}, price=prices, new=["x", "y"])
        before = index.version
        with pytest.raises(SettingError):
            index.upsert(rows)
        assert index.version == before
        assert [row["image_id"] for row in all_rows(index)] == ["a"]
        assert dict(index.attributes) == {}

    def test_a_column_keeps_its_type(self, index):
        index.upsert(table("a", random_vectors(1), {"size": "number"}, size=[1.0]))
        with pytest.raises(SettingError, match="'size'"):
            index.upsert(table("b", random_vectors(1), {"size": "text"}, size=["L"]))
        wrong = pa.table({"image_id": ["b"], "product_id": ["p"], "size": [1]})
        with pytest.raises(SettingError):
            index.upsert(wrong)

    @pytest.mark.parametrize("name", ["Brand", "a b", "vector", "added_at", "1st", "x`y", "é", ""])
    def test_column_names_are_checked(self, index, name):
        with pytest.raises(SettingError):
            index.upsert(table("a", random_vectors(1), {name: "text"}))

    def test_delete_counts_what_it_removed(self, index):
        index.upsert(table("abcd", random_vectors(4), price=[1.0, 2.0, 3.0, None]))
        assert index.delete(Comparison("price", ">=", 2.0)) == 2
        assert index.delete(Comparison("price", ">=", 2.0)) == 0
        assert sorted(row["image_id"] for row in all_rows(index)) == ["a", "d"]
        assert ids_of(index.search(random_vectors(4)[1:2], k=9)[0]) in (["a", "d"], ["d", "a"])
        index.upsert(table("b", random_vectors(1)))
        assert index.count() == 3

    def test_thousands_of_ids_at_once(self, index):
        ids = [f"image-{n:05d}" for n in range(3000)]
        index.upsert(table(ids, random_vectors(3000)))
        index.optimise()
        assert index.count(In("image_id", tuple(ids[500:2500]))) == 2000
        assert index.delete(In("image_id", tuple(ids[:2000]))) == 2000
        assert index.count() == 1000

    def test_fetch_reads_what_is_asked(self, index):
        index.upsert(table("abcdef", random_vectors(6), price=[1.0, 2, 3, 4, 5, 6]))
        cheap = Comparison("price", "<", 5.0)
        assert all_rows(index, cheap, ["price"]) == all_rows(index, cheap, ["price"])
        assert len(all_rows(index, cheap)) == 4
        assert sum(b.num_rows for b in index.fetch(cheap, columns=["price"], limit=3)) == 3
        assert "vector" not in all_rows(index)[0]
        with pytest.raises(SettingError, match="no column 'colour'"):
            list(index.fetch(columns=["colour"]))
        with pytest.raises(SettingError, match="no field 'colour'"):
            list(index.fetch(Comparison("colour", "=", "red")))

    @pytest.mark.parametrize("exact", [True, False])
    def test_search_against_a_slow_reference(self, index, exact):
        rng = random.Random(2)
        rows = [random_row(rng, n) for n in range(400)]
        vectors = random_vectors(400)
        index.upsert(image_rows(rows, vectors, ATTRIBUTES))
        index.optimise()
        queries = random_vectors(3, seed=9)
        scores = queries.astype(np.float64) @ vectors.astype(np.float64).T
        for text in (None, "price > 0", "not sold_out and brand is not missing", "price > 1e300"):
            where = parse_filter(text, index.fields) if text else None
            found = index.search(queries, k=30, where=where, columns=["price"], exact=exact)
            for query, hits in enumerate(found):
                kept = [n for n, row in enumerate(rows) if not where or matches(where, row)]
                kept.sort(key=lambda n: (-round(scores[query][n], 6), f"i{n}"))
                assert ids_of(hits) == [f"i{n}" for n in kept[:30]]
                for hit, n in zip(hits, kept, strict=False):
                    assert hit.score == pytest.approx(scores[query][n], abs=2e-6)
                    assert hit.product_id == rows[n]["product_id"]
                    assert hit.row["price"] == rows[n]["price"]

    @pytest.mark.parametrize("exact", [True, False])
    def test_ties_are_ordered_by_image_id(self, index, exact):
        vectors = np.repeat(random_vectors(4), 50, axis=0)
        ids = [f"i{n:03d}" for n in range(200)]
        shuffled = np.random.default_rng(3).permutation(200)
        for part in np.array_split(shuffled, 3):
            index.upsert(table([ids[n] for n in part], vectors[part]))
        index.optimise()
        for k in (1, 7, 50, 60, 500):
            hits = index.search(random_vectors(4)[1:2], k=k, exact=exact)[0]
            assert len(hits) == min(k, 200)
            assert ids_of(hits)[: min(k, 50)] == ids[50 : 50 + min(k, 50)]
            assert {hit.score for hit in hits[:50]} == {1.0}

    def test_bad_searches_are_refused(self, index):
        index.upsert(table("a", random_vectors(1)))
        with pytest.raises(SettingError, match="k is 0"):
            index.search(random_vectors(1), k=0)
        with pytest.raises(SettingError, match="16"):
            index.search(random_vectors(1, SIZE + 1), k=1)
        with pytest.raises(SettingError):
            index.search(np.zeros((1, SIZE), np.float32), k=1)
        with pytest.raises(SettingError):
            index.search(np.full((1, SIZE), np.nan, np.float32), k=1)
        with pytest.raises(SettingError, match="colour"):
            index.search(random_vectors(1), k=1, columns=["colour"])
        with pytest.raises(SettingError):
            index.search(random_vectors(1), k=1, where=Comparison("price", "=", "x"))

    def test_filters_agree_with_their_meaning(self, index):
        rng = random.Random(4)
        rows = [random_row(rng, n) for n in range(300)]
        index.upsert(image_rows(rows, random_vectors(300), ATTRIBUTES))
        self.check_filters(index, rows, rng, 400)
        index.optimise()
        self.check_filters(index, rows, rng, 400)
        # Rows that came after the indexes were built, and rows that were replaced or removed.
        newer = [random_row(rng, n) for n in range(200, 400)]
        index.upsert(image_rows(newer, random_vectors(200), ATTRIBUTES))
        index.delete(And((In("image_id", tuple(f"i{n}" for n in range(50))),)))
        self.check_filters(index, rows[50:200] + newer, rng, 400)

    def check_filters(self, index, rows, rng, trials):
        snapshot = index.snapshot()
        for trial in range(trials):
            where = random_filter(rng)
            expected = {row["image_id"] for row in rows if matches(where, row)}
            if trial % 10:
                assert snapshot.count(where) == len(expected), where
            else:
                found = {row["image_id"] for row in all_rows(snapshot, where, ["image_id"])}
                assert found == expected, where

    def test_new_rows_are_found_before_and_after_optimising(self, index):
        vectors = random_vectors(600)
        ids = [f"i{n:03d}" for n in range(600)]
        index.upsert(table(ids[:400], vectors[:400]))
        index.optimise()
        index.upsert(table(ids[400:], vectors[400:]))
        for _ in range(2):
            found = index.search(vectors, k=1)
            assert [hits[0].image_id for hits in found] == ids
            index.optimise()

    def test_snapshots_see_one_version(self, index):
        if not index.capabilities.versions:
            pytest.skip("this engine keeps no versions")
        index.upsert(table("ab", random_vectors(2), price=[1.0, 2.0]))
        before = index.snapshot()
        index.upsert(table("bc", random_vectors(2, seed=5), {"x": "text"}, x=["1", "2"]))
        index.delete(Comparison("image_id", "=", "a"))
        assert before.version < index.version
        assert sorted(row["image_id"] for row in all_rows(before)) == ["a", "b"]
        assert "x" not in before.fields
        assert ids_of(before.search(random_vectors(2)[1:], k=1)[0]) == ["b"]
        assert before.search(random_vectors(2)[1:], k=1)[0][0].score == 1.0
        again = index.snapshot(before.version)
        assert all_rows(again) == all_rows(before)
        with pytest.raises(SettingError, match="read-only"):
            before.upsert(table("d", random_vectors(1)))
        with pytest.raises(SettingError, match="read-only"):
            before.delete(Not(Comparison("price", ">", 1.0)))

    def test_versions_and_rollback(self, index):
        if not index.capabilities.versions:
            pytest.skip("this engine keeps no versions")
        index.upsert(table("ab", random_vectors(2)))
        first = index.version
        index.upsert(table("cd", random_vectors(2), {"x": "text"}, x=["1", "2"]))
        second = index.version
        listed = {version.number: version.rows for version in index.versions()}
        assert (listed[first], listed[second]) == (2, 4)
        created = [version.created_at for version in index.versions()]
        assert created == sorted(created)
        assert created[0].tzinfo is not None
        index.rollback(first)
        assert index.version > second
        assert sorted(row["image_id"] for row in all_rows(index)) == ["a", "b"]
        index.upsert(table("e", random_vectors(1)))
        index.rollback(second)
        assert sorted(row["image_id"] for row in all_rows(index)) == ["a", "b", "c", "d"]
        assert dict(index.attributes) == {"x": "text"}
        with pytest.raises(SettingError, match="99999"):
            index.rollback(99999)
        with pytest.raises(SettingError, match="99999"):
            index.snapshot(99999)

    def test_prune_keeps_what_it_is_told(self, index):
        if not index.capabilities.versions:
            pytest.skip("this engine keeps no versions")
        numbers = []
        for image_id in "abcd":
            index.upsert(table(image_id, random_vectors(1)))
            numbers.append(index.version)
        index.prune()
        assert {version.number for version in index.versions()} >= set(numbers)
        index.prune(oldest=numbers[1], min_age=timedelta(0))
        kept = {version.number for version in index.versions()}
        assert numbers[0] not in kept
        assert kept >= set(numbers[1:])
        index.rollback(numbers[1])
        assert index.count() == 2
        index.prune(min_age=timedelta(0))
        assert len(index.versions()) <= 2
        assert sorted(row["image_id"] for row in all_rows(index)) == ["a", "b"]
