from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.train
torch = pytest.importorskip("torch")
peers = pytest.importorskip("pytorch_metric_learning.losses")

from pytorch_metric_learning import miners  # noqa: E402

from findalike.errors import MissingExtraError, SettingError  # noqa: E402
from findalike.losses import METRIC_LOSSES, METRIC_MINERS, MetricLearningLoss  # noqa: E402
from findalike.losses.metric_learning import first_of_each  # noqa: E402

CLASSES, DIMENSION = 5, 8


def _batch(seed: int = 0, *, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    embeddings = torch.randn(20, DIMENSION, generator=generator, dtype=dtype)
    labels = torch.randint(CLASSES, (20,), generator=generator)
    return embeddings.requires_grad_(), labels, torch.arange(20)


@pytest.mark.parametrize("name", sorted(METRIC_LOSSES))
@pytest.mark.parametrize("miner", [None, *sorted(METRIC_MINERS)])
def test_every_loss_and_miner_is_the_peer_s_own(name, miner):
    embeddings, labels, ids = _batch()
    ours = MetricLearningLoss(name, CLASSES, DIMENSION, miner=miner)
    made = getattr(peers, METRIC_LOSSES[name])
    sizes = {"num_classes": CLASSES, "embedding_size": DIMENSION}
    peer = made(**(sizes if list(ours.parameters()) else {}))
    peer.load_state_dict(ours.loss.state_dict())
    chosen = getattr(miners, METRIC_MINERS[miner])()(embeddings, labels) if miner else None

    value, expected = ours(embeddings, labels, ids), peer(embeddings, labels, chosen)
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)
    assert value.item() > 0
    (mine,) = torch.autograd.grad(value, embeddings)
    (theirs,) = torch.autograd.grad(expected, embeddings)
    torch.testing.assert_close(mine, theirs)


def test_options_reach_the_loss_and_the_miner():
    made = MetricLearningLoss(
        "triplet",
        CLASSES,
        DIMENSION,
        options={"margin": 0.3, "swap": 1.0, "triplets_per_anchor": "all"},
        miner="triplet-margin",
        miner_options={"margin": 0.4, "type_of_triplets": "semihard"},
    )
    assert (made.loss.margin, made.loss.swap) == (0.3, True)
    assert (made.miner.margin, made.miner.type_of_triplets) == (0.4, "semihard")


def test_whole_numbers_may_be_written_as_floats():
    made = MetricLearningLoss(
        "soft-triple", CLASSES, DIMENSION, options={"centers_per_class": 3.0, "la": 12.5}
    )
    assert made.loss.fc.shape == (DIMENSION, CLASSES * 3)
    assert made.loss.la == 12.5


@pytest.mark.parametrize("name", sorted(METRIC_LOSSES))
def test_repeated_images_are_left_out(name):
    embeddings, labels, ids = _batch(1)
    torch.manual_seed(0)
    loss = MetricLearningLoss(name, CLASSES, DIMENSION, miner="multi-similarity")
    noisy = torch.cat([embeddings, embeddings[3:9] + 0.5])
    repeated = loss(noisy, torch.cat([labels, labels[3:9]]), torch.cat([ids, ids[3:9]]))
    assert torch.equal(repeated, loss(embeddings, labels, ids))


def test_the_first_row_of_each_image_is_kept():
    ids = torch.tensor([9, 4, 9, 2**40, 4, 1])
    assert first_of_each(ids).tolist() == [0, 1, 3, 5]
    assert first_of_each(ids[:0]).tolist() == []


@pytest.mark.parametrize("name", sorted(METRIC_LOSSES))
@pytest.mark.parametrize("miner", [None, *sorted(METRIC_MINERS)])
@pytest.mark.parametrize("case", ["one class", "all different", "one image"])
def test_batches_without_pairs(name, miner, case):
    embeddings, _, ids = _batch(2)
    labels = torch.zeros(4, dtype=torch.int64) if case == "one class" else torch.arange(4)
    if case == "one image":
        labels, ids = labels * 0, ids * 0
    loss = MetricLearningLoss(name, CLASSES, DIMENSION, miner=miner)
    value = loss(embeddings[:4], labels, ids[:4])
    value.backward()
    assert value.shape == ()
    assert value.isfinite()
    assert embeddings.grad.isfinite().all()
    # Without a triplet there is nothing to learn from; proxies stand in where none is mined.
    if name == "triplet" or miner is not None:
        assert value.item() == 0.0


@pytest.mark.parametrize("name", sorted(METRIC_LOSSES))
def test_bfloat16_under_autocast_is_computed_in_float32(name):
    embeddings, labels, ids = _batch(3, dtype=torch.bfloat16)
    loss = MetricLearningLoss(name, CLASSES, DIMENSION)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss(embeddings, labels, ids)
    mixed.backward()
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, loss(embeddings.detach().float(), labels, ids))
    assert all(parameter.dtype == torch.float32 for parameter in loss.parameters())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "arcfaces"}, "multi-similarity, proxy-anchor, soft-triple, triplet"),
        ({"miner": "hard"}, "batch-hard, multi-similarity, triplet-margin"),
        ({"options": {"margins": 0.1}}, "did you mean 'margin'"),
        ({"options": {"distance": 1.0}}, "no option 'distance'"),
        ({"name": "proxy-anchor", "options": {"num_classes": 3.0}}, "no option 'num_classes'"),
        ({"miner_options": {"margin": 0.1}}, "without a miner"),
        ({"miner": "triplet-margin", "miner_options": {"epsilon": 0.1}}, "no option 'epsilon'"),
        ({"name": "soft-triple", "options": {"gamma": 0.0}}, "soft-triple.*cannot be made"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(arguments, message):
    given = {"name": "triplet", **arguments}
    with pytest.raises(SettingError, match=message):
        MetricLearningLoss(given.pop("name"), CLASSES, DIMENSION, **given)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    with pytest.raises(MissingExtraError, match=r"'triplet'.*findalike\[train\]"):
        MetricLearningLoss("triplet", CLASSES, DIMENSION)
