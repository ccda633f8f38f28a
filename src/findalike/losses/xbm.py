"""Cross-batch memory: contrastive pairs with the embeddings of earlier batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from findalike.errors import SettingError
from findalike.losses.gather import gather_rows
from findalike.losses.labelled import LabelledEmbeddings
from findalike.losses.pairs import PairRule, Reduction, contrastive_loss
from findalike.losses.precision import widened, without_autocast


class CrossBatchMemory(nn.Module):
    """The last ``size`` embeddings of a training, a ring buffer.

    Everything is part of the state dict, the position under ``_extra_state``: there it stays a
    number of the host, for reading a buffer back would stop a GPU at every step.

    Attributes:
        features: (size, dimension) float32, zeros where nothing is written yet; a buffer, as are
            labels: (size,) int64, and
            image_ids: (size,) int64.
    """

    features: Tensor
    labels: Tensor
    image_ids: Tensor

    def __init__(self, size: int, dimension: int) -> None:
        """Make an empty memory.

        Raises:
            SettingError: if the size or the dimension is below 1.
        """
        super().__init__()
        if size < 1 or dimension < 1:
            raise SettingError(
                f"a memory of {size} embeddings of {dimension} dimensions is not possible: "
                f"give at least 1 of each"
            )
        self.size = size
        self._written = 0
        self.register_buffer("features", torch.zeros(size, dimension))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("image_ids", torch.zeros(size, dtype=torch.int64))

    @property
    def pointer(self) -> int:
        """The row that is written next."""
        return self._written % self.size

    def __len__(self) -> int:
        """How many rows are filled."""
        return min(self._written, self.size)

    @torch.no_grad()
    def enqueue(self, rows: LabelledEmbeddings) -> None:
        """Write the rows over the oldest ones; of more than ``size``, the last ``size``."""
        surplus = max(0, len(rows) - self.size)
        start = self._written + surplus
        places = torch.arange(start, self._written + len(rows), device=self.labels.device)
        places %= self.size
        self.features[places] = rows.features[surplus:].detach().to(self.features.dtype)
        self.labels[places] = rows.labels[surplus:]
        self.image_ids[places] = rows.image_ids[surplus:]
        self._written += len(rows)

    def contents(self) -> LabelledEmbeddings:
        """The filled rows, without gradient, as views: a later `enqueue` changes them."""
        filled = slice(len(self))
        return LabelledEmbeddings(
            self.features[filled], self.labels[filled], self.image_ids[filled]
        )

    def get_extra_state(self) -> Tensor:
        """How many rows were ever written."""
        return torch.tensor(self._written)

    def set_extra_state(self, state: Tensor) -> None:
        """Continue where `get_extra_state` was."""
        self._written = int(state)


class XbmContrastiveLoss(nn.Module):
    """Contrastive loss over the pairs of the batch, and of the batch with a memory.

    Cross-Batch Memory (XBM, arXiv:1912.06798), as in the authors' code
    (github.com/msight-tech/research-xbm): each step's loss is that of the batch with itself, with
    gradients on both sides of a pair, plus ``memory_weight`` times that of the batch with the
    memory, which takes no gradient. The batch is written into the memory first, so its pairs count
    in both terms. For the first ``warm_up_batches`` batches, while the embeddings of a step ago
    are worth little, there is only the batch, and nothing is written.

    Deviations from that code:

    * An image is never its own positive, nor its own negative: pairs of one image id are left out,
      whether the copy is the one just written, one of an earlier epoch, or a second one in the
      batch. The code drops positive pairs whose cosine is above 1 - 1e-5 instead, which keeps
      earlier copies of an image and loses different images that look the same.
    * A negative pair costs ``s - negative_margin``, as in the paper, where the code has ``s``; the
      gradient is the same.
    * The mean is over the pairs that cost something, as in pytorch-metric-learning, so that the
      learning rate does not depend on the sizes of memory and batch; ``reduction="anchors"`` is the
      paper's. See `PairRule`.
    * The ring is exact where the batch does not divide the size; there, the code writes the last
      batch over the end and starts again.
    * The paper fills the memory with random images after the warm-up, the code does not; nor does
      this.

    Equal to the sum of pytorch-metric-learning's ``ContrastiveLoss`` on cosines and its
    ``CrossBatchMemory`` around the same, as long as no image comes twice.

    Batches are calls in training mode. With gradient accumulation each micro-batch is one: it is
    paired with itself and the memory, which holds the micro-batches before it, those of the same
    optimiser step included; a warm-up in steps is that many times the batches of one. In evaluation
    mode there is only the batch, and nothing is written.
    Under DDP every rank takes the rows of all ranks (`gather_rows`) and so writes the same
    memory; DDP's sending of buffers at each forward (``forward_sync_buffers``, formerly
    ``broadcast_buffers``) is better off, for it would send the memory each time for nothing.
    Computed in float32 (float64 for float64 embeddings), also under autocast.
    """

    def __init__(
        self,
        dimension: int,
        *,
        size: int,
        positive_margin: float = 1.0,
        negative_margin: float = 0.5,
        reduction: Reduction = "pairs",
        memory_weight: float = 1.0,
        warm_up_batches: int = 0,
    ) -> None:
        """Make the loss with an empty memory.

        Args:
            dimension: of the embeddings.
            size: embeddings the memory holds; 100,000 of 512 dimensions take 205 MB.
            positive_margin: cosine that pairs of a class are pulled up to.
            negative_margin: cosine that pairs of two classes are pushed down to.
            reduction: see `PairRule`.
            memory_weight: of the memory's term beside the batch's, above 0.
            warm_up_batches: batches before the memory is used.

        Raises:
            SettingError: if an argument is outside its range.
        """
        super().__init__()
        if not 0.0 < memory_weight < float("inf"):
            raise SettingError(f"memory_weight={memory_weight} is not possible: give one above 0")
        if warm_up_batches < 0:
            raise SettingError(f"warm_up_batches={warm_up_batches} is not possible: give 0 or more")
        self.rule = PairRule(positive_margin, negative_margin, reduction)
        self.memory_weight = memory_weight
        self.warm_up_batches = warm_up_batches
        self.memory = CrossBatchMemory(size, dimension)
        self._batches = 0

    def forward(self, embeddings: Tensor, labels: Tensor, image_ids: Tensor) -> Tensor:
        """Loss, a scalar, of embeddings (n, d), labels (n,) int64 and image ids (n,) int64."""
        with without_autocast(embeddings):
            rows: tuple[Tensor, ...] = (widened(embeddings), labels, image_ids)
            batch = LabelledEmbeddings.normalised(*(gather_rows(*rows) if self.training else rows))
            loss = contrastive_loss(batch, batch, self.rule)
            if not self.training:
                return loss
            self._batches += 1
            if self._batches <= self.warm_up_batches:
                return loss
            self.memory.enqueue(batch)
            contents = self.memory.contents()
            return loss + self.memory_weight * contrastive_loss(batch, contents, self.rule)

    def get_extra_state(self) -> Tensor:
        """How many batches were seen."""
        return torch.tensor(self._batches)

    def set_extra_state(self, state: Tensor) -> None:
        """Continue where `get_extra_state` was."""
        self._batches = int(state)
