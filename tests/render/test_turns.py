"""People who turn: the same person, clothes, light, place and camera; only the side that is seen changes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("moderngl", reason="the synthetic people need moderngl")

from repose.body.model import load_body
from repose.body.rig import rotations
from repose.person import JOINTS
from repose.render import Picture, Renderer, render_person, render_turns
from repose.render.people import sample_subject
from repose.render.place.views import sample_front, sample_shot, standing
from repose.render.pose.pose_library import BASES
from repose.render.pose.poses import base_pose
from repose.render.sets import FIRST_SEED, SETS, STREAM_SEED, TURNS_SEED
from repose.render.turns import POSES, _loudness, _printed, patterned
from tests.render.conftest import SIZE

HEIGHT, WIDTH = SIZE
LEFT, RIGHT, NOSE, NECK = (JOINTS.index(n) for n in ("left_shoulder", "right_shoulder", "nose", "neck"))
CLOTHES = (5, 6, 7, 9, 10, 12)


@pytest.fixture(scope="module")
def turned(renderer: Renderer) -> list[Picture]:
    return render_turns(renderer, TURNS_SEED, 13, "relaxed", (0, 30, 90, 180, -90, 360))


def test_nobody_else_has_the_seed() -> None:
    assert FIRST_SEED <= TURNS_SEED < STREAM_SEED
    assert TURNS_SEED not in {spec.seed for spec in SETS.values()}


def test_shoulders_turn_to_the_persons_left(turned: list[Picture]) -> None:
    front, some, side, back, other, whole = (p.keypoints for p in turned)
    across = [k[LEFT, 0] - k[RIGHT, 0] for k in (front, some, side, back)]
    assert across[0] > 10
    assert across[1] == pytest.approx(across[0] * np.cos(np.pi / 6), rel=0.15)
    assert abs(across[2]) < 0.35 * across[0]
    assert across[3] == pytest.approx(-across[0], rel=0.15)
    assert side[NOSE, 0] > side[NECK, 0] + 2, "looks out at the right side of the picture"
    assert other[NOSE, 0] < other[NECK, 0] - 2
    assert back[NOSE, 2] == 0.5, "the face is hidden behind the head"
    assert np.abs(whole - front).max() < 0.01


def test_front_and_back_are_seen_as_such(turned: list[Picture]) -> None:
    for k, seen, hidden in ((0, 2, 1), (3, 1, 2)):
        part = turned[k].iuv[..., 0]
        assert (part == seen).sum() > 4 * (part == hidden).sum()


def test_all_else_stays_as_it_is(turned: list[Picture]) -> None:
    nobody = np.all([p.mask == 0 for p in turned], axis=0)
    far = nobody & (np.arange(HEIGHT)[:, None] < 0.6 * HEIGHT)  # below, the shadow turns with the person
    first = turned[0].image.astype(int)
    for p in turned:
        assert np.abs(p.image.astype(int) - first)[far].mean() < 1.5, "JPEG alone"
        assert p.pose == "relaxed"
        rows = np.nonzero((p.mask > 0).any(1))[0]
        assert rows[0] == pytest.approx(np.nonzero((turned[0].mask > 0).any(1))[0][0], abs=3)
        colours = [q.image[np.isin(q.parsing, CLOTHES)].mean(0) for q in (p, turned[0])]
        assert np.abs(colours[0] - colours[1]).max() < 40


def test_it_is_the_person_of_the_set(renderer: Renderer) -> None:
    (front,) = render_turns(renderer, 3, 2, 0, (0,), "fashion")
    others = render_person(renderer, 3, 2, 4, "fashion")
    worn = set(np.unique(front.parsing)) & set(CLOTHES)
    assert worn
    assert worn <= {int(label) for p in others for label in np.unique(p.parsing)}
    again, _ = render_turns(renderer, 3, 2, len(POSES), (0, 10), "fashion")
    assert np.array_equal(again.image, front.image), "a function of its arguments, poses counted round"


@pytest.mark.parametrize("style", ["street", "plain"])
def test_other_styles_turn(renderer: Renderer, style: str) -> None:
    front, back = render_turns(renderer, TURNS_SEED, 0, 1, (0, 180), style)
    assert front.style == style
    assert front.keypoints[LEFT, 0] > front.keypoints[RIGHT, 0]
    assert back.keypoints[LEFT, 0] < back.keypoints[RIGHT, 0]


def test_unknown_words(renderer: Renderer) -> None:
    with pytest.raises(ValueError, match="did you mean 'relaxed'"):
        render_turns(renderer, 1, 0, "relaxd")
    with pytest.raises(ValueError, match="style must be one of"):
        render_turns(renderer, 1, 0, 0, (0,), "disco")
    assert set(POSES) <= set(BASES)


def test_who_wears_a_pattern(renderer: Renderer) -> None:
    assert not any(patterned(renderer, TURNS_SEED, number, "plain") for number in range(3))
    flags = [patterned(renderer, TURNS_SEED, number) for number in (0, 1, 2, 13)]
    assert flags == [False, True, False, True]
    top = next(p.fabric for p in sample_subject(renderer, TURNS_SEED, 25, "fashion").dressed.pieces if p.name == "top")
    assert top is not None
    assert _printed(top)
    assert _loudness(top) < 0.06


def test_a_turned_camera_sees_the_same_ground_and_horizon() -> None:
    body = load_body()
    shape = body.shape(np.zeros_like(body.coefficients[0]))
    angles = base_pose(body, "contrapposto").angles[None]
    points = body.points(shape, body.transforms(body.pivots, rotations(body, angles)))[0]
    for seed, style in enumerate(("fashion", "street")):
        rng = np.random.default_rng(seed)
        front = sample_front(rng, points, HEIGHT, WIDTH, style)
        assert min(front.azimuth_deg, 360 - front.azimuth_deg) < 0.01
        assert front.crop == "full"
        for degrees in (30.0, 90.0, 180.0):
            shot = front.turned(degrees, standing(points))
            assert shot.azimuth_deg == pytest.approx(360 - degrees, abs=0.01)
            assert shot.horizon == pytest.approx(front.horizon, abs=0.01)
            assert shot.pitch_deg == pytest.approx(front.pitch_deg, abs=1e-3)
            axis = np.array([[*standing(points), h] for h in (0.0, 1.7)], np.float32)
            assert np.abs(shot.project(axis) - front.project(axis)).max() < 0.01
    shot = sample_shot(np.random.default_rng(0), points, HEIGHT, WIDTH, "fashion")
    assert np.abs(shot.turned(0.0, standing(points)).view - shot.view).max() < 1e-5
