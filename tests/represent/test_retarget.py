"""Proportions from one person, the pose from another: a stick body with known bones, without perspective."""

import math

import pytest
import torch
from torch import Tensor

from repose.person import LIMBS, MIRROR
from repose.represent.retarget import anchor, person_size, retarget, size_ratio

BODY = {
    "trunk": 50.0, "shoulders": 33.0, "hips": 19.0, "upper": 27.0, "fore": 25.0, "thigh": 40.0, "shin": 40.0,
    "head": 1.0,
}  # fmt: skip


def stick(yaw: float = 0.0, sit: float = 0.0, arms: float = 20.0, lean: float = 0.0, **body: float) -> Tensor:
    """Joints (18, 3) of a body of these bones in centimetres: turned by `yaw`, thighs raised by `sit`, in degrees."""
    bone = BODY | body
    right, down, away = torch.eye(3).unbind()
    thigh, arm, tilt = (math.radians(angle) for angle in (sit, arms, lean))
    hip = torch.zeros(3)
    neck = hip - bone["trunk"] * (math.cos(tilt) * down - math.sin(tilt) * right)
    j = [torch.zeros(3)] * 18
    j[1] = neck
    for side, first, hips in ((-1, 2, 8), (1, 5, 11)):
        j[first] = neck + side * bone["shoulders"] / 2 * right
        reach = math.cos(arm) * down + side * math.sin(arm) * right
        j[first + 1] = j[first] + bone["upper"] * reach
        j[first + 2] = j[first + 1] + bone["fore"] * reach
        j[hips] = hip + side * bone["hips"] / 2 * right
        j[hips + 1] = j[hips] + bone["thigh"] * (math.cos(thigh) * down + math.sin(thigh) * away)
        j[hips + 2] = j[hips + 1] + bone["shin"] * down
    head = bone["head"]
    j[0] = neck - head * 20 * down + head * 10 * away
    for side, eye, ear in ((-1, 14, 16), (1, 15, 17)):
        j[eye] = neck - head * 23 * down + head * 8 * away + side * head * 3 * right
        j[ear] = neck - head * 20 * down + side * head * 7.5 * right
    turn = math.radians(yaw)
    points = torch.stack(j)
    x = points[:, 0] * math.cos(turn) + points[:, 2] * math.sin(turn)
    return torch.stack([x + 300, points[:, 1] + 200, torch.ones(18)], 1)


def length(points: Tensor, first: int, second: int) -> float:
    return float((points[first, :2] - points[second, :2]).norm())


def moved(a: Tensor, b: Tensor) -> float:
    return float((a - b)[:, :2].norm(dim=1).max())


LONG_LEGS = {"thigh": 42.5, "shin": 42.0, "trunk": 48.0}
BIG_HEAD = {"head": 1.3}


@pytest.mark.parametrize("pose", [{}, {"yaw": 90}, {"yaw": 45}, {"sit": 90}, {"sit": 80, "yaw": 90}, {"arms": 160}])
@pytest.mark.parametrize("seen", [{}, {"yaw": 90}, {"sit": 90}])
def test_one_person_stays_nearly_the_same(pose: dict[str, float], seen: dict[str, float]) -> None:
    target, source = stick(**pose), stick(**seen)
    tall = 170
    assert moved(retarget(target, target), target) < 1e-3
    assert moved(retarget(target, source), target) < 0.02 * tall
    assert moved(retarget(target, source, "source"), target) < 0.06 * tall
    assert float(size_ratio(source, target)) == pytest.approx(1, abs=0.05)


def test_proportions_are_taken_and_directions_kept() -> None:
    source, target = stick(**LONG_LEGS), stick(arms=70, lean=10)
    wanted, new = stick(arms=70, lean=10, **LONG_LEGS), retarget(target, source)

    def share(points: Tensor) -> float:
        return length(points, 8, 10) / length(points, 1, 8)

    assert abs(share(new) - share(wanted)) < 0.65 * abs(share(target) - share(wanted))
    for first, second in (*LIMBS[2:6], (8, 9), (9, 10)):
        old, now = target[second] - target[first], new[second] - new[first]
        assert torch.nn.functional.cosine_similarity(old[:2], now[:2], dim=0) > 0.9999
    torch.testing.assert_close(anchor(new), anchor(target))


