from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.losses import ContrastiveLoss  # noqa: E402


def _batch(seed: int, *, count: int = 24, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    embeddings = 4 * torch.randn(count, 6, generator=generator, dtype=dtype)
    return embeddings, torch.randint(5, (count,), generator=generator), torch.arange(count)


def _peer(positive: float, negative: float):
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.losses import ContrastiveLoss as Peer

    return Peer(pos_margin=positive, neg_margin=negative, distance=CosineSimilarity())


@pytest.mark.parametrize("margins", [(1.0, 0.5), (0.8, 0.0), (0.2, -0.4)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_pytorch_metric_learning(margins, dtype):
    mine, labels, ids = _batch(0, dtype=dtype)
    theirs = mine.clone().requires_grad_()
    mine.requires_grad_()
    loss = ContrastiveLoss(positive_margin=margins[0], negative_margin=margins[1])(
        mine, labels, ids
    )
    expected = _peer(*margins)(theirs, labels)
    loss.backward()
    expected.backward()

    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-5, atol=1e-7)


def test_two_copies_of_an_image_are_no_pair():
    embeddings, labels, ids = _batch(1)
    twice = (embeddings.repeat(2, 1), labels.repeat(2), ids.repeat(2))
    loss = ContrastiveLoss()
    # Every other pair comes four times, which leaves the means as they are.
    assert loss(*twice).item() == pytest.approx(loss(embeddings, labels, ids).item(), rel=1e-12)
    assert loss(*twice).item() > _peer(1.0, 0.5)(*twice[:2]).item()


def test_it_is_the_same_in_evaluation_mode():
    batch = _batch(2)
    loss = ContrastiveLoss(negative_margin=0.1, reduction="anchors")
    assert torch.equal(loss(*batch), loss.eval()(*batch))
    assert loss(*batch) > 2 * ContrastiveLoss(negative_margin=0.1)(*batch)


def test_bfloat16_under_autocast_is_computed_in_float32():
    embeddings, labels, ids = _batch(3, dtype=torch.bfloat16)
    embeddings.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = ContrastiveLoss()(embeddings, labels, ids)
    mixed.backward()
    exact = ContrastiveLoss()(embeddings.detach().float(), labels, ids)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, exact)
    assert embeddings.grad.isfinite().all()
