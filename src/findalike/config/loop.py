"""The sections ``train``, ``validate``, ``keep``, ``finish`` and ``logging`` of a run."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from findalike.config.section import Section


class TrainSection(Section):
    """The loop.

    Attributes:
        epochs: passes over as many images as there are; give this or ``steps``.
        steps: steps of the optimizer.
        batch_size: images of a step on one device, before ``accumulate``.
        accumulate: batches whose gradients make one step.
        precision: Lightning's names.
        clip_norm: largest norm of the gradient; None for no limit.
        ema: decay of a running mean of the weights, which is then what is validated and kept;
            None for none (arXiv:1703.01780 uses 0.99 to 0.999).
        freeze: parts of the backbone that stay as they are: all of it, or its first so many stages.
        freeze_epochs: so many epochs with the whole backbone frozen first.
        freeze_batch_norm: keep the statistics and weights of batch normalisation.
        channels_last: memory layout that convolutions are faster in.
        compile: `torch.compile` the network.
        strategy: how several devices train together: with ``ddp`` each holds all weights; with
            ``fsdp`` weights, gradients and the optimizer's state are shared out among them
            (arXiv:2304.11277), for networks too large for one of them. Nothing else changes, and a
            run may be gone on with by the other one.
        seed: of the weights that start random, the batches and the augmentations.
        workers: processes that read pictures; 0 reads in the main process.
        cache: keep decoded pictures in memory, at the size they are used in.
    """

    epochs: int | None = Field(default=None, ge=1)
    steps: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=64, ge=1, le=65_536)
    accumulate: int = Field(default=1, ge=1)
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true"] = "32-true"
    clip_norm: Annotated[float, Field(gt=0.0)] | None = None
    ema: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    freeze: Literal["none", "backbone"] | Annotated[int, Field(ge=1)] = "none"
    freeze_epochs: int = Field(default=0, ge=0)
    freeze_batch_norm: bool = False
    channels_last: bool = False
    compile: bool = False
    strategy: Literal["ddp", "fsdp"] = "ddp"
    seed: int = Field(default=0, ge=0, lt=2**32)
    workers: int = Field(default=0, ge=0, le=256)
    cache: bool = False

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.epochs is not None and self.steps is not None:
            raise ValueError(
                "give epochs or steps, not both: write null for the one that is inherited"
            )
        return self

    @model_validator(mode="after")
    def _shareable(self) -> Self:
        if self.strategy == "fsdp" and self.precision == "16-mixed":
            raise ValueError(
                "precision 16-mixed scales gradients, which strategy fsdp has no whole ones of: "
                "use bf16-mixed, bf16-true or 32-true, or strategy ddp"
            )
        if self.strategy == "fsdp" and self.compile:
            raise ValueError(
                "compile is not offered together with strategy fsdp: leave one of them out"
            )
        return self


class ValidateSection(Section):
    """When the run is judged, by what, and when it ends early.

    Attributes:
        every_epochs: validate after every so many epochs.
        every_steps: validate after every so many steps as well.
        criterion: what ``best`` means: ``map``, the mean mAP of all validation sets;
            ``NAME/map`` of one of them; or ``loss``, the validation loss, where less is better,
            and which it is where there are no validation sets.
        patience: stop after so many validations without a better one; None to go on.
        least_gain: what counts as better.
        k: depth of the rankings.
    """

    every_epochs: int = Field(default=1, ge=1)
    every_steps: int | None = Field(default=None, ge=1)
    criterion: str = Field(default="map", pattern=r"^(loss|map|[A-Za-z0-9][A-Za-z0-9._-]*/map)$")
    patience: int | None = Field(default=None, ge=1)
    least_gain: float = Field(default=0.0, ge=0.0)
    k: int = Field(default=1000, ge=1)


class KeepSection(Section):
    """Which weights stay in the run folder beside ``best`` and ``last``.

    Attributes:
        weights: those of ``every`` validation, of the ``top`` ones, or ``none``.
        top: how many, by the criterion.
        checkpoint_steps: save what a resumed run needs every so many steps, not only after
            epochs.
    """

    weights: Literal["every", "top", "none"] = "top"
    top: int = Field(default=3, ge=1)
    checkpoint_steps: int | None = Field(default=None, ge=1)


class FinishSection(Section):
    """What is made of the weights after the last step.

    Attributes:
        soup: ``greedy`` averages the kept weights, best first, as long as the criterion does not
            fall (arXiv:2203.05482); ``uniform`` averages them all; ``none`` takes the best.
        interpolate: steps towards the result from the weights the run started with, each judged by
            the criterion, the best one taken (arXiv:2109.01903); one value is simply taken. Empty
            for none.
    """

    soup: Literal["none", "greedy", "uniform"] = "none"
    interpolate: tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...] = ()


class LoggingSection(Section):
    """Where figures go besides ``metrics.csv`` and TensorBoard.

    Attributes:
        every_steps: how often the training loss is written.
        mlflow: address of a tracking server, or a folder.
        wandb: name of a project at Weights & Biases.
    """

    every_steps: int = Field(default=10, ge=1)
    mlflow: str | None = None
    wandb: str | None = None
