"""Geometry: whatever moves the picture moves every field with it."""

import dataclasses

import numpy as np
import pytest
import torch

from repose.person import (
    EXTRA_MIRROR,
    EXTRA_POINTS,
    IUV_MIRROR,
    JOINTS,
    LABEL_MIRROR,
    LABELS,
    MIRROR,
    Pair,
    Person,
)


def scene(seed: int, height: int = 60, width: int = 44) -> Person:
    """Every field, random; each located joint sits on a pixel whose colour and label belong to it alone."""
    rng = np.random.default_rng(seed)
    image = np.full((3, height, width), 1.0)
    mask = np.zeros((1, height, width))
    keypoints = np.zeros((18, 3))
    places = rng.permutation(height * width)[:18]
    for joint, place in enumerate(places):
        if rng.random() < 0.25:
            continue
        y, x = divmod(int(place), width)
        keypoints[joint] = [x, y, rng.choice([0.5, 1.0])]
        image[:, y, x] = [joint / 9 - 1, -joint / 18, 0]
        mask[0, y, x] = 1
    part = rng.integers(0, 25, (height, width))
    uv = rng.uniform(0, 1, (2, height, width)) * (part > 0)
    return Person(
        image=torch.tensor(image, dtype=torch.float32),
        keypoints=torch.tensor(keypoints, dtype=torch.float32),
        parsing=torch.tensor(rng.integers(0, 20, (height, width))),
        iuv=torch.tensor(np.concatenate([part[None], uv]), dtype=torch.float32),
        mask=torch.tensor(mask, dtype=torch.float32),
        depth=torch.tensor(rng.uniform(2, 9, (1, height, width)) * mask, dtype=torch.float32),
    )


def same(a: Person, b: Person) -> None:
    assert a.size == b.size
    for name in ("image", "keypoints", "parsing", "iuv", "mask", "depth"):
        torch.testing.assert_close(getattr(a, name), getattr(b, name), rtol=0, atol=1e-6)


def colours(person: Person) -> dict[int, list[float]]:
    """The colour of the pixel under each located joint."""
    return {
        joint: person.image[:, round(float(y)), round(float(x))].tolist()
        for joint, (x, y, visible) in enumerate(person.keypoints)
        if visible > 0
    }


@pytest.mark.parametrize("seed", range(8))
def test_flip_of_a_flip_is_the_same_person(seed):
    person = scene(seed)
    same(person.flip().flip(), person)
    same(person.batch().flip()[0], person.flip())


@pytest.mark.parametrize("seed", range(8))
def test_flip_keeps_joints_on_their_pixels_and_swaps_their_names(seed):
    person = scene(seed)
    before, after = colours(person), colours(person.flip())
    assert before
    assert {MIRROR[joint]: colour for joint, colour in before.items()} == after


@pytest.mark.parametrize("seed", range(4))
def test_patns_flip_keeps_the_names(seed):
    person = scene(seed)
    wrong = person.flip_patn()
    assert colours(person) == colours(wrong)
    torch.testing.assert_close(wrong.image, person.flip().image)
    torch.testing.assert_close(wrong.keypoints, person.flip().keypoints[list(MIRROR)])
    again = wrong.flip_patn()
    torch.testing.assert_close(again.image, person.image)
    torch.testing.assert_close(again.keypoints, person.keypoints)
    assert wrong.parsing is None
    assert wrong.iuv is None


def test_mirror_tables_swap_left_and_right_by_name():
    def swapped(name: str) -> str:
        return name.replace("left", "?").replace("right", "left").replace("?", "right")

    assert [JOINTS[i] for i in MIRROR] == [swapped(name) for name in JOINTS]
    assert [LABELS[i] for i in LABEL_MIRROR] == [swapped(name) for name in LABELS]
    # DensePose, from PAPERS: hands 3, 4, feet 5, 6, ..., head 23, 24 are pairs, the torso 1, 2 is none
    assert IUV_MIRROR[:3] == (0, 1, 2)
    for odd in range(3, 25, 2):
        assert IUV_MIRROR[odd] == odd + 1
        assert IUV_MIRROR[odd + 1] == odd


