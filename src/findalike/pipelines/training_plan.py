"""What a recipe would do: files, classes, leaks, shapes, steps, memory; nothing is trained."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from findalike.config import Recipe, Run, resolve_path
from findalike.data.training.mixture import Mixture, MixtureSummary
from findalike.data.training.reading import read_mixture
from findalike.data.training.samplers import BatchPlan
from findalike.errors import RecipeError
from findalike.models.network import EmbeddingNetwork, build_network
from findalike.pipelines.leaks import Leak
from findalike.pipelines.run_leaks import CACHE, check_run_leaks
from findalike.pipelines.run_losses import build_losses
from findalike.pipelines.validation import Validator
from findalike.training.length import run_length
from findalike.training.sharding_parts import largest_part, require_shardable

_BYTES = {"32-true": 4, "bf16-mixed": 2, "16-mixed": 2, "bf16-true": 2}


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes one device needs at least, by what they are for.

    With ``train.strategy`` fsdp, weights, gradients and optimizer are this device's part.

    Attributes:
        weights: of the network and the losses, their running mean and a teacher's copy included.
        gradients: of what is trained.
        optimizer: its state.
        activations: kept for the way back, of one batch; what the runtime needs beside them is
            not in it. With ``fsdp`` the largest part of the weights is put together beside them,
            and all of them, without activations, for the first device to judge.
        memory: the cross-batch memory.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    memory: int

    @property
    def total(self) -> int:
        """Their sum."""
        return self.weights + self.gradients + self.optimizer + self.activations + self.memory


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run would do.

    Attributes:
        start: where its weights come from, in words.
        data: its training data.
        validation: queries and gallery images of each validation set.
        parameters: of the network; ``loss_parameters`` of its losses.
        embedding_size: numbers of an embedding.
        steps: of the optimizer in all; ``steps_per_epoch`` of one epoch.
        need: memory of one device.
        leaks: what it shares with its validation sets, all of it allowed.
    """

    run: Run
    start: str
    data: MixtureSummary
    validation: dict[str, tuple[int, int]]
    parameters: int
    loss_parameters: int
    embedding_size: int
    steps: int
    steps_per_epoch: int
    need: MemoryNeed
    leaks: tuple[Leak, ...] = ()


@dataclass(frozen=True, slots=True)
class _Check:
    """A leak check, and the runs that it is the same for."""

    run: Run
    mixture: Mixture
    validator: Validator
    positions: list[int]


