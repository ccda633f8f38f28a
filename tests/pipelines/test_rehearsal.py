"""The rehearsal of a recipe keeps its chain and loses what costs time, whatever the recipe."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from findalike.config import Recipe, read_recipe
from findalike.pipelines import rehearsal as module
from findalike.pipelines.rehearsal import rehearsal, stand_in, stand_in_level

# As `findalike.pipelines.leaks.KINDS`, which needs torch.
KINDS = {"image", "near-image", "product", "distractor"}

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
REPORT = RECIPES / "report" / "products10k.yml"
FOUND = sorted(RECIPES.rglob("*.yml"))


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("stand-ins")


@pytest.fixture(params=FOUND, ids=lambda path: path.stem)
def pair(request, stand_ins, monkeypatch) -> tuple[Recipe, Recipe]:
    """A recipe that stands in the repository, and its rehearsal with a smaller shop than usual."""
    monkeypatch.setattr(module, "PRODUCTS", 2)
    recipe = read_recipe(request.param)
    return recipe, rehearsal(recipe, stand_ins)


def test_the_report_is_among_them():
    assert REPORT in FOUND


def test_the_chain_is_kept(pair):
    recipe, small = pair
    assert small.name == f"{recipe.name}-smoke"
    assert [run.name for run in small.runs] == [run.name for run in recipe.runs]
    for real, run in zip(recipe.runs, small.runs, strict=True):
        parent = recipe.start_of(real)
        assert small.start_of(run) == parent
        assert run.start == (real.start if parent else "random")
        for kept in ("losses", "augment", "optimizer", "finish"):
            assert getattr(run, kept) == getattr(real, kept), kept
        assert run.sampler.name == real.sampler.name
        assert run.scheduler.name == real.scheduler.name
        assert run.model.head == real.model.head
        assert run.model.pooling == real.model.pooling
        assert run.validate_.criterion == real.validate_.criterion
        assert bool(run.memory.size) == bool(real.memory.size)
        assert (run.train.ema, run.train.clip_norm) == (real.train.ema, real.train.clip_norm)
        names = [entry.name for entry in real.data.train]
        assert [entry.name for entry in run.data.train] == names
        assert [e.name for e in run.data.validation] == [e.name for e in real.data.validation]


def test_nothing_is_fetched_and_nothing_is_large(pair, stand_ins):
    _, small = pair
    for run in small.runs:
        assert run.model.backbone.startswith("timm/test_")
        assert run.model.checkpoint is None
        assert run.distillation is None or run.distillation.teacher == "start"
        assert (run.logging.mlflow, run.logging.wandb) == (None, None)
        assert (run.train.steps, run.train.epochs) == (module.STEPS, None)
        assert run.train.batch_size == module.BATCH_SIZE
        assert not run.train.compile
        assert run.train.workers == 0
        assert set(run.data.allow_leaks) >= KINDS
        assert run.memory.size <= 4 * module.BATCH_SIZE
        for path in (
            *(entry.path for entry in run.data.train),
            *(entry.gallery for entry in run.data.validation),
            *(entry.queries for entry in run.data.validation),
        ):
            assert Path(path).is_file()
            assert Path(path).is_relative_to(stand_ins)


def test_the_rehearsal_is_a_recipe_by_itself(pair):
    _, small = pair
    assert Recipe.model_validate_json(small.model_dump_json(by_alias=True)) == small


def test_the_stand_ins_of_the_report(stand_ins, monkeypatch):
    monkeypatch.setattr(module, "PRODUCTS", 2)
    small = rehearsal(read_recipe(REPORT), stand_ins)
    backbones = [run.model.backbone for run in small.runs]
    assert backbones == ["timm/test_resnet", *["timm/test_convnext"] * 5]
    assert [run.model.dropout for run in small.runs] == [0.0, 0.2, 0.2, 0.0, 0.0, 0.0]
    assert [run.train.accumulate for run in small.runs] == [1, 1, 1, 1, 2, 2]
    assert {run.train.precision for run in small.runs} == {"bf16-mixed"}
    assert [run.sampler.per_class for run in small.runs[3:]] == [2, 2, 2]


def test_the_table_has_what_samplers_and_losses_ask_for(stand_ins, monkeypatch):
    monkeypatch.setattr(module, "PRODUCTS", 2)
    rehearsal(read_recipe(REPORT), stand_ins)
    with (stand_ins / "train" / "train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["domain"] for row in rows} == {"seller", "user"}
    assert {row["split"] for row in rows} == {"train", "val"}
    assert len({row["label"] for row in rows}) == 2
    assert all(row["group"] for row in rows)


@pytest.mark.parametrize(
    ("backbone", "expected"),
    [
        ("resnet50", "timm/test_resnet"),
        ("open_clip/convnext_xxlarge:laion2b_s34b_b82k_augreg_soup", "timm/test_convnext"),
        ("open_clip/ViT-B-16-SigLIP2:webli", "timm/test_vit"),
        ("dinov2_small", "timm/test_vit"),
        ("timm/tf_efficientnet_lite0", "timm/test_efficientnet"),
        ("vgg16", "timm/test_efficientnet"),
    ],
)
def test_stand_ins_are_of_the_same_family(backbone, expected):
    assert stand_in(backbone) == expected


@pytest.mark.train
@pytest.mark.parametrize(
    ("backbone", "at"),
    [
        ("timm/tf_efficientnet_lite0", "blocks.6.0.conv_pwl"),
        ("timm/resnet18", "layer3"),
        ("open_clip/convnext_base_w:laion2b_s13b_b82k_augreg", "trunk.stages.2"),
    ],
)
def test_levels_name_modules_that_the_stand_in_has(backbone, at):
    timm = pytest.importorskip("timm")
    small = stand_in(backbone)
    modules = dict(timm.create_model(small.removeprefix("timm/")).named_modules())
    assert stand_in_level(at, small) in modules
