"""The card tells of every run behind an encoder: found by their folders, and not by hearsay."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from findalike.config import Run
from findalike.pipelines.export_runs import (
    data_in_words,
    data_section,
    draw_curves,
    recipe_section,
    training_section,
)
from findalike.pipelines.run_record import read_ancestors, read_run_record
from findalike.pipelines.run_to_export import RunToExport

WEIGHTS = "weights/final.safetensors"


def write_run(
    folder: Path, *, start: str, said: str, points: int = 2, began_with: str | None = None,
    **changes: Any,
) -> Path:  # fmt: skip
    """A run folder as a training leaves it, of which only the weights are none."""
    settings = {
        "name": folder.name,
        "start": start,
        "model": {"backbone": "timm/test_resnet"},
        "data": {
            "train": [{"name": "toys", "path": "toys.csv"}],
            "validation": [{"name": "shop", "gallery": "g.csv", "queries": "q.csv"}],
        },
        "losses": [{"name": "arcface"}],
        "train": {"steps": 20},
    } | changes
    run = Run.model_validate_json(json.dumps(settings))
    (folder / "weights").mkdir(parents=True)
    (folder / WEIGHTS).write_text(f"weights of {folder.name}")
    described = {
        "run": run.model_dump(mode="json", by_alias=True), "start": said, "state": "finished",
        "base": str(folder),
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(described))
    sets = [{"name": e.name, "images": 1000, "classes": 50} for e in run.data.train]
    (folder / "data.json").write_text(json.dumps({"sets": sets, "start_sha256": began_with}))
    outcome = {
        "final": {"shop/map": 0.5, "map": 0.5}, "steps": 20, "images": 1000, "classes": 50,
        "seconds": 90.0,
    }  # fmt: skip
    (folder / "figures.json").write_text(json.dumps(outcome))
    lines = ["step,epoch,train_loss,shop/map,map"]
    lines += [
        f"{step},0,{3 - step / 10},{f'0.{step},0.{step}' if step > 20 - 10 * points else ','}"
        for step in (10, 20)
    ]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    return folder


def sha256(folder: Path) -> str:
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Three runs of a recipe, the last from the second, and the second from the first."""
    first = write_run(tmp_path / "shoes" / "first", start="pretrained", said="weights of the hub")
    second = write_run(
        tmp_path / "shoes" / "second", start="previous", said="first", began_with=sha256(first),
        input={"size": 96}, losses=[{"name": "contrastive"}],
    )  # fmt: skip
    write_run(
        tmp_path / "shoes" / "third", start="second", said="second", began_with=sha256(second),
        input={"size": 96}, losses=[{"name": "contrastive"}],
        data={
            "train": [{"name": "toys", "path": "t.csv"}, {"name": "hats", "path": "h.csv"}],
            "validation": [{"name": "shop", "gallery": "g.csv", "queries": "q.csv"}],
        },
        distillation={"teacher": "/home/me/bundles/wise"},
    )  # fmt: skip
    return tmp_path / "shoes"


def source(folder: Path) -> RunToExport:
    record = read_run_record(folder)
    return RunToExport(record, read_ancestors(record), {}, folder / WEIGHTS)


def line(folder: Path) -> tuple[list[str], str]:
    found = read_ancestors(read_run_record(folder))
    return [record.run.name for record in found.runs], found.lost


def test_the_line_is_followed_to_its_start(chain: Path) -> None:
    assert line(chain / "third") == (["first", "second"], "")
    assert line(chain / "first") == ([], "")


def test_a_run_of_another_recipe_is_found_by_its_weights(chain: Path) -> None:
    file = f"../../shoes/third/{WEIGHTS}"
    write_run(chain.parent / "hats" / "own", start=file, said="final.safetensors")
    assert line(chain.parent / "hats" / "own") == (["first", "second", "third"], "")


