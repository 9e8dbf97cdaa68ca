"""The figure of a clip in a photograph: no sinking, no pumping, no sliding; where it goes, and what it keeps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from repose.apps.motion.following import Motion
from repose.apps.motion.loops import MOTIONS, loop
from repose.apps.motion.placing import contacts_of, place_motion, sizes_of
from repose.apps.motion.video import placed_motion
from repose.represent.retarget import person_size, retarget_clip
from tests.apps.test_video_smoothing import moving

SIZE = (256, 200)


def keypoints(points: np.ndarray, scale: float = 1.0, at: tuple[float, float] = (0, 0)) -> Tensor:
    there = np.isfinite(points[..., :1])
    return torch.from_numpy(np.concatenate([np.where(there, points * scale + at, 0), there], -1).astype(np.float32))


def source() -> Tensor:
    """Somebody of other proportions in a photograph of `SIZE`: the ground is row 230, the hips are in column 110."""
    points = moving(1)[0][0]
    points[2:14:3, 1] += 4
    return keypoints(points, 0.7, (75, 20))


def motion(joints: np.ndarray, rate: float = 25.0, size: tuple[int, int] | None = (400, 600)) -> Motion:
    return Motion(joints, np.arange(len(joints)) / rate, np.full(len(joints), 1 / rate), size)


def kick(count: int = 40) -> np.ndarray:
    """One leg held up before the body: the left ankle is 80 pixels above the right one."""
    joints = np.tile(moving(1)[0], (count, 1, 1))
    joints[:, 12], joints[:, 13] = [110, 170], [150, 220]
    return joints + np.sin(np.arange(count) / 5)[:, None, None] * [2, 0]


def test_a_lost_ankle_does_not_let_them_sink() -> None:
    """Frame by frame the raised foot is taken for the one that stands: the neck goes down by a third of the person."""
    joints = kick()
    joints[20, 10] = np.nan
    alone = placed_motion(motion(joints), source(), SIZE, follow=False, smooth=False).joints[:, 1, 1]
    whole = placed_motion(motion(joints), source(), SIZE, follow=False, smooth=True).joints[:, 1, 1]
    assert float(alone[20] - alone[19]) > 40  # what happens today
    assert float(whole.max() - whole.min()) < 1.5


def test_the_build_and_the_size_do_not_pump() -> None:
    seen = kick(100)
    seen = seen + np.random.default_rng(0).normal(0, 3, seen.shape)
    thigh = {}
    for smooth in (False, True):
        placed = placed_motion(motion(seen), source(), SIZE, follow=False, smooth=smooth).joints
        thigh[smooth] = (placed[:, 8, :2] - placed[:, 9, :2]).norm(dim=1)
    change = {smooth: float(length.diff().abs().mean()) for smooth, length in thigh.items()}
    assert change[True] < 0.35 * change[False]


def test_one_ratio_a_part_for_the_whole_clip() -> None:
    joints = keypoints(moving(50)[0])
    scale = torch.full((50,), 0.5)
    built = retarget_clip(joints, source(), scale)
    for parent, joint in ((8, 9), (9, 10), (2, 3), (3, 4)):
        before = (joints[:, parent, :2] - joints[:, joint, :2]).norm(dim=1)
        after = (built[:, parent, :2] - built[:, joint, :2]).norm(dim=1)
        assert float((after / before).std()) < 1e-5
    with pytest.raises(ValueError, match="go together"):
        retarget_clip(joints, source(), torch.ones(3))


def test_it_stands_where_the_source_stands_in_their_size() -> None:
    placed = placed_motion(motion(moving(100)[0]), source(), SIZE, follow=False, smooth=True).joints
    assert float(placed[:, [10, 13], 1].amax(1).median()) == pytest.approx(230, abs=4)
    assert float(placed[:, [8, 11], 0].mean()) == pytest.approx(110, abs=4)
    assert float(person_size(placed).median()) == pytest.approx(float(person_size(source())), rel=0.06)


def walk_across(count: int = 100, step: float = 4.0) -> np.ndarray:
    return moving(count)[0] + step * np.arange(count)[:, None, None] * [1, 0]


def test_a_walk_stays_or_is_followed() -> None:
    joints = walk_across()  # 400 pixels, from the left to the right of 600
    stays = place_motion(motion(joints), source(), SIZE).joints[:, 1, 0]
    assert float(stays.max() - stays.min()) < 40
    goes = place_motion(motion(joints), source(), SIZE, follow=True).joints[:, 1, 0]
    factor = float(person_size(source())) / float(np.median(sizes_of(joints, np.arange(100) / 25)))
    assert float(goes[-1] - goes[0]) == pytest.approx(396 * factor, rel=0.1)  # steps as long as the figure's legs
    middle = (joints[:, 8, 0].min() + joints[:, 11, 0].max()) / 2 / 600 * 200
    assert float(goes.mean()) == pytest.approx(middle, abs=8)


def test_somebody_who_comes_nearer_keeps_their_size() -> None:
    joints, times = moving(150)
    joints = joints * np.linspace(1, 2, 150)[:, None, None]
    stays = person_size(place_motion(motion(joints), source(), SIZE).joints)
    assert float(stays.max() / stays.min()) < 1.3
    comes = person_size(place_motion(motion(joints), source(), SIZE, follow=True).joints)
    assert float(comes[-10:].mean() / comes[:10].mean()) > 1.7
    assert np.ptp(np.log(sizes_of(joints, times))) == pytest.approx(np.log(2), rel=0.3)


def test_a_foot_that_stands_stays_on_its_spot() -> None:
    count = 60
    joints = np.tile(moving(1)[0], (count, 1, 1))
    lifted = slice(20, 40)  # the left foot is lifted, the right one stands all the time
    joints[lifted, 13, 1] -= 60 * np.sin(np.pi * np.arange(20) / 20)
    shaken = joints + np.random.default_rng(0).normal(0, 0.8, joints.shape)
    free = place_motion(motion(shaken), source(), SIZE, contacts=False)
    held = place_motion(motion(shaken), source(), SIZE)
    assert not free.contacts.any()
    assert held.contacts[:, 0].mean() > 0.8
    assert not held.contacts[25:35, 1].any()
    stands = torch.from_numpy(held.contacts[:, 0])
    assert float(free.joints[stands][:, 10, :2].std(0).sum()) > 0.5
    runs = held.joints[stands][:, 10, :2]
    assert float(runs.diff(dim=0).norm(dim=1).median()) < 1e-3  # on one spot, as long as it stands


def test_a_foot_on_the_spot_that_slides_does_not_stand() -> None:
    feet = np.zeros((50, 2, 2))
    feet[:, :, 1] = 100
    feet[:, 0, 0] = np.arange(50) * 1.5  # slow, but it goes on
    standing = contacts_of(feet, np.arange(50) / 25, 100.0)
    assert not standing[:, 0].any()
    assert standing[:, 1].all()


def test_legs_that_the_clip_does_not_show_are_the_source_s_own() -> None:
    joints, _ = moving(50)
    joints[:, [9, 10, 12, 13]] = np.nan
    placed = placed_motion(motion(joints), source(), SIZE, follow=False, smooth=True).joints
    assert bool((placed[:, [9, 10, 12, 13], 2] > 0).all())
    own = source()
    assert float((placed[:, 10, :2] - placed[:, 9, :2] - (own[10, :2] - own[9, :2])).abs().max()) < 3  # the foot stands


def test_a_clip_without_a_trunk_is_refused() -> None:
    joints, _ = moving(10)
    joints[:, [8, 11]] = np.nan
    with pytest.raises(ValueError, match="no trunk"):
        place_motion(motion(joints), source(), SIZE)


@pytest.mark.parametrize("name", MOTIONS)
def test_motions_go_round_without_a_seam(name: str) -> None:
    moved = loop(name)
    steps = np.linalg.norm(np.diff(np.concatenate([moved.joints, moved.joints[:1]]), axis=0), axis=2)
    body = steps[:, 1:14]
    assert np.isfinite(body).all()
    assert body[-1].max() <= 1.2 * body[:-1].max() + 0.1
    assert body.max() > 1  # and something moves


def test_a_turn_hides_the_face_and_shows_it_again() -> None:
    turned = np.isfinite(loop("turn").joints[:, 0, 0])
    assert turned[0]
    assert turned[-1]
    assert not turned[len(turned) // 2]


def test_no_such_motion() -> None:
    with pytest.raises(ValueError, match="did you mean 'wave'"):
        loop("wafe")


def test_one_crop_holds_every_frame_or_goes_with_the_figure() -> None:
    from repose.apps.motion.scene import crops
    from repose.person import Person
    from repose.represent.canvas import canvas
    from repose.scene import Scene

    person = Person(image=torch.zeros(3, *SIZE), keypoints=source())
    scene = Scene(person, canvas("fashion"))
    near = torch.stack([source()] * 600)
    near[431, 4, 0] -= 60  # one frame of many reaches far
    (box,) = crops(scene, near).tolist()
    assert box[1] <= float(near[431, 4, 0])
    away = torch.stack([source()] * 600)
    away[:, :, 0] += torch.linspace(0, 180, 600)[:, None]
    boxes = crops(scene, away)
    assert len(boxes) == 600
    assert np.ptp(boxes[:, 2]) == np.ptp(boxes[:, 3]) == np.ptp(boxes[:, 0]) == 0
    assert boxes[-1, 1] - boxes[0, 1] == pytest.approx(180, abs=1)
