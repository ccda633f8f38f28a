"""One step of a training, as Lightning wants it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.utils.data import DataLoader

from findalike.config import Run
from findalike.errors import RecipeError
from findalike.losses import EmbeddingDistillation, RelationalDistillation
from findalike.models.network import EmbeddingNetwork
from findalike.training.contracts import Teacher
from findalike.training.feed import Feed, RunBatches, training_loader
from findalike.training.forward import Forward
from findalike.training.length import RunLength
from findalike.training.optimizers import build_optimizer, parameter_groups
from findalike.training.schedules import rate_factor


class TrainingModule(LightningModule):  # type: ignore[misc]  # lightning is not followed
    """The network, its losses, and how they are optimised.

    What is random in a step, such as dropout, follows from the run's seed, the batch's number and
    the rank alone, so a resumed run draws what it would have drawn.

    Attributes:
        network: see `EmbeddingNetwork`.
        losses: one for each entry of the run's ``losses``.
        distillation: the term of the teacher; None without one.
        names: of the terms, in the order of a step's ``values``, whose first one is their sum.
        position: batches this device has seen since the run began.
    """

    def __init__(
        self,
        run: Run,
        *,
        network: EmbeddingNetwork,
        losses: nn.ModuleList,
        feed: Feed,
        length: RunLength,
        teacher: Teacher | None,
    ) -> None:
        super().__init__()
        self.run = run
        self.network = network
        self.losses = losses
        self.distillation = _distillation(run, network, teacher)
        self.names = _term_names(run)
        self.position = 0
        self._feed = feed
        self._length = length
        self._embed = Forward(run, network, teacher)

    def setup(self, stage: str) -> None:
        """Compile the network, in the process that trains it."""
        if self.run.train.compile:
            self.network.compile()

    def train_dataloader(self) -> DataLoader[Any]:
        """The batches of this rank that are still to come."""
        plan = self._feed.plan(self.global_rank, self.trainer.world_size)
        batches = RunBatches(
            plan,
            per_epoch=self._length.batches_per_epoch,
            total=self._length.batches,
            start=self.trainer.global_step * self._length.accumulate,
        )
        return training_loader(
            self._feed.pictures,
            batches,
            workers=self.run.train.workers,
            pinned=self.device.type == "cuda",
        )

    def configure_optimizers(self) -> Any:
        """See Lightning."""
        # 16 bits are for the network; losses compute in 32, and so do the weights they own.
        self.losses.float()
        others = [*self.losses.parameters()]
        if self.distillation is not None:
            self.distillation.float()
            others += self.distillation.parameters()
        groups = parameter_groups(self.run.optimizer, self.network, others)
        if not groups:
            raise RecipeError(
                "nothing is learnt: train.freeze keeps the backbone, and there is no head and no "
                "loss with weights; give model.embedding_size, or freeze less"
            )
        # A scaler of gradients cannot look into a fused step, which clipping needs.
        fused = self.run.train.precision != "16-mixed"
        optimizer = build_optimizer(self.run.optimizer, groups, fused=fused)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: rate_factor(self.run.scheduler, self._length, step)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """See Lightning, which in bf16-mixed refuses fused optimizers for a scaler it has not."""
        if self.run.train.precision == "bf16-mixed" and gradient_clip_val:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            nn.utils.clip_grad_norm_(parameters, gradient_clip_val)
        else:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def training_step(self, batch: Sequence[Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Losses of a batch of (pixels, labels, image ids)."""
        pixels, labels, image_ids = batch
        torch.manual_seed(self._batch_seed())
        if self.run.train.channels_last:
            pixels = pixels.contiguous(memory_format=torch.channels_last)
        embedded = self._embed(pixels)
        terms = [loss(embedded.embeddings, labels, image_ids) for loss in self.losses]
        weights = [section.weight for section in self.run.losses]
        if self.distillation is not None and self.run.distillation is not None:
            terms.append(self.distillation(embedded.compared, embedded.taught))
            weights.append(self.run.distillation.weight)
        total = torch.stack(
            [weight * term for weight, term in zip(weights, terms, strict=True)]
        ).sum()
        values = torch.stack([total, *terms]).detach()
        if values.device.type == "cpu":
            self.require_finite(values, step=self.position // self._length.accumulate + 1)
        return {"loss": total, "values": values}

    def require_finite(self, values: Tensor, *, step: int) -> None:
        """Stop the run where a loss is no number any more.

        Args:
            values: of the terms, as ``names`` has them.
            step: that they are of, counted from 1.

        Raises:
            RecipeError: with the step, the terms, and what to try.
        """
        if bool(torch.isfinite(values).all()):
            return
        shown = zip(self.names, values.tolist(), strict=True)
        terms = ", ".join(f"{name} {value:g}" for name, value in shown)
        raise RecipeError(
            f"the loss is no finite number at step {step} of {self._length.steps} ({terms}): try a "
            f"lower optimizer.lr, more scheduler.warm_up_steps, train.clip_norm=1, or "
            f"train.precision 32-true or bf16-mixed"
        )

    def _batch_seed(self) -> int:
        # Far apart for neighbouring batches; a generator mixes the bits well from there.
        rank = int(self.global_rank)
        mixed = (self.run.train.seed * 0x9E3779B1 + self.position) * 0x85EBCA77 + rank
        return mixed % 2**63


def _term_names(run: Run) -> tuple[str, ...]:
    names = ["train_loss"]
    for section in run.losses:
        name = f"loss/{section.name}"
        again = sum(other == name or other.startswith(f"{name}-") for other in names)
        names.append(f"{name}-{again + 1}" if again else name)
    if run.distillation is not None:
        names.append("loss/distillation")
    return tuple(names)


def _distillation(
    run: Run, network: EmbeddingNetwork, teacher: Teacher | None
) -> EmbeddingDistillation | RelationalDistillation | None:
    section = run.distillation
    if section is None:
        return None
    if teacher is None:
        raise RecipeError("distillation is set, and no teacher was given")
    if section.kind == "relational":
        return RelationalDistillation(section.temperature)
    size = run.input.size
    blank = torch.full((1, 3, size, size), run.input.fill, dtype=torch.uint8)
    with torch.no_grad():
        width = teacher(blank).shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.train.seed)
        seen = network.feature_size if section.kind == "features" else network.embedding_size
        return EmbeddingDistillation(seen, width)
