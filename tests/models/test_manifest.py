from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from findalike.errors import BundleError
from findalike.models.manifest import MAX_MANIFEST_BYTES, read_manifest
from findalike.types import InputSpec


@pytest.fixture
def write(tmp_path: Path, manifest_values: dict[str, Any]):
    def write_changed(**changes: Any) -> Path:
        path = tmp_path / "encoder.json"
        path.write_text(json.dumps(manifest_values | changes), encoding="utf-8")
        return path

    return write_changed


def test_every_value_arrives(write):
    figure = {
        "protocol": "p",
        "metric": "mAP",
        "value": 0.5,
        "n": 7,
        "ci95": [0.4, 0.6],
        "command": "c",
    }
    manifest = read_manifest(
        write(
            input={"size": 224, "resize": "pad", "context": 0.25, "fill": 9},
            mean=[0.1, 0.2, 0.3],
            std=[0.4, 0.5, 0.6],
            source={"backbone": "b", "weights": "w", "made_by": "m"},
            figures=[figure],
        )
    )
    assert manifest.input.spec() == InputSpec(224, "pad", 0.25, 9)
    assert (manifest.mean, manifest.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert manifest.source.made_by == "m"
    assert manifest.figures[0].ci95 == (0.4, 0.6)
    assert manifest.model_dump(mode="json")["figures"] == [figure]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lisence": "MIT"}, "unknown key 'lisence', did you mean 'licence'?"),
        (
            {"input": {"size": 64, "resise": "pad"}},
            "unknown key 'input.resise', did you mean 'resize'?",
        ),
        ({"zzz": 1}, "unknown key 'zzz', allowed are calibration, embedding_size, figures"),
        (
            {"figures": [{"protocoll": "x"}]},
            "unknown key 'figures.0.protocoll', did you mean 'protocol'?",
        ),
        ({"input": {"size": 64}}, "key 'input.resize' is missing"),
        ({"input": {"size": 8, "resize": "pad", "context": 0.0, "fill": 0}}, "input.size: "),
        ({"input": {"size": 64, "resize": "squeeze", "context": 0.0, "fill": 0}}, "not 'squeeze'"),
        ({"embedding_size": 0}, "embedding_size: "),
        ({"embedding_size": "12"}, "embedding_size: "),
        ({"mean": [0.1, 0.2]}, "mean"),
        ({"name": "../evil"}, "name: "),
        ({"files": {"encoder.onnx": "abc"}}, "files.encoder.onnx: "),
        ({"files": {"model.onnx": "0" * 64}}, "files: 'encoder.onnx' is not listed"),
    ],
)
def test_a_broken_key_is_named(write, changes, said):
    with pytest.raises(BundleError) as caught:
        read_manifest(write(**changes))
    assert said in str(caught.value)
    assert "encoder.json" in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../encoder.onnx.data",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:x",
        ".hidden",
        "",
        "..",
        "a\x00b",
        "a" * 129,
        "encoder.json",
    ],
)
def test_file_names_that_leave_the_folder_are_refused(write, name):
    path = write(files={"encoder.onnx": "0" * 64, name: "0" * 64})
    with pytest.raises(BundleError, match=r"plain file name|cannot be listed"):
        read_manifest(path)


def test_a_newer_schema_says_upgrade_before_it_says_unknown_key(write):
    with pytest.raises(BundleError, match=r"schema version 2.*knows up to 1.*upgrade"):
        read_manifest(write(schema_version=2, calibration={"a": 1}))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000, "\x00\xff"])
def test_what_is_not_a_description_is_refused(tmp_path, text):
    path = tmp_path / "encoder.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BundleError, match=r"encoder\.json"):
        read_manifest(path)


def test_numbers_that_are_not_finite_are_refused(tmp_path, manifest_values):
    path = tmp_path / "encoder.json"
    path.write_text(
        json.dumps(manifest_values | {"mean": [float("nan"), 0.0, 0.0]}), encoding="utf-8"
    )
    with pytest.raises(BundleError, match=r"mean\.0"):
        read_manifest(path)


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "encoder.json"
    path.write_bytes(b" " * (MAX_MANIFEST_BYTES + 1))
    with pytest.raises(BundleError, match="larger than"):
        read_manifest(path)
