"""The cross-batch memory against pytorch-metric-learning, and against a loop where we deviate."""

from __future__ import annotations

import copy
import io

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from findalike.errors import SettingError  # noqa: E402
from findalike.losses import (  # noqa: E402
    CrossBatchMemory,
    LabelledEmbeddings,
    XbmContrastiveLoss,
)

DIMENSION = 6


def batches(steps: int, count: int, *, images: int | None = None, dtype=torch.float64):
    """Batches of a training; without ``images``, no image comes twice."""
    generator = torch.Generator().manual_seed(steps + 10 * count)
    for step in range(steps):
        embeddings = 3 * torch.randn(count, DIMENSION, generator=generator, dtype=dtype)
        fresh = torch.arange(step * count, (step + 1) * count)
        ids = fresh if images is None else torch.randint(images, (count,), generator=generator)
        # An image has one label for good.
        yield embeddings.requires_grad_(), ids * 7 % 5, ids


class SlowXbm:
    """The same in loops, with a list for a memory."""

    def __init__(self, size: int, *, warm_up_batches: int = 0, weight: float = 1.0) -> None:
        self.size, self.warm_up_batches, self.weight = size, warm_up_batches, weight
        self.memory: list[tuple] = []
        self.steps = 0

    def __call__(self, embeddings, labels, ids):
        features = functional.normalize(embeddings)
        batch = list(zip(features, labels.tolist(), ids.tolist(), strict=True))
        loss = self._loss(batch, batch)
        self.steps += 1
        if self.steps <= self.warm_up_batches:
            return loss
        self.memory += [(row.detach(), label, image) for row, label, image in batch]
        self.memory = self.memory[-self.size :]
        return loss + self.weight * self._loss(batch, self.memory)

    def _loss(self, anchors, references):
        pulls, pushes = [], []
        for feature, label, image in anchors:
            for other, other_label, other_image in references:
                cosine = feature @ other
                if image == other_image:
                    continue
                if label == other_label and cosine < 1:
                    pulls.append(1 - cosine)
                elif label != other_label and cosine > 0.5:
                    pushes.append(cosine - 0.5)
        terms = [sum(part) / len(part) for part in (pulls, pushes) if part]
        return sum(terms) if terms else anchors[0][0].sum() * 0


def _compare(ours, slow, data) -> None:
    for embeddings, labels, ids in data:
        loss, expected = ours(embeddings, labels, ids), slow(embeddings, labels, ids)
        (mine,) = torch.autograd.grad(loss, embeddings)
        (theirs,) = torch.autograd.grad(expected, embeddings)
        torch.testing.assert_close(loss, expected)
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("size", [13, 16, 100])
def test_values_and_gradients_are_those_of_pytorch_metric_learning(size):
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import ContrastiveLoss, CrossBatchMemory

    pairs = ContrastiveLoss(pos_margin=0.9, neg_margin=0.3, distance=CosineSimilarity())
    around = ContrastiveLoss(pos_margin=0.9, neg_margin=0.3, distance=CosineSimilarity())
    with_memory = CrossBatchMemory(around, DIMENSION, memory_size=size)
    ours = XbmContrastiveLoss(
        DIMENSION, size=size, positive_margin=0.9, negative_margin=0.3, memory_weight=0.7
    ).double()

    def peer(embeddings, labels, ids):
        # The same image never comes twice here; where it does, the peer counts it as a positive.
        return pairs(embeddings, labels) + 0.7 * with_memory(embeddings, labels)

    _compare(ours, peer, batches(7, 8))


@pytest.mark.parametrize("size", [1, 5, 8, 12, 30])
@pytest.mark.parametrize("warm_up", [0, 2])
def test_against_a_loop_where_images_come_back(size, warm_up):
    # Below 8 the batch is larger than the memory; at 12 and 30 the ring wraps within a batch.
    ours = XbmContrastiveLoss(
        DIMENSION, size=size, warm_up_batches=warm_up, memory_weight=0.5
    ).double()
    slow = SlowXbm(size, warm_up_batches=warm_up, weight=0.5)
    _compare(ours, slow, batches(6, 8, images=10))

    held = ours.memory.contents()
    assert len(held) == min(size, (6 - warm_up) * 8)
    assert sorted(held.image_ids.tolist()) == sorted(image for *_, image in slow.memory)


