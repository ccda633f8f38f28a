"""Every key of a run is read, and makes another run of it."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from small_recipe import FIRST

from findalike.config import Run, fingerprint

# One value that is not the default for every key, with what else must then be said.
CONTRASTIVE = "losses.0={name: contrastive}"
SUPERVISED = "losses.0={name: supervised-contrastive}"
TRIPLET = "losses.0={name: triplet}"
LEVEL = "model.levels=[{at: blocks.3}]"
CROSS_ENTROPY = "losses.0={name: cross-entropy}"
OTHER: dict[str, tuple[str, ...]] = {
    "name": ("name=other",),
    "start": ("start=random",),
    "model.backbone": ("model.backbone=vgg16",),
    "model.checkpoint": ("model.checkpoint=package:x/y.pth",),
    "model.pooling": ("model.pooling=gem",),
    "model.gem_power": ("model.gem_power=4",),
    "model.border": ("model.border=0.5",),
    "model.levels.at": (LEVEL, "model.levels.0.at=blocks.2"),
    "model.levels.weight": (LEVEL, "model.levels.0.weight=2"),
    "model.whitening.within": ("model.whitening.within=0.5",),
    "model.whitening.shrink": ("model.whitening.shrink=2",),
    "model.whitening.domains_of": ("model.whitening.domains_of=[photos]",),
    "model.whitening.images": ("model.whitening.images=9",),
    "model.embedding_size": ("model.embedding_size=null",),
    "model.head": ("model.head=linear-bn",),
    "model.dropout": ("model.dropout=0.2",),
    "input.size": ("input.size=160",),
    "input.resize": ("input.resize=stretch",),
    "input.context": ("input.context=0",),
    "input.fill": ("input.fill=0",),
    "input.mean": ("input.mean=[0.5, 0.5, 0.5]",),
    "input.std": ("input.std=[0.5, 0.5, 0.5]",),
    "data.train.name": ("data.train.0.name=other",),
    "data.train.path": ("data.train.0.path=other.csv",),
    "data.train.reader": ("data.train.0.reader=catalogue",),
    "data.train.domain": ("data.train.0.domain=user",),
    "data.train.root": ("data.train.0.root=photos",),
    "data.train.where": ("data.train.0.where=[domain=user]",),
    "data.train.labels": ("data.train.0.labels=image",),
    "data.train.views": ("data.train.0.views=3",),
    "data.train.min_images": ("data.train.0.min_images=2",),
    "data.train.share": ("data.train.0.share=0.5",),
    "data.classes": ("data.classes=42",),
    "data.validation.name": ("data.validation.0.name=other",),
    "data.validation.gallery": ("data.validation.0.gallery=other.csv",),
    "data.validation.queries": ("data.validation.0.queries=other.csv",),
    "data.validation.root": ("data.validation.0.root=photos",),
    "data.validation.where": ("data.validation.0.where=[split=seen]",),
    "data.validation.limit": ("data.validation.0.limit=9",),
    "data.allow_leaks": ("data.allow_leaks=[shop]",),
    "losses.cross-entropy.weight": (CROSS_ENTROPY, "losses.0.weight=2"),
    "losses.cross-entropy.smoothing": (CROSS_ENTROPY, "losses.0.smoothing=0.1"),
    "losses.arcface.weight": ("losses.0.weight=2",),
    "losses.arcface.scale": ("losses.0.scale=30",),
    "losses.arcface.margin": ("losses.0.margin=[0.05, 0.45]",),
    "losses.arcface.subcentres": ("losses.0.subcentres=3",),
    "losses.contrastive.weight": (CONTRASTIVE, "losses.0.weight=2"),
    "losses.contrastive.positive_margin": (CONTRASTIVE, "losses.0.positive_margin=0.9"),
    "losses.contrastive.negative_margin": (CONTRASTIVE, "losses.0.negative_margin=0.4"),
    "losses.contrastive.reduction": (CONTRASTIVE, "losses.0.reduction=anchors"),
    "losses.supervised-contrastive.weight": (SUPERVISED, "losses.0.weight=2"),
    "losses.supervised-contrastive.temperature": (SUPERVISED, "losses.0.temperature=0.2"),
    "losses.supervised-contrastive.across": (SUPERVISED, "losses.0.across=0.5"),
    "losses.triplet.weight": (TRIPLET, "losses.0.weight=2"),
    "losses.triplet.miner": (TRIPLET, "losses.0.miner=batch-hard"),
    "losses.triplet.options": (TRIPLET, "losses.0.options={margin: 0.2}"),
    "losses.triplet.miner_options": (TRIPLET, "losses.0.miner_options={epsilon: 0.2}"),
    "memory.size": (CONTRASTIVE, "memory.size=9"),
    "memory.weight": (CONTRASTIVE, "memory.weight=9"),
    "memory.warm_up_steps": (CONTRASTIVE, "memory.warm_up_steps=9"),
    "distillation.teacher": ("distillation.teacher=[start, other]",),
    "distillation.kind": ("distillation.kind=embedding",),
    "distillation.weight": ("distillation.weight=3",),
    "distillation.temperature": ("distillation.temperature=0.2",),
    "sampler.name": ("sampler.name=balanced",),
    "sampler.per_class": ("sampler.per_class=2",),
    "sampler.per_group": ("sampler.per_group=2",),
    "sampler.both_domains": ("sampler.both_domains=true",),
    "augment.paste.probability": ("augment.paste.probability=1",),
    "augment.paste.scale": ("augment.paste.scale=[0.2, 0.3]",),
    "augment.paste.degrees": ("augment.paste.degrees=1",),
    "augment.crop.area": ("augment.crop.area=[0.2, 0.3]",),
    "augment.crop.ratio": ("augment.crop.ratio=[1, 2]",),
    "augment.flip": ("augment.flip=0.5",),
    "augment.policy": ("augment.policy=auto",),
    "augment.colour.probability": ("augment.colour.probability=1",),
    "augment.colour.brightness": ("augment.colour.brightness=1",),
    "augment.colour.contrast": ("augment.colour.contrast=1",),
    "augment.colour.saturation": ("augment.colour.saturation=1",),
    "augment.colour.hue": ("augment.colour.hue=0.5",),
    "augment.grey": ("augment.grey=0.5",),
    "augment.phone.blur": ("augment.phone.blur=1",),
    "augment.phone.sigma": ("augment.phone.sigma=1",),
    "augment.phone.jpeg": ("augment.phone.jpeg=1",),
    "augment.phone.quality": ("augment.phone.quality=[1, 2]",),
    "augment.erase": ("augment.erase=0.5",),
    "optimizer.name": ("optimizer.name=sgd",),
    "optimizer.lr": ("optimizer.lr=1e-3",),
    "optimizer.backbone_lr": ("optimizer.backbone_lr=1e-3",),
    "optimizer.layer_decay": ("optimizer.layer_decay=0.5",),
    "optimizer.weight_decay": ("optimizer.weight_decay=0",),
    "optimizer.momentum": ("optimizer.momentum=0",),
    "optimizer.betas": ("optimizer.betas=[0, 0]",),
    "scheduler.name": ("scheduler.name=step",),
    "scheduler.warm_up_steps": ("scheduler.warm_up_steps=9",),
    "scheduler.final": ("scheduler.final=1",),
    "scheduler.step_epochs": ("scheduler.step_epochs=9",),
    "scheduler.gamma": ("scheduler.gamma=1",),
    "train.epochs": ("train.epochs=9",),
    "train.steps": ("train.epochs=null", "train.steps=9"),
    "train.batch_size": ("train.batch_size=9",),
    "train.accumulate": ("train.accumulate=9",),
    "train.precision": ("train.precision=bf16-mixed",),
    "train.clip_norm": ("train.clip_norm=9",),
    "train.ema": ("train.ema=0.9",),
    "train.freeze": ("train.freeze=2",),
    "train.freeze_epochs": ("train.freeze_epochs=1",),
    "train.freeze_batch_norm": ("train.freeze_batch_norm=true",),
    "train.channels_last": ("train.channels_last=true",),
    "train.compile": ("train.compile=true",),
    "train.seed": ("train.seed=9",),
    "train.workers": ("train.workers=9",),
    "train.cache": ("train.cache=true",),
    "validate.every_epochs": ("validate.every_epochs=9",),
    "validate.every_steps": ("validate.every_steps=9",),
    "validate.criterion": ("validate.criterion=shop/map",),
    "validate.patience": ("validate.patience=9",),
    "validate.least_gain": ("validate.least_gain=9",),
    "validate.k": ("validate.k=9",),
    "keep.weights": ("keep.weights=every",),
    "keep.top": ("keep.top=9",),
    "keep.checkpoint_steps": ("keep.checkpoint_steps=9",),
    "finish.soup": ("finish.soup=greedy",),
    "finish.interpolate": ("finish.interpolate=[0.5]",),
}
# Keys that name a member of a union, or that change no weights.
UNNAMED = {"description", "logging.every_steps", "logging.mlflow", "logging.wandb"}


def keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{before}{field.alias or name}"
        inside = list(sections(field.annotation))
        for section in inside:
            tag = f"{tag_of(section)}." if len(inside) > 1 else ""
            yield from keys(section, f"{key}.{tag}")
        is_tag = before.startswith("losses.") and name == "name"
        if not inside and not is_tag:
            yield key


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, Annotated, tuple):
        for part in get_args(annotation):
            yield from sections(part)


def tag_of(section: type[BaseModel]) -> str:
    return str(get_args(section.model_fields["name"].annotation)[0])


def test_the_table_has_every_key():
    assert set(keys(Run)) == set(OTHER) | UNNAMED


@pytest.mark.parametrize("key", sorted(set(OTHER) - {"train.steps"}))
def test_every_key_makes_another_run(read, key):
    *before, last = OTHER[key]
    old, new = read(FIRST, *before).runs[0], read(FIRST, *before, last).runs[0]
    assert fingerprint(new, None) != fingerprint(old, None)


def test_steps_in_place_of_epochs_make_another_run(read):
    old, new = read(FIRST).runs[0], read(FIRST, *OTHER["train.steps"]).runs[0]
    assert fingerprint(new, None) != fingerprint(old, None)
