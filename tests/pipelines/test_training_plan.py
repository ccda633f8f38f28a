"""The memory that a plan says a device needs, where devices share out the weights."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.models.network import EmbeddingNetwork, build_network  # noqa: E402
from findalike.pipelines.training_plan import MemoryNeed, _need  # noqa: E402
from findalike.training.sharding_parts import largest_part  # noqa: E402
from training_stand_ins import make_losses, make_run  # noqa: E402


def _plan(devices: int, **train: Any) -> tuple[MemoryNeed, EmbeddingNetwork, list[Any]]:
    run = make_run(train=train)
    with torch.device("meta"):
        network = build_network(run.model, run.input, start="random").to("meta")
    losses = [*make_losses(run)]
    return _need(run, network, losses, devices), network, losses


def test_weights_are_divided_where_they_are_shared_out() -> None:
    alone, network, losses = _plan(1, strategy="fsdp", ema=0.9)
    shared, _, _ = _plan(4, strategy="fsdp", ema=0.9)
    everything = sum(p.numel() for p in [*network.parameters(), *losses[0].parameters()])
    assert alone.weights == 2 * 4 * everything
    for name in ("weights", "gradients", "optimizer"):
        assert getattr(shared, name) == getattr(alone, name) // 4 > 0
    assert shared.memory == alone.memory
    assert shared.activations == max(
        alone.activations + 8 * largest_part(network, losses), 4 * everything
    )


def test_every_device_of_the_other_strategy_holds_all() -> None:
    assert _plan(4, strategy="ddp")[0] == _plan(1, strategy="ddp")[0] == _plan(1)[0]
