"""A recipe: an ordered list of runs, each starting from the weights of one before it."""

from __future__ import annotations

import hashlib
from typing import Self

from pydantic import Field, model_validator

from findalike.config.data import DataSection, Name
from findalike.config.loop import (
    FinishSection,
    KeepSection,
    LoggingSection,
    TrainSection,
    ValidateSection,
)
from findalike.config.losses import DistillationSection, Loss, MemorySection
from findalike.config.model import InputSection, ModelSection
from findalike.config.optimizing import OptimizerSection, SchedulerSection
from findalike.config.sampling import AugmentSection, SamplerSection
from findalike.config.section import Section

RESERVED_STARTS = ("random", "pretrained", "previous")


class Run(Section):
    """One training, with every setting it depends on.

    Attributes:
        name: of the run, and of its folder.
        description: for the reader.
        start: where the weights come from: ``random``; ``pretrained`` for the checkpoint or hub of
            the model; ``previous`` for the run before this one; another run's name; or a file of
            weights, relative to the recipe. The head and the losses' own weights are taken over
            where their shapes agree.
        losses: their weighted sum is what is minimised.
    """

    name: Name
    description: str = ""
    start: str = Field(min_length=1)
    model: ModelSection
    input: InputSection = InputSection()
    data: DataSection
    losses: tuple[Loss, ...] = Field(min_length=1)
    memory: MemorySection = MemorySection()
    distillation: DistillationSection | None = None
    sampler: SamplerSection = SamplerSection()
    augment: AugmentSection = AugmentSection()
    optimizer: OptimizerSection = OptimizerSection()
    scheduler: SchedulerSection = SchedulerSection()
    train: TrainSection
    validate_: ValidateSection = Field(default=ValidateSection(), alias="validate")
    keep: KeepSection = KeepSection()
    finish: FinishSection = FinishSection()
    logging: LoggingSection = LoggingSection()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name in RESERVED_STARTS:
            raise ValueError(f"a run cannot be named {self.name!r}: that is a kind of start")
        if _is_key(self.name):
            raise ValueError(
                f"a run cannot be named {self.name!r}: its first part is a key of "
                f"every run, which --set would take it for"
            )
        if self.train.epochs is None and self.train.steps is None:
            raise ValueError("train needs epochs or steps")
        contrastive = any(loss.name == "contrastive" for loss in self.losses)
        if self.memory.size and not contrastive:
            raise ValueError(
                "memory is there for the loss 'contrastive', which is not among losses"
            )
        self._require_criterion()
        return self

    def _require_criterion(self) -> None:
        if not self.data.validation and "criterion" not in self.validate_.model_fields_set:
            judged = self.validate_.model_copy(update={"criterion": "loss"})
            # Past the lock of a frozen section, for it is still being made.
            object.__setattr__(self, "validate_", judged)
        criterion = self.validate_.criterion
        sets = [f"{entry.name}/map" for entry in self.data.validation]
        allowed = ["map", *sorted(sets), "loss"] if sets else ["loss"]
        if criterion not in allowed:
            missing = "" if sets else " as long as data.validation names no set"
            raise ValueError(
                f"validate.criterion is {criterion!r}: {', '.join(allowed)} {_are(allowed)} "
                f"allowed{missing}"
            )


def _is_key(name: str) -> bool:
    """Whether ``--set`` takes what begins with this name for a key of a run."""
    keys = {field.alias or key for key, field in Run.model_fields.items()}
    return name.split(".", maxsplit=1)[0] in keys


def _are(allowed: list[str]) -> str:
    return "are" if len(allowed) > 1 else "is"


class Recipe(Section):
    """What a YAML file holds, every run with all its settings.

    Attributes:
        name: of the recipe, and of its folder.
        description: for the reader.
        runs: in the order they are trained in.
    """

    name: Name
    description: str = ""
    runs: tuple[Run, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _chain(self) -> Self:
        names = [run.name for run in self.runs]
        before: list[str] = []
        for run in self.runs:
            if run.name in before:
                raise ValueError(f"two runs are named {run.name!r}: give each its own name")
            if run.start == "previous" and not before:
                raise ValueError(
                    f"run {run.name!r} is the first one and starts from 'previous': write "
                    f"random, pretrained or a file of weights"
                )
            if run.start in names and run.start not in before:
                raise ValueError(
                    f"run {run.name!r} starts from {run.start!r}, which does not come before it"
                )
            before.append(run.name)
        for name in names:
            for other in names:
                if name.startswith(f"{other}.") and _is_key(name[len(other) + 1 :]):
                    raise ValueError(
                        f"a run cannot be named {name!r} beside one named {other!r}: --set could "
                        f"not tell it from a key of that one"
                    )
        return self

    def start_of(self, run: Run) -> str | None:
        """Name of the run whose weights ``run`` starts from; None if it starts from none."""
        names = [other.name for other in self.runs]
        position = names.index(run.name)
        if run.start == "previous":
            return names[position - 1]
        return run.start if run.start in names[:position] else None


def fingerprint(run: Run, parent: str | None) -> str:
    """SHA-256 of all that a run's weights depend on: its settings and those of its ancestors.

    Args:
        parent: fingerprint of the run whose weights it starts from.
    """
    # Which devices a run is trained on, and how they share it, changes nothing of what it learns.
    settings = run.model_dump_json(
        by_alias=True, exclude={"description": True, "logging": True, "train": {"strategy": True}}
    )
    return hashlib.sha256(f"{parent or ''}\n{settings}".encode()).hexdigest()
