from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from findalike.errors import SettingError  # noqa: E402
from findalike.losses import SupervisedContrastiveLoss  # noqa: E402


def _batch(seed: int, *, count: int = 14, images: int | None = None, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    embeddings = 3 * torch.randn(count, 6, generator=generator, dtype=dtype)
    ids = torch.arange(count)
    if images is not None:
        ids = torch.randint(images, (count,), generator=generator)
    return embeddings.requires_grad_(), ids * 7 % 4, ids


def slow_loss(embeddings, labels, ids, *, temperature: float, users=None):
    """One anchor after the other; with users, these look for the others' photos."""
    features = functional.normalize(embeddings.detach())
    terms = []
    for i in range(len(ids)):
        if users is not None and not users[ids[i]]:
            continue
        found = [
            j for j in range(len(ids)) if ids[j] != ids[i] and (users is None or not users[ids[j]])
        ]
        scores = {j: float(features[i] @ features[j]) / temperature for j in found}
        norm = math.log(sum(map(math.exp, scores.values()))) if found else 0.0
        positives = [j for j in found if labels[j] == labels[i]]
        if positives:
            terms.append(sum(norm - scores[j] for j in positives) / len(positives))
    return sum(terms) / len(terms) if terms else 0.0


@pytest.mark.parametrize("temperature", [0.1, 0.5])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_pytorch_metric_learning(temperature, dtype):
    from pytorch_metric_learning.losses import SupConLoss

    mine, labels, ids = _batch(0, dtype=dtype)
    theirs = mine.detach().clone().requires_grad_()
    loss = SupervisedContrastiveLoss(temperature=temperature)(mine, labels, ids)
    expected = SupConLoss(temperature=temperature)(theirs, labels)
    loss.backward()
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("across", [0.0, 0.3, 1.0])
def test_against_a_loop_where_images_come_twice(across):
    batch = _batch(1, images=9)
    users = torch.arange(9) % 3 == 0
    loss = SupervisedContrastiveLoss(temperature=0.2, across=across, users=users)
    expected = (1 - across) * slow_loss(*batch, temperature=0.2)
    expected += across * slow_loss(*batch, temperature=0.2, users=users)
    assert loss(*batch).item() == pytest.approx(expected)
    assert expected > 0


def test_gradients_against_differences():
    embeddings, labels, ids = _batch(2, count=7, images=6)
    loss = SupervisedContrastiveLoss(temperature=0.5, across=0.4, users=torch.arange(6) % 2 == 0)
    assert torch.autograd.gradcheck(lambda rows: loss(rows, labels, ids), (embeddings,))


@pytest.mark.parametrize("case", ["all different", "one image", "users only", "empty"])
def test_without_a_pair_it_is_zero_with_zero_gradients(case):
    embeddings, labels, ids = _batch(3, count=0 if case == "empty" else 4)
    across, users = 0.0, torch.ones(4, dtype=torch.bool)
    if case == "all different":
        labels = torch.arange(4)
    elif case == "one image":
        labels, ids = labels * 0, ids * 0
    elif case == "users only":
        across, labels = 1.0, labels * 0
    value = SupervisedContrastiveLoss(across=across, users=users)(embeddings, labels, ids)
    value.backward()
    assert value.item() == 0.0
    assert not embeddings.grad.any()


def test_one_class_shares_evenly_at_best():
    # All images alike: each of the 3 others has a third.
    embeddings = torch.ones(4, 5)
    value = SupervisedContrastiveLoss()(embeddings, torch.zeros(4, dtype=int), torch.arange(4))
    assert value.item() == pytest.approx(math.log(3), rel=1e-6)


def test_bfloat16_under_autocast_is_computed_in_float32():
    embeddings, labels, ids = _batch(4, dtype=torch.bfloat16)
    loss = SupervisedContrastiveLoss(temperature=0.05)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(embeddings, labels, ids)
    mixed.backward()
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, loss(embeddings.detach().float(), labels, ids))
    assert embeddings.grad.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"across": 1.5}, "across=1.5"),
        ({"across": 0.5}, "give users"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(SettingError, match=message):
        SupervisedContrastiveLoss(**arguments)