def test_the_paper_s_reduction_is_the_sum_over_pairs_for_an_anchor():
    loss = XbmContrastiveLoss(DIMENSION, size=50, reduction="anchors").double()
    data = list(batches(2, 8))
    loss(*data[0])
    embeddings, labels, ids = data[1]
    found = loss(embeddings, labels, ids).item()

    batch = functional.normalize(embeddings.detach())
    held = torch.cat([functional.normalize(data[0][0].detach()), batch])
    held_labels, held_ids = torch.cat([data[0][1], labels]), torch.cat([data[0][2], ids])
    total = 0.0
    for side, side_labels, side_ids in ((batch, labels, ids), (held, held_labels, held_ids)):
        cosines = batch @ side.T
        same = labels[:, None] == side_labels
        other = ids[:, None] != side_ids
        total += (1 - cosines)[same & other].sum().item()
        total += (cosines - 0.5)[~same & (cosines > 0.5)].sum().item()
    assert found == pytest.approx(total / 8)


def test_an_image_that_comes_back_from_memory_is_no_positive():
    loss = XbmContrastiveLoss(DIMENSION, size=10)
    first, again = torch.randn(2, 1, DIMENSION, generator=torch.Generator().manual_seed(0))
    label, image = torch.tensor([3]), torch.tensor([42])
    assert loss(first, label, image).item() == 0.0
    assert loss(again, label, image).item() == 0.0
    # Another image of the class meets both: once in each of two memory pairs, equally.
    assert loss(-first, label, torch.tensor([43])).item() > 0.0


def test_no_gradient_reaches_the_memory():
    loss = XbmContrastiveLoss(DIMENSION, size=10)
    earlier = torch.randn(4, DIMENSION, requires_grad=True)
    labels = torch.zeros(4, dtype=torch.int64)
    loss(earlier, labels, torch.arange(4))
    later = torch.randn(4, DIMENSION, requires_grad=True)
    loss(later, labels, torch.arange(4, 8)).backward()
    assert earlier.grad is None
    assert later.grad.abs().sum() > 0
    assert not loss.memory.features.requires_grad


def test_the_warm_up_leaves_the_memory_empty_and_counts_training_batches_only():
    loss = XbmContrastiveLoss(DIMENSION, size=100, warm_up_batches=2)
    data = list(batches(6, 4, dtype=torch.float32))
    loss.eval()
    loss(*data[0])
    loss.train()
    lengths = []
    for batch in data:
        loss(*batch)
        lengths.append(len(loss.memory))
    assert lengths == [0, 0, 4, 8, 12, 16]
    loss.eval()
    loss(*data[0])
    assert len(loss.memory) == 16


def test_the_memory_is_a_ring():
    memory = CrossBatchMemory(5, 2)

    def enqueue(*ids: int) -> list[int]:
        images = torch.tensor(ids)
        features = images[:, None].float() * torch.tensor([1.0, -1.0])
        memory.enqueue(LabelledEmbeddings(features, images + 100, images))
        held = memory.contents()
        assert torch.equal(held.features, held.image_ids[:, None] * torch.tensor([1.0, -1.0]))
        assert torch.equal(held.labels, held.image_ids + 100)
        return held.image_ids.tolist()

    assert len(memory) == 0
    assert enqueue(1, 2, 3) == [1, 2, 3]
    assert enqueue(4, 5, 6) == [6, 2, 3, 4, 5]
    assert (memory.pointer, len(memory)) == (1, 5)
    assert enqueue(*range(10, 22)) == [19, 20, 21, 17, 18]
    assert memory.pointer == 3
    assert enqueue(30) == [19, 20, 21, 30, 18]


