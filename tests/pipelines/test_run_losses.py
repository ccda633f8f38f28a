"""What a recipe says of a loss arrives there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.losses import XbmContrastiveLoss  # noqa: E402
from findalike.pipelines.run_losses import build_losses  # noqa: E402
from training_stand_ins import make_run  # noqa: E402


@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_memory_warms_up_for_steps_of_the_optimizer(accumulate: int) -> None:
    run = make_run(
        losses=[{"name": "contrastive"}],
        memory={"size": 50, "warm_up_steps": 2},
        train={"accumulate": accumulate},
    )
    mixture: Any = SimpleNamespace(classes=4)
    (loss,) = build_losses(run, mixture, 3)
    assert isinstance(loss, XbmContrastiveLoss)
    held = []
    for step in range(4):
        for batch in range(accumulate):
            ids = 100 * step + 10 * batch + torch.arange(2)
            loss(torch.randn(2, 3), torch.tensor([0, 1]), ids)
        held.append(len(loss.memory))
    assert held == [0, 0, 2 * accumulate, 4 * accumulate]
