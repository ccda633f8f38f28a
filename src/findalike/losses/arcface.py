"""ArcFace: a classifier on angles that asks for a margin; with sub-centres if wished."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from findalike.errors import SettingError
from findalike.losses.precision import widened, without_autocast


class ArcFaceLoss(nn.Module):
    """Cross-entropy over scaled cosines, the angle to the own class enlarged by a margin.

    The logit of the own class is ``scale * cos(angle + margin)``, that of any other class
    ``scale * cos(angle)`` (ArcFace, arXiv:1801.07698). With K sub-centres a class has K weight
    vectors and its cosine is that of the nearest one, so that an outlier or a second look of a
    product may settle at a centre of its own (sub-center ArcFace, ECCV 2020). The margin may
    differ by class, see `margins_by_frequency`. Smaller is better; mean over the batch.

    Equal to ``ArcFaceLoss`` and ``SubCenterArcFaceLoss`` of pytorch-metric-learning, which takes
    margins in degrees. As there and in the authors' code, beyond ``angle > pi - margin``, where
    ``cos(angle + margin)`` would rise again, the logit is
    ``scale * (cos(angle) - margin * sin(margin))``. Their *easy margin*, which leaves out the
    margin where the angle is above a right one, is not offered: it spares the worst images.
    Deviation: at an angle of 0 or pi, where the slope of the arc cosine is infinite, gradients are
    finite.

    Image ids do not matter. Under DDP each rank takes the mean over its own rows; the mean of
    these is the global one where ranks have batches of one size. Computed in float32 (float64 for
    float64 embeddings), also under autocast.

    Attributes:
        weight: (classes * subcentres, dimension) float32, class after class.
        margin: (classes,) float32, radians; a buffer.
    """

    margin: Tensor

    def __init__(
        self,
        classes: int,
        dimension: int,
        *,
        scale: float = 30.0,
        margin: float | Tensor = 0.3,
        subcentres: int = 1,
    ) -> None:
        """Make centres of random directions.

        Args:
            classes: number of classes C; labels run from 0 to C - 1.
            dimension: of the embeddings.
            scale: what cosines are multiplied by, above 0.
            margin: radians, at least 0 and below pi / 2; one for all classes, or (C,).
            subcentres: centres of each class, at least 1.

        Raises:
            SettingError: if an argument is outside its range.
        """
        super().__init__()
        for name, value in (
            ("classes", classes),
            ("dimension", dimension),
            ("subcentres", subcentres),
        ):
            if value < 1:
                raise SettingError(f"{name}={value} is not possible for ArcFace: give at least 1")
        if not 0.0 < scale < math.inf:
            raise SettingError(f"scale={scale} is not possible for ArcFace: give one above 0")
        margins = torch.as_tensor(margin, dtype=torch.float32).detach().clone()
        if margins.shape not in ((), (classes,)):
            raise SettingError(
                f"margins of shape {tuple(margins.shape)} do not fit {classes} classes: give one "
                f"number, or one a class"
            )
        if not bool(((margins >= 0) & (margins < math.pi / 2)).all()):
            raise SettingError(
                f"a margin of {float(margins.min())} to {float(margins.max())} is not possible for "
                f"ArcFace: give radians of at least 0 and below 1.57"
            )
        self.scale = scale
        self.classes = classes
        self.register_buffer("margin", margins.expand(classes).contiguous())
        self.weight = nn.Parameter(torch.empty(classes * subcentres, dimension))
        # As in the authors' code. Only directions count, but the length sets the pace of turning.
        nn.init.normal_(self.weight, std=0.01)

    def cosines(self, embeddings: Tensor) -> Tensor:
        """Cosine of each embedding and the nearest centre of each class: (n, d) to (n, classes)."""
        with without_autocast(embeddings):
            wide = widened(embeddings)
            centres = functional.normalize(self.weight.to(wide.dtype))
            every = (functional.normalize(wide) @ centres.T).view(len(wide), self.classes, -1)
            # `amax` would share the gradient between centres that tie; the paper has one winner.
            return every.max(dim=2).values

    def forward(self, embeddings: Tensor, labels: Tensor, image_ids: Tensor) -> Tensor:
        """Mean loss, a scalar, of embeddings (n, d) with labels (n,) int64."""
        del image_ids
        with without_autocast(embeddings):
            cosines = self.cosines(embeddings)
            target = labels.unsqueeze(1)
            margin = self.margin[target].to(cosines.dtype)
            enlarged = add_angle(cosines.gather(1, target), margin)
            return functional.cross_entropy(
                self.scale * cosines.scatter(1, target, enlarged), labels
            )


def add_angle(cosines: Tensor, margins: Tensor) -> Tensor:
    """``cos(arccos(cosines) + margins)``, continued by a straight line so that it always falls.

    Args:
        cosines: any shape; rounding may have put them a little beyond -1 and 1.
        margins: of the same shape, radians, 0 to pi / 2.
    """
    # Without the arc cosine: sin is kept off 0, where its slope is infinite and gradients NaN.
    sines = (1.0 - cosines.square()).clamp(min=torch.finfo(cosines.dtype).eps).sqrt()
    inside = cosines * margins.cos() - sines * margins.sin()
    return torch.where(cosines >= -margins.cos(), inside, cosines - margins * margins.sin())
