"""A recipe made small: the same chain with stand-ins, to see within a minute that it holds."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from findalike.config import Recipe, Run, TrainingData, ValidationData
from findalike.data.simulate import simulate

PRODUCTS = 8
"""Simulated products in the training data, and as many others in the validation sets."""

STEPS = 4
BATCH_SIZE = 8
SIZE = 64

_STAND_INS = (
    ("resnet", "timm/test_resnet"),
    ("convnext", "timm/test_convnext"),
    ("vit", "timm/test_vit"),
    ("siglip", "timm/test_vit"),
    ("dinov2", "timm/test_vit"),
    ("", "timm/test_efficientnet"),
)

_VIT_SIZE = 160

# Stages that may be named as levels: how the stand-in calls them, and the number of the last one.
_STAGES = {
    "timm/test_resnet": ("layer", 4),
    "timm/test_convnext": ("stages.", 3),
    "timm/test_efficientnet": ("blocks.", 4),
}
_MOST_FROZEN = 3


def rehearsal(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with every part that costs time or must be fetched replaced.

    What stays is what a chain breaks at: which run starts from which, losses, heads, samplers,
    augmentation, rates, averaging, and how one run's weights fit into the next one.

    - Backbones become timm's test models of the same family, with random weights.
    - Training data become simulated photos; every data set gets the same ones, as a table.
    - Validation sets become other simulated products.
    - Numbers shrink: steps, batches, sizes, memory, workers, the number of weights kept and of
      stages that are frozen.

    Args:
        folder: where the stand-in photos are written; used again if they lie there already.
    """
    table = _training_table(folder / "train")
    simulate(folder / "validation", products=PRODUCTS, seed=1)
    runs = tuple(
        _small(run, table, folder / "validation").model_copy(
            update={"start": run.start if recipe.start_of(run) else "random"}
        )
        for run in recipe.runs
    )
    return recipe.model_copy(update={"name": f"{recipe.name}-smoke", "runs": runs})


def stand_in(backbone: str) -> str:
    """The test model of timm that is nearest to a backbone."""
    return next(name for family, name in _STAND_INS if family in backbone.lower())


def stand_in_level(at: str, backbone: str) -> str:
    """The module of a stand-in that is nearest to a stage named as a level.

    Args:
        at: name of a module of the real backbone.
        backbone: the stand-in.
    """
    number = re.search(r"\d+", at)
    if backbone not in _STAGES or number is None:
        return at
    prefix, last = _STAGES[backbone]
    return f"{prefix}{min(int(number.group()), last)}"


def _training_table(folder: Path) -> Path:
    simulate(folder, products=PRODUCTS, seed=0)
    table = folder / "train.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["img_path", "label", "domain", "group", "split"])
        for source, domain in (("gallery.csv", "seller"), ("queries.csv", "user")):
            with (folder / source).open(newline="", encoding="utf-8") as rows:
                for number, row in enumerate(csv.DictReader(rows)):
                    split = "val" if domain == "user" and number % 5 == 0 else "train"
                    label = row["product_id"]
                    group = f"group-{sum(label.encode()) % 3}"
                    writer.writerow([row["img_path"], label, domain, group, split])
    return table


def _small(run: Run, table: Path, validation: Path) -> Run:
    backbone = stand_in(run.model.backbone)
    size = _VIT_SIZE if "vit" in backbone else SIZE
    embedding = run.model.embedding_size
    train = run.train
    updates: dict[str, Any] = {
        "model": run.model.model_copy(
            update={
                "backbone": backbone,
                "checkpoint": None,
                "levels": tuple(
                    level.model_copy(update={"at": stand_in_level(level.at, backbone)})
                    for level in run.model.levels
                ),
                "embedding_size": min(embedding, 32) if embedding else None,
            }
        ),
        "input": run.input.model_copy(update={"size": size}),
        "data": run.data.model_copy(
            update={
                "classes": None,
                "train": tuple(_stand_in_data(entry, table) for entry in run.data.train),
                "validation": tuple(
                    ValidationData(
                        name=entry.name,
                        gallery=str(validation / "gallery.csv"),
                        queries=str(validation / "queries.csv"),
                        limit=8,
                    )
                    for entry in run.data.validation
                ),
                "allow_leaks": ("image", "near-image", "product", "distractor"),
            }
        ),
        "memory": run.memory.model_copy(
            update={
                "size": min(run.memory.size, 4 * BATCH_SIZE),
                "warm_up_steps": min(run.memory.warm_up_steps, 1),
            }
        ),
        "sampler": run.sampler.model_copy(
            update={"per_class": min(run.sampler.per_class, 2), "per_group": 2}
        ),
        "scheduler": run.scheduler.model_copy(
            update={"warm_up_steps": min(run.scheduler.warm_up_steps, 1)}
        ),
        "train": train.model_copy(
            update={
                "epochs": None,
                "steps": STEPS,
                "batch_size": BATCH_SIZE,
                "accumulate": min(train.accumulate, 2),
                "precision": "bf16-mixed" if train.precision != "32-true" else "32-true",
                "freeze": min(train.freeze, _MOST_FROZEN)
                if isinstance(train.freeze, int)
                else train.freeze,
                "freeze_epochs": min(train.freeze_epochs, 1),
                "compile": False,
                "workers": 0,
                "cache": True,
            }
        ),
        "validate_": run.validate_.model_copy(
            update={"every_epochs": 1, "every_steps": None, "patience": None}
        ),
        "keep": run.keep.model_copy(update={"top": 2, "checkpoint_steps": None}),
        "logging": run.logging.model_copy(update={"every_steps": 1, "mlflow": None, "wandb": None}),
    }
    if run.distillation is not None:
        updates["distillation"] = run.distillation.model_copy(update={"teacher": "start"})
    return run.model_copy(update=updates)


def _stand_in_data(entry: TrainingData, table: Path) -> TrainingData:
    return entry.model_copy(
        update={
            "path": str(table),
            "reader": "table",
            "root": None,
            "where": (),
            "min_images": min(entry.min_images, 2),
        }
    )