def test_the_head_grows_about_the_neck() -> None:
    target = stick(yaw=20)
    new = retarget(target, stick(**BIG_HEAD))
    assert 1.06 < length(new, 16, 17) / length(target, 16, 17) < 1.3
    grown = length(new, 16, 17) / length(target, 16, 17)
    assert length(new, 1, 0) / length(target, 1, 0) == pytest.approx(grown, rel=0.01)


@pytest.mark.parametrize("seen", [{"yaw": 90}, {"yaw": 85, "arms": 5}])
def test_a_side_view_does_not_make_narrow_shoulders(seen: dict[str, float]) -> None:
    target = stick()
    for source, pose in ((stick(**seen), target), (target, stick(**seen))):
        new = retarget(pose, source)
        for pair in ((2, 5), (8, 11)):
            assert length(new, *pair) == pytest.approx(length(pose, *pair), rel=0.05, abs=1)


def test_sitting_does_not_make_short_thighs() -> None:
    new = retarget(stick(), stick(sit=90))
    assert length(new, 8, 9) == pytest.approx(40, rel=0.05)
    assert length(retarget(stick(sit=90), stick()), 9, 10) == pytest.approx(40, rel=0.05)


def test_the_size_of_the_source() -> None:
    source, target = stick(), stick(arms=80, sit=90) * torch.tensor([0.3, 0.3, 1])
    new = retarget(target, source, "source")
    assert float(person_size(new)) == pytest.approx(float(person_size(source)), rel=0.05)
    torch.testing.assert_close(anchor(new), anchor(target), msg="the ground stays where it was")
    assert float(size_ratio(source, target)) == pytest.approx(1 / 0.3, rel=0.05)
    portrait = stick()
    portrait[8:14] = 0
    assert float(size_ratio(source * 2, portrait)) == pytest.approx(2, rel=0.1)


def test_errors_of_joints_do_not_make_monsters() -> None:
    source = stick()
    source[4, :2] += torch.tensor([-300.0, 0])
    new = retarget(stick(), source)
    assert 15 < length(new, 3, 4) < 40
    assert moved(new[[0, 1, 8, 10, 11, 13]], stick()[[0, 1, 8, 10, 11, 13]]) < 8


def test_missing_joints() -> None:
    target, source = stick(arms=60), stick(**LONG_LEGS)
    whole = retarget(target, source)
    for joint in range(18):
        less = target.clone()
        less[joint] = 0
        new = retarget(less, source)
        assert (new[joint] == 0).all()
        assert torch.isfinite(new).all()
        others = [k for k in range(18) if k != joint]
        assert moved(new[others], whole[others]) < 12, joint
        seen = source.clone()
        seen[joint] = 0
        assert moved(retarget(target, seen), whole) < 14, joint
    nobody, lonely = torch.zeros(18, 3), torch.zeros(18, 3)
    lonely[4] = torch.tensor([5.0, 6.0, 1.0])
    for empty in (nobody, lonely):
        assert moved(retarget(target, empty), retarget(target, nobody)) == 0
        assert torch.equal(retarget(empty, source), empty)
        assert float(size_ratio(empty, target)) == 1
        assert float(person_size(empty)) == 1
    occluded = target.clone()
    occluded[9, 2] = 0.5
    assert float(retarget(occluded, source)[9, 2]) == 0.5


def test_batches_mirrors_and_scale() -> None:
    targets = torch.stack([stick(), stick(yaw=40), stick(sit=70, arms=100)])
    sources = torch.stack([stick(**LONG_LEGS), stick(yaw=30, **BIG_HEAD), stick(shoulders=38)])
    batch = retarget(targets, sources)
    for k in range(3):
        torch.testing.assert_close(batch[k], retarget(targets[k], sources[k]))
    torch.testing.assert_close(retarget(targets, sources[0]), retarget(targets, sources[:1]))

    def mirror(points: Tensor) -> Tensor:
        return (points * torch.tensor([-1.0, 1, 1]))[:, list(MIRROR)]

    torch.testing.assert_close(mirror(batch), retarget(mirror(targets), mirror(sources)), atol=1e-3, rtol=0)
    half = torch.tensor([0.5, 0.5, 1])
    torch.testing.assert_close(retarget(targets, sources * half), batch, atol=1e-3, rtol=0)
    torch.testing.assert_close(retarget(targets * half, sources), batch * half, atol=1e-3, rtol=0)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'source'"):
        retarget(stick(), stick(), "sourc")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"the source must be \(18, 3\)"):
        retarget(stick(), stick()[:17])
    with pytest.raises(ValueError, match="do not go with"):
        retarget(stick(), stick()[None].expand(2, -1, -1))
