"""Ranges and pairs of the sections."""

from __future__ import annotations

import pytest
from small_recipe import FIRST


@pytest.mark.parametrize(
    "override",
    [
        "losses.0.margin=0.0",
        "losses.0.margin=1.5",
        "losses.0.margin=[0.05, 0.45]",
        "losses.0.margin=[0.3, 0.3]",
        "train.freeze=backbone",
        "train.freeze=1",
        "augment.phone.quality=[1, 100]",
        "augment.paste.scale=[1, 1]",
        "finish.interpolate=[0.25, 0.5, 1.0]",
        "data.train.0.where=['title=a=b', 'domain=']",
        "distillation.teacher=[start, bundle]",
        "model.embedding_size=2",
    ],
)
def test_allowed(read, override):
    read(FIRST, override)


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("losses.0.margin=1.6", "losses.0.margin"),
        ("losses.0.margin=-0.1", "losses.0.margin"),
        ("losses.0.margin=[0.1]", "losses.0.margin"),
        ("losses.0.scale=0", "losses.0.scale"),
        ("losses.0.weight=0", "losses.0.weight"),
        ("losses.0.subcentres=0", "losses.0.subcentres"),
        ("optimizer.lr=0", "optimizer.lr"),
        ("optimizer.betas=[0.9, 1.0]", "optimizer.betas.1"),
        ("optimizer.layer_decay=1.1", "optimizer.layer_decay"),
        ("train.strategy=deepspeed", "train.strategy"),
        ("train.freeze=0", "train.freeze"),
        ("train.freeze=-1", "train.freeze"),
        ("train.freeze=head", "train.freeze"),
        ("train.ema=1", "train.ema"),
        ("train.seed=4294967296", "train.seed"),
        ("train.precision=bf16", "train.precision"),
        ("augment.flip=1.1", "augment.flip"),
        ("augment.crop.area=[0, 1]", "augment.crop"),
        ("augment.crop.area=[0.9, 0.8]", "augment.crop"),
        ("augment.crop.ratio=[2, 1]", "augment.crop"),
        ("augment.phone.quality=[0, 50]", "augment.phone"),
        ("augment.phone.quality=[90, 30]", "augment.phone"),
        ("augment.paste.scale=[0.6, 0.5]", "augment.paste"),
        ("finish.interpolate=[0]", "finish.interpolate.0"),
        ("data.train.0.where=[domain]", "data.train.0.where.0"),
        ("data.train.0.share=0", "data.train.0.share"),
        ("data.train.0.name=a b", "data.train.0.name"),
        ("data.train=[{name: a, path: x}, {name: a, path: y}]", "data"),
        ("model.embedding_size=1", "model.embedding_size"),
        ("input.size=8", "input.size"),
        ("input.mean=[0.5, 0.5, 127.5]", "input.mean.2"),
        ("input.std=[0.5, 0.5, 0]", "input.std.2"),
    ],
)
def test_refused(refusal, override, key):
    assert refusal(FIRST, override).startswith(f"recipe.yml: runs.first.{key}: ") or (
        f"key 'runs.first.{key}." in refusal(FIRST, override)
    )


def test_names_given_twice(refusal):
    train = "data.train=[{name: a, path: x}, {name: a, path: y}]"
    assert refusal(FIRST, train) == (
        "recipe.yml: runs.first.data: train names 'a' twice: give each its own name"
    )
    entry = "{name: v, gallery: g.csv, queries: q.csv}"
    assert refusal(FIRST, f"data.validation=[{entry}, {entry}]") == (
        "recipe.yml: runs.first.data: validation names 'v' twice: give each its own name"
    )


def test_defaults_are_valid(read):
    """Sections that are off by default can be turned on with nothing but their names."""
    run = read(
        FIRST, "augment={paste: {}, crop: {}, colour: {}, phone: {}}", "distillation={}"
    ).runs[0]
    assert run.augment.paste.scale == (0.5, 1.0)
    assert run.distillation.teacher == "start"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ("train.precision=16-mixed", "runs.first.train: precision 16-mixed scales gradients"),
        ("train.compile=true", "runs.first.train: compile is not offered together with strategy"),
    ],
)
def test_what_cannot_be_shared_out(read, refusal, other, said):
    assert read(FIRST, other).runs[0].train.strategy == "ddp"
    assert said in refusal(FIRST, "train.strategy=fsdp", other)
