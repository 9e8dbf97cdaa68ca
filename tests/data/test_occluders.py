"""Where a thing stands before the person the person ends, the target stays, and a pair's own bits decide everything."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from repose.data.augment import AugmentConfig, augment
from repose.data.draws import Numbers
from repose.data.occluder_shapes import Place, bag, ball, box, covered, pole
from repose.models import recipe as by_name
from repose.models import recipe_from_dict
from repose.person import Pair, Person
from repose.recipes import override, to_dict
from tests.data.test_augment import EVERYTHING, assert_same, bits, noisy

SIZE = HEIGHT, WIDTH = 96, 64
TOP, BOTTOM, LEFT, RIGHT = 10, 90, 20, 44  # the box around the person
ALWAYS = AugmentConfig(occlude=1.0)


def people(count: int, seed: int = 0) -> Person:
    """A rectangle with all labels, and a joint in each of 17 places on it; the last joint is missing."""
    random = torch.Generator().manual_seed(seed)
    mask = torch.zeros(count, 1, *SIZE)
    mask[..., TOP:BOTTOM, LEFT:RIGHT] = 1
    joints = torch.zeros(count, 18, 3)
    joints[:, :17, 0] = LEFT + torch.rand(count, 17, generator=random) * (RIGHT - LEFT - 1)
    joints[:, :17, 1] = TOP + torch.rand(count, 17, generator=random) * (BOTTOM - TOP - 1)
    joints[:, :17, 2] = 1
    joints[:, 5, 2] = 0.5
    return Person(
        image=torch.rand(count, 3, *SIZE, generator=random) * 1.6 - 0.8,
        keypoints=joints,
        parsing=mask[:, 0].long() * 5,
        iuv=mask * torch.tensor([2.0, 0.3, 0.6])[:, None, None],
        mask=mask,
        depth=mask * 3,
    )


def pairs(count: int) -> Pair:
    return Pair(people(count), people(count, seed=1))


def hidden(pair: Pair) -> torch.Tensor:
    """Pixels that have lost their label, bool (B, H, W)."""
    assert pair.source.parsing is not None
    labels = torch.zeros(SIZE, dtype=torch.int64)
    labels[TOP:BOTTOM, LEFT:RIGHT] = 5
    return pair.source.parsing != labels


def test_the_person_ends_where_a_thing_begins() -> None:
    pair = pairs(60)
    out = augment(pair, ALWAYS, bits(60))
    was, now, gone = pair.source, out.source, hidden(out)
    assert was.mask is not None
    assert now.mask is not None
    assert was.image is not None
    assert now.image is not None
    assert gone.flatten(1).any(1).float().mean() > 0.8, "the others have somebody beside them"
    for before, after in ((was.parsing, now.parsing), (was.iuv, now.iuv), (was.depth, now.depth)):
        assert before is not None
        assert after is not None
        assert after.dtype == before.dtype
        zero = gone if after.ndim == 3 else gone[:, None].expand_as(after)
        assert (after[zero] == 0).all()
        assert after[~zero].equal(before[~zero])
    mask = now.mask[:, 0]
    assert (mask[gone] <= 0.5).all()
    inner = F.avg_pool2d(gone.float(), 5, 1, 2) == 1  # two pixels and more from the border
    assert inner.sum() > 0.2 * gone.sum()
    assert (mask[inner] == 0).all()
    assert (mask <= was.mask[:, 0]).all()
    on = was.mask[:, 0] == 1
    assert ((mask > 0) & (mask < 1))[on].float().mean() < 0.08, "the border is narrow"
    assert (mask[on & ~gone] == 1).float().mean() > 0.94
    covered = ((mask == 0) & on)[:, None].expand_as(now.image)
    assert (now.image[covered] != was.image[covered]).float().mean() > 0.99
    assert now.image.abs().max() <= 1


def test_the_target_stays_and_so_does_what_was_given() -> None:
    pair = pairs(30)
    kept = pairs(30)
    out = augment(pair, ALWAYS, bits(30))
    assert_same(pair, kept)
    assert_same(Pair(kept.source, out.target), kept)


def test_joints_keep_their_places_and_are_occluded_under_a_thing() -> None:
    pair = pairs(60)
    out = augment(pair, ALWAYS, bits(60))
    was, now, gone = pair.source.keypoints, out.source.keypoints, hidden(out)
    assert was is not None
    assert now is not None
    assert now[..., :2].equal(was[..., :2])
    x, y = (was[..., :2] + 0.5).floor().long().unbind(-1)
    under = gone[torch.arange(60)[:, None], y, x]
    assert 20 < int(under[:, :17].sum()) < 600
    assert now[..., 2].equal(torch.where(under & (was[..., 2] == 1), 0.5, was[..., 2]))


@pytest.mark.parametrize("most", [0.1, 0.3])
def test_things_cover_no_more_of_the_box_than_allowed(most: float) -> None:
    pair = pairs(100)
    mask = augment(pair, AugmentConfig(occlude=1.0, occlude_most=most), bits(100)).source.mask
    assert mask is not None
    share = 1 - mask[:, 0, TOP:BOTTOM, LEFT:RIGHT].mean((1, 2))
    assert share.max() <= most + 1e-4
    assert share.max() > 0.7 * most
    assert share.mean() > 0.25 * most


def test_as_often_as_asked() -> None:
    pair = pairs(200)
    out = augment(pair, AugmentConfig(occlude=0.4), bits(200))
    changed = (out.source.image != pair.source.image).flatten(1).any(1)  # type: ignore[union-attr]
    assert changed.float().mean() == pytest.approx(0.4, abs=0.1)
    same = (~changed).nonzero()[:, 0]
    assert_same(out[same], pair[same])


def test_some_passers_by_stand_beside_the_person() -> None:
    pair = pairs(400)
    out = augment(pair, ALWAYS, bits(400))
    assert out.source.mask is not None
    assert pair.source.mask is not None
    whole = (out.source.mask == pair.source.mask).flatten(1).all(1)
    assert 0.02 < whole.float().mean() < 0.2
    new = (out.source.image != pair.source.image).any(1)  # type: ignore[union-attr, attr-defined]
    person = pair.source.mask[:, 0] == 1
    assert not (new & person)[whole].any(), "not a pixel of the person changes"
    assert (new & ~person)[whole].flatten(1).any(1).float().mean() > 0.9


def test_passers_by_are_the_pairs_own_people() -> None:
    """Black people stay black in any colours, and nobody else is black before this white wall."""
    black = people(100)
    assert black.mask is not None
    black = replace(black, image=(1 - 2 * black.mask).repeat(1, 3, 1, 1))
    image = augment(Pair(black, black), ALWAYS, bits(100)).source.image
    assert image is not None
    beside = (image.amax(1) == -1) & (black.mask[:, 0] == 0)
    assert (beside.flatten(1).sum(1) > 100).float().mean() > 0.2


def test_shapes_have_the_area_that_was_asked_for() -> None:
    person = np.zeros(SIZE, np.float32)
    person[TOP:BOTTOM, LEFT:RIGHT] = 1
    place = Place(TOP, LEFT, BOTTOM, RIGHT, person, None, SIZE)
    middle = Place(47, 31, 48, 32, person, None, SIZE)  # things are put on this pixel, so no border cuts them off
    for key in range(20):
        assert ball(middle, 150.0, Numbers(key)).alpha.sum() == pytest.approx(150, rel=0.04)
        assert box(middle, 150.0, Numbers(key)).alpha.sum() == pytest.approx(150, rel=0.22), "less its round corners"
        assert bag(place, 150.0, Numbers(key)).alpha.sum() <= 0.1 * place.area
        through = pole(place, 150.0, Numbers(key))
        assert covered(through, place) <= 1.5 * 150
        rows, columns = np.nonzero(through.alpha > 0.5)
        ends = {*(rows + through.window[0].start), *(columns + through.window[1].start)}
        assert ends & {0, HEIGHT - 1, WIDTH - 1}, "right through the picture"


# -- bits -------------------------------------------------------------------------------------------------------------


def test_a_pair_depends_on_its_own_bits_alone() -> None:
    pair, numbers = pairs(20), bits(20)
    whole = augment(pair, ALWAYS, numbers)
    assert_same(augment(pair, ALWAYS, numbers), whole)
    assert_same(augment(pair[7:12], ALWAYS, numbers[7:12]), whole[7:12])
    other = augment(pair, ALWAYS, bits(20, seed=1))
    assert not torch.equal(other.source.image, whole.source.image)  # type: ignore[arg-type]
    everything = replace(EVERYTHING, occlude=0.7)
    whole = augment(pair, everything, numbers)
    assert_same(augment(pair[3:8], everything, numbers[3:8]), whole[3:8])


def test_the_other_changes_do_not_notice() -> None:
    pair, numbers = pairs(20), bits(20)
    plain = replace(EVERYTHING, drop=0.0)  # occluded joints are dropped more often
    without, with_things = (augment(pair, replace(plain, occlude=share), numbers) for share in (0.0, 1.0))
    assert_same(Pair(without.source, with_things.target), without)
    assert torch.equal(with_things.source.keypoints[..., :2], without.source.keypoints[..., :2])  # type: ignore[index]
    assert not torch.equal(with_things.source.image, without.source.image)  # type: ignore[arg-type]


def test_without_occluders_all_is_as_before_there_were_any() -> None:
    """The numbers are of the commit before them."""
    out = augment(noisy(4), EVERYTHING, bits(4))
    source, target = out.source, out.target
    values = (source.image, target.image, source.keypoints, target.keypoints, source.mask, target.depth)
    means = [float(value.double().mean()) for value in values if value is not None]
    assert means == pytest.approx([0.014147, 0.023737, 8.285752, 9.087954, 0.072221, 1.111979], abs=1e-5)


# -- what is absent ---------------------------------------------------------------------------------------------------


def test_fields_that_are_absent_stay_absent() -> None:
    who = people(30)
    for names in (("keypoints",), ("image", "keypoints"), ("mask",), ("image", "parsing"), ("iuv", "keypoints")):
        some = who.only(*names)
        out = augment(Pair(some, some), ALWAYS, bits(30))
        assert {field.name for field in fields(Person) if getattr(out.source, field.name) is not None} == {
            *names,
            "size",
        }
        for name in names:
            assert not torch.equal(getattr(out.source, name), getattr(some, name)), name
        assert_same(Pair(out.target, out.target), Pair(some, some))


def test_where_nobody_is_nothing_happens() -> None:
    image = people(10).image
    nobody = Person(image=image, mask=torch.zeros(10, 1, *SIZE), keypoints=torch.zeros(10, 18, 3))
    unknown = Person(image=image, keypoints=torch.zeros(10, 18, 3))
    for who in (nobody, unknown):
        assert_same(augment(Pair(who, who), ALWAYS, bits(10)), Pair(who, who))
    dot = torch.zeros(10, 1, *SIZE)
    dot[..., 0, 0] = 1  # the smallest person, in the corner
    augment(Pair(replace(nobody, mask=dot), replace(nobody, mask=dot)), ALWAYS, bits(10))


# -- recipes ----------------------------------------------------------------------------------------------------------


def test_recipes_name_it_only_where_it_is_set() -> None:
    plain = by_name("patn-s")
    assert not {"occlude", "occlude_most"} & to_dict(plain)["data"]["augment"].keys(), "files look as before"
    chosen = override(plain, ["data.augment.occlude=0.3"])
    assert to_dict(chosen)["data"]["augment"]["occlude"] == 0.3
    assert recipe_from_dict(json.loads(json.dumps(to_dict(chosen)))) == chosen
    assert not chosen.data.augment.off
    assert AugmentConfig(occlude_most=0.1).off
