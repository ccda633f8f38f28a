from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from findalike.errors import EvaluationError
from findalike.evaluation.matches import find_matches
from findalike.evaluation.rankings import load_rankings, save_rankings
from findalike.evaluation.relevance import Relevance

IDS = [str(number) for number in (70, 3, 2147483647, 0, 12, 5, 6, 8, 9, 10, 11)]


def test_the_file_is_the_challenge_array(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    save_rankings(path, np.array([[2, 0, 1], [3, -1, -1]]), IDS)
    written = np.load(path, allow_pickle=False)
    assert written.dtype == np.int32
    assert written.shape == (2, 1000)
    assert written[0, :4].tolist() == [2147483647, 70, 3, -1]
    assert written[1, :2].tolist() == [0, -1]
    assert (written[:, 3:] == -1).all()


def test_longer_rankings_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "out.npy"
    save_rankings(path, np.array([[0, 1, 3]]), IDS, ranks=2)
    assert np.load(path).tolist() == [[70, 3]]


def test_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ids = [str(i) for i in rng.choice(10**9, 1500, replace=False)]
    positions = rng.permuted(np.tile(np.arange(1500), (3000, 1)), axis=1)[:, :1000]
    positions[5, 400:] = -1
    save_rankings(tmp_path / "out.npy", positions, ids)
    read = load_rankings(tmp_path / "out.npy", ids, queries=3000)
    assert np.array_equal(read, positions)
    assert np.array_equal(
        load_rankings(tmp_path / "out.npy", ids, queries=3000, k=20), positions[:, :20]
    )


def test_a_small_k_still_reads_ten_ranks(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[int(i) for i in IDS]], dtype=np.int64))
    assert load_rankings(tmp_path / "a.npy", IDS, queries=1, k=1).shape == (1, 10)


def test_unsigned_and_wide_integers_are_taken(tmp_path: Path) -> None:
    for dtype in (np.int64, np.uint16):
        array = np.array([[3, 0, *[5] * 9]], dtype=dtype)
        np.save(tmp_path / "a.npy", array)
        assert load_rankings(tmp_path / "a.npy", IDS, queries=1)[0, :2].tolist() == [1, 3]


@pytest.mark.parametrize("bad", ["a7", "", "-4", "007", "1.0", "2147483648", "٣", "1_0", " 1"])
def test_ids_that_are_no_int32_are_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(EvaluationError, match="gallery image 1 has the id"):
        save_rankings(tmp_path / "out.npy", np.array([[0]]), ["1", bad])
    assert not (tmp_path / "out.npy").exists()


def test_doubled_ids_and_empty_galleries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="id 5 occurs 2 times"):
        save_rankings(tmp_path / "out.npy", np.array([[0]]), ["5", "4", "5"])
    with pytest.raises(EvaluationError, match="gallery is empty"):
        save_rankings(tmp_path / "out.npy", np.array([[0]]), [])


def test_unknown_ids_name_row_and_rank(tmp_path: Path) -> None:
    array = np.full((2000, 11), -1, dtype=np.int32)
    array[:, 0] = 70
    array[1500, 1] = 71
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(EvaluationError, match="row 1500 names image 71 at rank 2"):
        load_rankings(tmp_path / "a.npy", IDS, queries=2000)


def test_repeated_ids_are_refused_when_judged_by_name(tmp_path: Path) -> None:
    array = np.full((1, 11), -1, dtype=np.int32)
    array[0, :3] = [12, 3, 12]
    np.save(tmp_path / "a.npy", array)
    read = load_rankings(tmp_path / "a.npy", IDS, queries=1)
    with pytest.raises(EvaluationError, match="query 0 ranks gallery image '12' twice, at 1 and 3"):
        find_matches(read, Relevance.from_lists([[0]]), gallery_ids=IDS)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((1, 11), dtype=np.float32), "holds float32"),
        (np.zeros(11, dtype=np.int32), r"shape \(11,\)"),
        (np.zeros((2, 11), dtype=np.int32), "has 2 rows of 11 ranks"),
        (np.zeros((1, 4), dtype=np.int32), "has 1 rows of 4 ranks"),
    ],
)
def test_arrays_of_another_kind_are_refused(
    tmp_path: Path, array: np.ndarray, message: str
) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(EvaluationError, match=message):
        load_rankings(tmp_path / "a.npy", IDS, queries=1)


def test_files_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with pytest.raises(EvaluationError, match="no such file"):
        load_rankings(path, IDS, queries=1)
    for content in (b"", b"hello", b"\x93NUMPY\x01\x00", b"PK\x03\x04" + bytes(40)):
        path.write_bytes(content)
        with pytest.raises(EvaluationError, match=r"cannot be read as a \.npy"):
            load_rankings(path, IDS, queries=1)


def test_pickled_objects_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.save(file, np.array([[{"a": 1}]], dtype=object), allow_pickle=True)
    with pytest.raises(EvaluationError, match=r"cannot be read as a \.npy"):
        load_rankings(path, IDS, queries=1)


def test_a_header_that_promises_terabytes_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((1, 11), dtype=np.int32))
    data = path.read_bytes().replace(b"(1, 11), }        ", b"(99999999999, 11)}")
    path.write_bytes(data)
    with pytest.raises(EvaluationError, match=r"cannot be read as a \.npy"):
        load_rankings(path, IDS, queries=1)
