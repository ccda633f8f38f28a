from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.train
pytest.importorskip("torch")

from findalike.config import KeepSection, ValidateSection  # noqa: E402
from findalike.errors import RecipeError  # noqa: E402
from findalike.training.journal import Journal, Verdict  # noqa: E402


def _play(
    scores: list[float | None], *, key: str = "map", validate: Any = None, keep: Any = None
) -> tuple[Journal, list[Verdict]]:
    journal = Journal(ValidateSection(**(validate or {})), KeepSection(**(keep or {})))
    verdicts = [
        journal.record(name=f"v{i}", step=i, epoch=i, figures={} if score is None else {key: score})
        for i, score in enumerate(scores)
    ]
    return journal, verdicts


def test_the_largest_map_is_best_and_the_first_of_equals() -> None:
    journal, verdicts = _play([0.3, 0.5, 0.5, 0.4])
    assert [v.best for v in verdicts] == [True, True, False, False]
    assert journal.best is not None
    assert journal.best.name == "v1"


def test_the_smallest_loss_is_best() -> None:
    journal, _ = _play([3.0, 2.0, 2.5], key="val_loss", validate={"criterion": "loss"})
    assert journal.best is not None
    assert journal.best.name == "v1"
    assert [e.name for e in journal.kept] == ["v1", "v2", "v0"]


def test_one_set_alone_may_decide() -> None:
    journal, _ = _play([0.1, 0.2], key="a/map", validate={"criterion": "a/map"})
    assert journal.best is not None
    assert journal.best.name == "v1"
    with pytest.raises(RecipeError, match="criterion is 'b/map', and validation gives a/map"):
        _play([0.1], key="a/map", validate={"criterion": "b/map"})


def test_without_figures_the_last_one_is_best() -> None:
    journal, verdicts = _play([None, None, None], validate={"patience": 1}, keep={"top": 2})
    assert journal.best is not None
    assert journal.best.name == "v2"
    assert [e.name for e in journal.kept] == ["v2", "v1"]
    assert not any(v.stop for v in verdicts)


def test_a_figure_that_is_no_number_is_the_worst() -> None:
    journal, _ = _play([0.2, float("nan")])
    assert journal.best is not None
    assert journal.best.name == "v0"


@pytest.mark.parametrize(
    ("keep", "kept", "dropped"),
    [
        ({"weights": "top", "top": 2}, ["v1", "v3"], ["v0", "v2"]),
        ({"weights": "every"}, ["v1", "v3", "v2", "v0"], []),
        ({"weights": "none"}, [], []),
    ],
)
def test_weights_are_kept_by_policy(keep: Any, kept: list[str], dropped: list[str]) -> None:
    journal, verdicts = _play([0.1, 0.9, 0.3, 0.5], keep=keep)
    assert [e.name for e in journal.kept] == kept
    assert [name for v in verdicts for name in v.drop] == dropped


def test_a_bad_one_is_not_kept_and_drops_nothing() -> None:
    _, verdicts = _play([0.9, 0.8, 0.1], keep={"top": 2})
    assert verdicts[2].keep is False
    assert verdicts[2].drop == ()


def test_the_run_stops_when_nothing_gets_better_by_enough() -> None:
    _, verdicts = _play(
        [0.50, 0.505, 0.52, 0.521, 0.529, 0.9], validate={"patience": 2, "least_gain": 0.01}
    )
    assert [v.stop for v in verdicts] == [False, False, False, False, True, False]


def test_a_restored_journal_goes_on_alike() -> None:
    scores = [0.3, 0.5, 0.4, 0.45, 0.2, 0.6]
    whole, verdicts = _play([*scores], validate={"patience": 3}, keep={"top": 2})
    for cut in range(len(scores)):
        first, _ = _play([*scores[:cut]], validate={"patience": 3}, keep={"top": 2})
        later = Journal.restored(ValidateSection(patience=3), KeepSection(top=2), first.state())
        for i in range(cut, len(scores)):
            verdict = later.record(name=f"v{i}", step=i, epoch=i, figures={"map": scores[i]})
            assert verdict == verdicts[i]
        assert later.state() == whole.state()
