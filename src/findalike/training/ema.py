"""A running mean of the weights, which is validated and kept in their place."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from findalike.models.network import EmbeddingNetwork
from findalike.training.shards import cut_like, own_part, whole_state


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
        self._parts: dict[str, Tensor] | None = None

    @torch.no_grad()
    def update(self, network: EmbeddingNetwork, losses: nn.Module) -> None:
        """Take in the weights as they are now."""
        decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        means = self._whole() if self._parts is None else self._parts
        now_all = _tensors(network.state_dict(), dict(losses.named_parameters()))
        pairs = [(own_part(mean), own_part(now_all[name])) for name, mean in means.items()]
        floats = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
        average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        # A network trained in 16 bits has its mean in 32: small steps would be lost there.
        nows = [now.to(mean.dtype) for mean, now in floats]
        average([mean for mean, _ in floats], nows, self.steps)
        for mean, now in pairs:
            if not mean.is_floating_point():
                mean.copy_(now)

    def to(self, device: torch.device) -> None:
        """Move it, into memory that this process does not share with those of other devices."""
        self.network = copy.deepcopy(self.network).to(device)
        self.losses = {name: mean.to(device, copy=True) for name, mean in self.losses.items()}

    def share_out(self, network: EmbeddingNetwork, losses: nn.Module) -> None:
        """Keep only this device's part of the mean from now on, cut as the weights are.

        What it holds in one piece is brought up to date by `gather`.
        """
        now_all = _tensors(network.state_dict(), dict(losses.named_parameters()))
        self._parts = {
            name: cut_like(mean, now_all[name]).clone() for name, mean in self._whole().items()
        }

    @torch.no_grad()
    def gather(self, *, kept: bool = True) -> None:
        """Bring ``network`` and ``losses`` up to date, where the mean is shared out.

        Every device must ask for it.

        Args:
            kept: whether this device wants them; they stay what they were otherwise.
        """
        if self._parts is None:
            return
        found = whole_state(self._parts, kept=kept)
        mine = self._whole()
        for name, tensor in found.items():
            mine[name].copy_(tensor)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it; where it is shared out, as of the last `gather`."""
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

    def _whole(self) -> dict[str, Tensor]:
        return _tensors(self.network.state_dict(), self.losses)


def _tensors(network: Mapping[str, Tensor], losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of a network and of its losses under one name each, without gradients."""
    named = {f"network.{name}": tensor.detach() for name, tensor in network.items()}
    return named | {f"losses.{name}": tensor.detach() for name, tensor in losses.items()}
