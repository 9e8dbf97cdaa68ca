"""Whole pictures: reproducible, and labels that agree with the pixels, with the skeleton and with each other."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="the synthetic people need moderngl")

from repose.body import atlas
from repose.body.rig import rotations
from repose.body.surface import body_surface, normals, pose_surface
from repose.person import JOINTS
from repose.render import Picture, Renderer, render_people, render_person
from repose.render.people import STYLES, sample_dressed, take_pose
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose
from tests.render.conftest import SIZE

PEOPLE, PICTURES, SEED = 6, 4, 3
HEIGHT, WIDTH = SIZE
INDEX = {name: k for k, name in enumerate(JOINTS)}
FIELDS = ("image", "keypoints", "parsing", "mask", "iuv", "depth")
CLOTHES = (5, 6, 7, 9, 10, 11, 12)


@pytest.fixture(scope="module")
def pictures(renderer: Renderer) -> list[Picture]:
    return [p for person in range(PEOPLE) for p in render_person(renderer, SEED, person, PICTURES)]


def same(a: Picture, b: Picture) -> bool:
    return a.name == b.name and all(np.array_equal(getattr(a, f), getattr(b, f)) for f in FIELDS)


def test_shapes_and_types(pictures: list[Picture]) -> None:
    for p in pictures:
        shapes = {"image": (HEIGHT, WIDTH, 3), "keypoints": (18, 3), "parsing": (HEIGHT, WIDTH),
                  "mask": (HEIGHT, WIDTH), "iuv": (HEIGHT, WIDTH, 3), "depth": (HEIGHT, WIDTH)}  # fmt: skip
        types = dict.fromkeys(FIELDS, np.uint8) | {"keypoints": np.float32, "depth": np.float16}
        for field in FIELDS:
            assert getattr(p, field).shape == shapes[field]
            assert getattr(p, field).dtype == types[field]
        assert set(np.unique(p.keypoints[:, 2])) <= {0.0, 0.5, 1.0}
        assert (p.keypoints[p.keypoints[:, 2] == 0] == 0).all()
        assert p.pose
        assert p.style in STYLES


def test_same_seed_same_pixels_in_another_renderer(pictures: list[Picture]) -> None:
    again = list(render_people(range(2), PICTURES, HEIGHT, WIDTH, SEED))
    assert all(same(a, b) for a, b in zip(again, pictures, strict=False))


def test_a_person_does_not_depend_on_the_others_or_on_the_number_of_pictures(
    renderer: Renderer, pictures: list[Picture]
) -> None:
    (alone,) = render_person(renderer, SEED, 4, 1)
    assert same(alone, pictures[4 * PICTURES])
    many = render_person(renderer, SEED, 4, 10)  # more than one batch of the renderer
    assert all(same(a, b) for a, b in zip(many, pictures[4 * PICTURES : 5 * PICTURES], strict=False))


def test_another_seed_is_another_person(renderer: Renderer, pictures: list[Picture]) -> None:
    (other,) = render_person(renderer, SEED + 1, 0, 1)
    assert not np.array_equal(other.image, pictures[0].image)


@pytest.mark.parametrize("style", ["street", "fashion", "plain"])
def test_every_style_draws(renderer: Renderer, style: str) -> None:
    (p,) = render_person(renderer, SEED, 1, 1, style)
    assert p.style == style
    assert (p.mask > 0).mean() > 0.08


def test_an_unknown_style_is_an_error(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match="style must be one of"):
        render_person(renderer, SEED, 1, 1, "disco")


def test_all_labels_lie_inside_the_mask(pictures: list[Picture]) -> None:
    for p in pictures:
        on = p.mask > 0
        assert set(np.unique(p.mask)) <= {0, 255}
        assert not p.parsing[~on].any()
        assert not p.iuv[~on].any()
        assert not p.depth[~on].any()
        assert (p.depth[on] > 0.3).all()
        assert (p.depth[on] < 30).all()
        assert p.parsing.max() < 20
        assert p.iuv[..., 0].max() <= 24
        # what is in the mask without a label is a bag, which is no part of the body either
        assert np.array_equal(p.parsing[on] == 0, p.iuv[on][:, 0] == 0)


def test_people_fill_the_frame(pictures: list[Picture]) -> None:
    for p in pictures:
        rows = np.nonzero(p.mask.any(1))[0]
        assert 0.06 < (p.mask > 0).mean() < 0.8
        assert rows[-1] - rows[0] > 0.5 * HEIGHT


@pytest.mark.parametrize("side", ["left", "right"])
def test_seen_ends_of_limbs_lie_in_their_own_label(pictures: list[Picture], side: str) -> None:
    tried = 0
    for p in pictures:
        labels = {"wrist": (14 if side == "left" else 15, 3, 5, 6, 7, 10),
                  "ankle": (*((16, 18) if side == "left" else (17, 19)), 8, 9, 10)}  # fmt: skip
        for joint, own in labels.items():
            x, y, visible = p.keypoints[INDEX[f"{side}_{joint}"]]
            if visible < 1:
                continue
            ys, xs = np.nonzero(np.isin(p.parsing, own))
            assert len(xs), f"{p.name}: {side} {joint} seen, but no {own}"
            assert np.hypot(xs - x, ys - y).min() < 3, f"{p.name}: {side} {joint}"
            tried += 1
    assert tried > PEOPLE


def test_seen_joints_lie_on_the_person(pictures: list[Picture]) -> None:
    for p in pictures:
        ys, xs = np.nonzero(p.mask)
        for x, y, visible in p.keypoints:
            if visible == 1:
                assert np.hypot(xs - x, ys - y).min() < 3


# joint -> DensePose parts that may lie there: its own ones and those that it joins
PARTS = {
    "right_wrist": (3, 20, 22), "left_wrist": (4, 19, 21), "right_elbow": (16, 18, 20, 22),
    "left_elbow": (15, 17, 19, 21), "right_knee": (7, 9, 11, 13), "left_knee": (8, 10, 12, 14),
    "right_ankle": (6, 11, 13), "left_ankle": (5, 12, 14), "nose": (23, 24), "right_ear": (23,), "left_ear": (24,),
}  # fmt: skip


def test_a_seen_joint_projects_into_its_own_part(pictures: list[Picture]) -> None:
    hits, tried = 0, 0
    for p in pictures:
        for joint, parts in PARTS.items():
            x, y, visible = p.keypoints[INDEX[joint]]
            if visible < 1:
                continue
            ys, xs = np.nonzero(np.isin(p.iuv[..., 0], parts))
            tried += 1
            hits += bool(len(xs)) and np.hypot(xs - x, ys - y).min() < 3
    assert tried > 5 * PEOPLE
    assert hits >= 0.97 * tried


def test_iuv_of_a_surface_point_is_the_same_in_every_picture(renderer: Renderer) -> None:
    """Points of bare skin, projected into pictures of other poses: the picture shows their own part, u and v there."""
    rng = np.random.default_rng(7)
    person = sample_dressed(renderer.body, rng, "plain", detail=1024)
    poses = [sample_pose(rng, "street") for _ in range(4)]
    placed = renderer.body.transforms(
        person.shape.pivots, rotations(renderer.body, np.stack([p.angles for p in poses]))
    )
    naked = body_surface(renderer.body, person.shape, "body")
    chart = atlas.iuv_of(naked.canon, naked.along, naked.region)
    from repose.render.people import Piece
    from repose.render.place.surroundings import sample_surroundings

    surroundings = sample_surroundings(rng, "plain")
    pieces = (Piece("skin", naked, None, (13, 13), kind="skin"),)
    bare = type(person)(person.shape, pieces, person.looks, person.grain, 1.0, 0.5, 0.6)
    points = renderer.body.points(person.shape, placed)
    shots = [sample_shot(rng, p, HEIGHT, WIDTH, "street") for p in points]
    lights = [surroundings.lighting(rng, 0.0) for _ in shots]
    drawn = renderer.draw(pieces, person.looks, [take_pose(renderer.body, bare, t) for t in placed], shots, lights,
                          person.grain)  # fmt: skip
    seen_twice = np.zeros(len(naked), int)
    for k, shot in enumerate(shots):
        place = pose_surface(naked, placed[k])
        flat = shot.project(place)
        facing = (normals(place, naked.faces) @ shot.view[2, :3]) > 0.5
        x, y = np.rint(flat[:, 0]).astype(int), np.rint(flat[:, 1]).astype(int)
        inside = (x > 0) & (y > 0) & (x < WIDTH - 1) & (y < HEIGHT - 1) & facing
        (seen,) = np.nonzero(inside)
        seen = seen[np.abs(drawn.nearness[k, y[seen], x[seen]] - flat[seen, 2]) < 0.01]
        labelled = drawn.iuv[k, y[seen], x[seen]].astype(np.float32) / [1, 255, 255]
        right = labelled[:, 0] == chart[seen, 0]
        assert right.mean() > 0.9, "parts"  # the others lie within a pixel of a border
        gap = np.abs(labelled[right, 1:] - chart[seen[right], 1:])
        assert np.quantile(gap, 0.9) < 0.12, "u and v, of a part that is 4 to 15 pixels wide"
        seen_twice[seen] += 1
    assert (seen_twice >= 2).sum() > 300


def test_left_is_the_persons_left(pictures: list[Picture]) -> None:
    fronts = backs = 0
    for p in pictures:
        left, right = (p.keypoints[INDEX[n]] for n in ("left_shoulder", "right_shoulder"))
        if min(left[2], right[2]) == 0 or abs(left[0] - right[0]) < 10:
            continue  # seen from the side
        front, back = (p.iuv[..., 0] == 2).sum(), (p.iuv[..., 0] == 1).sum()
        if front > 4 * back:
            fronts += 1
            assert left[0] > right[0], p.name
        elif back > 4 * front:
            backs += 1
            assert left[0] < right[0], p.name
    assert fronts > 0
    assert backs > 0


def test_left_and_right_labels_agree_with_iuv(pictures: list[Picture]) -> None:
    pairs = {14: (4, 15, 17, 19, 21), 15: (3, 16, 18, 20, 22), 18: (5, 12, 14), 19: (6, 11, 13)}
    for p in pictures:
        for label, parts in pairs.items():
            own = p.iuv[..., 0][p.parsing == label]
            if len(own) > 10:
                assert np.isin(own, parts).mean() > 0.9, f"{p.name}: label {label} has {np.unique(own)}"


def test_the_outfit_stays_with_the_person(pictures: list[Picture]) -> None:
    def top(p: Picture) -> np.ndarray:
        color = p.image[np.isin(p.parsing, CLOTHES)].mean(0)
        return color / color.sum()  # light and exposure differ from picture to picture

    inside, between = [], []
    for k in range(PEOPLE):
        mine = [top(p) for p in pictures[k * PICTURES : (k + 1) * PICTURES]]
        other = top(pictures[((k + 1) % PEOPLE) * PICTURES])
        inside += [np.abs(a - mine[0]).sum() for a in mine[1:]]
        between += [np.abs(a - other).sum() for a in mine]
        worn = {
            frozenset(set(np.unique(p.parsing)) & {6, 7, 10, 12}) for p in pictures[k * PICTURES : (k + 1) * PICTURES]
        }
        assert len(worn) == 1, f"person {k} changed clothes"
    assert np.mean(inside) < 0.05
    assert np.mean(inside) < 0.4 * np.mean(between)


def test_colours_carried_by_iuv_are_those_of_the_target(pictures: list[Picture]) -> None:
    """A target painted with the source's colours at equal part, u and v looks more like itself than like the person."""
    carried, anyhow = [], []
    for k in range(PEOPLE):
        source, target = pictures[k * PICTURES : k * PICTURES + 2]
        key = [p.iuv.astype(int) // [1, 16, 16] @ [256, 16, 1] for p in (source, target)]
        on = [p.iuv[..., 0] > 0 for p in (source, target)]
        colors = {}
        for place, color in zip(key[0][on[0]], source.image[on[0]], strict=True):
            colors.setdefault(place, []).append(color.astype(float))
        labelled = [
            (np.mean(colors[p], 0), c) for p, c in zip(key[1][on[1]], target.image[on[1]], strict=True) if p in colors
        ]
        if len(labelled) < 100:
            continue  # seen from the other side
        painted, true = (np.stack([pair[side] for pair in labelled]) for side in (0, 1))
        gap = painted.mean(0) - true.mean(0)  # light and exposure differ
        carried.append(np.abs(painted - gap - true).mean())
        shuffled = painted[np.random.default_rng(0).permutation(len(painted))]
        anyhow.append(np.abs(shuffled - gap - true).mean())
    assert len(carried) >= 3
    assert np.mean(carried) < 0.65 * np.mean(anyhow), (carried, anyhow)
