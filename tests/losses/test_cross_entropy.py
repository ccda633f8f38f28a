from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.errors import SettingError  # noqa: E402
from findalike.losses import CrossEntropyLoss  # noqa: E402

IDS = torch.arange(6)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_against_a_loop(smoothing):
    torch.manual_seed(0)
    loss = CrossEntropyLoss(4, 5, smoothing=smoothing).double()
    embeddings = torch.randn(6, 5, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 0, 0])
    layer = loss.classifier.requires_grad_(False)
    total = 0.0
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        logits = [
            float(row @ weight + bias)
            for weight, bias in zip(layer.weight, layer.bias, strict=True)
        ]
        norm = math.log(sum(map(math.exp, logits)))
        for other in range(4):
            share = smoothing / 4 + (1 - smoothing) * (other == label)
            total += share * (norm - logits[other])

    assert loss(embeddings, labels, IDS).item() == pytest.approx(total / 6, rel=1e-12)


def test_it_learns_one_class_a_direction():
    torch.manual_seed(1)
    loss = CrossEntropyLoss(3, 3)
    embeddings, labels = torch.eye(3), torch.arange(3)
    before = loss(embeddings, labels, IDS[:3])
    optimiser = torch.optim.SGD(loss.parameters(), lr=1.0)
    for _ in range(20):
        optimiser.zero_grad()
        loss(embeddings, labels, IDS[:3]).backward()
        optimiser.step()
    assert loss(embeddings, labels, IDS[:3]) < before / 3


def test_bfloat16_under_autocast_is_computed_in_float32():
    torch.manual_seed(2)
    loss = CrossEntropyLoss(3, 8)
    embeddings = torch.randn(6, 8, dtype=torch.bfloat16, requires_grad=True)
    labels = torch.arange(6) % 3
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(embeddings, labels, IDS)
    mixed.backward()
    assert torch.equal(mixed, loss(embeddings.detach().float(), labels, IDS))
    assert embeddings.grad.isfinite().all()


def test_what_is_out_of_range_is_refused():
    with pytest.raises(SettingError, match=r"smoothing=1.0 .* 0 to below 1"):
        CrossEntropyLoss(3, 8, smoothing=1.0)
    with pytest.raises(SettingError, match="0 classes"):
        CrossEntropyLoss(0, 8)
