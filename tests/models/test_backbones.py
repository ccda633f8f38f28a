from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

import timm  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from findalike.errors import BundleError  # noqa: E402
from findalike.models.backbone_names import BACKBONES  # noqa: E402
from findalike.models.backbones import build, long_form  # noqa: E402
from findalike.models.quiet import quiet  # noqa: E402

TINY = "timm/test_resnet.r160_in1k"

# A CLIP whose image tower is a ConvNeXt, in the layout of open_clip's own configurations.
TINY_CLIP = {
    "embed_dim": 48,
    "vision_cfg": {
        "timm_model_name": "test_convnext",
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "linear",
        "timm_drop": 0.0,
        "timm_drop_path": 0.1,
        "image_size": 96,
    },
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1},
}


def _save_timm(folder: Path) -> Any:
    """A folder in the format timm pushes to the hub, with a normalisation of its own."""
    from timm.models._hub import save_for_hf

    torch.manual_seed(3)
    model = timm.create_model("test_resnet", num_classes=7)
    model.pretrained_cfg |= {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "license": "mit"}
    save_for_hf(model, folder, safe_serialization=True)
    return model.eval()


def _save_open_clip(folder: Path) -> Any:
    """A folder in the format open_clip pushes to the hub."""
    import open_clip

    folder.mkdir(parents=True)
    config = {
        "model_cfg": TINY_CLIP,
        "preprocess_cfg": {
            "mean": [0.1, 0.2, 0.3],
            "std": [0.4, 0.5, 0.6],
            "resize_mode": "squash",
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    torch.manual_seed(4)
    with quiet():
        model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return model.eval()


def _cached(home: Path, repository: str) -> Path:
    """The folder of a repository in the hub's cache, where its offline mode looks."""
    root = home / "hub" / f"models--{repository.replace('/', '--')}"
    (root / "refs").mkdir(parents=True)
    (root / "refs" / "main").write_text("c0ffee")
    return root / "snapshots" / "c0ffee"


def _picture(size: int) -> Any:
    return torch.rand((2, 3, size, size), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("short", sorted(BACKBONES))
def test_every_short_name_is_one_its_library_knows(short):
    import open_clip

    spec = long_form(short)
    library, _, name = spec.partition("/")
    if library == "timm":
        assert name in timm.list_pretrained()
    else:
        architecture, _, tag = name.partition(":")
        assert (architecture, tag) in open_clip.list_pretrained()
    assert BACKBONES[short].what


def test_bare_names_are_timms():
    assert long_form("convnext_nano") == "timm/convnext_nano"
    assert long_form("resnet18") == "timm/resnet18.a1_in1k"
    for spec in ("timm/x", "open_clip/x:y", "hf-hub:a/b", "local-dir:/x"):
        assert long_form(spec) == spec


def test_random_weights_follow_their_seed_and_leave_torchs_own_alone():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    first, again, other = (build(TINY, pretrained=False, seed=s) for s in (0, 0, 1))
    assert torch.equal(torch.rand(3), expected)
    picture = _picture(160)
    assert torch.equal(first.module(picture), again.module(picture))
    assert not torch.equal(first.module(picture), other.module(picture))
    assert (first.random, first.weights) == (True, "random, seed 0")
    assert not first.module.training


def test_the_input_comes_from_timms_configuration():
    built = build(TINY, pretrained=False)
    assert built.size == 160
    config = timm.data.resolve_data_config({}, model=timm.create_model("test_resnet.r160_in1k"))
    assert (built.mean, built.std) == (config["mean"], config["std"])
    assert built.resize == "pad"
    assert build(TINY, pretrained=False, size=96).size == 96


def test_a_transformer_is_fitted_to_another_size():
    built = build("timm/test_vit", pretrained=False, size=96)
    assert built.module(_picture(96)).shape == (2, built.module.num_features)


def test_a_checkpoint_gives_the_features_of_its_model(tmp_path):
    torch.manual_seed(9)
    source = timm.create_model("test_resnet", num_classes=13).eval()
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    built = build("test_resnet", checkpoint=tmp_path / "w.safetensors")
    picture = _picture(160)
    expected = source.forward_head(source.forward_features(picture), pre_logits=True)
    assert torch.allclose(built.module(picture), expected, atol=1e-6)
    assert built.weights.startswith("w.safetensors (SHA-256 ")
    assert built.weights.endswith("matched by name")
    assert (built.random, built.licence) == (False, None)


def test_the_checkpoint_of_another_architecture_is_refused(tmp_path):
    save_file(timm.create_model("test_efficientnet").state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(BundleError, match=r"w\.safetensors does not fit the backbone: bn1"):
        build("test_resnet", checkpoint=tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet81", "resnet18"),
        ("timm/resnet18.a1_in2k", "a1_in1k"),
        ("open_clip/convnext_xxlarg:laion2b_s34b_b82k_augreg_soup", "convnext_xxlarge"),
        ("open_clip/convnext_xxlarge:laion2b_soup", "laion2b_s34b_b82k_augreg_soup"),
        ("open_clip/convnext_xxlarge", "laion2b_s34b_b82k_augreg"),
        ("timm/test_resnet_nothing", "test_resnet"),
        ("local-dir:/nowhere/at/all", "/nowhere/at/all"),
        ("open_clip/local-dir:/nowhere/at/all", "/nowhere/at/all"),
    ],
)
def test_an_unknown_backbone_is_refused_with_what_is_near(name, said):
    with pytest.raises(BundleError) as caught:
        build(name)
    assert said in str(caught.value)


def test_timms_folder_format_brings_weights_and_normalisation(tmp_path):
    source = _save_timm(tmp_path / "m")
    built = build(f"local-dir:{tmp_path / 'm'}")
    picture = _picture(160)
    expected = source.forward_head(source.forward_features(picture), pre_logits=True)
    assert torch.allclose(built.module(picture), expected, atol=1e-6)
    assert (built.mean, built.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert built.licence == "mit"


def test_open_clips_folder_format_brings_weights_and_preprocessing(tmp_path):
    source = _save_open_clip(tmp_path / "m")
    built = build(f"open_clip/local-dir:{tmp_path / 'm'}")
    picture = _picture(96)
    assert torch.allclose(built.module(picture), source.encode_image(picture), atol=1e-6)
    assert (built.mean, built.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert (built.size, built.resize, built.random) == (96, "stretch", False)


def test_open_clips_folder_without_weights_is_refused_unless_random(tmp_path):
    _save_open_clip(tmp_path / "m")
    (tmp_path / "m" / "open_clip_model.safetensors").unlink()
    with pytest.raises(BundleError, match="cannot be built"):
        build(f"open_clip/local-dir:{tmp_path / 'm'}")
    assert build(f"open_clip/local-dir:{tmp_path / 'm'}", pretrained=False).random


def test_open_clip_takes_the_checkpoint_of_a_whole_clip(tmp_path, monkeypatch):
    import open_clip

    source = _save_open_clip(tmp_path / "m")
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "tiny_clip.json").write_text(json.dumps(TINY_CLIP))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", [])
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", {})
    open_clip.add_model_config(configs)
    weights = tmp_path / "m" / "open_clip_model.safetensors"
    built = build("open_clip/tiny_clip", checkpoint=weights)
    picture = _picture(96)
    assert torch.allclose(built.module(picture), source.encode_image(picture), atol=1e-6)
    assert built.weights.startswith("open_clip_model.safetensors (SHA-256 ")
    save_file({"visual.x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BundleError, match=r"other\.safetensors does not fit open_clip/tiny_clip"):
        build("open_clip/tiny_clip", checkpoint=tmp_path / "other.safetensors")
    with pytest.raises(BundleError, match="brings its own weights"):
        build(f"open_clip/local-dir:{tmp_path / 'm'}", checkpoint=weights)


def test_the_hubs_are_read_from_their_cache_and_said_to_be_missing_where_it_lacks(tmp_path):
    _save_timm(_cached(tmp_path, "shop/tiny-resnet"))
    _save_open_clip(_cached(tmp_path, "shop/tiny-clip"))
    # The hub's library reads its settings once, when it is imported: hence another process.
    script = textwrap.dedent(
        """
        from findalike.errors import FetchError
        from findalike.models.backbones import build

        for name in ("hf-hub:shop/tiny-resnet", "open_clip/hf-hub:shop/tiny-clip"):
            built = build(name)
            assert built.mean == (0.1, 0.2, 0.3) and not built.random, name
            assert "shop/tiny" in built.weights, built.weights
        unreachable = "resnet18 hf-hub:shop/none open_clip/hf-hub:shop/none convnext_xxlarge"
        for name in unreachable.split():
            try:
                build(name)
            except FetchError as error:
                assert "give the file as checkpoint" in str(error), error
            else:
                raise AssertionError(name)
        """
    )
    environment = os.environ | {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
