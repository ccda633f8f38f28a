"""A network gone through by its graph gives and learns what it gives and learns by itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from findalike.config import InputSection, LevelSection, ModelSection  # noqa: E402
from findalike.models.feature_graph import FeatureGraph  # noqa: E402
from findalike.models.folding import FoldedConvolution  # noqa: E402
from findalike.models.network import EmbeddingNetwork, build_network  # noqa: E402

SIZE = 32


def build(backbone: str = "tf_efficientnet_lite0", **model: Any) -> EmbeddingNetwork:
    section = ModelSection(backbone=f"timm/{backbone}", **model)
    network = build_network(section, InputSection(size=SIZE), start="random", seed=1)
    # Statistics as of a network that was trained: those of noise, a little off.
    with torch.no_grad():
        for _ in range(2):
            network.train()(255.0 * torch.rand(4, 3, SIZE, SIZE, generator=seeded(2)))
        for module in network.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.mul_(0.9 + 0.2 * torch.rand(len(module.weight), generator=seeded(3)))
    return network.double()


def seeded(seed: int) -> Any:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 4) -> Any:
    return torch.randn((count, 3, SIZE, SIZE), generator=seeded(5)).double()


def by_graph(graph: FeatureGraph, given: Any) -> Any:
    return graph.second(graph.first(given))


def gradients(network: EmbeddingNetwork, compute: Any) -> dict[str, Any]:
    network.zero_grad()
    torch.manual_seed(0)
    features = compute(pictures())
    (features * torch.linspace(-1.0, 1.0, features.shape[1])).square().sum().backward()
    return {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}


def require_alike(network: EmbeddingNetwork, graph: FeatureGraph) -> None:
    torch.testing.assert_close(
        by_graph(graph, pictures()), network.features(pictures()), rtol=1e-6, atol=1e-8
    )
    mine = gradients(network, lambda given: by_graph(graph, given))
    expected = gradients(network, network.features)
    assert mine.keys() == expected.keys()
    for name, gradient in expected.items():
        assert (mine[name] - gradient).norm() <= 1e-6 * gradient.norm() + 1e-12, name


LEVELS = (LevelSection(at="blocks.1", weight=0.5), LevelSection(at="blocks.3", spread=0.2))


@pytest.mark.parametrize(
    ("freeze", "levels", "pooling"),
    [(0, (), "gem"), (2, LEVELS, "centre"), (4, LEVELS, "centre"), ("backbone", (), "gem")],
)
def test_features_and_gradients_are_those_of_the_network(
    freeze: Any, levels: Any, pooling: str
) -> None:
    network = build(levels=levels, pooling=pooling)
    names = list(network.state_dict())
    network.freeze(freeze)
    network.freeze_batch_norm()
    graph = FeatureGraph.of(network.train())
    assert graph is not None
    convolutions = sum(isinstance(m, nn.Conv2d) for m in network.backbone.modules())
    folded = [p for p in graph._parts.values() if isinstance(p, FoldedConvolution)]
    assert len(folded) == convolutions == 49
    require_alike(network, graph)
    assert list(network.state_dict()) == names
    assert network.training


@pytest.mark.parametrize(
    "backbone", ["test_resnet", "resnet18", "mobilenetv3_small_100", "regnety_002", "test_convnext"]
)
def test_networks_of_other_make(backbone: str) -> None:
    network = build(backbone)
    network.freeze(2)
    network.freeze_batch_norm()
    graph = FeatureGraph.of(network.train())
    assert graph is not None
    require_alike(network, graph)
    twin = graph.twin(copy.deepcopy(network).eval().requires_grad_(False))
    assert twin is not None
    found = graph.first(pictures())
    assert all(tensor.ndim == 4 and tensor.shape[1] != 3 for tensor in found)
    expected = network.eval().features(pictures())
    torch.testing.assert_close(twin.second(found), expected, rtol=1e-6, atol=1e-8)


def test_normalisation_that_learns_is_neither_folded_nor_frozen() -> None:
    network = build("resnet18")
    network.freeze(2)
    graph = FeatureGraph.of(network.train())
    assert graph is not None
    # The stem and the first stage rest with their normalisation: five convolutions.
    assert len(graph._folded) == 5
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    require_alike(network, graph)
    changed = {n for n, b in network.named_buffers() if not torch.equal(b, before[n])}
    assert changed
    assert not any(n.startswith(("backbone.conv1", "backbone.bn1", "backbone.layer1"))
                   for n in changed)  # fmt: skip


def test_nothing_is_kept_of_the_frozen_half() -> None:
    network = build(levels=LEVELS)
    network.freeze(4)
    network.freeze_batch_norm()
    graph = FeatureGraph.of(network.train())
    assert graph is not None
    found = graph.first(pictures())
    # The level inside the frozen half crosses it as well.
    assert sorted(tuple(t.shape[1:]) for t in found) == [(24, 8, 8), (40, 4, 4)]
    assert not any(tensor.requires_grad for tensor in found)
    kept: list[Any] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        features = by_graph(graph, pictures())
    assert features.requires_grad
    # Four pictures' maps of 4 x 4 cells, padded to 8 x 8 at most; the stem's have 16 x 16.
    assert 4 <= max(t.shape[-1] for t in kept if t.ndim == 4 and len(t) == 4) <= 8


def test_a_twin_shares_what_is_frozen_and_goes_its_own_way_after_that() -> None:
    network = build(levels=LEVELS)
    start = copy.deepcopy(network).eval().requires_grad_(False)
    network.freeze(3)
    network.freeze_batch_norm()
    graph = FeatureGraph.of(network.train())
    assert graph is not None
    twin = graph.twin(start)
    assert twin is not None
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.mul_(1.1)
    found = graph.first(pictures())
    torch.testing.assert_close(twin.second(found), start.features(pictures()), rtol=1e-6, atol=1e-8)
    moved = network.features(pictures())
    torch.testing.assert_close(graph.second(found), moved, rtol=1e-6, atol=1e-8)
    assert (moved - twin.second(found)).norm() > 0.01 * moved.norm()


def test_a_copy_whose_frozen_half_is_another_is_no_twin() -> None:
    network = build()
    network.freeze(3)
    network.freeze_batch_norm()
    graph = FeatureGraph.of(network.train())
    assert graph is not None
    other = copy.deepcopy(network).eval().requires_grad_(False)
    other.backbone.blocks[0][0].bn1.running_mean[0] += 1e-6
    assert graph.twin(other) is None
    assert graph.twin(copy.deepcopy(network).float().eval().requires_grad_(False)) is None


def test_chance_ends_the_frozen_half() -> None:
    from timm.layers import DropPath

    network = build()
    network.backbone.blocks[1][1].drop_path = DropPath(0.5)
    network.freeze(4)
    network.freeze_batch_norm()
    graph = FeatureGraph.of(network.train())
    assert graph is not None
    torch.manual_seed(0)
    mine = by_graph(graph, pictures())
    torch.manual_seed(0)
    torch.testing.assert_close(mine, network.features(pictures()), rtol=1e-6, atol=1e-8)
    found = graph.first(pictures())
    again = graph.first(pictures())
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
    assert not torch.equal(graph.second(found), graph.second(found))


def test_there_is_no_graph_where_there_is_nothing_to_spare_or_to_rely_on() -> None:
    network = build("resnet18")
    assert FeatureGraph.of(network.train()) is None
    network.freeze(1)
    assert FeatureGraph.of(network) is not None
    network.freeze("none")
    network.freeze_batch_norm()
    assert FeatureGraph.of(network) is not None

    hooked = copy.deepcopy(network)
    hooked.backbone.layer2.register_forward_pre_hook(lambda module, given: None)
    assert FeatureGraph.of(hooked) is None

    class ByMode(nn.Module):
        def forward(self, features: Any) -> Any:
            return 2 * self.inner(features) if self.training else self.inner(features)

    class ByValue(nn.Module):
        def forward(self, features: Any) -> Any:
            return self.inner(features) if features.sum() > -1e9 else features

    for kind in (ByMode, ByValue):
        other = copy.deepcopy(network)
        wrapped = kind()
        wrapped.inner = other.backbone.layer2
        other.backbone.layer2 = wrapped
        assert FeatureGraph.of(other.train()) is None
        assert torch.isfinite(other.features(pictures())).all()
