from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.config import InputSection, ModelSection  # noqa: E402
from findalike.errors import BundleError, RecipeError  # noqa: E402
from findalike.models.network import EmbeddingNetwork, build_network  # noqa: E402
from findalike.models.network_weights import (  # noqa: E402
    load_weights_into,
    read_metadata,
    save_weights,
)
from findalike.models.pooling import GemPooling  # noqa: E402


def _build(seed: int = 0, size: int = 32, picture: Any = None, **model: Any) -> EmbeddingNetwork:
    section = ModelSection(**({"backbone": "timm/test_resnet", "embedding_size": 8} | model))
    shape = InputSection(size=size, **(picture or {}))
    return build_network(section, shape, start="random", seed=seed)


def _pictures(count: int = 4, size: int = 32) -> Any:
    return torch.randint(
        0, 256, (count, 3, size, size), generator=torch.Generator().manual_seed(1)
    ).to(torch.uint8)


def test_pictures_become_embeddings_and_the_seed_decides_the_weights() -> None:
    network = _build().eval()
    found = network(_pictures())
    assert found.shape == (4, 8)
    assert found.dtype == torch.float32
    assert torch.equal(found, network(_pictures().float()))
    assert torch.equal(found, _build().eval()(_pictures()))
    assert not torch.equal(found, _build(seed=1).eval()(_pictures()))
    plain = _build(embedding_size=None).eval()
    assert plain(_pictures()).shape == (4, plain.embedding_size)
    assert plain.embedding_size > 8


