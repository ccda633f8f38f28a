"""Recipes from files: inheritance from run to run, and YAML that is refused."""

from __future__ import annotations

import subprocess
import sys

import pytest
from small_recipe import FIRST, with_runs

from findalike.config import read_recipe
from findalike.config.read import MAX_RECIPE_BYTES
from findalike.errors import RecipeError


def test_a_recipe_is_read(read):
    recipe = read(FIRST)
    run = recipe.runs[0]
    assert (recipe.name, run.name, run.start) == ("small", "first", "pretrained")
    assert run.model.embedding_size == 64
    assert run.losses[0].scale == 20.0
    assert run.train.epochs == 2
    assert run.optimizer.betas == (0.9, 0.999)


def test_a_run_has_what_the_one_before_it_has(read):
    second = "{name: second, start: previous, input: {size: 256}}"
    third = "{name: third, start: first, train: {batch_size: 8}}"
    first, second, third = read(with_runs(second, third)).runs
    assert second.model == third.model == first.model
    assert (first.input.size, second.input.size, third.input.size) == (224, 256, 256)
    assert (third.train.epochs, third.train.batch_size) == (2, 8)


def test_name_description_and_start_are_not_inherited(read, refusal):
    text = with_runs("{name: second, start: previous}")
    assert (
        read(text.replace("start: pretrained", "start: pretrained\n    description: x"))
        .runs[1]
        .description
        == ""
    )
    assert refusal(with_runs("{name: second}")) == (
        "recipe.yml: key 'runs.second.start' is missing"
    )


def test_mappings_merge_and_lists_are_replaced(read):
    run = """
        name: second
        start: previous
        data: {train: [{name: more, path: more.csv}]}
        optimizer: {lr: 0.1}
    """
    third = "{name: third, start: previous, optimizer: {layer_decay: 0.5}}"
    _, second, third = read(with_runs(run, third)).runs
    assert [entry.name for entry in second.data.train] == ["more"]
    assert [entry.name for entry in second.data.validation] == ["shop"]
    assert (third.optimizer.lr, third.optimizer.layer_decay) == (0.1, 0.5)


def test_a_mapping_with_another_name_replaces_the_old_one(read):
    runs = (
        "{name: b, start: previous, scheduler: {name: step, gamma: 0.5, warm_up_steps: 7}}",
        "{name: c, start: previous, scheduler: {name: step, step_epochs: 3}}",
        "{name: d, start: previous, scheduler: {name: cosine}}",
    )
    _, b, c, d = read(with_runs(*runs)).runs
    assert (c.scheduler.gamma, c.scheduler.warm_up_steps, c.scheduler.step_epochs) == (0.5, 7, 3)
    assert (d.scheduler.gamma, d.scheduler.warm_up_steps) == (0.1, 0)
    assert b.scheduler.step_epochs == 1


def test_null_takes_back_what_was_inherited(read, refusal):
    run = """
        name: second
        start: previous
        train: {epochs: null, steps: 9}
        model: {embedding_size: null}
    """
    second = read(with_runs(run)).runs[1]
    assert (second.train.epochs, second.train.steps, second.model.embedding_size) == (None, 9, None)
    assert refusal(with_runs("{name: second, start: previous, train: {steps: 9}}")) == (
        "recipe.yml: runs.second.train: give epochs or steps, not both: write null for the one "
        "that is inherited"
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-4", 1e-4), ("1E-4", 1e-4), ("5.e-5", 5e-5), (".5", 0.5), ("3", 3.0), ("+2.5e0", 2.5)],
)
def test_numbers_are_those_of_yaml_1_2(read, written, value):
    text = FIRST + f"    optimizer: {{lr: {written}}}\n"
    assert read(text).runs[0].optimizer.lr == value
    assert read(FIRST, f"optimizer.lr={written}").runs[0].optimizer.lr == value


def test_dates_are_text(read):
    text = FIRST.replace("name: small", "name: small\ndescription: 2026-11-22")
    assert read(text).description == "2026-11-22"


@pytest.mark.parametrize("written", [".nan", ".inf", "-.inf"])
def test_no_nan_and_no_infinity(refusal, written):
    text = FIRST + f"    optimizer: {{lr: {written}}}\n"
    assert "recipe.yml: runs.first.optimizer.lr: Input should be a finite number" in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- 1", "recipe.yml is no recipe: it must hold 'name' and a list 'runs'"),
        ("", "recipe.yml is no recipe: it must hold 'name' and a list 'runs'"),
        ("name: x\nruns: 3", "recipe.yml is no recipe: it must hold 'name' and a list 'runs'"),
        ("name: x\nruns: []", "recipe.yml: runs is empty: give at least one entry"),
        ("name: x\nruns: [3]", "recipe.yml: runs.0 is 3: a run is a mapping"),
        (
            "name: x\nname: y\nruns: []",
            "recipe.yml is not YAML: the key 'name' is given twice in line",
        ),
        ("a: &x 1\nb: *x", "recipe.yml is not YAML: aliases are not allowed: a run inherits"),
        ("a: [1", "recipe.yml is not YAML: while parsing a flow sequence in line 1, column 4"),
        ("a: !!python/object:os.system x", "recipe.yml is not YAML: could not determine a constr"),
        ("a: \x00", "recipe.yml is not YAML: unacceptable character #x0000"),
        ("name: " + "9" * 5000 + "\nruns: []", "recipe.yml is not YAML: Exceeds the limit"),
        ("[" * 100_000, "recipe.yml is not YAML: maximum recursion depth exceeded"),
        ("name: !!set {x}\nruns: []", "only text, numbers, lists and mappings are allowed"),
    ],
)
def test_what_is_no_recipe(refusal, text, said):
    assert said in refusal(text)


def test_a_key_given_twice_at_any_depth(refusal):
    assert refusal(FIRST.replace("{epochs: 2}", "{epochs: 2, epochs: 3}")).startswith(
        "recipe.yml is not YAML: the key 'epochs' is given twice in line 10, column 12:"
    )


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(RecipeError, match=r"cannot read .*none.yml \(No such file or directory\)"):
        read_recipe(tmp_path / "none.yml")
    with pytest.raises(RecipeError, match=r"\(Is a directory\): give a recipe's file"):
        read_recipe(tmp_path)
    large = tmp_path / "large.yml"
    large.write_text("#" * (MAX_RECIPE_BYTES + 1), encoding="utf-8")
    with pytest.raises(RecipeError, match="larger than 1000000 bytes: it is no recipe"):
        read_recipe(large)


def test_not_utf_8(tmp_path):
    path = tmp_path / "recipe.yml"
    path.write_bytes(b"name: \xff\xfe")
    with pytest.raises(RecipeError, match="is not YAML: unacceptable character #x00ff"):
        read_recipe(path)


def test_config_is_read_without_torch():
    code = (
        "import sys, findalike.config; "
        "heavy = {'torch', 'torchvision', 'lightning', 'timm', 'cv2', 'onnxruntime'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
