"""The running mean of weights, in the memory of its own process."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.training.ema import WeightAverage  # noqa: E402
from training_stand_ins import make_losses, make_network, make_run  # noqa: E402


def test_moving_it_leaves_what_it_was_sent_with() -> None:
    run = make_run()
    network, losses = make_network(run), make_losses(run)
    average = WeightAverage(network, losses, 0.5)
    sent = [*average.network.state_dict().values(), *average.losses.values()]
    before = [tensor.clone() for tensor in sent]
    average.to(torch.device("cpu"))
    with torch.no_grad():
        for parameter in [*network.parameters(), *losses.parameters()]:
            parameter.add_(1.0)
    average.update(network, losses)
    # Processes on the CPU are sent tensors in memory that all of them see.
    assert all(torch.equal(old, now) for old, now in zip(before, sent, strict=True))
    mean = average.losses["0.weight"]
    assert torch.allclose(mean, losses[0].weight.detach() - 0.1, atol=1e-6)