def plan_recipe(
    recipe: Recipe,
    *,
    base: Path,
    devices: int = 1,
    folder: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[RunPlan]:
    """Check all that can be checked without training, and say what would happen.

    Every training image is looked for, galleries and queries are read, backbones are built without
    their weights, and a batch goes through each as shapes. Then the pictures are looked through for
    leaks, as before a training: once for runs of the same data.

    Args:
        base: the recipe's folder.
        devices: on how many it would be trained.
        folder: where the recipe's runs would go. What trainings there know of pictures is used, and
            added to; where there is no such folder, nothing is kept.
        progress: of the leak check, called with what is done, pictures done and pictures in all.

    Raises:
        TrainingDataError: if data cannot be used, or leaks into what judges a run.
        FindalikeError: for the first thing that is wrong.
    """
    plans: list[RunPlan] = []
    checks: dict[str, _Check] = {}
    for run in recipe.runs:
        plan, mixture, validator = _plan(recipe, run, base, devices)
        same = f"{run.data.model_dump_json()} {run.train.seed}"
        check = checks.setdefault(same, _Check(run, mixture, validator, []))
        check.positions.append(len(plans))
        plans.append(plan)
    with tempfile.TemporaryDirectory(prefix="findalike-plan-") as scratch:
        kept = folder if folder is not None and folder.is_dir() else Path(scratch)
        cache = kept / CACHE
        for check in checks.values():
            leaks = check_run_leaks(
                check.run, check.mixture, check.validator.sets, cache=cache, progress=progress
            ).leaks
            for position in check.positions:
                plans[position] = replace(plans[position], leaks=leaks)
    return plans


def start_in_words(recipe: Recipe, run: Run, base: Path) -> str:
    """Where a run's weights come from.

    Raises:
        RecipeError: if it is a file that is not there, or a run that comes later.
    """
    if run.start == "random":
        return f"random weights, seed {run.train.seed}"
    if run.start == "pretrained":
        if run.model.checkpoint is None:
            return f"pretrained weights of {run.model.backbone}"
        return str(_file(run.model.checkpoint, base, "model.checkpoint", run).name)
    parent = recipe.start_of(run)
    if parent is not None:
        return parent
    if run.start in [other.name for other in recipe.runs]:
        raise RecipeError(
            f"run {run.name!r} starts from {run.start!r}, which comes after it: put it before"
        )
    return str(_file(run.start, base, "start", run).name)


def _file(text: str, base: Path, key: str, run: Run) -> Path:
    path = resolve_path(text, base=base)
    if not path.is_file():
        raise RecipeError(
            f"run {run.name!r}: {key} is {text!r}, and there is no file {path}: give random, "
            f"pretrained, previous, an earlier run's name, or a file of weights"
        )
    return path


def _plan(recipe: Recipe, run: Run, base: Path, devices: int) -> tuple[RunPlan, Mixture, Validator]:
    start = start_in_words(recipe, run, base)
    mixture = read_mixture(run.data, base=base)
    validator = Validator(
        run.data.validation,
        base=base,
        spec=run.input.spec(),
        k=run.validate_.k,
        seed=run.train.seed,
    )
    with torch.device("meta"):
        network = build_network(run.model, run.input, start="random").to("meta")
    network.freeze(run.train.freeze)
    losses = build_losses(run, mixture, network.embedding_size)
    summary = mixture.describe()
    batches = BatchPlan(
        mixture,
        run.sampler,
        batch_size=run.train.batch_size,
        seed=run.train.seed,
        world=devices,
    )
    length = run_length(run.train, batches.length)
    plan = RunPlan(
        run=run,
        start=start,
        data=summary,
        validation={
            name: (len(data.queries), len(data.gallery)) for name, data in validator.sets.items()
        },
        parameters=_count(network),
        loss_parameters=sum(_count(loss) for loss in losses),
        embedding_size=network.embedding_size,
        steps=length.steps,
        steps_per_epoch=length.steps_per_epoch,
        need=_need(run, network, losses, devices),
    )
    return plan, mixture, validator


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _need(run: Run, network: EmbeddingNetwork, losses: list[nn.Module], devices: int) -> MemoryNeed:
    parameters = _count(network) + sum(_count(loss) for loss in losses)
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    trained += sum(_count(loss) for loss in losses)
    width = 2 if run.train.precision == "bf16-true" else 4
    copies = 1 + (run.train.ema is not None)
    teacher = run.distillation is not None and run.distillation.teacher == "start"
    state = {"adamw": 2, "adam": 2, "sgd": 1 if run.optimizer.momentum else 0}
    per_picture = _activations(network, run.input.size) * _BYTES[run.train.precision]
    activations, share = per_picture * run.train.batch_size, 1
    if run.train.strategy == "fsdp" and devices > 1:
        require_shardable(network, nn.ModuleList(losses))
        share = devices
        # A part is there with its gradient.
        part = 2 * width * largest_part(network, losses)
        activations = max(activations + part, width * parameters)
    return MemoryNeed(
        weights=width * (copies * parameters // share + (_count(network) if teacher else 0)),
        gradients=width * trained // share,
        optimizer=width * state[run.optimizer.name] * trained // share,
        activations=activations,
        memory=run.memory.size * (4 * network.embedding_size + 16),
    )


def _activations(network: EmbeddingNetwork, size: int) -> int:
    """Numbers that the layers give for one picture, counted on shapes alone."""
    counted: list[int] = []

    def count(module: nn.Module, inputs: object, output: object) -> None:
        del module, inputs
        if isinstance(output, Tensor):
            counted.append(output.numel())

    leaves = [module for module in network.modules() if not list(module.children())]
    with _hooks(leaves, count):
        # Two pictures: batch normalisation in training refuses a single value a channel.
        network.train()(torch.zeros((2, 3, size, size), device="meta"))
    return math.ceil(sum(counted) / 2)


@contextmanager
def _hooks(
    modules: list[nn.Module], hook: Callable[[nn.Module, object, object], None]
) -> Iterator[None]:
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
