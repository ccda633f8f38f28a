"""Features from inside a backbone beside those at its end."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch.nn.functional import normalize  # noqa: E402

from findalike.config import InputSection, LevelSection, ModelSection  # noqa: E402
from findalike.errors import BundleError  # noqa: E402
from findalike.models.network import EmbeddingNetwork, build_network  # noqa: E402
from findalike.models.pooling import CentrePooling  # noqa: E402

LEVELS = (
    LevelSection(at="layer1", weight=0.5),
    LevelSection(at="layer3", weight=2.0, spread=0.2),
)


def _build(*, levels: tuple[LevelSection, ...] = LEVELS, seed: int = 0, **more: Any) -> Any:
    section = ModelSection(**({"backbone": "timm/test_resnet", "levels": levels} | more))
    return build_network(section, InputSection(size=32), start="random", seed=seed).eval()


def _pictures(count: int = 4) -> Any:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, 32, 32), generator=generator).to(torch.uint8)


def _expected(network: EmbeddingNetwork, pixels: Any) -> Any:
    """The joined features, from maps caught by hooks of our own."""
    maps: dict[str, Any] = {}
    modules = dict(network.backbone.named_modules())
    handles = [
        modules[name].register_forward_hook(
            lambda _, __, output, name=name: maps.update({name: output})
        )
        for name in ("layer1", "layer3")
    ]
    end = network.backbone(network.normalised(pixels))
    for handle in handles:
        handle.remove()
    first = maps["layer1"].flatten(2).mean(dim=2)
    third = maps["layer3"]
    side = (torch.arange(third.shape[-1]) + 0.5) / third.shape[-1] - 0.5
    bell = torch.exp(-(side**2) / (2 * 0.2**2))
    plane = torch.outer(bell, bell) / bell.sum() ** 2
    weighted = (third * plane).flatten(2).sum(dim=2)
    parts = [normalize(end, dim=1), 0.5 * normalize(first, dim=1), 2.0 * normalize(weighted, dim=1)]
    return torch.cat(parts, dim=1)


def test_features_are_joined_each_with_its_weight() -> None:
    network = _build()
    with torch.no_grad():
        found = network.features(network.normalised(_pictures()))
        expected = _expected(network, _pictures())
    assert found.shape == (4, network.feature_size)
    assert network.embedding_size == network.feature_size == expected.shape[1]
    assert torch.allclose(found, expected, atol=1e-5)
    assert torch.allclose(found.square().sum(dim=1), torch.full((4,), 1 + 0.25 + 4.0), atol=1e-4)


def test_without_levels_features_are_the_backbones_own() -> None:
    network = _build(levels=())
    pixels = network.normalised(_pictures())
    with torch.no_grad():
        assert torch.equal(network.features(pixels), network.backbone(pixels))


def test_levels_have_no_tensors() -> None:
    plain, joined = _build(levels=()), _build()
    assert list(joined.state_dict()) == list(plain.state_dict())
    joined.load_state_dict(plain.state_dict())


def test_gradients_reach_the_levels() -> None:
    network = _build().train()
    # Only the part of the first level: nothing behind it gets a gradient.
    end = network.backbone.num_features
    width = _build(levels=LEVELS[:1]).feature_size - end
    features = network.features(network.normalised(_pictures()))
    features[:, end : end + width].sum().backward()
    touched = {
        name
        for name, parameter in network.backbone.named_parameters()
        if parameter.grad is not None and parameter.grad.abs().sum() > 0
    }
    assert any(name.startswith("layer1") for name in touched)
    assert not any(name.startswith(("layer2", "layer3", "layer4")) for name in touched)


def test_a_copy_listens_to_its_own_backbone() -> None:
    network = _build()
    with torch.no_grad():
        before = network(_pictures())
        for duplicate in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            for parameter in network.backbone.layer1.parameters():
                parameter.add_(1.0)
            assert torch.equal(duplicate(_pictures()), before)
            for parameter in network.backbone.layer1.parameters():
                parameter.sub_(1.0)
        for parameter in network.backbone.layer1.parameters():
            parameter.add_(1.0)
        assert not torch.allclose(network(_pictures()), before, atol=1e-3)


def test_a_batch_leaves_nothing_behind() -> None:
    network = _build()
    with torch.no_grad():
        alone = network(_pictures(1))
        network(_pictures())
        assert torch.equal(network(_pictures(1)), alone)
    with pytest.raises(RuntimeError, match="nothing has passed"):
        network.levels.joined(torch.zeros(1, 96))


def test_an_unknown_module_names_those_near_it() -> None:
    with pytest.raises(BundleError, match=r"'layer9', and timm/test_resnet .* layer\d") as caught:
        _build(levels=(LevelSection(at="layer9"),))
    assert "model.levels" in str(caught.value)


def test_a_level_must_be_a_feature_map() -> None:
    with pytest.raises(BundleError, match=r"shape \(1, 96\)"):
        _build(levels=(LevelSection(at="global_pool"),))


def test_a_network_with_levels_and_whitening_can_be_exported(tmp_path: Path) -> None:
    import numpy as np

    from findalike.models.export import PixelEncoder, export_checked, least_cosine
    from findalike.models.whitening import WhiteningHead

    network = _build(pooling="centre", head="whitening", embedding_size=8)
    assert any(isinstance(module, CentrePooling) for module in network.backbone.modules())
    (head,) = (module for module in network.head if isinstance(module, WhiteningHead))
    rng = np.random.default_rng(0)
    features = network.feature_size
    head.set(rng.normal(size=(8, features)), 0.1 * rng.normal(size=features))
    module = PixelEncoder(
        copy.deepcopy(network.for_export()), mean=network.channel_mean, std=network.channel_std
    )
    pixels = _pictures(8).permute(0, 2, 3, 1).contiguous()
    with torch.inference_mode():
        expected = normalize(network(_pictures(8)), dim=1)
        assert torch.allclose(module(pixels), expected, atol=1e-5)
    path = tmp_path / "encoder.onnx"
    _, dimension = export_checked(module, 32, path, pixels.numpy())
    assert dimension == 8
    assert least_cosine(expected.numpy(), path, pixels.numpy()) > 0.9999