def test_what_is_not_known_is_said(chain: Path, tmp_path: Path) -> None:
    (chain / "second" / WEIGHTS).write_text("trained anew")
    assert line(chain / "third") == (
        [], "third started from second, which has been trained anew since."
    )  # fmt: skip
    (chain / "first" / "run.json").unlink()
    assert line(chain / "second")[1] == (
        "second started from first, of which nothing more is known here."
    )
    (tmp_path / "elsewhere.safetensors").write_text("?")
    file = str(tmp_path / "elsewhere.safetensors")
    write_run(chain / "fourth", start=file, said="elsewhere.safetensors")
    assert (
        "fourth started from elsewhere.safetensors, of which nothing" in line(chain / "fourth")[1]
    )
    (chain / "second" / "run.json").write_text("[")
    assert line(write_run(chain / "fifth", start="second", said="second"))[1] == (
        "fifth started from second, which cannot be read."
    )
    turning = write_run(chain / "loop", start="loop", said="loop")
    assert line(turning)[1] == "loop started from loop, which comes from itself."


def test_a_start_is_no_way_out_of_the_folder(chain: Path) -> None:
    write_run(chain / "odd", start="previous", said="../shoes/first")
    assert line(chain / "odd")[0] == []


def test_data_and_licence_are_those_of_all_runs(chain: Path) -> None:
    found = source(chain / "third")
    section = data_section(found, "MIT")
    assert "| data set | images | labels | in the runs |" in section
    assert "| toys | 1,000 | 50 | first, second, third |" in section
    assert "| hats | 1,000 | 50 | third |" in section
    assert "Started from: weights of the hub. 3 runs, each from" in section
    assert "Held near to what other encoders say: third to …/bundles/wise." in section
    assert "Licence of the weights: MIT." in section
    assert "see those of toys, hats before" in section
    assert data_in_words(found) == (
        "toys (1,000 images of 50 labels), hats (1,000 images of 50 labels); "
        "started from weights of the hub"
    )
    alone = data_section(source(chain / "first"), "MIT")
    assert "| data set | images | labels |\n" in alone
    assert "each from the weights" not in alone


def test_a_broken_line_is_told_in_the_card(chain: Path) -> None:
    (chain / "second" / WEIGHTS).write_text("trained anew")
    assert "trained anew since" in data_section(source(chain / "third"), "MIT")


def test_the_first_run_has_all_settings_and_the_others_their_changes(chain: Path) -> None:
    parts = [text for text in recipe_section(source(chain / "third")) if "```" in text]
    first, second, third = (yaml.safe_load(p.removeprefix("```yaml").strip("`")) for p in parts)
    assert Run.model_validate_json(json.dumps(first)).name == "first"
    assert second.keys() == {"name", "start", "input", "losses"}
    assert second["input"] == {"size": 96}
    assert [loss["name"] for loss in second["losses"]] == ["contrastive"]
    assert third.keys() == {"name", "start", "data", "distillation"}
    assert third["data"].keys() == {"train"}
    assert third["distillation"]["teacher"] == "…/bundles/wise"


@pytest.mark.train
def test_the_curves_of_all_runs_are_drawn(chain: Path, tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    found = source(chain / "third")
    pictures = draw_curves(found, tmp_path)
    assert list(pictures) == ["loss.png", "map.png"]
    for path in pictures.values():
        with Image.open(path) as picture:
            assert picture.size[0] > 500
    section = "\n".join(training_section(found, pictures))
    for name in ("first", "second", "third"):
        assert f"| {name} | " in section
    assert "| 1.5 | 0.5000 |" in section
    assert "![mAP of the validation sets by step](map.png)" in section


@pytest.mark.train
def test_a_single_figure_is_a_row_and_no_picture(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    found = source(write_run(tmp_path / "r" / "only", start="random", said="random", points=1))
    write_run(tmp_path / "r" / "next", start="only", said="only", points=1)
    assert list(draw_curves(source(tmp_path / "r" / "next"), tmp_path)) == ["loss.png"]
    pictures = draw_curves(found, tmp_path)
    assert list(pictures) == ["loss.png"]
    section = "\n".join(training_section(found, pictures))
    assert "map.png" not in section
    assert "shop mAP" in section
    assert "0.5000" in section


def test_a_run_that_was_cut_off_has_no_row(chain: Path) -> None:
    (chain / "third" / "figures.json").unlink()
    section = "\n".join(training_section(source(chain / "third"), {}))
    assert "| second | " in section
    assert "| third | " not in section
    for name in ("first", "second"):
        (chain / name / "figures.json").write_text('{"final": 3}')
    assert list(training_section(source(chain / "third"), {})) == []
