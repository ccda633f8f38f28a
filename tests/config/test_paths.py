"""Paths of a recipe: relative to it, with variables, and inside packages."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from findalike.config import resolve_path
from findalike.errors import RecipeError

BASE = Path("/recipes/report")


@pytest.mark.parametrize(
    ("text", "variables", "path"),
    [
        ("train.csv", {}, "/recipes/report/train.csv"),
        ("../train.csv", {}, "/recipes/train.csv"),
        ("/data/train.csv", {}, "/data/train.csv"),
        ("${DATA}/train.csv", {"DATA": "/mnt/x"}, "/mnt/x/train.csv"),
        ("${DATA:-data}/train.csv", {}, "/recipes/report/data/train.csv"),
        ("${DATA:-data}/train.csv", {"DATA": "/mnt/x"}, "/mnt/x/train.csv"),
        ("${DATA:-data}/train.csv", {"DATA": ""}, "/recipes/report/data/train.csv"),
        ("${A}${B:-/c}/d", {"A": "/a"}, "/a/c/d"),
        ("${A}", {"A": "${B}", "B": "/b"}, "/recipes/report/${B}"),
        ("$DATA/train.csv", {"DATA": "/mnt/x"}, "/recipes/report/$DATA/train.csv"),
    ],
)
def test_paths(text, variables, path):
    assert resolve_path(text, base=BASE, variables=variables) == Path(path)


def test_the_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("FINDALIKE_TEST_PATH", "/mnt/y")
    assert resolve_path("${FINDALIKE_TEST_PATH}/a", base=BASE) == Path("/mnt/y/a")


def test_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert resolve_path("~/a.csv", base=BASE) == Path("/home/someone/a.csv")


@pytest.mark.parametrize("variables", [{}, {"DATA": ""}])
def test_a_variable_that_is_not_set(variables):
    with pytest.raises(RecipeError) as caught:
        resolve_path("${DATA}/train.csv", base=BASE, variables=variables)
    assert str(caught.value) == (
        "'${DATA}/train.csv': the environment variable DATA is not set: set it, or write "
        "${DATA:-DEFAULT}"
    )


def test_a_file_of_a_package():
    folder = Path(yaml.__file__).parent
    assert resolve_path("package:yaml/loader.py", base=BASE) == folder / "loader.py"
    chosen = resolve_path("package:${P:-yaml}/loader.py", base=BASE, variables={})
    assert chosen == folder / "loader.py"


@pytest.mark.parametrize("name", ["no_such_package_here", "", ".relative", "no_such.inner"])
def test_a_package_that_is_not_installed(name):
    with pytest.raises(RecipeError) as caught:
        resolve_path(f"package:{name}/x.pth", base=BASE)
    assert str(caught.value) == (
        f"package:{name}/x.pth: no package {name!r} is installed: `pip install {name}`"
    )


@pytest.mark.parametrize("inside", ["", "/", "../x", "a/../../x", "//etc/passwd"])
def test_nothing_outside_a_package(inside):
    with pytest.raises(RecipeError, match=r"write package:NAME/FILE, without '\.\.' and '//'"):
        resolve_path(f"package:yaml/{inside}", base=BASE)
