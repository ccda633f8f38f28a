"""What a network is held to: its own start, or encoder bundles."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.config import DistillationSection, InputSection, ModelSection  # noqa: E402
from findalike.errors import BundleError, RecipeError  # noqa: E402
from findalike.models.encoder import Encoder  # noqa: E402
from findalike.models.network import EmbeddingNetwork, build_network  # noqa: E402
from findalike.models.registry import IMAGENET_ENCODER  # noqa: E402
from findalike.pipelines.teachers import (  # noqa: E402
    BundleTeacher,
    StartTeacher,
    build_teacher,
)
from support import make_tiny_encoder  # noqa: E402


@pytest.fixture
def network() -> EmbeddingNetwork:
    model = ModelSection(backbone="timm/test_resnet", embedding_size=8, dropout=0.5)
    return build_network(model, InputSection(size=32), start="random", seed=3)


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [
        make_tiny_encoder(tmp_path / name, name=name, tilt=tilt)
        for name, tilt in (("first", 1.0), ("second", 90.0))
    ]


def pictures(count: int = 4, size: int = 32) -> Any:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, size, size), generator=generator).to(torch.uint8)


def build(network: EmbeddingNetwork, base: Path, *names: str) -> Any:
    teacher = names[0] if len(names) == 1 else names
    return build_teacher(DistillationSection(teacher=teacher), network, base=base)


def test_the_start_teaches_what_the_head_is_given(network, tmp_path):
    teacher = build(network, tmp_path, "start")
    assert isinstance(teacher, StartTeacher)
    with torch.no_grad():
        features = network.eval().features(network.normalised(pictures()))
    expected = torch.nn.functional.normalize(features, dim=1)
    found = teacher(pictures())
    assert found.shape == (4, network.feature_size)
    assert torch.allclose(found, expected, atol=1e-6)
    assert not found.requires_grad


def test_the_start_does_not_follow_the_training(network):
    teacher = StartTeacher(network)
    before = teacher(pictures())
    network.train()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.5)
    for _ in range(2):
        optimiser.zero_grad()
        network(pictures()).square().mean().backward()
        optimiser.step()
    assert torch.equal(teacher(pictures()), before)
    # Batch statistics of the pictures it is shown do not change it either.
    assert torch.allclose(teacher(pictures(1)), teacher(pictures(3))[:1], atol=1e-6)
    network.eval()
    moved = network.features(network.normalised(pictures()))
    assert not torch.allclose(torch.nn.functional.normalize(moved, dim=1), before, atol=1e-3)
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_bundles_are_joined_with_equal_weight(network, two, tmp_path):
    teacher = build(network, tmp_path, "first", "second")
    found = teacher(pictures())
    parts = []
    for folder in two:
        pixels = pictures().permute(0, 2, 3, 1).contiguous().numpy()
        parts.append(torch.from_numpy(Encoder.load(folder, threads=1).embed(pixels)))
    assert found.shape == (4, 98)
    assert torch.allclose(found, torch.cat(parts, dim=1) / 2**0.5, atol=1e-6)
    assert torch.allclose(found.norm(dim=1), torch.ones(4), atol=1e-5)
    cosines = sum(part @ part.T for part in parts) / 2
    assert torch.allclose(found @ found.T, cosines, atol=1e-5)


def test_bundles_of_other_sizes_see_the_picture_scaled(network, two, tmp_path):
    plain = torch.full((2, 3, 96, 96), 30, dtype=torch.uint8)
    plain[1, 0] = 200
    single = build(network, tmp_path, str(two[0]))
    assert torch.allclose(single(plain), single(plain[:, :, :32, :32]), atol=1e-6)
    joined = build(network, tmp_path, "first", IMAGENET_ENCODER)(plain)
    assert joined.shape == (2, 49 + 1280)
    assert torch.allclose(joined.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not torch.allclose(joined[0], joined[1], atol=1e-2)


def test_a_teacher_is_sent_to_another_process_without_its_runtimes(network, two, tmp_path):
    teacher = build(network, tmp_path, "first", "second")
    found = teacher(pictures())
    sent = pickle.loads(pickle.dumps(teacher))
    assert isinstance(sent, BundleTeacher)
    assert sent._encoders == ()
    assert torch.equal(sent(pictures()), found)


def test_a_single_bundle_may_come_by_name(network, tmp_path):
    teacher = build(network, tmp_path, IMAGENET_ENCODER)
    assert teacher(pictures(1, 224)).shape == (1, 1280)


def test_start_stands_alone(network, two, tmp_path):
    with pytest.raises(RecipeError, match="stands alone"):
        build(network, tmp_path, "start", "first")


def test_an_unknown_bundle_is_refused(network, tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        build(network, tmp_path, "nowhere")
