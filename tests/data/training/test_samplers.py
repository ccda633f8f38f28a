from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from data.training.sets import make_set
from findalike.config import SamplerSection
from findalike.data.training.mixture import Mixture
from findalike.data.training.samplers import BatchPlan
from findalike.errors import SettingError, TrainingDataError

NAMES = ["shuffled", "balanced", "m-per-class", "group-aware"]


def many(labels: int = 12, images: int = 5, **more: object) -> Mixture:
    names = [f"l{number % labels:02d}" for number in range(labels * images)]
    groups = {f"l{number:02d}": f"g{number // 4}" for number in range(labels)}
    domains = ["user" if number // labels else "seller" for number in range(labels * images)]
    return Mixture([make_set("a", names, groups=groups, domains=domains, **more)])


def plan(mixture: Mixture, batch: int = 8, seed: int = 3, **more: object) -> BatchPlan:
    places = {key: more.pop(key) for key in ("rank", "world") if key in more}
    section = SamplerSection.model_validate(more)
    return BatchPlan(mixture, section, batch_size=batch, seed=seed, **places)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_is_a_pure_function_of_seed_and_epoch(name: str) -> None:
    mixture = many()
    first = plan(mixture, name=name)
    assert first.batches(4) == plan(mixture, name=name).batches(4)
    assert first.batches(4) != first.batches(5)
    assert first.batches(4) != plan(mixture, seed=4, name=name).batches(4)
    assert first.batches(2, start=3) == first.batches(2)[3:]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch", [4, 6])
def test_two_ranks_joined_are_one_process(name: str, batch: int) -> None:
    mixture = many()
    ranks = [plan(mixture, batch, name=name, rank=rank, world=2) for rank in (0, 1)]
    whole = plan(mixture, 2 * batch, name=name)
    assert ranks[0].length == ranks[1].length == whole.length
    joined = [a + b for a, b in zip(*(r.batches(1) for r in ranks), strict=True)]
    assert joined == whole.batches(1)


def test_shuffled_takes_every_image_once() -> None:
    batches = plan(many(), batch=6).batches(0)
    assert len(batches) == 10
    assert sorted(draw.image_id for batch in batches for draw in batch) == list(range(60))


def test_every_place_has_a_seed_of_its_own() -> None:
    seeds = [d.seed for e in (0, 1) for batch in plan(many()).batches(e) for d in batch]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 0


def test_a_batch_larger_than_the_data_repeats_it_evenly() -> None:
    (batch,) = plan(many(3, 2), batch=20).batches(0)
    counts = Counter(draw.image_id for draw in batch)
    assert set(counts.values()) <= {3, 4}


def test_balanced_takes_every_label_equally_often() -> None:
    names = ["common"] * 90 + ["rare"] * 5 + ["other"] * 25
    mixture = Mixture([make_set("a", names)])
    ids = [d.image_id for batch in plan(mixture, 12, name="balanced").batches(0) for d in batch]
    labels = Counter(mixture.labels[ids].tolist())
    assert set(labels.values()) == {40}
    # Images of a label come in rounds.
    assert set(Counter(i for i in ids if 90 <= i < 95).values()) == {8}


def test_m_per_class_fills_a_batch_with_whole_labels() -> None:
    mixture = many()
    for batch in plan(mixture, 12, name="m-per-class", per_class=3).batches(0):
        ids = [draw.image_id for draw in batch]
        assert sorted(Counter(mixture.labels[ids].tolist()).values()) == [3, 3, 3, 3]
        assert len(set(ids)) == 12
        assert all(a == b == c for a, b, c in np.reshape(mixture.labels[ids], (4, 3)).tolist())


def test_a_label_with_too_few_images_repeats_them() -> None:
    mixture = many(8, 2)
    for batch in plan(mixture, 8, name="m-per-class", per_class=4).batches(0):
        ids = [draw.image_id for draw in batch]
        assert set(Counter(ids).values()) == {2}


def test_labels_come_in_rounds_over_an_epoch() -> None:
    mixture = many(12, 6)
    ids = [
        d.image_id for b in plan(mixture, 12, name="m-per-class", per_class=2).batches(0) for d in b
    ]
    assert set(Counter(mixture.labels[ids].tolist()).values()) == {6}


def test_a_batch_that_per_class_does_not_divide_is_still_full() -> None:
    mixture = many()
    for batch in plan(mixture, 10, name="m-per-class", per_class=4).batches(0):
        labels = Counter(mixture.labels[[draw.image_id for draw in batch]].tolist())
        assert sorted(labels.values()) == [2, 4, 4]


def test_group_aware_batches_have_few_groups() -> None:
    mixture = many(40, 6)

    def groups(**more: object) -> float:
        counts = []
        for batch in plan(mixture, 16, per_class=2, **more).batches(0):
            labels = np.unique(mixture.labels[[draw.image_id for draw in batch]])
            assert len(labels) == 8
            counts.append(len(np.unique(mixture.groups[labels])))
        return float(np.mean(counts))

    assert groups(name="group-aware", per_group=4) <= 3
    assert groups(name="group-aware", per_group=1) > groups(name="group-aware", per_group=4)
    assert groups(name="m-per-class") > 4


def test_both_domains_come_in_turn() -> None:
    mixture = many(6, 6)
    for batch in plan(mixture, 12, name="m-per-class", per_class=4, both_domains=True).batches(0):
        users = mixture.users[[draw.image_id for draw in batch]].reshape(3, 4)
        assert (users[:, 1:] != users[:, :-1]).all()
    ids = [
        draw.image_id
        for batch in plan(mixture, 6, name="balanced", both_domains=True).batches(0)
        for draw in batch
    ]
    for label in range(6):
        of_label = [bool(mixture.users[i]) for i in ids if mixture.labels[i] == label]
        assert all(a != b for a, b in pairwise(of_label))


def test_a_label_of_one_domain_is_taken_as_it_is() -> None:
    domains = ["user", "user", "user", "seller"] * 2
    mixture = Mixture([make_set("a", ["x", "x", "y", "y"] * 2, domains=domains)])
    batches = plan(mixture, 8, name="m-per-class", per_class=4, both_domains=True).batches(0)
    ids = [draw.image_id for draw in batches[0]]
    assert mixture.users[[i for i in ids if mixture.labels[i] == 0]].all()


@pytest.mark.parametrize("name", ["shuffled", "balanced", "m-per-class"])
def test_shares_hold_in_every_batch_and_over_the_epoch(name: str) -> None:
    sets = [
        make_set("a", [f"l{n % 10}" for n in range(200)], share=0.7),
        make_set("b", [f"l{n % 50}" for n in range(800)], share=0.3),
    ]
    mixture = Mixture(sets)
    parts = [
        np.bincount(mixture.set_of[[draw.image_id for draw in batch]], minlength=2)
        for batch in plan(mixture, 16, name=name, per_class=2).batches(0)
    ]
    assert len(parts) == 62
    assert abs(np.sum(parts, axis=0)[0] / (62 * 16) - 0.7) < 0.01
    assert all(9 <= part[0] <= 14 for part in parts)


def test_a_tiny_share_gets_its_turn_over_the_epochs() -> None:
    mixture = Mixture(
        [make_set("a", list("xy") * 40, share=0.995), make_set("b", list("xy"), share=0.005)]
    )
    drawn = sum(
        int((mixture.set_of[[d.image_id for d in batch]] == 1).sum())
        for epoch in range(60)
        for batch in plan(mixture, 10).batches(epoch)
    )
    assert 0.5 * 24 < drawn < 2 * 24


def test_devices_get_labels_of_every_set() -> None:
    mixture = Mixture(
        [make_set("a", list("abcd") * 10, share=0.5), make_set("b", list("abcd") * 10, share=0.5)]
    )
    for batch in plan(mixture, 16, name="m-per-class", per_class=2, rank=0, world=2).batches(0)[:1]:
        assert len(set(mixture.set_of[[draw.image_id for draw in batch]].tolist())) == 2


def test_what_the_data_has_not_got_is_refused() -> None:
    plain = Mixture([make_set("a", list("xy") * 4)])
    with pytest.raises(TrainingDataError, match="no image has a group"):
        plan(plain, name="group-aware")
    with pytest.raises(TrainingDataError, match="all images are of one domain"):
        plan(plain, name="balanced", both_domains=True)
    with pytest.raises(TrainingDataError, match="takes every image once"):
        plan(many(), both_domains=True)
    with pytest.raises(SettingError, match="rank 2 and world 2"):
        plan(plain, rank=2, world=2)