def test_it_continues_from_its_state_as_if_never_stopped():
    torch.manual_seed(0)

    def trained(module, network, data):
        optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
        losses = []
        for embeddings, labels, ids in data:
            optimiser.zero_grad()
            loss = module(network(embeddings.detach()), labels, ids)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return losses

    data = list(batches(10, 8, images=20, dtype=torch.float32))
    network = nn.Linear(DIMENSION, DIMENSION)
    whole = XbmContrastiveLoss(DIMENSION, size=30, warm_up_batches=3)
    trained(whole, network, data[:5])
    kept = io.BytesIO()
    torch.save({"loss": whole.state_dict(), "network": network.state_dict()}, kept)
    expected = trained(whole, network, data[5:])

    kept.seek(0)
    state = torch.load(kept, weights_only=True)
    resumed, again = (
        XbmContrastiveLoss(DIMENSION, size=30, warm_up_batches=3),
        copy.deepcopy(network),
    )
    resumed.load_state_dict(state["loss"])
    again.load_state_dict(state["network"])
    assert trained(resumed, again, data[5:]) == expected
    assert torch.equal(resumed.memory.image_ids, whole.memory.image_ids)


def test_micro_batches_meet_those_before_them_once():
    loss = XbmContrastiveLoss(DIMENSION, size=100).double()
    data = list(batches(4, 6))
    slow = SlowXbm(100)
    # The memory changes between the forwards and the one backward of an accumulated step.
    total = sum(loss(*batch) for batch in data)
    expected = sum(slow(*batch) for batch in data)
    embeddings = [batch[0] for batch in data]
    for mine, theirs in zip(
        torch.autograd.grad(total, embeddings),
        torch.autograd.grad(expected, embeddings),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)
    assert loss.memory.image_ids[:24].tolist() == list(range(24))


def test_bfloat16_under_autocast_fills_a_float32_memory():
    mixed = XbmContrastiveLoss(DIMENSION, size=20)
    exact = XbmContrastiveLoss(DIMENSION, size=20)
    for embeddings, labels, ids in batches(4, 8, images=12, dtype=torch.bfloat16):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = mixed(embeddings, labels, ids)
        loss.backward()
        assert loss.dtype == torch.float32
        assert torch.equal(loss, exact(embeddings.detach().float(), labels, ids))
        assert embeddings.grad.isfinite().all()
    assert torch.equal(mixed.memory.features, exact.memory.features)
    assert mixed.memory.features.dtype == torch.float32


def test_a_memory_of_half_precision_is_read_as_it_is():
    half = XbmContrastiveLoss(DIMENSION, size=20).half()
    full = XbmContrastiveLoss(DIMENSION, size=20)
    for batch in batches(3, 8, dtype=torch.float32):
        loss = half(*batch)
        assert loss.item() == pytest.approx(full(*batch).item(), abs=2e-3)
        loss.backward()
    assert half.memory.features.dtype == torch.float16


def test_a_memory_of_100_000_embeddings_takes_one_step():
    loss = XbmContrastiveLoss(64, size=100_000)
    generator = torch.Generator().manual_seed(0)
    features = functional.normalize(torch.randn(100_000, 64, generator=generator))
    ids = torch.arange(100_000)
    loss.memory.enqueue(LabelledEmbeddings(features, ids % 5000, ids))
    embeddings = features[:32].clone().requires_grad_()
    value = loss(embeddings, ids[:32] % 5000, ids[:32])
    value.backward()

    held = loss.memory.contents()
    cosines = features[:32] @ held.features.T
    same = ids[:32, None] % 5000 == held.labels
    pulls = (1 - cosines)[same & (ids[:32, None] != held.image_ids)]
    pushes = (cosines - 0.5)[~same & (cosines > 0.5)]
    assert value.item() == pytest.approx((pulls.mean() + pushes.mean()).item(), rel=1e-4)
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "memory of 0 embeddings"),
        ({"memory_weight": 0.0}, "memory_weight=0.0"),
        ({"warm_up_batches": -1}, "warm_up_batches=-1"),
        ({"negative_margin": 3.0}, "negative_margin=3.0"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(SettingError, match=message):
        XbmContrastiveLoss(DIMENSION, **{"size": 10, **arguments})
