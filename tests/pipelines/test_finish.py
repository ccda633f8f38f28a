"""What becomes of the kept weights: network and class weights go the same way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from findalike.config import Run  # noqa: E402
from findalike.models.network import build_network  # noqa: E402
from findalike.models.network_weights import read_weights, save_weights  # noqa: E402
from findalike.pipelines.finish import finish_run  # noqa: E402
from findalike.training import FitResult  # noqa: E402
from findalike.training.results import KeptWeights  # noqa: E402

pytestmark = pytest.mark.train

SETTINGS = {
    "name": "only",
    "start": "random",
    "model": {"backbone": "timm/test_resnet", "embedding_size": 4},
    "input": {"size": 32},
    "data": {"train": [{"name": "photos", "path": "train.csv"}]},
    "losses": [{"name": "arcface"}],
    "train": {"steps": 1},
}


class Scripted:
    """Says one figure after the other, whatever the network."""

    sets = ("shop",)

    def __init__(self, *figures: float) -> None:
        self.figures = list(figures)

    def __call__(self, _embed: object) -> dict[str, float]:
        return {"map": self.figures.pop(0)}


def written(folder: Path, name: str, value: float, *, learnt: bool = True) -> Path:
    """Weights of which every tensor of the network and of the losses is ``value``."""
    run = Run.model_validate_json(json.dumps(SETTINGS))
    network = build_network(run.model, run.input, start="random")
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.fill_(value)
    losses = {"0.weight": torch.full((6, 4), value)} if learnt else {}
    path = folder / "weights" / f"{name}.safetensors"
    save_weights(path, network, losses, {})
    return path


def finished(
    folder: Path, finish: dict[str, object], *figures: float, start: Path | None = None
) -> tuple[float, float, str]:
    """Of weights 8, 4 and 0, from the best to the worst: network, class weights, what was said."""
    run = Run.model_validate_json(json.dumps({**SETTINGS, "finish": finish}))
    kept = [
        KeptWeights(written(folder, f"kept-{value}", float(value)), value, 1, {"map": 0.5})
        for value in (8, 4, 0)
    ]
    best = KeptWeights(written(folder, "best", 8.0), 8, 1, {"map": 0.5})
    result = FitResult(
        steps=3, epochs=1, images=24, seconds=1.0, stopped_early=False, best=best, last=best,
        kept=tuple(kept),
    )  # fmt: skip
    done = finish_run(
        run,
        result,
        network=build_network(run.model, run.input, start="random"),
        start=start or folder / "none",
        validate=Scripted(*figures),  # type: ignore[arg-type]
        refit=None,
        tell=lambda _: None,
    )
    final = read_weights(folder / "weights" / "final.safetensors")
    name = next(name for name in final if name.endswith("conv1.weight"))
    return float(final[name].mean()), float(final["losses.0.weight"].mean()), done.said


def test_class_weights_are_of_the_best_where_nothing_is_averaged(tmp_path):
    assert finished(tmp_path, {}, 0.5) == (8.0, 8.0, "")


def test_class_weights_are_the_mean_of_all_in_a_uniform_soup(tmp_path):
    assert finished(tmp_path, {"soup": "uniform"}, 0.5) == (4.0, 4.0, "mean of 3 weights")


def test_class_weights_are_the_mean_of_the_members_of_a_greedy_soup(tmp_path):
    # The best alone, with the second, and with the third, which is worse and left out.
    found = finished(tmp_path, {"soup": "greedy"}, 0.5, 0.6, 0.4)
    assert found == (6.0, 6.0, "greedy soup of 2 of 3 weights")


@pytest.mark.parametrize(("learnt", "expected"), [(True, 2.0), (False, 8.0)])
def test_class_weights_go_back_to_a_start_that_had_them(tmp_path, learnt, expected):
    start = written(tmp_path / "parent", "start", 0.0, learnt=learnt)
    network, classes, said = finished(tmp_path, {"interpolate": [0.25]}, 0.5, start=start)
    assert (network, classes) == (2.0, expected)
    assert said == "0.25 of the way from the start"
