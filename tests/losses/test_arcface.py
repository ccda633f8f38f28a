from __future__ import annotations

import math

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from findalike.errors import SettingError  # noqa: E402
from findalike.losses import ArcFaceLoss  # noqa: E402
from findalike.losses.arcface import add_angle  # noqa: E402

CLASSES, DIMENSION = 7, 12
IDS = torch.arange(20)


def _batch(seed: int = 0, *, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(20, DIMENSION, generator=generator, dtype=dtype) * 3
    labels = torch.randint(CLASSES, (20,), generator=generator)
    return embeddings.requires_grad_(), labels


@pytest.mark.parametrize("subcentres", [1, 3])
@pytest.mark.parametrize("margin", [0.0, 0.3, 1.2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_pytorch_metric_learning(subcentres, margin, dtype):
    from pytorch_metric_learning import losses

    torch.manual_seed(1)
    sizes = {"num_classes": CLASSES, "embedding_size": DIMENSION}
    options = {"margin": math.degrees(margin), "scale": 30}
    if subcentres == 1:
        peer = losses.ArcFaceLoss(**sizes, **options)
    else:
        peer = losses.SubCenterArcFaceLoss(**sizes, **options, sub_centers=subcentres)
    ours = ArcFaceLoss(CLASSES, DIMENSION, margin=margin, subcentres=subcentres).to(dtype)
    with torch.no_grad():
        ours.weight.copy_(peer.W.T)
    mine, labels = _batch(dtype=dtype)
    theirs = mine.detach().clone().requires_grad_()

    loss = ours(mine, labels, IDS)
    expected = peer(theirs, labels)
    loss.backward()
    expected.backward()

    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours.weight.grad, peer.W.grad.T, rtol=1e-5, atol=1e-5)


def test_a_margin_for_each_class_against_a_loop():
    torch.manual_seed(2)
    margins = torch.linspace(0.05, 0.45, CLASSES)
    loss = ArcFaceLoss(CLASSES, DIMENSION, margin=margins, scale=16.0, subcentres=2).double()
    embeddings, labels = _batch(3)
    terms = []
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        logits = []
        for other in range(CLASSES):
            centres = loss.weight[2 * other : 2 * other + 2]
            cosine = max(functional.cosine_similarity(row, c, dim=0).item() for c in centres)
            angle = math.acos(cosine)
            if other == label:
                m = loss.margin[label].item()
                falling = angle + m <= math.pi
                cosine = math.cos(angle + m) if falling else cosine - m * math.sin(m)
            logits.append(16.0 * cosine)
        terms.append(math.log(sum(map(math.exp, logits))) - logits[label])

    assert loss(embeddings, labels, IDS).item() == pytest.approx(sum(terms) / len(terms), rel=1e-9)


def test_gradients_against_differences():
    torch.manual_seed(4)
    loss = ArcFaceLoss(CLASSES, DIMENSION, scale=4.0, subcentres=2).double()
    embeddings, labels = _batch(5)

    def value(rows, weight):
        return torch.func.functional_call(loss, {"weight": weight}, (rows, labels, IDS))

    assert torch.autograd.gradcheck(value, (embeddings, loss.weight))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_an_embedding_on_its_centre_or_opposite_has_finite_gradients(dtype):
    loss = ArcFaceLoss(CLASSES, DIMENSION, scale=64.0)
    labels = torch.tensor([0, 1, 2])
    with torch.no_grad():
        rows = torch.stack([loss.weight[0], -loss.weight[1], torch.zeros(DIMENSION)]).to(dtype)
    rows.requires_grad_()
    loss(rows, labels, IDS[:3]).backward()

    assert rows.grad.isfinite().all()
    assert loss.weight.grad.isfinite().all()


def test_the_enlarged_angle_always_falls_and_stays_finite():
    cosines = torch.tensor([-1.0 - 1e-7, *torch.linspace(-1, 1, 999).tolist(), 1.0 + 1e-7])
    cosines.requires_grad_()
    for margin in (0.0, 0.05, 0.45, 1.5):
        enlarged = add_angle(cosines, torch.full_like(cosines, margin))
        (slopes,) = torch.autograd.grad(enlarged.sum(), cosines)
        assert slopes.isfinite().all()
        # Where the straight line takes over there is a step, downwards as the angle grows.
        assert (enlarged.diff() > -1e-6).all()
        assert (enlarged <= cosines + 1e-6).all()


def test_a_larger_margin_costs_more():
    embeddings, labels = _batch(6, dtype=torch.float32)
    costs = []
    for margin in (0.0, 0.2, 0.4):
        torch.manual_seed(7)
        costs.append(ArcFaceLoss(CLASSES, DIMENSION, margin=margin)(embeddings, labels, IDS).item())
    assert costs == sorted(costs)
    assert costs[0] < costs[-1]


def test_of_two_equal_subcentres_one_gets_the_gradient():
    loss = ArcFaceLoss(2, 3, subcentres=2)
    with torch.no_grad():
        loss.weight[:] = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]])
    loss(torch.tensor([[1.0, 0.5, 0.2]]), torch.tensor([0]), torch.tensor([9])).backward()
    moved = loss.weight.grad.abs().sum(dim=1) > 0
    assert moved.tolist() == [True, False, True, False]


def test_bfloat16_under_autocast_is_computed_in_float32():
    loss = ArcFaceLoss(CLASSES, DIMENSION, scale=64.0)
    embeddings, labels = _batch(8, dtype=torch.bfloat16)
    exact = loss(embeddings.detach().float(), labels, IDS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(embeddings, labels, IDS)
    mixed.backward()

    assert mixed.dtype == torch.float32
    assert mixed.item() == pytest.approx(exact.item(), rel=1e-6)
    assert embeddings.grad.dtype == torch.bfloat16


def test_weights_and_margins_are_in_the_state_dict():
    torch.manual_seed(9)
    first = ArcFaceLoss(CLASSES, DIMENSION, margin=torch.linspace(0.1, 0.4, CLASSES))
    second = ArcFaceLoss(CLASSES, DIMENSION, margin=0.2)
    second.load_state_dict(first.state_dict())
    embeddings, labels = _batch(10, dtype=torch.float32)
    assert torch.equal(first(embeddings, labels, IDS), second(embeddings, labels, IDS))


def test_cosines_are_of_the_nearest_centre():
    loss = ArcFaceLoss(2, 2, subcentres=2)
    with torch.no_grad():
        loss.weight[:] = torch.tensor([[1.0, 0], [0, 2.0], [-1.0, 0], [0, -3.0]])
    found = loss.cosines(torch.tensor([[5.0, 0.0], [0.0, -1.0]]))
    assert torch.equal(found, torch.tensor([[1.0, 0.0], [0.0, 1.0]]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "scale=0.0"),
        ({"margin": -0.1}, "margin of -0.1"),
        ({"margin": 1.6}, "below 1.57"),
        ({"margin": torch.zeros(3)}, r"shape \(3,\) do not fit 7 classes"),
        ({"subcentres": 0}, "subcentres=0"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments, message):
    with pytest.raises(SettingError, match=message):
        ArcFaceLoss(CLASSES, DIMENSION, **arguments)
