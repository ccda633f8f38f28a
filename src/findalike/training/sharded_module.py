"""A training whose weights, gradients and optimizer are shared out among the devices."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard

from findalike.losses import CrossBatchMemory
from findalike.models.network import EmbeddingNetwork
from findalike.training.module import TrainingModule
from findalike.training.sharding_parts import sharding_parts
from findalike.training.shards import whole_state


class WholeCopy:
    """A network and its losses in one piece, for the first device to judge.

    What is shared out cannot compute on one device alone: each layer asks all of them for its
    weights.

    Attributes:
        network: in evaluation mode, on the CPU but while it judges.
        losses: without the memory of embeddings, which validation does not touch.
    """

    def __init__(self, network: EmbeddingNetwork, losses: nn.ModuleList) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        spared: dict[int, Any] = {
            id(module): nn.Module()
            for module in losses.modules()
            if isinstance(module, CrossBatchMemory)
        }
        self.losses = copy.deepcopy(losses, spared).requires_grad_(False)


class ShardedModule(TrainingModule):
    """Shares out a `TrainingModule` before it is trained; see `ShardedStrategy`.

    The backbone is cut along the elements of its lists of layers, which are those that repeat; its
    rest, the head and each loss are one part each. Buffers stay whole on every device, the memory
    of embeddings among them: every device fills it with the rows of all.

    Attributes:
        copy: on the first device, to judge; None on the others.
    """

    copy: WholeCopy | None = None

    def configure_model(self) -> None:
        """Share out what is learnt, in the process of the device."""
        # Lightning does so afterwards; the copy is to be of the same precision.
        self.trainer.precision_plugin.convert_module(self.network)
        if self.copy is None and self.global_rank == 0:
            self.copy = WholeCopy(self.network, self.losses)
        # Of views that are changed in place, which embeddings are not.
        warnings.filterwarnings("ignore", message=r"FSDP2-wrapped module .* returned a view")
        mesh = self.device_mesh["data_parallel"]
        others = [*self.losses] if self.distillation is None else [*self.losses, self.distillation]
        for part in sharding_parts(self.network, others):
            fully_shard(part, mesh=mesh)

    def gather(self, *, network: bool = True) -> WholeCopy | None:
        """Bring the copy up to date. Every device must ask for it; only the first is given one.

        Args:
            network: the network too, not only the losses.
        """
        kept = self.copy is not None
        weights = whole_state(_tensors(self.network), kept=kept) if network else {}
        losses = whole_state(dict(self.losses.named_parameters()), kept=kept)
        if self.copy is not None:
            if weights:
                self.copy.network.load_state_dict(weights)
            own = dict(self.copy.losses.named_parameters())
            with torch.no_grad():
                for name, tensor in losses.items():
                    own[name].copy_(tensor)
        return self.copy


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    state: dict[str, Tensor] = module.state_dict()
    return state
