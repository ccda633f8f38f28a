"""One run of a recipe: data, network, losses and teacher put together, trained and finished."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from findalike.config import Run, SamplerSection, resolve_path
from findalike.data.training.augment import Augmentation
from findalike.data.training.batch_sampler import InOrder
from findalike.data.training.clutter import make_clutter
from findalike.data.training.dataset import TrainingPictures
from findalike.data.training.mixture import Mixture
from findalike.data.training.reading import read_mixture
from findalike.data.training.samplers import BatchPlan
from findalike.models.bundle import file_sha256
from findalike.models.network import EmbeddingNetwork, build_network
from findalike.models.network_weights import load_weights_into, save_weights
from findalike.pipelines.finish import finish_run
from findalike.pipelines.leaks import LeakReport
from findalike.pipelines.run_leaks import CACHE, check_run_leaks, in_lines
from findalike.pipelines.run_losses import build_losses
from findalike.pipelines.run_record import START_SHA256
from findalike.pipelines.run_whitening import whiten
from findalike.pipelines.teachers import build_teacher
from findalike.pipelines.validation import Validator
from findalike.training import Feed, RunFolder, TrainingProgress, fit
from findalike.training.files import write_json

START = "start.safetensors"
DATA = "data.json"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainedRun:
    """What a finished run came to; ``figures.json`` in its folder.

    Attributes:
        final: figures of the final weights: ``NAME/map``, ``map``, and ``val_loss`` if known.
        best: figures of the best weights of a validation, and
        best_step: the step they are of.
        finish: what was made of the kept weights, in words; "" for nothing.
        interpolated: share of the way from the start that was taken; None for no interpolation.
        steps: of the optimizer.
        epochs: that were begun.
        images: of the training data.
        classes: its labels.
        images_seen: pictures the network was trained on, each as often as it came.
        seconds: spent in training and validation.
        stopped_early: whether it ended for lack of progress.
    """

    final: Mapping[str, float]
    best: Mapping[str, float]
    best_step: int
    finish: str
    interpolated: float | None
    steps: int
    epochs: int
    images: int
    classes: int
    images_seen: int
    seconds: float
    stopped_early: bool


def train_run(
    run: Run,
    *,
    base: Path,
    folder: Path,
    mark: str,
    start: str,
    parent: Path | None,
    devices: str = "auto",
    progress: TrainingProgress | None = None,
    tell: Say,
) -> TrainedRun:
    """Train one run, or go on with it where its folder has a checkpoint.

    Args:
        run: its settings.
        base: folder of the recipe.
        folder: of the run.
        mark: fingerprint of the run and all it depends on.
        start: where its weights come from, in words.
        parent: file of the weights it starts from; None for random or pretrained ones.
        devices: see `findalike.training.devices.parse_devices`.
        progress: is told of each step.
        tell: is told what happens besides.

    Raises:
        TrainingDataError: if the data cannot be used, or leaks into the validation sets.
        FindalikeError: for anything else that is wrong.
    """
    mixture = read_mixture(run.data, base=base)
    validator = Validator(
        run.data.validation,
        base=base,
        spec=run.input.spec(),
        k=run.validate_.k,
        seed=run.train.seed,
    )
    _tell_data(mixture, tell)
    leaks = check_run_leaks(
        run, mixture, validator.sets, cache=folder.parent / CACHE, progress=in_lines(tell)
    )
    torch.manual_seed(run.train.seed)
    network = _network(run, base)
    losses = nn.ModuleList(build_losses(run, mixture, network.embedding_size))
    labels = [list(mixture.label_name(label)) for label in range(mixture.classes)]
    left = _take_over(network, losses, parent, labels, tell) if parent is not None else None
    # Whether the head came with the weights.
    fitted = left is not None and not any(name.startswith("network.head.") for name in left)
    with RunFolder.open(
        folder, run, fingerprint=mark, start=start, devices=devices, base=base
    ) as opened:
        whitened = run.model.head == "whitening"
        if whitened and not (fitted or opened.resuming):
            tell("whitening the features of the training photos")
            whiten(run, network, mixture)
        _write_data(folder, mixture, labels, leaks, parent)
        if run.finish.interpolate and not (folder / START).is_file():
            save_weights(folder / START, network, _learnt(losses, left), {"start": start})
        feed = _feed(run, mixture)
        result = fit(
            run,
            network=network,
            losses=losses,
            feed=feed,
            folder=opened,
            validate=validator if validator.sets else None,
            teacher=build_teacher(run.distillation, network, base=base)
            if run.distillation
            else None,
            devices=devices,
            progress=progress,
        )
        finished = finish_run(
            run,
            result,
            network=network,
            start=folder / START,
            validate=validator,
            refit=partial(whiten, run, network, mixture, turned=True) if whitened else None,
            tell=tell,
        )
        _tell_unreadable(feed, tell)
        trained = TrainedRun(
            final=finished.figures,
            best=result.best.figures,
            best_step=result.best.step,
            finish=finished.said,
            interpolated=finished.interpolated,
            steps=result.steps,
            epochs=result.epochs,
            images=mixture.size,
            classes=mixture.classes,
            images_seen=result.images,
            seconds=result.seconds,
            stopped_early=result.stopped_early,
        )
        write_json(folder / "figures.json", asdict(trained))
        opened.finish()
    return trained


def _network(run: Run, base: Path) -> EmbeddingNetwork:
    pretrained = run.start == "pretrained"
    checkpoint = run.model.checkpoint if pretrained else None
    return build_network(
        run.model,
        run.input,
        start="pretrained" if pretrained else "random",
        checkpoint=resolve_path(checkpoint, base=base) if checkpoint is not None else None,
        seed=run.train.seed,
    )


def _take_over(
    network: EmbeddingNetwork,
    losses: nn.ModuleList,
    parent: Path,
    labels: list[list[str]],
    tell: Say,
) -> tuple[str, ...]:
    """Start from another run's weights; class weights only where the classes are the same.

    Returns:
        Names of what keeps its own values, as in the file.
    """
    same = _labels_of(parent) == labels
    left = load_weights_into(network, parent, losses=losses if same else None).left
    if left:
        tell(f"new in this run: {', '.join(left[:4])}{' …' if len(left) > 4 else ''}")
    own = () if same else tuple(f"losses.{name}" for name, _ in losses.named_parameters())
    return left + own


def _learnt(losses: nn.Module, left: tuple[str, ...] | None) -> dict[str, Tensor]:
    """What the losses have from another run; nothing of what is drawn at random."""
    if left is None:
        return {}
    return {
        name: parameter.detach()
        for name, parameter in losses.named_parameters()
        if f"losses.{name}" not in left
    }


def _labels_of(weights: Path) -> object:
    path = weights.parent.parent / DATA
    try:
        return json.loads(path.read_text(encoding="utf-8")).get("labels")
    except (OSError, ValueError, AttributeError):
        return None


def _feed(run: Run, mixture: Mixture) -> Feed:
    spec = run.input.spec()
    clutter = make_clutter(mixture, spec, seed=run.train.seed) if run.augment.paste else None
    pictures = TrainingPictures(
        mixture,
        spec,
        augmentation=Augmentation(run.augment, spec, clutter=clutter),
        cache=run.train.cache,
    )
    batch = run.train.batch_size
    return Feed(
        pictures=pictures,
        plan=_Plans(mixture, run.sampler, batch, run.train.seed),
        validation=TrainingPictures(mixture, spec) if mixture.val_size else None,
        validation_batches=list(InOrder(mixture, batch_size=batch)),
    )


@dataclass(frozen=True, slots=True)
class _Plans:
    """Makes the plan of each device; a class, so that it can be sent to its process."""

    mixture: Mixture
    section: SamplerSection
    batch_size: int
    seed: int

    def __call__(self, rank: int, world: int) -> BatchPlan:
        return BatchPlan(
            self.mixture,
            self.section,
            batch_size=self.batch_size,
            seed=self.seed,
            rank=rank,
            world=world,
        )


def _write_data(
    folder: Path,
    mixture: Mixture,
    labels: list[list[str]],
    leaks: LeakReport,
    parent: Path | None,
) -> None:
    summary = mixture.describe()
    described = {
        "images": summary.images,
        "val_images": summary.val_images,
        "classes": summary.classes,
        "sets": [asdict(entry) | {"root": entry.root.name} for entry in summary.sets],
        "leaks": [
            {
                "kind": leak.kind,
                "validation": leak.validation,
                "training": leak.training,
                "count": leak.count,
                "allowed": leak.allowed,
            }
            for leak in leaks.leaks
        ],
        "labels": labels,
        START_SHA256: file_sha256(parent) if parent is not None else None,
    }
    write_json(folder / DATA, described)


def _tell_data(mixture: Mixture, tell: Say) -> None:
    for entry in mixture.describe().sets:
        said = f"{entry.name}: {entry.images:,} images of {entry.classes:,} labels"
        if entry.val_images:
            said += f", {entry.val_images:,} more for the validation loss"
        tell(said)
        refused = next(known.refused for known in mixture.sets if known.name == entry.name)
        for refusal in refused[:3]:
            tell(
                f"{refusal.file}, row {refusal.row} left out: {refusal.column} "
                f"{refusal.value!r}: {refusal.reason}; allowed: {refusal.allowed}"
            )
        if len(refused) > 3:
            tell(f"{len(refused):,} rows of {entry.name} were left out in all")


def _tell_unreadable(feed: Feed, tell: Say) -> None:
    if isinstance(feed.pictures, TrainingPictures):
        for reason in feed.pictures.unreadable()[:10]:
            tell(f"replaced by another picture of its label: {reason}")
