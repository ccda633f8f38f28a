"""The contrastive loss as a function, against loops over pairs."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from findalike.errors import SettingError  # noqa: E402
from findalike.losses import (  # noqa: E402
    LabelledEmbeddings,
    PairRule,
    contrastive_loss,
    pairs,
)

RULES = [
    PairRule(),
    PairRule(positive_margin=0.6, negative_margin=-0.2),
    PairRule(reduction="anchors"),
    PairRule(positive_margin=0.9, negative_margin=0.1, reduction="anchors"),
]


def rows(count: int, seed: int, *, classes: int = 3, images: int = 1000) -> LabelledEmbeddings:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(count, 5, generator=generator, dtype=torch.float64)
    return LabelledEmbeddings.normalised(
        features,
        torch.randint(classes, (count,), generator=generator),
        torch.randint(images, (count,), generator=generator),
    )


def slow_loss(anchors: LabelledEmbeddings, references: LabelledEmbeddings, rule: PairRule):
    """One pair after the other, differentiable."""
    costs: dict[bool, list] = {True: [], False: []}
    for i in range(len(anchors)):
        for j in range(len(references)):
            if anchors.image_ids[i] == references.image_ids[j]:
                continue
            cosine = anchors.features[i] @ references.features[j]
            same = bool(anchors.labels[i] == references.labels[j])
            cost = rule.positive_margin - cosine if same else cosine - rule.negative_margin
            if cost > 0:
                costs[same].append(cost)
    zero = anchors.features.sum() * 0 + references.features.sum() * 0
    if rule.reduction == "anchors":
        return zero + (sum(costs[True]) + sum(costs[False])) / len(anchors)
    return zero + sum(sum(part) / len(part) for part in costs.values() if part)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("chunk", [1, 40, None])
@pytest.mark.parametrize("selecting", [True, False])
def test_value_and_gradients_against_a_loop(rule, chunk, selecting, monkeypatch):
    if not selecting:
        # As on a GPU, where all references are multiplied.
        monkeypatch.setattr(pairs, "_selection", lambda found: slice(None))
    anchors, references = rows(9, 0, images=8), rows(23, 1, images=8)
    anchors.features.requires_grad_()
    references.features.requires_grad_()

    def both(loss):
        return loss, *torch.autograd.grad(loss, [anchors.features, references.features])

    ours = both(contrastive_loss(anchors, references, rule, chunk=chunk))
    expected = both(slow_loss(anchors, references, rule))
    for mine, slow in zip(ours, expected, strict=True):
        torch.testing.assert_close(mine, slow, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_gradients_against_differences(rule):
    anchors, references = rows(4, 2), rows(7, 3)

    def value(left, right):
        return contrastive_loss(
            LabelledEmbeddings(left, anchors.labels, anchors.image_ids),
            LabelledEmbeddings(right, references.labels, references.image_ids),
            rule,
            chunk=12,
        )

    inputs = (anchors.features.requires_grad_(), references.features.requires_grad_())
    assert torch.autograd.gradcheck(value, inputs)


def test_a_batch_with_itself_gets_gradients_from_both_sides():
    batch = rows(8, 4)
    features = batch.features.requires_grad_()
    (ours,) = torch.autograd.grad(contrastive_loss(batch, batch, PairRule()), features)
    (slow,) = torch.autograd.grad(slow_loss(batch, batch, PairRule()), features)
    torch.testing.assert_close(ours, slow, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "case", ["one image", "no references", "no anchors", "one of each class", "apart"]
)
def test_without_a_pair_that_costs_it_is_zero_with_zero_gradients(rule, case):
    features = torch.eye(4, dtype=torch.float64).requires_grad_()
    labels, ids = torch.tensor([0, 0, 1, 1]), torch.arange(4)
    if case == "one image":
        anchors = references = LabelledEmbeddings(features, labels, ids * 0)
    elif case in ("no references", "no anchors"):
        anchors = LabelledEmbeddings(features, labels, ids)
        references = LabelledEmbeddings(features[:0], labels[:0], ids[:0])
        if case == "no anchors":
            anchors, references = references, anchors
    elif case == "one of each class":
        rule = PairRule(reduction=rule.reduction)
        anchors = references = LabelledEmbeddings(features, ids, ids)
    else:
        # Ties: cosines on the margins cost nothing and pull nothing.
        rule = PairRule(positive_margin=0.0, negative_margin=0.0, reduction=rule.reduction)
        anchors = references = LabelledEmbeddings(features, labels, ids)
    loss = contrastive_loss(anchors, references, rule)
    loss.backward()
    assert loss.item() == 0.0
    assert torch.equal(features.grad, torch.zeros(4, 4, dtype=torch.float64))


def test_one_class_has_only_positive_pairs():
    batch = rows(6, 5, classes=1)
    cosines = batch.features @ batch.features.T
    others = cosines[~torch.eye(6, dtype=torch.bool)]
    expected = (1 - others).mean().item()
    assert contrastive_loss(batch, batch, PairRule()).item() == pytest.approx(expected)


def test_an_image_under_two_labels_is_no_negative_of_itself():
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    batch = LabelledEmbeddings(features, torch.tensor([0, 1]), torch.tensor([7, 7]))
    assert contrastive_loss(batch, batch, PairRule()).item() == 0.0
    apart = LabelledEmbeddings(features, torch.tensor([0, 1]), torch.tensor([7, 8]))
    assert contrastive_loss(apart, apart, PairRule()).item() == 0.5


def test_references_may_change_before_backward():
    anchors, references = rows(5, 6), rows(9, 7)
    features = anchors.features.requires_grad_()
    (expected,) = torch.autograd.grad(slow_loss(anchors, references, PairRule()), features)
    loss = contrastive_loss(anchors, references, PairRule())
    references.features.zero_()
    loss.backward()
    torch.testing.assert_close(features.grad, expected)


def test_the_second_derivative_is_refused():
    anchors = rows(5, 8)
    features = anchors.features.requires_grad_()
    loss = contrastive_loss(anchors, anchors, PairRule()).square()
    (first,) = torch.autograd.grad(loss, features, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"positive_margin": 1.1}, "positive_margin=1.1 is no cosine"),
        ({"negative_margin": -2.0}, "negative_margin=-2.0 is no cosine"),
        ({"reduction": "sum"}, "choose 'pairs' or 'anchors'"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(SettingError, match=message):
        PairRule(**arguments)
