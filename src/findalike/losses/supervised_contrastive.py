"""Supervised contrastive loss: a softmax over the batch, and one from user to seller photos."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from findalike.errors import SettingError
from findalike.losses.gather import gather_rows
from findalike.losses.labelled import LabelledEmbeddings
from findalike.losses.precision import widened, without_autocast


class SupervisedContrastiveLoss(nn.Module):
    """Each image should find the images of its label first among all of the batch.

    For an anchor, the cosines to all other images over the temperature go through a softmax; its
    loss is the mean of -log of the share of each positive, and the loss the mean over anchors that
    have one (SupCon's L_out, arXiv:2004.11362; equal to pytorch-metric-learning's ``SupConLoss``
    where no image comes twice). Two copies of one image are no pair, neither positive nor negative.

    ``across`` mixes in the same with user photos alone as anchors and seller photos alone to be
    found, which is what a search does: the loss is
    ``(1 - across) * all + across * (user to seller)``. An anchor whose product has no seller photo
    in the batch has no part in it. Smaller is better; 0, with zero gradients, if nobody has a
    positive.

    Under DDP the batch is that of all ranks (`gather_rows`), but not in evaluation mode. Computed
    in float32 (float64 for float64 embeddings), also under autocast.
    """

    users: Tensor

    def __init__(
        self, *, temperature: float = 0.1, across: float = 0.0, users: Tensor | None = None
    ) -> None:
        """Make the loss.

        Args:
            temperature: what cosines are divided by, above 0.
            across: share of the term from user to seller photos, 0 to 1.
            users: (images,) bool by image id, whether it is a user's photo; needed for ``across``.

        Raises:
            SettingError: if an argument is outside its range, or ``users`` is missing.
        """
        super().__init__()
        if not 0.0 < temperature < math.inf:
            raise SettingError(f"temperature={temperature} is not possible: give one above 0")
        if not 0.0 <= across <= 1.0:
            raise SettingError(f"across={across} is not possible: give 0 to 1")
        if across and users is None:
            raise SettingError("across needs to know which images are user photos: give users")
        self.temperature = temperature
        self.across = across
        known = torch.zeros(0, dtype=torch.bool) if users is None else users.to(torch.bool)
        self.register_buffer("users", known, persistent=False)

    def forward(self, embeddings: Tensor, labels: Tensor, image_ids: Tensor) -> Tensor:
        """Loss, a scalar, of embeddings (n, d), labels (n,) int64 and image ids (n,) int64."""
        with without_autocast(embeddings):
            rows: tuple[Tensor, ...] = (widened(embeddings), labels, image_ids)
            batch = LabelledEmbeddings.normalised(*(gather_rows(*rows) if self.training else rows))
            logits = batch.features @ batch.features.T / self.temperature
            others = batch.image_ids[:, None] != batch.image_ids[None]
            alike = (batch.labels[:, None] == batch.labels[None]) & others
            loss = _softmax_loss(logits, others, alike)
            if not self.across:
                return loss
            users = self.users[batch.image_ids]
            found = others & ~users[None]
            crossing = _softmax_loss(logits[users], found[users], (alike & ~users[None])[users])
            return (1.0 - self.across) * loss + self.across * crossing


def _softmax_loss(logits: Tensor, candidates: Tensor, positives: Tensor) -> Tensor:
    """Mean over anchors of the mean of -log share of their positives among their candidates.

    Args:
        logits: (a, n).
        candidates: bool (a, n), what is in the softmax of each anchor.
        positives: bool (a, n), a part of the candidates.
    """
    counts = positives.sum(dim=1)
    anchors = counts > 0
    # Times zero, so that the result has a way back to the embeddings in every case.
    if not bool(anchors.any()):
        return logits.sum() * 0.0
    # The lowest finite number instead of -inf, whose product with a zero would be no number.
    lowest = torch.finfo(logits.dtype).min
    shares = logits.masked_fill(~candidates, lowest).log_softmax(dim=1)
    each = (shares * positives).sum(dim=1)[anchors] / counts[anchors]
    return -each.mean()
