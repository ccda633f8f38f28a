"""The sections ``losses``, ``memory`` and ``distillation`` of a run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from findalike.config.section import Section

Weight = Annotated[float, Field(gt=0.0)]
Margin = Annotated[float, Field(ge=0.0, le=1.5)]


class CrossEntropy(Section):
    """A linear classifier over the labels: the baseline.

    Attributes:
        weight: of this loss in the sum.
        smoothing: share of the label that is spread over all of them (arXiv:1512.00567).
    """

    name: Literal["cross-entropy"]
    weight: Weight = 1.0
    smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)


class ArcFace(Section):
    """ArcFace (arXiv:1801.07698), with sub-centres and margins by frequency.

    Attributes:
        weight: of this loss in the sum.
        scale: of the cosines.
        margin: angle in radians, the same for every class; or the least and the largest one, from
            the most to the least frequent class (arXiv:2010.05350).
        subcentres: centres of each class (ECCV 2020, sub-center ArcFace).
    """

    name: Literal["arcface"]
    weight: Weight = 1.0
    scale: float = Field(default=30.0, gt=0.0)
    margin: Margin | tuple[Margin, Margin] = 0.3
    subcentres: int = Field(default=1, ge=1, le=16)

    @model_validator(mode="after")
    def _margins_rise(self) -> Self:
        if isinstance(self.margin, tuple) and self.margin[0] > self.margin[1]:
            raise ValueError(f"margin {list(self.margin)} must go from the least to the largest")
        return self


class Contrastive(Section):
    """Contrastive loss on cosines, within the batch and with the memory (arXiv:1912.06798).

    Attributes:
        weight: of this loss in the sum.
        positive_margin: pairs of one product are pulled until their cosine is this high.
        negative_margin: pairs of two products are pushed while their cosine is above this.
        reduction: mean over the ``pairs`` that cost something, or sum over them for each image of
            the batch and mean over these ``anchors``, as in the paper.
    """

    name: Literal["contrastive"]
    weight: Weight = 1.0
    positive_margin: float = Field(default=1.0, ge=-1.0, le=1.0)
    negative_margin: float = Field(default=0.5, ge=-1.0, le=1.0)
    reduction: Literal["pairs", "anchors"] = "pairs"


class SupervisedContrastive(Section):
    """Supervised contrastive loss (arXiv:2004.11362): a softmax over the batch.

    Attributes:
        weight: of this loss in the sum.
        temperature: that cosines are divided by.
        across: share of a second term, in which each user photo looks for its product among the
            seller photos of the batch only, as a search does.
    """

    name: Literal["supervised-contrastive"]
    weight: Weight = 1.0
    temperature: float = Field(default=0.1, gt=0.0)
    across: float = Field(default=0.0, ge=0.0, le=1.0)


class MetricLearning(Section):
    """A loss of pytorch-metric-learning by name, with a miner if one is named.

    Attributes:
        weight: of this loss in the sum.
        miner: what picks the pairs or triplets that count; all of them by default.
        options: arguments of the loss.
        miner_options: arguments of the miner.
    """

    name: Literal["triplet", "multi-similarity", "proxy-anchor", "soft-triple"]
    weight: Weight = 1.0
    miner: Literal["multi-similarity", "batch-hard", "triplet-margin"] | None = None
    options: dict[str, float | str] = Field(default_factory=dict)
    miner_options: dict[str, float | str] = Field(default_factory=dict)


Loss = Annotated[
    CrossEntropy | ArcFace | Contrastive | SupervisedContrastive | MetricLearning,
    Field(discriminator="name"),
]


class MemorySection(Section):
    """The cross-batch memory of the contrastive loss.

    Attributes:
        size: how many embeddings it holds; 0 for none.
        warm_up_steps: steps of the optimizer before it counts, while embeddings still move fast.
        weight: of the pairs with the memory beside those of the batch.
    """

    size: int = Field(default=0, ge=0, le=10_000_000)
    warm_up_steps: int = Field(default=0, ge=0)
    weight: Weight = 1.0


class DistillationSection(Section):
    """Stay near what a frozen teacher says of the same pictures.

    Attributes:
        teacher: ``start`` for the weights the run starts with, or the name or folder of an
            encoder bundle; several are joined into one embedding.
        kind: ``relational`` compares the similarities between the pictures of a batch;
            ``embedding`` the embeddings themselves, through a learnt linear map where the sizes
            differ; ``features`` what the head is given, likewise.
        weight: of the term beside the losses.
        temperature: of the softmax over similarities, for ``relational``.
    """

    teacher: str | tuple[str, ...] = "start"
    kind: Literal["embedding", "features", "relational"] = "relational"
    weight: Weight = 1.0
    temperature: float = Field(default=0.1, gt=0.0)
