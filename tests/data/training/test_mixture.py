from __future__ import annotations

import numpy as np
import pytest

from data.training.sets import make_set
from findalike.data.training.mixture import Mixture
from findalike.errors import TrainingDataError


def test_labels_of_two_sets_never_mix() -> None:
    found = Mixture([make_set("a", ["x", "y", "x"]), make_set("b", ["x", "z"])])
    assert found.classes == 4
    assert found.labels.tolist() == [0, 1, 0, 2, 3]
    assert found.counts.tolist() == [2, 1, 1, 1]
    assert found.label_name(2) == ("b", "x")
    assert found.set_of.tolist() == [0, 0, 0, 1, 1]
    assert (found.image(3).location, found.image(3).label) == ("0.jpg", "x")


def test_validation_images_come_after_and_strangers_are_counted() -> None:
    sets = [make_set("a", ["x", "y", "x", "new"], splits=["train", "train", "val", "val"])]
    found = Mixture(sets)
    assert (found.size, found.val_size) == (2, 1)
    assert [found.image(i).location for i in found.val_ids] == ["2.jpg"]
    assert found.labels.tolist() == [0, 1, 0]
    assert found.counts.tolist() == [1, 1]
    assert found.describe().sets[0].val_strangers == 1


def test_views_of_a_photo_are_images_of_their_own() -> None:
    found = Mixture([make_set("a", ["", ""], labels="image", views=3)])
    assert (found.size, found.classes, found.photo_count) == (6, 2, 2)
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.photos.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.counts.tolist() == [3, 3]


def test_shares_are_stated_or_follow_the_sizes() -> None:
    ten, thirty = make_set("a", list("ab") * 5), make_set("b", list("abc") * 10)
    assert np.allclose(Mixture([ten, thirty]).shares, [0.25, 0.75])
    stated = Mixture([make_set("a", list("ab") * 5, share=3.0), make_set("b", ["x"], share=1.0)])
    assert np.allclose(stated.shares, [0.75, 0.25])
    assert stated.stated_shares
    assert not Mixture([ten, thirty]).stated_shares


def test_groups_are_those_of_labels_and_of_one_set() -> None:
    first = make_set("a", ["x", "y", "z"], groups={"x": "g", "y": "g"})
    found = Mixture([first, make_set("b", ["x"], groups={"x": "g"})])
    assert found.groups.tolist() == [0, 0, -1, 1]
    assert [entry.groups for entry in found.describe().sets] == [1, 1]


def test_a_summary_counts_what_there_is() -> None:
    summary = Mixture(
        [make_set("a", list("xxxy"), domains=["user", "seller", "user", "user"], duplicates=7)]
    ).describe()
    (only,) = summary.sets
    assert (only.images, only.user_images, only.classes, only.duplicates) == (4, 3, 2, 7)
    assert (only.smallest, only.largest, only.share) == (1, 3, 1.0)


def test_one_label_is_nothing_to_learn_from() -> None:
    with pytest.raises(TrainingDataError, match="has one label"):
        Mixture([make_set("a", ["x", "x"])])
