"""What a recipe would do: files, classes, shapes, steps and memory, without training anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from findalike.config import Recipe, Run, resolve_path
from findalike.data.training.mixture import MixtureSummary
from findalike.data.training.reading import read_mixture
from findalike.data.training.samplers import BatchPlan
from findalike.errors import RecipeError
from findalike.models.network import EmbeddingNetwork, build_network
from findalike.pipelines.run_losses import build_losses
from findalike.pipelines.validation import Validator
from findalike.training.length import run_length

_BYTES = {"32-true": 4, "bf16-mixed": 2, "16-mixed": 2, "bf16-true": 2}


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """Bytes one device needs at least, by what they are for.

    Attributes:
        weights: of the network and the losses, their running mean and a teacher's copy included.
        gradients: of what is trained.
        optimizer: its state.
        activations: kept for the way back, of one batch; what the runtime needs beside them is
            not in it.
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


def plan_recipe(recipe: Recipe, *, base: Path, devices: int = 1) -> list[RunPlan]:
    """Check all that can be checked without training, and say what would happen.

    Every training image is looked for, galleries and queries are read, backbones are built without
    their weights, and a batch goes through each as shapes.

    Args:
        base: the recipe's folder.
        devices: on how many it would be trained.

    Raises:
        FindalikeError: for the first thing that is wrong.
    """
    return [_plan(recipe, run, base, devices) for run in recipe.runs]


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


def _plan(recipe: Recipe, run: Run, base: Path, devices: int) -> RunPlan:
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
    return RunPlan(
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
        need=_need(run, network, losses),
    )


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _need(run: Run, network: EmbeddingNetwork, losses: list[nn.Module]) -> MemoryNeed:
    parameters = _count(network) + sum(_count(loss) for loss in losses)
    trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
    trained += sum(_count(loss) for loss in losses)
    width = 2 if run.train.precision == "bf16-true" else 4
    copies = 1 + (run.train.ema is not None)
    teacher = run.distillation is not None and run.distillation.teacher == "start"
    state = {"adamw": 2, "adam": 2, "sgd": 1 if run.optimizer.momentum else 0}
    per_picture = _activations(network, run.input.size) * _BYTES[run.train.precision]
    return MemoryNeed(
        weights=width * (copies * parameters + (_count(network) if teacher else 0)),
        gradients=width * trained,
        optimizer=width * state[run.optimizer.name] * trained,
        activations=per_picture * run.train.batch_size,
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