def test_pictures_are_normalised_inside() -> None:
    network = _build(picture={"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}).eval()
    mean = torch.tensor([0.1, 0.2, 0.3]).view(1, 3, 1, 1)
    std = torch.tensor([0.5, 0.6, 0.7]).view(1, 3, 1, 1)
    expected = network.embed_normalised((_pictures() / 255.0 - mean) / std)
    assert torch.allclose(network(_pictures()), expected, atol=1e-5)
    half = copy.deepcopy(network).to(torch.bfloat16)
    assert half.mean.dtype == torch.float32
    assert torch.equal(half.mean, network.mean)


def test_generalised_mean_pooling() -> None:
    features = torch.rand(2, 3, 5, 5, generator=torch.Generator().manual_seed(0)) + 0.1
    mean = features.mean(dim=(2, 3))
    assert torch.allclose(GemPooling(1.0)(features), mean, atol=1e-6)
    cubes = (features**3).mean(dim=(2, 3)) ** (1 / 3)
    assert torch.allclose(GemPooling(3.0)(features), cubes, atol=1e-6)
    assert torch.allclose(GemPooling(200.0)(features), features.amax(dim=(2, 3)), rtol=0.03)
    pooling = GemPooling(3.0, flatten=False)
    assert pooling(features).shape == (2, 3, 1, 1)
    pooling(features - 1.0).sum().backward()
    assert torch.isfinite(pooling.power.grad).all()


@pytest.mark.parametrize("backbone", ["test_resnet", "test_convnext", "test_efficientnet"])
def test_gem_takes_the_place_of_the_average(backbone: str) -> None:
    pictures = _pictures(size=128)

    def embed(**model: Any) -> Any:
        return _build(backbone=f"timm/{backbone}", size=128, **model).eval()(pictures)

    average, cubic = embed(pooling="gem", gem_power=1.0), embed(pooling="gem")
    if backbone == "test_resnet":
        # Its features are never negative, so the first power is the average.
        assert torch.allclose(embed(), average, atol=1e-4)
    assert not torch.allclose(average, cubic, atol=1e-4)
    network = _build(backbone=f"timm/{backbone}", pooling="gem", gem_power=2.5)
    powers = [m.power.item() for m in network.modules() if isinstance(m, GemPooling)]
    assert powers == [2.5]


def test_a_backbone_without_a_feature_map_has_nothing_to_pool() -> None:
    with pytest.raises(BundleError, match="no feature map"):
        _build(backbone="timm/test_vit", pooling="gem", size=160)


@pytest.mark.parametrize(
    ("backbone", "size", "stages"),
    [("test_resnet", 32, 5), ("test_convnext", 32, 5), ("test_vit", 160, 7)],
)
def test_stages_cover_the_backbone_from_input_to_output(
    backbone: str, size: int, stages: int
) -> None:
    network = _build(backbone=f"timm/{backbone}", size=size)
    found = network.stages()
    assert len(found) == stages
    listed = [id(p) for stage in found for p in stage]
    listed += [id(p) for p in network.head_parameters()]
    assert sorted(listed) == sorted(id(p) for p in network.parameters())
    names = {id(p): name for name, p in network.backbone.named_parameters()}
    assert any("stem" in names[id(p)] or "patch" in names[id(p)] or "conv1" in names[id(p)]
               for p in found[0])  # fmt: skip
    assert not any("stem" in names[id(p)] for p in found[-1])


def test_heads() -> None:
    linear = _build(head="linear").head
    normed = _build(head="linear-bn", dropout=0.5).head
    assert [type(m).__name__ for m in linear] == ["Linear"]
    assert [type(m).__name__ for m in normed] == ["Dropout", "Linear", "BatchNorm1d"]
    network = _build(dropout=0.5).train()
    network.freeze("backbone")
    assert not torch.equal(network(_pictures()), network(_pictures()))
    assert torch.equal(network.eval()(_pictures()), network(_pictures()))


def test_freezing_is_undone_and_out_of_range_refused() -> None:
    network = _build()
    network.freeze(1)
    frozen = {n for n, p in network.named_parameters() if not p.requires_grad}
    assert frozen
    assert all(n.startswith(("backbone.conv1", "backbone.bn1")) for n in frozen)
    network.freeze("none")
    assert all(p.requires_grad for p in network.parameters())
    with pytest.raises(RecipeError, match="5 stages"):
        network.freeze(6)


def test_a_resting_backbone_gets_no_gradient_and_keeps_its_statistics() -> None:
    network = _build().train()
    network.rest_backbone(True)
    before = {n: b.clone() for n, b in network.backbone.named_buffers()}
    network(_pictures()).sum().backward()
    assert all(p.grad is None for p in network.backbone.parameters())
    assert all(p.grad is not None for p in network.head.parameters())
    assert all(torch.equal(before[n], b) for n, b in network.backbone.named_buffers())
    network.rest_backbone(False)
    network(_pictures()).sum().backward()
    assert all(p.grad is not None for p in network.backbone.parameters())
    assert not all(torch.equal(before[n], b) for n, b in network.backbone.named_buffers())


def test_the_network_can_be_exported(tmp_path: Path) -> None:
    from findalike.models.export import PixelEncoder, export_checked

    network = _build(pooling="gem", head="linear-bn").eval()
    module = PixelEncoder(
        copy.deepcopy(network.for_export()), mean=network.channel_mean, std=network.channel_std
    )
    pixels = _pictures(8).permute(0, 2, 3, 1).contiguous()
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(network(_pictures(8)), dim=1)
        assert torch.allclose(module(pixels), expected, atol=1e-5)
    _, dimension = export_checked(module, 32, tmp_path / "encoder.onnx", pixels.numpy())
    assert dimension == 8


def test_weights_travel_to_the_next_run(tmp_path: Path) -> None:
    first, second = _build(seed=1), _build(seed=2)
    losses = torch.nn.ModuleList([torch.nn.Linear(8, 6, bias=False)])
    other = torch.nn.ModuleList([torch.nn.Linear(8, 6, bias=False)])
    path = tmp_path / "weights" / "a.safetensors"
    save_weights(path, first, dict(losses.named_parameters()), {"step": "7"})
    assert read_metadata(path) == {"step": "7"}
    taken = load_weights_into(second, path, losses=other)
    assert taken.left == ()
    assert torch.equal(first.eval()(_pictures()), second.eval()(_pictures()))
    assert torch.equal(losses[0].weight, other[0].weight)


def test_a_head_of_another_size_keeps_its_own_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_weights(path, _build(seed=1), {}, {})
    wider = _build(seed=2, embedding_size=16)
    own = wider.head[0].weight.clone()
    taken = load_weights_into(wider, path)
    assert set(taken.left) == {"network.head.0.weight", "network.head.0.bias"}
    assert torch.equal(wider.head[0].weight, own)
    assert torch.equal(wider.backbone.conv1[0].weight, _build(seed=1).backbone.conv1[0].weight)


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_weights(path, _build(backbone="timm/test_convnext"), {}, {})
    network = _build()
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(BundleError, match="another backbone than timm/test_resnet"):
        load_weights_into(network, path)
    assert all(torch.equal(before[n], t) for n, t in network.state_dict().items())
    with pytest.raises(BundleError, match="cannot read"):
        load_weights_into(network, tmp_path / "none.safetensors")
    from safetensors.torch import save_file

    save_file({"x": torch.ones(1)}, path)
    with pytest.raises(BundleError, match="holds no weights of a run"):
        load_weights_into(network, path)
