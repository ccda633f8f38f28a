"""Cross-entropy: a linear classifier on the embedding, the baseline."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from findalike.errors import SettingError
from findalike.losses.precision import widened, without_autocast


class CrossEntropyLoss(nn.Module):
    """Softmax cross-entropy of a linear layer with bias on the embedding as it is, not normalised.

    Smaller is better; mean over the batch. Image ids do not matter. Under DDP as `ArcFaceLoss`.
    Computed in float32 (float64 for float64 embeddings), also under autocast.
    """

    def __init__(self, classes: int, dimension: int, *, smoothing: float = 0.0) -> None:
        """Make a random classifier.

        Args:
            classes: number of classes C; labels run from 0 to C - 1.
            dimension: of the embeddings.
            smoothing: share of the target spread over all classes (arXiv:1512.00567), 0 to below 1.

        Raises:
            SettingError: if an argument is outside its range.
        """
        super().__init__()
        if classes < 1 or dimension < 1:
            raise SettingError(
                f"a classifier of {classes} classes on {dimension} dimensions is not possible: "
                f"give at least 1 of each"
            )
        if not 0.0 <= smoothing < 1.0:
            raise SettingError(f"smoothing={smoothing} is not possible: give 0 to below 1")
        self.smoothing = smoothing
        self.classifier = nn.Linear(dimension, classes)

    def forward(self, embeddings: Tensor, labels: Tensor, image_ids: Tensor) -> Tensor:
        """Mean loss, a scalar, of embeddings (n, d) with labels (n,) int64."""
        del image_ids
        with without_autocast(embeddings):
            wide = widened(embeddings)
            logits = functional.linear(
                wide, self.classifier.weight.to(wide.dtype), self.classifier.bias.to(wide.dtype)
            )
            return functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)
