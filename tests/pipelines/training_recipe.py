"""A chain of two runs on simulated photos, small enough to be trained in seconds."""

from __future__ import annotations

import csv
from pathlib import Path

from findalike.config import Recipe, read_recipe
from findalike.data.simulate import simulate

RECIPE = """
name: small
runs:
  - name: first
    start: random
    model: {backbone: timm/test_resnet, embedding_size: 16}
    input: {size: 32}
    data:
      train:
        - {name: photos, path: train.csv}
      validation:
        - {name: shop, gallery: shop/gallery.csv, queries: shop/queries.csv}
      allow_leaks: [shop]
    losses:
      - {name: arcface}
    optimizer: {lr: 0.001}
    train: {steps: 3, batch_size: 8, cache: true}
    logging: {every_steps: 1}
  - name: second
    start: previous
    losses:
      - {name: contrastive}
    memory: {size: 32}
    sampler: {name: m-per-class, per_class: 2}
"""


def write_recipe(folder: Path) -> Path:
    """Write the recipe with its photos: one shop to learn, another to be judged by."""
    folder.mkdir(parents=True, exist_ok=True)
    simulate(folder / "photos", products=6, seed=3)
    simulate(folder / "shop", products=6, seed=4)
    rows = []
    for source, domain in (("gallery.csv", "seller"), ("queries.csv", "user")):
        with (folder / "photos" / source).open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file)):
                rows.append(
                    {
                        "img_path": f"photos/{row['img_path']}",
                        "label": row["product_id"],
                        "domain": domain,
                        "split": "val" if domain == "user" and number % 4 == 0 else "train",
                    }
                )
    with (folder / "train.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    path = folder / "recipe.yml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def recipe(folder: Path, *overrides: str) -> Recipe:
    """The recipe with settings overridden."""
    return read_recipe(folder / "recipe.yml", overrides=overrides)
