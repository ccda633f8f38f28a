from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.config import OptimizerSection, SchedulerSection, TrainSection  # noqa: E402
from findalike.errors import RecipeError  # noqa: E402
from findalike.training.length import RunLength, run_length  # noqa: E402
from findalike.training.optimizers import build_optimizer, parameter_groups  # noqa: E402
from findalike.training.schedules import rate_factor  # noqa: E402
from training_stand_ins import make_losses, make_network, make_run  # noqa: E402

LENGTH = RunLength(steps=20, steps_per_epoch=5, accumulate=1)


def _factors(length: RunLength = LENGTH, **section: Any) -> list[float]:
    return [rate_factor(SchedulerSection(**section), length, s) for s in range(length.steps)]


def test_rates_rise_through_the_warm_up_and_stay() -> None:
    assert _factors(name="constant", warm_up_steps=4)[:6] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_rates_fall_to_the_final_share() -> None:
    linear = _factors(name="linear", warm_up_steps=10, final=0.2)
    assert linear[10] == 1.0
    assert linear[15] == pytest.approx(0.6)
    assert linear[19] == pytest.approx(0.28)
    cosine = _factors(name="cosine", final=0.1)
    assert cosine[0] == 1.0
    assert cosine[10] == pytest.approx(0.55)
    assert cosine == sorted(cosine, reverse=True)
    assert rate_factor(SchedulerSection(name="cosine", final=0.1), LENGTH, 20) == pytest.approx(0.1)


def test_rates_fall_step_by_step() -> None:
    factors = _factors(name="step", step_epochs=2, gamma=0.5)
    assert factors == [1.0] * 10 + [0.5] * 10


def test_a_run_is_as_long_as_its_epochs_or_steps_say() -> None:
    assert run_length(TrainSection(epochs=3, accumulate=4), 10) == RunLength(6, 2, 4)
    by_steps = run_length(TrainSection(steps=7), 5)
    assert (by_steps.steps, by_steps.epochs, by_steps.batches) == (7, 2, 7)
    with pytest.raises(RecipeError, match="accumulate is 4"):
        run_length(TrainSection(epochs=1, accumulate=4), 3)


def test_later_layers_learn_faster_and_vectors_do_not_decay() -> None:
    run = make_run(model={"pooling": "gem"})
    network, losses = make_network(run), make_losses(run)
    section = OptimizerSection(lr=1.0, backbone_lr=0.5, layer_decay=0.5, weight_decay=0.1)
    groups = parameter_groups(section, network, losses.parameters())

    rates = {group["name"]: group["lr"] for group in groups}
    stages = len(network.stages())
    assert rates[f"backbone.{stages - 1}"] == 0.5
    assert rates["backbone.0"] == pytest.approx(0.5**stages)
    assert rates["head"] == rates["head.vectors"] == 1.0
    for group in groups:
        matrices = group["weight_decay"] > 0
        assert all((p.ndim > 1) == matrices for p in group["params"])
        assert matrices != group["name"].endswith(".vectors")
    listed = [id(p) for group in groups for p in group["params"]]
    everything = [*network.parameters(), *losses.parameters()]
    assert sorted(listed) == sorted(id(p) for p in everything)


def test_frozen_parameters_are_in_no_group() -> None:
    run = make_run()
    network = make_network(run)
    network.freeze(2)
    names = {group["name"] for group in parameter_groups(OptimizerSection(), network, ())}
    assert not names & {"backbone.0", "backbone.1", "backbone.0.vectors", "backbone.1.vectors"}
    assert "backbone.2" in names


@pytest.mark.parametrize("fused", [True, False])
def test_optimizers_get_their_settings(fused: bool) -> None:
    def build(**section: Any) -> Any:
        weights = [{"params": [torch.nn.Parameter(torch.ones(2, 2))], "weight_decay": 0.3}]
        return build_optimizer(OptimizerSection(**section), weights, fused=fused)

    adamw = build(name="adamw", betas=(0.8, 0.9), lr=0.5)
    assert type(adamw) is torch.optim.AdamW
    assert adamw.defaults["betas"] == (0.8, 0.9)
    assert adamw.param_groups[0]["lr"] == 0.5
    assert adamw.param_groups[0]["weight_decay"] == 0.3
    assert type(build(name="adam")) is torch.optim.Adam
    sgd = build(name="sgd", momentum=0.4)
    assert type(sgd) is torch.optim.SGD
    assert sgd.defaults["momentum"] == 0.4
