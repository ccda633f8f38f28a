"""Contrastive loss over the pairs of a batch."""

from __future__ import annotations

from torch import Tensor, nn

from findalike.losses.gather import gather_rows
from findalike.losses.labelled import LabelledEmbeddings
from findalike.losses.pairs import PairRule, Reduction, contrastive_loss
from findalike.losses.precision import widened, without_autocast


class ContrastiveLoss(nn.Module):
    """Products are pulled together, and different ones apart (Hadsell et al., CVPR 2006).

    On cosines instead of distances, and without squares, as in XBM (arXiv:1912.06798). Equal to
    pytorch-metric-learning's ``ContrastiveLoss`` with ``CosineSimilarity``, except that two copies
    of one image are no pair. Each pair counts from either side. Smaller is better.

    Under DDP the batch is that of all ranks (`gather_rows`), but not in evaluation mode, where
    ranks may have different numbers of batches. With gradient accumulation each micro-batch is
    paired with itself. Computed in float32 (float64 for float64 embeddings), also under autocast.
    """

    def __init__(
        self,
        *,
        positive_margin: float = 1.0,
        negative_margin: float = 0.5,
        reduction: Reduction = "pairs",
    ) -> None:
        """See `PairRule` for the arguments, and for what it refuses."""
        super().__init__()
        self.rule = PairRule(positive_margin, negative_margin, reduction)

    def forward(self, embeddings: Tensor, labels: Tensor, image_ids: Tensor) -> Tensor:
        """Loss, a scalar, of embeddings (n, d), labels (n,) int64 and image ids (n,) int64."""
        with without_autocast(embeddings):
            rows: tuple[Tensor, ...] = (widened(embeddings), labels, image_ids)
            batch = LabelledEmbeddings.normalised(*(gather_rows(*rows) if self.training else rows))
            return contrastive_loss(batch, batch, self.rule)
