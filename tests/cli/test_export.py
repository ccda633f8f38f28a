from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from findalike.models.bundle import Bundle
from findalike.pipelines import export as export_module
from findalike.pipelines.export import ExportOutcome
from findalike.pipelines.export_card import Comparison


def _result(value: float) -> Any:
    return SimpleNamespace(figures=SimpleNamespace(queries=1234, map_at_k=value))


@pytest.fixture
def asked(monkeypatch, tiny_encoder) -> list[dict[str, Any]]:
    """What the command asks the use case for; nothing is exported."""
    calls: list[dict[str, Any]] = []

    def export_run(folder: Path, out: Path, **settings: Any) -> ExportOutcome:
        calls.append({"folder": folder, "out": out, **settings})
        comparison = Comparison(
            precision=settings["precision"],
            photos=200,
            calibrated_on=0,
            photos_from="here",
            least_cosine=0.999987654,
            by_torch={"cells": _result(0.6543)},
            exported={"cells": _result(0.6531)},
            how="weights stored as float16",
        )
        return ExportOutcome(Bundle.load(tiny_encoder), comparison)

    monkeypatch.setattr(export_module, "export_run", export_run)
    return calls


def test_every_option_arrives(findalike, asked):
    done = findalike(
        "export", "a/run", "--out", "b", "--precision", "int8", "--name", "n", "--version", "7",
        "--licence", "MIT", "--weights", "best", "--samples", "s", "--validate", "x",
        "--validate", "y", "--base", "r",
    )  # fmt: skip
    assert done.code == 0, done.err
    (call,) = asked
    del call["progress"]
    assert call == {
        "folder": Path("a/run"),
        "out": Path("b"),
        "precision": "int8",
        "name": "n",
        "version": "7",
        "licence": "MIT",
        "weights": "best",
        "samples": Path("s"),
        "validate": ["x", "y"],
        "base": Path("r"),
    }


def test_what_is_printed(findalike, asked):
    done = findalike("export", "run", "--out", "b")
    assert asked[0]["precision"] == "fp16"
    assert asked[0]["validate"] is None
    for said in ("cells", "1,234", "0.6543", "0.6531", "0.999988", "200 photos", "float16", "49"):
        assert said in done.out


@pytest.mark.usefixtures("asked")
def test_json_is_one_object(findalike, tiny_encoder):
    told = findalike("export", "run", "--out", "b", "--json").json
    bundle = Bundle.load(tiny_encoder)
    assert told == {
        "name": "tiny",
        "folder": str(tiny_encoder),
        "fingerprint": bundle.fingerprint,
        "precision": "fp16",
        "bytes": bundle.model_path.stat().st_size,
        "photos": 200,
        "least_cosine": 0.999987654,
        "sets": {"cells": {"queries": 1234, "map_by_torch": 0.6543, "map": 0.6531}},
    }


@pytest.mark.usefixtures("asked")
def test_an_unknown_precision_is_refused(findalike):
    done = findalike("export", "run", "--out", "b", "--precision", "int4")
    assert done.code == 2
    assert "--precision 'int4': it must be fp32, fp16 or int8" in done.err


def test_what_is_no_run_is_refused(findalike, tmp_path):
    done = findalike("export", tmp_path, "--out", tmp_path / "b")
    assert done.code == 2
    assert "is no run" in done.err
    assert "Traceback" not in done.err