def test_flip_of_labels_parts_and_mask():
    person = scene(1)
    flipped = person.flip()
    height, width = person.size
    for r in range(0, height, 7):
        for c in range(width):
            mirrored = (r, width - 1 - c)
            assert flipped.parsing[mirrored] == LABEL_MIRROR[person.parsing[r, c]]
            part, u, v = person.iuv[:, r, c]
            new = flipped.iuv[(slice(None), *mirrored)]
            assert new[0] == IUV_MIRROR[int(part)]
            assert new[1] == (1 - u if part > 0 else u)
            assert new[2] == v
            assert flipped.mask[(0, *mirrored)] == person.mask[0, r, c]
            assert flipped.depth[(0, *mirrored)] == person.depth[0, r, c]


@pytest.mark.parametrize("seed", range(6))
def test_pad_and_crop_move_every_field(seed):
    person = scene(seed)
    padded = person.pad(3, 5, 7, 2)
    assert padded.size == (67, 54)
    assert colours(padded) == colours(person)
    assert (padded.image[:, :5] == 1).all()
    assert (padded.parsing[:5] == 0).all()
    assert (padded.depth[:, :5] == 0).all()
    same(padded.crop(5, 3, *person.size), person)
    same(padded.pad(-3, -5, -7, -2), person)


@pytest.mark.parametrize("seed", range(6))
def test_crop_loses_exactly_the_joints_outside(seed):
    person = scene(seed)
    top, left, height, width = 12, 9, 30, 20
    part = person.crop(top, left, height, width)
    assert part.size == (height, width)
    torch.testing.assert_close(part.image, person.image[:, 12:42, 9:29])
    torch.testing.assert_close(part.parsing, person.parsing[12:42, 9:29])
    kept = {
        j
        for j, (x, y, visible) in enumerate(person.keypoints.tolist())
        if visible > 0 and left <= x < left + width and top <= y < top + height
    }
    assert set(colours(part)) == kept
    assert colours(part) == {j: c for j, c in colours(person).items() if j in kept}
    assert (part.keypoints[[j for j in range(18) if j not in kept]] == 0).all()


def test_a_window_beside_the_picture_is_empty():
    person = scene(0)
    for top, left in ((0, 44), (0, 500), (-30, 0), (-300, -300), (60, 0)):
        beside = person.crop(top, left, 30, 20)
        assert beside.size == (30, 20)
        assert (beside.image == 1).all()
        for field in (beside.keypoints, beside.mask, beside.iuv, beside.parsing, beside.depth):
            assert (field == 0).all()
        assert beside.parsing.dtype == torch.int64


@pytest.mark.parametrize(("height", "width"), [(120, 88), (180, 44), (61, 100), (40, 30), (15, 11)])
def test_resize_keeps_joints_on_their_dot(height, width):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x, y = rng.integers(10, 34), rng.integers(10, 50)
        image = torch.full((3, 60, 44), -1.0)
        image[:, y - 2 : y + 3, x - 2 : x + 3] = 1
        keypoints = torch.zeros(18, 3)
        keypoints[7] = torch.tensor([x, y, 1.0])
        person = Person(image=image, keypoints=keypoints, mask=(image[:1] + 1) / 2).resize(height, width)
        assert person.size == (height, width)
        weight = (person.image[0] + 1).double()
        rows, columns = torch.arange(height).double(), torch.arange(width).double()
        centre = torch.stack([(weight * columns).sum(), (weight * rows[:, None]).sum()]) / weight.sum()
        assert (centre - person.keypoints[7, :2]).abs().max() < 0.05
        torch.testing.assert_close(person.mask[0], (person.image[0] + 1) / 2, atol=1e-5, rtol=0)
        assert (person.keypoints[[j for j in range(18) if j != 7]] == 0).all()


