"""The named sets: nobody is in two of them or in two splits, and the lists of pairs are what they promise."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from repose.render import sets
from repose.render.sets import SETS, SetSpec, SplitSpec, choose_pairs, find_set, free_set


def everybody(spec: SetSpec) -> set[tuple[int, int]]:
    return {(spec.seed, number) for _, number in spec.order()}


def test_no_person_is_in_two_sets_or_splits() -> None:
    for spec in SETS.values():
        assert len(everybody(spec)) == len(spec.order()) == spec.people
    for one, other in itertools.combinations(SETS.values(), 2):
        assert not everybody(one) & everybody(other), (one.name, other.name)
    seeds = {spec.seed for spec in SETS.values()}
    assert all(sets.FIRST_SEED <= seed < sets.STREAM_SEED for seed in seeds)
    assert 0 not in seeds  # what the first weights were trained on


def test_free_sets_cannot_take_the_seed_of_a_named_one() -> None:
    for seed in (*(spec.seed for spec in SETS.values()), sets.STREAM_SEED, -1):
        with pytest.raises(ValueError, match="reserved for the named sets"):
            free_set(3, 2, 64, 32, seed)


def test_what_the_names_promise() -> None:
    fashion, market = SETS["people-fashion"], SETS["people-market"]
    assert {name: split.pairs for name, split in fashion.splits.items()} == {
        "train": 101_966, "val": 1000, "test": 8570,
    }  # fmt: skip
    assert (fashion.height, fashion.width, fashion.style) == (256, 176, "fashion")
    assert (market.height, market.width, market.style) == (128, 64, "street")
    assert (market.splits["test"].pairs or 0) >= 3000
    assert (SETS["people-1024"].height, SETS["people-1024"].width) == (4 * 256, 4 * 176)
    assert SETS["people-s"].people == 12
    for name, spec in SETS.items():
        assert spec.name == name
        assert spec.why
    with pytest.raises(ValueError, match="did you mean 'people-market'"):
        find_set("people-markt")


@pytest.mark.parametrize("name", SETS)
def test_a_set_that_is_cut_keeps_its_people_in_their_splits(name: str) -> None:
    whole = SETS[name]
    for people in (3, whole.people // 2, whole.people - 1):
        cut = whole.cut(people)
        assert cut.people == people
        assert cut.name == f"{name}-{people}"
        for split in whole.splits:
            assert set(cut.numbers(split)) <= set(whole.numbers(split))
            if whole.splits[split].pairs is not None:
                share = (cut.splits[split].pairs or 0) / cut.splits[split].people
                assert share == pytest.approx((whole.splits[split].pairs or 0) / whole.splits[split].people, abs=0.5)
    assert whole.cut(whole.people) is whole
    for people in (0, 2, whole.people + 1):
        with pytest.raises(ValueError, match="cannot be had"):
            whole.cut(people)


def test_pairs_are_spread_evenly_and_never_change() -> None:
    people = [[f"p{person}_{view}" for view in range(4)] for person in range(10)]
    pairs = choose_pairs(3, people, 55)
    assert len(set(pairs)) == len(pairs) == 55
    assert all(source[:2] == target[:2] and source != target for source, target in pairs)
    assert sorted(Counter(source[:2] for source, _ in pairs).values()) == [5] * 5 + [6] * 5
    assert choose_pairs(4, people, 55) != pairs
    assert choose_pairs(3, people[:1], 3) == [("p0_1", "p0_0"), ("p0_1", "p0_2"), ("p0_3", "p0_0")]
    assert choose_pairs(3, people, 120) == sorted(p for names in people for p in itertools.permutations(names, 2))
    with pytest.raises(ValueError, match="4 pictures have 12 pairs, fewer than the 13 wanted"):
        choose_pairs(3, people, 121)


def test_a_set_that_cannot_be() -> None:
    good = {"name": "x", "height": 64, "width": 32, "style": "mixed", "pictures": 2, "seed": 1}
    good["splits"] = {"train": SplitSpec(3)}
    for change, text in (
        ({"style": "streed"}, "did you mean 'street'"),
        ({"pictures": 1}, "2 to 100"),
        ({"width": 8}, "64x8 cannot be rendered; each side must be 16 to 4,096 pixels"),
        ({"splits": {"train": SplitSpec(3, 7)}}, "3 people have 6 pairs, not 7"),
        ({"splits": {"train": SplitSpec(0)}}, "0 people"),
    ):
        with pytest.raises(ValueError, match=text):
            SetSpec(**(good | change))  # type: ignore[arg-type]
