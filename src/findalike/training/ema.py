"""A running mean of the weights, which is validated and kept in their place."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from findalike.models.network import EmbeddingNetwork


class WeightAverage:
    """Exponential moving average of a network and of what its losses learn.

    After each step, mean = decay * mean + (1 - decay) * weights, as in arXiv:1703.01780. In the
    first steps the decay is (1 + step) / (10 + step) where that is less, as TensorFlow's
    ``ExponentialMovingAverage`` does it: else a short run would be judged by its random start.
    Statistics of batch normalisation are averaged too.

    Lightning's own ``EMAWeightAveraging`` copies the whole module, memory of embeddings and all,
    and swaps it with the trained one around each validation; here the copy is validated itself.

    Attributes:
        network: the copy, in evaluation mode.
        losses: name of a loss's parameter → its mean.
        steps: how many steps are in it.
    """

    def __init__(self, network: EmbeddingNetwork, losses: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.losses = {name: p.detach().clone() for name, p in losses.named_parameters()}
        self.steps = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, network: EmbeddingNetwork, losses: nn.Module) -> None:
        """Take in the weights as they are now."""
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        mine, theirs = self.network.state_dict(), network.state_dict()
        learnt = dict(losses.named_parameters())
        pairs = [(mine[name], theirs[name]) for name in mine]
        pairs += [(mean, learnt[name].detach()) for name, mean in self.losses.items()]
        floats = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        # A network trained in 16 bits has its mean in 32: small steps would be lost there.
        nows = [now.to(mean.dtype) for mean, now in floats]
        average([mean for mean, _ in floats], nows, self.steps)
        for mean, now in pairs:
            if not mean.is_floating_point():
                mean.copy_(now)

    def to(self, device: torch.device) -> None:
        """Move it."""
        self.network.to(device)
        self.losses = {name: mean.to(device) for name, mean in self.losses.items()}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it."""
        return {
            "network": self.network.state_dict(),
            "losses": dict(self.losses),
            "steps": self.steps,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self.network.load_state_dict(state["network"])
        found: Mapping[str, Tensor] = state["losses"]
        for name, mean in self.losses.items():
            mean.copy_(found[name])
        self.steps = int(state["steps"])
