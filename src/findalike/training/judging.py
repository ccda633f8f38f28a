"""The figures of a network while it is trained: validation loss and validation sets."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader

from findalike.config import Run
from findalike.models.network import EmbeddingNetwork
from findalike.training.contracts import Embed, Validate
from findalike.training.feed import Feed
from findalike.training.journal import LOSS
from findalike.types import Embeddings, Pixels

_CHUNK = 64


def network_embed(network: EmbeddingNetwork, device: torch.device) -> Embed:
    """The network as a function on pictures; it must be in evaluation mode.

    In chunks, however many pictures come at once.
    """

    @torch.no_grad()
    def embed(pixels: Pixels) -> Embeddings:
        rows = []
        for start in range(0, len(pixels), _CHUNK):
            chunk = torch.from_numpy(np.ascontiguousarray(pixels[start : start + _CHUNK]))
            found = network(chunk.to(device).permute(0, 3, 1, 2)).float()
            rows.append(nn.functional.normalize(found, dim=1).cpu().numpy())
        if not rows:
            return np.zeros((0, network.embedding_size), np.float32)
        return np.concatenate(rows)

    return embed


@torch.no_grad()
def validation_loss(
    run: Run,
    *,
    network: EmbeddingNetwork,
    losses: nn.ModuleList,
    learnt: Mapping[str, Tensor] | None,
    feed: Feed,
    device: torch.device,
) -> float | None:
    """The weighted sum of the losses on the validation pictures, mean over pictures.

    Losses are called in evaluation mode, in which a memory is neither used nor written. The term of
    a teacher is not among them: it says nothing about the data.

    Args:
        network: in evaluation mode.
        learnt: parameters of the losses to use instead of their own, by name.
        device: where the network is.

    Returns:
        The loss; None where there are no validation pictures.
    """
    if feed.validation is None:
        return None
    loader = DataLoader(
        feed.validation,
        batch_sampler=[list(batch) for batch in feed.validation_batches],
        num_workers=run.train.workers,
    )
    total, count = 0.0, 0
    modes = [loss.training for loss in losses]
    losses.eval()
    try:
        for pixels, labels, image_ids in loader:
            embeddings = network(pixels.to(device))
            where = (embeddings, labels.to(device), image_ids.to(device))
            for place, (section, loss) in enumerate(zip(run.losses, losses, strict=True)):
                own = f"{place}."
                weights = {k[len(own) :]: v for k, v in (learnt or {}).items() if k.startswith(own)}
                total += section.weight * float(functional_call(loss, weights, where)) * len(pixels)
            count += len(pixels)
    finally:
        for loss, mode in zip(losses, modes, strict=True):
            loss.train(mode)
    return total / count if count else None


def judge(
    run: Run,
    *,
    network: EmbeddingNetwork,
    losses: nn.ModuleList,
    learnt: Mapping[str, Tensor] | None,
    feed: Feed,
    validate: Validate | None,
    device: torch.device,
    precision: AbstractContextManager[None],
) -> dict[str, float]:
    """All figures: ``val_loss``, and what ``validate`` says.

    Args:
        network: any mode; as it was afterwards.
        precision: what the network computes in.
    """
    training = network.training
    network.eval()
    try:
        with precision:
            loss = validation_loss(
                run, network=network, losses=losses, learnt=learnt, feed=feed, device=device
            )
            figures = {LOSS: loss} if loss is not None else {}
            if validate is not None:
                found = validate(network_embed(network, device))
                figures |= {name: float(value) for name, value in found.items()}
    finally:
        network.train(training)
    return figures
