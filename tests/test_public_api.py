"""What the packages offer, what importing them costs, and life without the optional extras."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import findalike
from support import plain_rows, write_photos, write_table

SOURCE = Path(findalike.__file__).parent
MODULES = sorted(
    [
        "findalike",
        *(found.name for found in pkgutil.walk_packages([str(SOURCE)], prefix="findalike.")),
    ]
)
# What trains, and what makes bundles; everything else works without torch.
NEEDS_TORCH = {
    *(name for name in MODULES if name.startswith(("findalike.losses", "findalike.training"))),
    *(
        f"findalike.data.training.{part}"
        for part in ("augment", "batch_sampler", "dataset")
    ),
    *(
        f"findalike.models.{part}"
        for part in (
            "backbones", "checkpoints", "export", "feature_graph", "folding", "levels", "network",
            "network_weights", "pooling", "stages", "whitening",
        )
    ),
    *(
        f"findalike.pipelines.{part}"
        for part in (
            "finish", "run_losses", "run_training", "run_whitening", "teachers", "train",
            "training_plan",
        )
    ),
}  # fmt: skip
RUNS_AT_IMPORT = {"findalike.__main__"}
# Its readers are exported together, as READERS.
PARTLY_PRIVATE = {"findalike.data.containers"}

BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "open_clip"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def _path(module: str) -> Path:
    base = SOURCE.parent.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


def _exporting() -> list[str]:
    packages = [name for name in MODULES if _path(name).name == "__init__.py"]
    return [name for name in packages if "\n__all__ = " in _path(name).read_text(encoding="utf-8")]


def _own_names(module: str) -> set[str]:
    """Public names a package defines, or takes from below itself, outside functions."""
    names: set[str] = set()
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("findalike"):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names.update(target.id for target in targets if isinstance(target, ast.Name))
    return {name for name in names if not name.startswith("_")}


def _run(script: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_packages_that_export_are_the_ones_expected():
    assert {
        "findalike",
        "findalike.data",
        "findalike.data.catalogue",
        "findalike.evaluation",
        "findalike.models",
        "findalike.shop",
    } <= set(_exporting())


@pytest.mark.parametrize("package", _exporting())
def test_exports_are_sorted_whole_and_there(package: str):
    module = importlib.import_module(package)
    names = list(module.__all__)

    # Constants, classes, functions, each by name: the order in which ruff sorts `__all__`.
    assert names == sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None
        assert name in dir(module)
    if package not in PARTLY_PRIVATE:
        assert _own_names(package) <= set(names)


def test_an_unknown_name_is_an_attribute_error():
    for package in ("findalike", "findalike.shop"):
        with pytest.raises(AttributeError, match="no attribute 'Stop'"):
            _ = importlib.import_module(package).Stop


def test_the_stub_of_the_package_names_what_the_package_does():
    stub = ast.parse((SOURCE / "__init__.pyi").read_text(encoding="utf-8"))
    taken = {
        alias.name: node.module
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert taken == findalike._HOMES
    assert {*taken, "__version__"} == set(findalike.__all__)


def test_every_module_says_what_it_is_for():
    assert not [module for module in MODULES if not ast.get_docstring(_tree(module))]


def test_everything_but_the_export_of_backbones_is_imported_without_torch():
    _run(
        BLOCKER
        + """
import importlib
for module in sys.argv[1:]:
    importlib.import_module(module)
assert not {"torch", "torchvision", "timm", "open_clip"} & set(sys.modules)
""",
        *(module for module in MODULES if module not in NEEDS_TORCH | RUNS_AT_IMPORT),
    )


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("findalike", "numpy pydantic rich typer"),
        ("findalike.cli.main", "numpy lancedb onnxruntime cv2 PIL pyarrow pydantic matplotlib"),
        ("findalike.data", "lancedb onnxruntime cv2 pyarrow httpx matplotlib"),
        ("findalike.models", "lancedb onnxruntime cv2 PIL pyarrow matplotlib"),
        ("findalike.index", "lancedb onnxruntime cv2 pyarrow"),
        ("findalike.evaluation", "lancedb onnxruntime cv2 pyarrow matplotlib"),
        ("findalike.shop", "lancedb onnxruntime cv2 pyarrow"),
        ("findalike.pipelines", "numpy lancedb onnxruntime cv2 pyarrow"),
    ],
)
def test_importing_a_package_is_cheap(module: str, unwanted: str):
    _run(
        """
        import importlib, sys
        importlib.import_module(sys.argv[1])
        loaded = set(sys.argv[2].split()) & set(sys.modules)
        assert not loaded, loaded
        """,
        module,
        unwanted,
    )


def test_the_commands_run_without_the_extras(tmp_path: Path, tiny_encoder: Path):
    write_photos(tmp_path, range(24))
    rows = [{"seller_img_id": n, "img_path": r["image"], **r} for n, r in enumerate(plain_rows())]
    kept = ("seller_img_id", "img_path", "product_id", "title", "category")
    write_table(tmp_path / "gallery.csv", [{name: row[name] for name in kept} for row in rows])
    write_table(
        tmp_path / "queries.csv",
        [
            {"user_img_id": n, "img_path": f"{n}.jpg", "product_id": rows[n]["product_id"]}
            for n in (3, 14)
        ],
    )
    folder, shop = tmp_path, tmp_path / "shop"
    command = (
        BLOCKER
        + """
from findalike.cli.main import run
sys.argv[0] = "findalike"
run()
"""
    )

    assert "evaluate" in _run(command, "--help")
    # Options as the README has them; the gallery.csv in the folder makes it a challenge's.
    options = ["--shop", shop, "--encoder", tiny_encoder, "--json"]
    assert '"added": 24' in _run(command, "index", folder, *options)
    found = _run(command, "search", folder / "14.jpg", "--shop", shop, "-k", "1", "--json")
    assert '"product_id": "p07"' in found
    measured = _run(
        command,
        "evaluate",
        *("--gallery", folder / "gallery.csv", "--queries", folder / "queries.csv"),
        *("--encoder", tiny_encoder, "--out", tmp_path / "out", "--json"),
    )
    assert '"queries": 2' in measured
    # The queries are in the gallery, so that their own pictures are not looked for.
    assert "other than the query's own picture (2 of them)" in measured
    assert (tmp_path / "out" / "report.html").is_file()
