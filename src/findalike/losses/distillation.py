"""Staying near a teacher: its embeddings, or the similarities between them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from findalike.errors import SettingError
from findalike.losses.gather import gather_rows
from findalike.losses.precision import widened, without_autocast


class EmbeddingDistillation(nn.Module):
    """1 - cosine between the student's and the teacher's embedding of a picture, 0 to 2.

    Where their dimensions differ, a linear map, learnt along, takes the student's to the teacher's
    (FitNets, arXiv:1412.6550, has such a regressor; the cosine replaces its squared distance,
    as lengths do not matter to a search). The map can undo any rotation and scaling, so then the
    similarities need not stay; `RelationalDistillation` holds these. Smaller is better; mean over
    the batch. Under DDP as `ArcFaceLoss`. Computed in float32, also under autocast.
    """

    def __init__(self, student_dimension: int, teacher_dimension: int) -> None:
        """Make the map, random and without bias, if the dimensions differ.

        Raises:
            SettingError: if a dimension is below 1.
        """
        super().__init__()
        if student_dimension < 1 or teacher_dimension < 1:
            raise SettingError(
                f"distillation of {teacher_dimension} into {student_dimension} dimensions is not "
                f"possible: give at least 1 of each"
            )
        self.map = (
            None
            if student_dimension == teacher_dimension
            else nn.Linear(student_dimension, teacher_dimension, bias=False)
        )

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Mean loss, a scalar, of embeddings (n, d) and (n, t); no gradient to the teacher's."""
        with without_autocast(student):
            seen = widened(student)
            if self.map is not None:
                seen = functional.linear(seen, self.map.weight.to(seen.dtype))
            wanted = widened(teacher.detach()).to(seen.dtype)
            return (1.0 - functional.cosine_similarity(seen, wanted)).mean()


class RelationalDistillation(nn.Module):
    """Keep who is near whom within a batch; the dimensions may differ.

    For each picture the cosines to the other pictures of the batch become a distribution by a
    softmax; the loss is the Kullback-Leibler divergence of the student's from the teacher's, mean
    over the pictures, at least 0, smaller is better. Relations instead of embeddings follow
    relational knowledge distillation (arXiv:1904.05068) and similarity-preserving distillation
    (arXiv:1907.09682), which compare distances and rows of similarities; the softmax, which gives
    the near neighbours the weight they have in a ranking, follows SEED (arXiv:2101.04731), with the
    batch in place of its queue.

    Under DDP the batch is that of all ranks (`gather_rows`), but not in evaluation mode. Computed
    in float32 (float64 for float64 embeddings), also under autocast.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        """Set what cosines are divided by; the smaller, the more only the nearest count.

        Raises:
            SettingError: if the temperature is not above 0.
        """
        super().__init__()
        if not 0.0 < temperature < math.inf:
            raise SettingError(f"temperature={temperature} is not possible: give one above 0")
        self.temperature = temperature

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Loss, a scalar, of embeddings (n, d) and (n, t); 0 for fewer than two pictures."""
        with without_autocast(student):
            rows: tuple[Tensor, ...] = (widened(student), widened(teacher.detach()))
            seen, wanted = gather_rows(*rows) if self.training else rows
            if len(seen) < 2:
                return seen.sum() * 0.0
            return functional.kl_div(
                self._log_shares(seen),
                self._log_shares(wanted.to(seen.dtype)),
                reduction="batchmean",
                log_target=True,
            )

    def _log_shares(self, embeddings: Tensor) -> Tensor:
        """Logarithms of each picture's distribution over the others, (n, n - 1)."""
        unit = functional.normalize(embeddings)
        cosines = unit @ unit.T / self.temperature
        others = ~torch.eye(len(unit), dtype=torch.bool, device=unit.device)
        return cosines[others].view(len(unit), -1).log_softmax(dim=1)
