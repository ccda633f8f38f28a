"""What is said of a recipe that breaks the schema, to the letter."""

from __future__ import annotations

from typing import get_args

import pytest
from small_recipe import FIRST, with_runs

from findalike.config.losses import Loss

# Asked of the schema, for losses are added to it.
LOSSES = ", ".join(
    tag
    for section in get_args(get_args(Loss)[0])
    for tag in get_args(section.model_fields["name"].annotation)
)
EXACT = [
    ("train.epoch=1", "unknown key 'runs.first.train.epoch', did you mean 'epochs'?"),
    ("model.bakbone=x", "unknown key 'runs.first.model.bakbone', did you mean 'backbone'?"),
    ("augment.crop.aera=1", "unknown key 'runs.first.augment.crop.aera', did you mean 'area'?"),
    ("losses.0.margn=1", "unknown key 'runs.first.losses.0.margn', did you mean 'margin'?"),
    ("data.trian=[]", "unknown key 'runs.first.data.trian', did you mean 'train'?"),
    ("data.train.0.pth=x", "unknown key 'runs.first.data.train.0.pth', did you mean 'path'?"),
    (
        "memory.zzz=1",
        "unknown key 'runs.first.memory.zzz', allowed are size, warm_up_steps, weight",
    ),
    (
        "losses.0.options=1",
        "unknown key 'runs.first.losses.0.options', allowed are margin, name, scale, subcentres, "
        "weight",
    ),
    (
        "losses.0.name=arcfac",
        f"runs.first.losses.0.name is 'arcfac': did you mean 'arcface'? allowed are {LOSSES}",
    ),
    ("losses.0.name=zzz", f"runs.first.losses.0.name is 'zzz': allowed are {LOSSES}"),
    ("losses.0={weight: 1.0}", "key 'runs.first.losses.0.name' is missing"),
    ("losses=[]", "runs.first.losses is empty: give at least one entry"),
    ("data.train=[]", "runs.first.data.train is empty: give at least one entry"),
    (
        "optimizer.name=adamww",
        "runs.first.optimizer.name: Input should be 'adamw', 'adam' or 'sgd', not 'adamww'",
    ),
    (
        "train.batch_size=0",
        "runs.first.train.batch_size: Input should be greater than or equal to 1, not 0",
    ),
    ("train.epochs=1.5", "runs.first.train.epochs: Input should be a valid integer, not 1.5"),
    ("train.cache=1", "runs.first.train.cache: Input should be a valid boolean, not 1"),
    ('optimizer.lr="1e-4"', "runs.first.optimizer.lr: Input should be a valid number, not '1e-4'"),
    ("input.mean=[0.5, 0.5]", "key 'runs.first.input.mean.2' is missing"),
    (
        "train.steps=5",
        "runs.first.train: give epochs or steps, not both: write null for the one "
        "that is inherited",
    ),
    ("train.epochs=null", "runs.first: train needs epochs or steps"),
    (
        "losses.0.margin=[0.4, 0.1]",
        "runs.first.losses.0: margin [0.4, 0.1] must go from the least to the largest",
    ),
    (
        "augment.crop.area=[0.5, 2]",
        "runs.first.augment.crop: area [0.5, 2.0] must rise within 0 to 1",
    ),
    (
        "validate.criterion=stor/map",
        "runs.first: validate.criterion is 'stor/map': map, shop/map, loss are allowed",
    ),
    (
        "memory.size=9",
        "runs.first: memory is there for the loss 'contrastive', which is not among losses",
    ),
]


@pytest.mark.parametrize(("override", "said"), EXACT)
def test_the_words(refusal, override, said):
    assert refusal(FIRST, override) == f"recipe.yml: {said}"


def test_an_unknown_key_of_the_document(refusal):
    text = FIRST.replace("name: small", "name: small\nrun: 3")
    assert refusal(text) == "recipe.yml: unknown key 'run', did you mean 'runs'?"


def test_several_findings_are_all_said(refusal):
    text = FIRST.replace("gallery:", "galery:").replace("epochs: 2", "epochs: 0")
    assert refusal(text) == (
        "recipe.yml: key 'runs.first.data.validation.0.gallery' is missing; "
        "unknown key 'runs.first.data.validation.0.galery', did you mean 'gallery'?; "
        "runs.first.train.epochs: Input should be greater than or equal to 1, not 0"
    )


def test_what_is_inherited_is_said_once_of_the_run_that_stated_it(refusal):
    runs = [f"{{name: {name}, start: previous}}" for name in ("second", "third")]
    text = with_runs(*runs).replace("epochs: 2", "epoch: 2")
    assert refusal(text) == (
        "recipe.yml: unknown key 'runs.first.train.epoch', did you mean 'epochs'?"
    )
    late = with_runs("{name: second, start: previous, optimizer: {rate: 1.0}}", runs[1])
    assert refusal(late).startswith("recipe.yml: unknown key 'runs.second.optimizer.rate', ")


def test_long_values_are_cut(refusal):
    said = refusal(FIRST, f"train.epochs={'x' * 500}")
    assert said.endswith("xxx...")
    assert len(said) < 200
