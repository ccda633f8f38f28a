import dataclasses
import itertools

import numpy as np
import pytest

from findalike.data.simulate.plan import draw_family, draw_prop, draw_spec, plan, title_of
from findalike.data.simulate.products import KINDS
from findalike.data.simulate.words import brand_name


@pytest.fixture(scope="module")
def planned():
    return list(plan(11, 400))


def differing(first, second):
    names = [field.name for field in dataclasses.fields(first)]
    return tuple(name for name in names if getattr(first, name) != getattr(second, name))


def families(planned):
    found = {}
    for item in planned:
        found.setdefault(item.variant_of or item.product_id, []).append(item)
    return found


def test_a_larger_shop_begins_with_the_same_products(planned):
    assert list(plan(11, 57)) == planned[:57]


def test_another_seed_gives_another_shop(planned):
    assert [p.spec for p in plan(12, 20)] != [p.spec for p in planned[:20]]


def test_variants_differ_in_exactly_the_one_thing_that_is_named(planned):
    several = [f for f in families(planned).values() if len(f) > 1]
    assert len(several) > 50
    for family in several:
        axis = family[1].axis
        for first, second in itertools.combinations(family, 2):
            assert differing(first.spec, second.spec) == (axis,)
            assert first.price == second.price
            assert first.category == second.category


def test_every_axis_of_every_kind_can_be_drawn():
    seen = set()
    for number in range(4000):
        family = draw_family(1, number)
        seen |= {(spec.kind, axis) for spec, axis in family if axis}
    assert {(k.name, axis) for k in KINDS.values() for axis in k.axes} == seen


def test_axes_that_cannot_be_seen_are_never_used():
    for number in range(2000):
        for spec, axis in draw_family(2, number):
            if axis:
                hidden = KINDS[spec.kind].hides
                choices = (spec.shape, spec.material, spec.layout)
                assert not any(choice in choices and axis == a for choice, a in hidden)
            if axis == "motif":
                assert spec.motif


def test_a_small_shop_has_many_kinds_and_all_come_in_time(planned):
    assert len({p.spec.kind for p in planned[:60]}) >= 15
    assert {p.spec.kind for p in planned} == set(KINDS)


def test_there_are_at_least_twelve_kinds_with_own_names():
    assert len(KINDS) >= 12
    assert all(name == kind.name for name, kind in KINDS.items())


def test_numbers_of_pictures_are_in_range_and_numbered_without_gaps(planned):
    assert {len(p.views) for p in planned} == {1, 2, 3, 4}
    assert {p.user_images for p in planned} == {0, 1, 2, 3}
    sellers = users = 0
    for item in planned:
        assert (item.first_seller, item.first_user) == (sellers, users)
        assert item.views[0] == 0
        assert len(set(item.views)) == len(item.views)
        assert max(item.views) < len(KINDS[item.spec.kind].views)
        sellers += len(item.views)
        users += item.user_images


def test_some_products_are_never_photographed(planned):
    share = np.mean([p.user_images == 0 for p in planned])
    assert 0.15 < share < 0.35


def test_a_shop_of_one_product_can_be_searched():
    for seed in range(12):
        (only,) = plan(seed, 1)
        assert only.user_images >= 1


def test_prices_lie_in_the_range_of_the_kind(planned):
    for item in planned:
        low, high = KINDS[item.spec.kind].price
        assert low - 1 <= item.price <= high + 1.5


def test_variants_have_different_titles(planned):
    for family in families(planned).values():
        axis = family[-1].axis
        if axis != "trim":
            assert len({p.title for p in family}) == len(family)
    assert all(p.title == title_of(p.spec) for p in planned)


def test_colours_of_a_print_can_be_told_from_the_ground(planned):
    assert all(p.spec.accent != p.spec.colour for p in planned)


def test_props_are_products_of_known_kinds_and_repeatable():
    assert draw_prop(5, 3) == draw_prop(5, 3)
    assert len({draw_prop(5, k).kind for k in range(60)}) > 10


def test_dyes_are_a_little_off_but_the_same_for_all_variants(rng):
    spec = draw_spec(KINDS["mug"], rng)
    assert spec.tint("red") == spec.tint("red")
    other = draw_spec(KINDS["mug"], rng)
    assert spec.tint("red") != other.tint("red")


def test_brand_names_are_words(rng):
    names = {brand_name(rng) for _ in range(200)}
    assert len(names) > 150
    assert all(3 <= len(n) <= 24 and n[0].isupper() for n in names)