def test_resize_keeps_labels_whole_and_values_in_range():
    person = scene(2)
    large = person.resize(120, 88)
    torch.testing.assert_close(large.parsing, person.parsing.repeat_interleave(2, 0).repeat_interleave(2, 1))
    torch.testing.assert_close(large.iuv, person.iuv.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert large.parsing.dtype == torch.int64
    torch.testing.assert_close(large.depth, person.depth.repeat_interleave(2, 1).repeat_interleave(2, 2))
    odd = person.resize(37, 91)
    assert odd.image.abs().max() <= 1
    assert set(odd.iuv[0].unique().tolist()) <= set(range(25))
    assert set(odd.depth.unique().tolist()) <= set(person.depth.unique().tolist()), "no depth between near and far"


def test_missing_joints_stay_zero_whatever_happens():
    person = Person(keypoints=torch.zeros(18, 3), size=(60, 44))
    for moved in (
        person.flip(),
        person.flip_patn(),
        person.pad(4, 4, 4, 4),
        person.crop(1, 1, 9, 9),
        person.resize(9, 7),
    ):
        assert (moved.keypoints == 0).all()
    assert person.resize(9, 7).size == (9, 7)


def test_batches():
    people = [scene(seed) for seed in range(3)]
    batch = Person.stack(people)
    assert batch.batched
    assert len(batch) == 3
    same(batch[1], people[1])
    same(batch[1:][0], people[1])
    same(Person.cat([batch, batch[:1]])[3], people[0])
    same(batch.crop(3, 4, 20, 10)[2], people[2].crop(3, 4, 20, 10))
    same(batch.resize(30, 30)[2], people[2].resize(30, 30))
    assert batch.only("image").keypoints is None
    assert batch.only("keypoints").size == (60, 44)
    pair = Pair(batch, batch.flip())
    assert len(pair) == 3
    assert len(pair.both()) == 6
    same(pair.both().source[3:], pair.target)
    same(pair.swap().source, pair.target)
    same(pair.flip().target, pair.source)


def test_errors():
    with pytest.raises(ValueError, match=r"Person.image: shape \(3, H, W\).*got \(4, 8, 8\)"):
        Person(image=torch.zeros(4, 8, 8))
    with pytest.raises(ValueError, match=r"\(17, 3\); repose.represent.keypoints converts"):
        Person(keypoints=torch.zeros(17, 3))
    with pytest.raises(ValueError, match="disagree in"):
        Person(image=torch.zeros(3, 8, 8), mask=torch.zeros(1, 8, 9))
    with pytest.raises(ValueError, match=r"Person.depth: shape \(1, H, W\)"):
        Person(depth=torch.zeros(8, 8))
    with pytest.raises(ValueError, match="batch"):
        Person(image=torch.zeros(2, 3, 8, 8), keypoints=torch.zeros(18, 3))
    with pytest.raises(ValueError, match="size"):
        Person(image=torch.zeros(3, 8, 8), size=(8, 9))
    with pytest.raises(ValueError, match="no canvas"):
        Person(keypoints=torch.zeros(18, 3)).flip()
    with pytest.raises(ValueError, match="nothing of 8x8 is left"):
        Person(image=torch.zeros(3, 8, 8)).pad(-8, 0, 0, 0)
    with pytest.raises(TypeError, match="not batched"):
        len(Person(image=torch.zeros(3, 8, 8)))
    with pytest.raises(TypeError, match="cannot be indexed"):
        Person(image=torch.zeros(3, 8, 8))[0]
    with pytest.raises(ValueError, match="no people"):
        Person.stack([])
    with pytest.raises(ValueError, match="differ in fields or size"):
        Person.stack([Person(image=torch.zeros(3, 8, 8)), Person(image=torch.zeros(3, 8, 9))])


@pytest.mark.parametrize(
    "sides", [(3, 2, 5, 4), (-3, 2, 5, -4), (-3, -2, -1, -4), (0, 0, 0, 0), (40, 0, 0, 50), (-30, 1, 60, 0)]
)
def test_a_border_that_is_repeated(sides: tuple[int, int, int, int]) -> None:
    """As NumPy's padding by the edge; the mask is not repeated."""
    left, top, right, bottom = sides
    image = torch.rand(3, 12, 20, generator=torch.Generator().manual_seed(0)) * 2 - 1
    person = Person(image=image, mask=torch.ones(1, 12, 20))
    wide = np.pad(image.numpy(), ((0, 0), (60, 60), (60, 60)), mode="edge")
    wanted = wide[:, 60 - top : 72 + bottom, 60 - left : 80 + right]
    padded = person.pad(left, top, right, bottom, fill="edge")
    assert padded.image is not None
    assert padded.mask is not None
    assert np.array_equal(padded.image.numpy(), wanted)
    assert padded.size == wanted.shape[1:]
    inside = max(0, min(12, 12 + bottom) - max(0, -top)) * max(0, min(20, 20 + right) - max(0, -left))
    assert float(padded.mask.sum()) == inside
    cropped = person.crop(-top, -left, 12 + top + bottom, 20 + left + right, fill="edge")
    assert torch.equal(cropped.image, padded.image)  # type: ignore[arg-type]
    batch = Person(image=image[None].repeat(2, 1, 1, 1)).pad(left, top, right, bottom, fill="edge")
    assert torch.equal(batch.image[1], padded.image)  # type: ignore[index]


def test_a_window_beside_the_picture_shows_its_border() -> None:
    image = torch.rand(3, 12, 20, generator=torch.Generator().manual_seed(0))
    shown = Person(image=image).crop(2, 30, 6, 5, fill="edge").image
    assert torch.equal(shown, image[:, 2:8, 19:].expand(3, 6, 5))  # type: ignore[arg-type]


# -- feet and hands -------------------------------------------------------------------------------------------------


def with_extra(seed: int = 0) -> Person:
    """`scene` with points of feet and hands, some missing, each on a pixel of its own colour."""
    person = scene(seed)
    rng = np.random.default_rng(100 + seed)
    height, width = person.size
    extra = torch.zeros(48, 3)
    for point in range(48):
        if point % 7:
            extra[point] = torch.tensor([rng.integers(0, width), rng.integers(0, height), 0.5 + 0.5 * (point % 2)])
    return dataclasses.replace(person, extra_keypoints=extra)


def test_flip_swaps_the_points_of_feet_and_hands():
    person = with_extra()
    flipped = person.flip()
    torch.testing.assert_close(flipped.flip().extra_keypoints, person.extra_keypoints)
    for name, (x, y, seen) in zip(EXTRA_POINTS, person.extra_keypoints.tolist(), strict=True):
        side, _, rest = name.partition("_")
        other = EXTRA_POINTS.index(f"{'right' if side == 'left' else 'left'}_{rest}")
        expected = [person.size[1] - 1 - x, y, seen] if seen else [0, 0, 0]
        assert flipped.extra_keypoints[other].tolist() == expected
    assert sorted(EXTRA_MIRROR) == list(range(48))
    torch.testing.assert_close(person.batch().flip()[0].extra_keypoints, flipped.extra_keypoints)


def test_crop_pad_and_resize_move_feet_and_hands_as_joints():
    """A foot at the place of a joint stays there, whatever happens to the picture."""
    person = with_extra()
    extra = person.extra_keypoints.clone()
    extra[:18] = person.keypoints
    person = dataclasses.replace(person, extra_keypoints=extra)
    for change in (
        lambda p: p.pad(3, 2, 1, 4),
        lambda p: p.crop(5, 4, 12, 9),
        lambda p: p.resize(31, 17),
        lambda p: p.batch().resize(64, 40)[0],
    ):
        changed = change(person)
        torch.testing.assert_close(changed.extra_keypoints[:18], changed.keypoints)
    cut = person.crop(5, 4, 12, 9)
    assert 0 < int((cut.extra_keypoints[:, 2] > 0).sum()) < int((extra[:, 2] > 0).sum()), "some come to lie outside"


def test_batches_and_fields_know_feet_and_hands():
    people = [with_extra(seed) for seed in range(3)]
    batch = Person.stack(people)
    assert batch.extra_keypoints.shape == (3, 48, 3)
    torch.testing.assert_close(batch[1].extra_keypoints, people[1].extra_keypoints)
    only = people[0].only("extra_keypoints")
    assert only.keypoints is None
    assert not only.batched
    assert len(only.batch()) == 1
    assert people[0].only("image").extra_keypoints is None
    with pytest.raises(ValueError, match=r"extra_keypoints: shape \(48, 3\)"):
        Person(extra_keypoints=torch.zeros(42, 3))
    with pytest.raises(ValueError, match="disagree in their batch"):
        Person(keypoints=torch.zeros(18, 3), extra_keypoints=torch.zeros(2, 48, 3))
    with pytest.raises(ValueError, match="differ in fields"):
        Person.stack([people[0], scene(1)])
