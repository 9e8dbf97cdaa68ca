"""Synthetic people: reproducible, and labels that agree with the pixels and with each other."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="the synthetic people need moderngl")

from repose.data.synthetic import Picture, Renderer, SyntheticUnavailable, render_people, render_person
from repose.data.synthetic.body import load_body
from repose.data.synthetic.garments import Outfit, sample_outfit
from repose.data.synthetic.people import _sample_body
from repose.data.synthetic.poses import ANGLES, mirror, rotations, sample_pose
from repose.data.synthetic.prepare import prepare_synthetic, splits
from repose.data.synthetic.render import create_context
from repose.person import JOINTS

PEOPLE, PICTURES, SEED = 6, 4, 3
INDEX = {name: k for k, name in enumerate(JOINTS)}


@pytest.fixture(scope="module")
def renderer():
    try:
        made = Renderer(128, 64)
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    with made:
        yield made


@pytest.fixture(scope="module")
def pictures(renderer: Renderer) -> list[Picture]:
    return [p for person in range(PEOPLE) for p in render_person(renderer, SEED, person, PICTURES)]


def same(a: Picture, b: Picture) -> bool:
    fields = ("image", "keypoints", "parsing", "mask")
    return a.name == b.name and all(np.array_equal(getattr(a, f), getattr(b, f)) for f in fields)


def test_shapes_and_types(pictures: list[Picture]) -> None:
    for p in pictures:
        assert (p.image.shape, p.image.dtype) == ((128, 64, 3), np.uint8)
        assert (p.keypoints.shape, p.keypoints.dtype) == ((18, 3), np.float32)
        assert (p.parsing.shape, p.parsing.dtype) == ((128, 64), np.uint8)
        assert (p.mask.shape, p.mask.dtype) == ((128, 64), np.uint8)
        assert set(np.unique(p.keypoints[:, 2])) <= {0.0, 0.5, 1.0}
        missing = p.keypoints[:, 2] == 0
        assert (p.keypoints[missing] == 0).all()
        assert (p.keypoints[:, :2] >= -0.5).all()
        assert (p.keypoints[:, :2] <= [63.5, 127.5]).all()


def test_same_seed_same_pixels_in_another_renderer(pictures: list[Picture]) -> None:
    again = list(render_people(range(2), PICTURES, 128, 64, SEED))
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


def test_the_mask_is_the_parsing_and_fills_the_frame(pictures: list[Picture]) -> None:
    for p in pictures:
        assert np.array_equal(p.mask > 0, p.parsing > 0)
        assert set(np.unique(p.mask)) <= {0, 255}
        assert p.parsing.max() < 20
        rows = np.nonzero(p.mask.any(1))[0]
        assert 0.08 < (p.mask > 0).mean() < 0.7
        assert rows[-1] - rows[0] > 0.5 * 128


def test_seen_joints_lie_on_the_person(pictures: list[Picture]) -> None:
    for p in pictures:
        ys, xs = np.nonzero(p.mask)
        for x, y, visible in p.keypoints:
            if visible == 1:
                assert np.hypot(xs - x, ys - y).min() < 3


@pytest.mark.parametrize("side", ["left", "right"])
def test_seen_ends_of_limbs_lie_in_their_own_part(pictures: list[Picture], side: str) -> None:
    tried = 0
    for p in pictures:
        parts = {"wrist": (14, 5, 6, 7) if side == "left" else (15, 5, 6, 7),
                 "ankle": (16, 18, 8, 9) if side == "left" else (17, 19, 8, 9)}  # fmt: skip
        for joint, labels in parts.items():
            x, y, visible = p.keypoints[INDEX[f"{side}_{joint}"]]
            if visible < 1:
                continue
            ys, xs = np.nonzero(np.isin(p.parsing, labels))
            assert len(xs), f"{p.name}: {side} {joint} seen, but no {labels}"
            assert np.hypot(xs - x, ys - y).min() < 3, f"{p.name}: {side} {joint}"
            tried += 1
    assert tried > PEOPLE


def test_left_is_the_persons_left(pictures: list[Picture]) -> None:
    fronts = backs = 0
    for p in pictures:
        nose, left, right = (p.keypoints[INDEX[n]] for n in ("nose", "left_shoulder", "right_shoulder"))
        if abs(left[0] - right[0]) < 10:
            continue  # seen from the side
        face = (p.parsing == 13).sum() / max(1, ((p.parsing == 2) | (p.parsing == 13)).sum())
        if nose[2] == 1 and face > 0.5:
            fronts += 1
            assert left[0] > right[0], p.name
        elif nose[2] == 0.5 and face < 0.2:
            backs += 1
            assert left[0] < right[0], p.name
    assert fronts > 0
    assert backs > 0


def test_the_outfit_stays_with_the_person(pictures: list[Picture]) -> None:
    def top(p: Picture) -> np.ndarray:
        color = p.image[np.isin(p.parsing, (5, 6, 7))].mean(0)
        return color / color.sum()  # light and exposure differ from picture to picture

    inside, between = [], []
    for k in range(PEOPLE):
        mine = [top(p) for p in pictures[k * PICTURES : (k + 1) * PICTURES]]
        other = top(pictures[((k + 1) % PEOPLE) * PICTURES])
        inside += [np.abs(a - mine[0]).sum() for a in mine[1:]]
        between += [np.abs(a - other).sum() for a in mine]
        worn = {frozenset(set(np.unique(p.parsing)) & {6, 7, 12}) for p in pictures[k * PICTURES : (k + 1) * PICTURES]}
        assert len(worn) == 1, f"person {k} changed clothes"
    assert np.mean(inside) < 0.12
    assert np.mean(inside) < 0.5 * np.mean(between)


def test_poses_keep_bone_lengths_and_limits() -> None:
    body, rng = load_body(), np.random.default_rng(0)
    coefficients, gender, age = _sample_body(body, rng)
    assert isinstance(sample_outfit(rng, gender, age), Outfit)
    shape = body.shape(coefficients)
    angles = np.stack([sample_pose(rng) for _ in range(50)])
    assert angles.shape == (50, len(ANGLES))
    assert np.allclose(mirror(mirror(angles[0])), angles[0])
    placed = body.transforms(shape.heads, rotations(body, angles))
    turns = placed[..., :3]
    assert np.allclose(turns @ turns.swapaxes(-1, -2), np.eye(3), atol=1e-4)
    heads = np.einsum("pjik,jk->pji", turns, shape.heads) + placed[..., 3]
    for bone, parent in enumerate(body.parents):
        if parent >= 0:
            length = np.linalg.norm(heads[:, bone] - heads[:, parent], axis=1)
            assert np.allclose(length, np.linalg.norm(shape.heads[bone] - shape.heads[parent]), atol=1e-4)


def test_a_mirrored_pose_mirrors_the_joints() -> None:
    body, rng = load_body(), np.random.default_rng(1)
    shape = body.shape(np.zeros(body.coefficients.shape[1], np.float32))
    pose = sample_pose(rng)
    points = body.points(shape, body.transforms(shape.heads, rotations(body, np.stack([pose, mirror(pose)]))))[:, :18]
    swap = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]
    assert np.allclose(points[0] * [-1, 1, 1], points[1, swap], atol=0.012)  # the mean body is a little crooked


def test_joints_agree_with_skinning_every_vertex() -> None:
    body, rng = load_body(), np.random.default_rng(2)
    shape = body.shape(body.coefficients[3])
    placed = body.transforms(shape.heads, rotations(body, sample_pose(rng)[None]))
    weight = body.bone_weight / body.bone_weight.sum(1, keepdims=True, dtype=np.float32)
    rest = np.concatenate([shape.vertices, np.ones((body.count, 1), np.float32)], 1)
    posed = np.einsum("vk,vkij,vj->vi", weight, placed[0][body.bone_index], rest)
    anchors = body.points(shape, placed)[0, 18:]
    distance = np.linalg.norm(posed[None] - anchors[:, None], axis=2).min(1)
    assert distance.max() < 1e-4


def test_splits_have_their_own_people() -> None:
    assert splits(3) == ["train", "val", "test"]
    assert [splits(100).count(s) for s in ("train", "val", "test")] == [90, 5, 5]
    with pytest.raises(ValueError, match="at least 3"):
        splits(2)


@pytest.mark.usefixtures("renderer")
def test_prepare_writes_a_store(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = prepare_synthetic(
        tmp_path / "store", people=3, pictures=3, height=64, width=32, seed=1, workers=1,
        progress=lambda done, total: calls.append((done, total)),
    )  # fmt: skip
    assert calls[-1] == (9, 9)
    assert report.people == {"train": 1, "val": 1, "test": 1}
    assert report.photographs == {"train": 3, "val": 3, "test": 3}
    assert report.pairs == {"train": 6, "val": 6, "test": 6}


def test_no_opengl_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import moderngl

    def refuse(**_: object) -> None:
        raise RuntimeError("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(SyntheticUnavailable, match="apt-get install libegl1"):
        Renderer(64, 32)


def test_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(SyntheticUnavailable, match=r"not installed; from the checkout: pip install '\.\[synthetic\]'"):
        create_context()
