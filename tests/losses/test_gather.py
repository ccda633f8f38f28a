"""Two processes with n rows each train as one process with 2 n."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")
pytest.importorskip("pytorch_metric_learning")

from findalike.losses import gather_rows  # noqa: E402

SCRIPT = Path(__file__).with_name("training_ranks.py")
_SPEC = importlib.util.spec_from_file_location("training_ranks", SCRIPT)
training = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(training)


@pytest.fixture(scope="module")
def ranks(tmp_path_factory) -> list[dict]:
    """What each of two ranks has found."""
    folder = tmp_path_factory.mktemp("ranks")
    outs = [folder / "0.pt", folder / "1.pt"]
    command = [sys.executable, "-W", "error", str(SCRIPT)]
    running = [
        subprocess.Popen(
            [*command, str(rank), "2", str(folder / "meeting"), str(out)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        for rank, out in enumerate(outs)
    ]
    try:
        errors = [process.communicate(timeout=240)[1] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert [process.returncode for process in running] == [0, 0], "".join(errors)[-3000:]
    return [torch.load(out, weights_only=True) for out in outs]


def _alone(name: str, *, micro_batches: int = 1) -> dict:
    return training.train(name, slice(None), wrapped=False, micro_batches=micro_batches)


def _assert_same(state: dict, expected: dict) -> None:
    assert state.keys() == expected.keys()
    for key, value in expected.items():
        torch.testing.assert_close(state[key], value, rtol=1e-9, atol=1e-9, msg=key)


@pytest.mark.parametrize("name", sorted(training.MAKERS))
def test_two_ranks_train_as_one(ranks, name):
    expected = _alone(name)
    found = [rank[f"{name}/even/1"] for rank in ranks]
    means = [sum(pair) / 2 for pair in zip(*(one["losses"] for one in found), strict=True)]
    assert means == pytest.approx(expected["losses"], rel=1e-9)
    for one in found:
        if name in training.OVER_ALL_RANKS:
            assert one["losses"] == pytest.approx(expected["losses"], rel=1e-9)
        _assert_same(one["state"], expected["state"])


@pytest.mark.parametrize("name", training.OVER_ALL_RANKS)
def test_ranks_may_hold_different_numbers_of_rows(ranks, name):
    expected = _alone(name)
    for rank in ranks:
        found = rank[f"{name}/uneven/1"]
        assert found["losses"] == pytest.approx(expected["losses"], rel=1e-9)
        _assert_same(found["state"], expected["state"])


def test_the_memory_is_the_same_on_every_rank_bit_for_bit(ranks):
    first, second = (rank["xbm-contrastive/even/1"]["state"] for rank in ranks)
    memory = {key for key in first if key.startswith("loss.memory.")}
    assert {key.rpartition(".")[2] for key in memory} == {
        "features",
        "labels",
        "image_ids",
        "_extra_state",
    }
    assert all(torch.equal(first[key], second[key]) for key in memory)
    # Past the end of its 31 rows: the ring has wrapped on both.
    assert first["loss.memory._extra_state"] == (training.STEPS - 1) * training.ROWS


def test_under_accumulation_two_ranks_train_as_one(ranks):
    expected = _alone("xbm-contrastive", micro_batches=2)
    for rank in ranks:
        found = rank["xbm-contrastive/even/2"]
        assert found["losses"] == pytest.approx(expected["losses"], rel=1e-9)
        _assert_same(found["state"], expected["state"])


def test_alone_it_gives_back_what_it_was_given():
    tensors = (torch.randn(3, 2), torch.arange(3))
    assert all(a is b for a, b in zip(gather_rows(*tensors), tensors, strict=True))
