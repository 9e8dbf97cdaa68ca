"""From joints to bodies with the shipped weights, and what bad joints give."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repose.body.joint_noise import EXACT, FEWEST
from repose.body.lift import body_iuv, fit, fit_together, lift, lift_batch, load_lifter
from repose.body.pose_space import shaped, skeleton
from repose.body.posed_body import PosedBody
from repose.body.raster import raster
from repose.body.samples import Samples
from repose.body.skin_mesh import skin_mesh
from repose.models.bodywarp.geometry import NOISE
from repose.person import JOINTS, MIRROR
from repose.research.photographs.crops import yaw_of
from repose.tensor_files import CheckpointError, write_tensors


@pytest.fixture(scope="module")
def usable(keypoints: np.ndarray) -> np.ndarray:
    """Rows with at least 10 joints in the picture."""
    return np.flatnonzero((keypoints[..., 2] > 0).sum(1) >= 10)


@pytest.fixture(scope="module")
def whole(keypoints: np.ndarray) -> np.ndarray:
    """One skeleton with all its joints, upright."""
    rows = np.flatnonzero((keypoints[..., 2] > 0).all(1))
    upright = [k for k in rows if keypoints[k, 0, 1] < keypoints[k, 8, 1] < keypoints[k, 10, 1]]
    return keypoints[upright[0]]


def _whole_body(body: PosedBody, stretch: float = 0.12) -> None:
    """Not torn: every number is finite, bones keep their lengths, the skin its edges to `stretch` metres, and
    the size is a person's."""
    arrays = skeleton()
    _, place, pivots = body.bones
    for bone, parent in enumerate(arrays.parents):
        if parent >= 0:
            length = np.linalg.norm(pivots[bone] - pivots[parent])
            assert abs(np.linalg.norm(place[bone] - place[parent]) - length) < 1e-6
    assert np.isfinite(body.vertices).all()
    assert np.isfinite(body.camera).all()
    assert 0.75 < body.height < 2.4
    surface = skin_mesh()
    rest = shaped(surface.mean.astype(np.float64), surface.basis.astype(np.float64), body.coefficients)
    sides = np.stack([surface.faces[:, [0, 1]], surface.faces[:, [1, 2]]]).reshape(-1, 2)
    posed = np.linalg.norm(body.vertices[sides[:, 0]] - body.vertices[sides[:, 1]], axis=1)
    assert (posed - np.linalg.norm(rest[sides[:, 0]] - rest[sides[:, 1]], axis=1)).max() < stretch
    assert np.isfinite(body.spread).all()
    assert 0 < body.sure <= 1


def _error(bodies: list[PosedBody], samples: Samples, rows: np.ndarray) -> np.ndarray:
    """Mean distance of the joints in space, from the middle of the hips, in shares of the height."""
    got, want = np.stack([body.joints for body in bodies]), samples.points[rows, :18]
    got, want = (j - (j[:, 8:9] + j[:, 11:12]) / 2 for j in (got, want))
    return np.linalg.norm(got - want, axis=-1).mean(1) / samples.height[rows]


def test_exact_joints_give_the_body(samples: Samples, keypoints: np.ndarray, usable: np.ndarray) -> None:
    bodies = lift_batch(keypoints[usable], noise=EXACT)
    error = _error(bodies, samples, usable)
    assert np.median(error) < 0.03
    assert error.mean() < 0.045
    for body in bodies:
        _whole_body(body)


def test_the_body_covers_the_true_one(bodies: list[PosedBody], keypoints: np.ndarray, usable: np.ndarray) -> None:
    shares = []
    for k in usable[:10]:
        want = raster(bodies[k].scaled(0.5), 128, 88).mask
        got = raster(lift(keypoints[k], noise=EXACT).scaled(0.5), 128, 88).mask
        shares.append((want & got).sum() / (want | got).sum())
    assert np.mean(shares) > 0.85


def test_refinement_brings_joints_nearer(keypoints: np.ndarray, usable: np.ndarray) -> None:
    rough = lift_batch(keypoints[usable], noise=EXACT, steps=0)
    fine = lift_batch(keypoints[usable], noise=EXACT)
    before, after = (np.array([np.nanmean(body.miss) for body in lot]) for lot in (rough, fine))
    assert after.mean() < 0.3 * before.mean()
    shown = np.linalg.norm(fine[0].keypoints - keypoints[usable[0], :, :2], axis=1)
    on = keypoints[usable[0], :, 2] > 0
    assert np.allclose(shown[on], fine[0].miss[on], atol=1e-6)
    assert np.isnan(fine[0].miss[~on]).all()


def test_a_batch_is_its_skeletons_one_by_one(keypoints: np.ndarray, usable: np.ndarray) -> None:
    together = lift_batch(keypoints[usable[:3]])
    for k, body in zip(usable, together, strict=False):
        alone = lift(torch.from_numpy(keypoints[k]).float())
        assert np.abs(alone.joints - body.joints).max() < 2e-3
        assert np.abs(alone.keypoints - body.keypoints).max() < 0.2


def test_mirrored_joints_give_the_mirrored_body(keypoints: np.ndarray, usable: np.ndarray) -> None:
    for k in usable[:3]:
        twin = keypoints[k][list(MIRROR)].copy()
        twin[:, 0] = np.where(twin[:, 2] > 0, 175 - twin[:, 0], 0)
        one, two = lift(keypoints[k]).mirrored(176), lift(twin)
        assert np.abs(one.joints - two.joints).max() < 2e-3
        assert np.abs(one.keypoints - two.keypoints).max() < 0.2


def test_size_and_place_of_the_picture_do_not_matter(whole: np.ndarray) -> None:
    other = whole.copy()
    other[:, :2] = whole[:, :2] * 7.5 + [900, -300]
    one, two = lift(whole), lift(other)
    assert np.abs(one.joints - two.joints).max() < 1e-3
    assert two.camera[2] / one.camera[2] == pytest.approx(7.5, rel=1e-3)


def test_noisy_joints_are_followed_less(whole: np.ndarray) -> None:
    shaken = whole.copy()
    shaken[:, :2] += np.random.default_rng(0).standard_normal((18, 2)) * 5
    assert np.nanmean(lift(shaken, noise=0.05).miss) > 1.4 * np.nanmean(lift(shaken, noise=EXACT).miss)
    unsure = np.full(18, 0.9)
    unsure[4] = 0.1
    wrong = whole.copy()
    wrong[4, :2] += 60
    assert lift(wrong, scores=unsure).miss[4] > lift(wrong, scores=np.full(18, 0.9)).miss[4]


def test_one_person_in_several_pictures_has_one_shape(keypoints: np.ndarray, usable: np.ndarray) -> None:
    got = fit_together(keypoints[usable[:4]])
    assert len(got) == 4
    assert all(np.allclose(body.coefficients, got[0].coefficients) for body in got)
    for body in got:
        _whole_body(body)


def test_fit_goes_on_from_a_body(whole: np.ndarray) -> None:
    start = lift(whole, noise=EXACT)
    moved = whole.copy()
    moved[:, :2] += [12, 5]
    moved[[3, 4], 1] -= 6
    got = fit(start, moved, noise=EXACT)
    assert np.nanmean(got.miss) < 2
    assert np.allclose(got.camera[:2] - start.camera[:2], [12, 5], atol=3)
    _whole_body(got)


def test_iuv_of_a_skeleton(whole: np.ndarray) -> None:
    iuv = body_iuv(torch.from_numpy(whole).float(), 256, 176)
    assert iuv.shape == (3, 256, 176)
    assert iuv.dtype == torch.float32
    assert 12 <= len(iuv[0].unique()) <= 25
    assert float(iuv[1:].min()) >= 0
    assert float(iuv[1:].max()) <= 1
    assert torch.equal(body_iuv(whole[None], 256, 176)[0], iuv)
    shown = [iuv[0, int(y), int(x)] > 0 for x, y, on in whole if on and 0 <= x < 175.5 and 0 <= y < 255.5]
    assert sum(map(bool, shown)) >= 0.8 * len(shown)


# -- bad input --------------------------------------------------------------------------------------------------------


def test_too_few_joints_are_named(whole: np.ndarray) -> None:
    one = np.zeros((18, 3))
    one[7] = whole[7]
    with pytest.raises(ValueError, match=r"1 of 18 joints are located \(left wrist\).*at least 5"):
        lift(one)
    with pytest.raises(ValueError, match="no joint is located"):
        lift(np.zeros((18, 3)))
    with pytest.raises(ValueError, match="skeleton 1"):
        lift_batch(np.stack([whole, one]))


def test_shares_of_the_picture_are_refused(whole: np.ndarray) -> None:
    with pytest.raises(ValueError, match="pixels"):
        lift(whole / [256, 256, 1])


@pytest.mark.parametrize("shape", [(17, 3), (18, 2), (0, 18, 3), (2, 18, 3), (3,)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="18, 3"):
        lift(np.ones(shape))


def test_wrong_noise_and_scores_are_refused(whole: np.ndarray) -> None:
    with pytest.raises(ValueError, match="above 0"):
        lift(whole, noise=0)
    with pytest.raises(ValueError, match="scores"):
        lift(whole, scores=np.ones((3, 17)))


def test_what_is_not_a_number_is_missing(whole: np.ndarray) -> None:
    bad, gone = whole.copy(), whole.copy()
    bad[4, 0], bad[10, 1] = np.nan, np.inf
    gone[[4, 10]] = 0
    one, two = lift(bad), lift(gone)
    assert np.array_equal(one.turns, two.turns)
    assert np.isnan(one.miss[[4, 10]]).all()
    _whole_body(one)


def test_joints_outside_the_picture(whole: np.ndarray) -> None:
    outside = whole.copy()
    outside[:, :2] -= [4000, 9000]
    _whole_body(lift(outside))
    stray = whole.copy()
    stray[4, :2] = [1e6, -1e6]
    body = lift(stray)
    assert np.isnan(body.miss[4])
    assert np.nanmax(body.miss) < 40
    _whole_body(body)


def test_only_head_and_shoulders(whole: np.ndarray) -> None:
    bust = whole.copy()
    bust[[3, 4, *range(6, 14)]] = 0
    body = lift(bust)
    assert np.nanmax(body.miss) < 0.1 * np.ptp(whole[:, 1])
    assert body.spread[[10, 13]].min() > body.spread[[2, 5]].max()
    _whole_body(body)


def test_a_person_cut_at_the_hip(whole: np.ndarray) -> None:
    cut = whole.copy()
    cut[[9, 10, 12, 13]] = 0
    _whole_body(lift(cut))


def test_a_swapped_skeleton_is_whole(keypoints: np.ndarray, usable: np.ndarray) -> None:
    for k in usable[:8]:
        _whole_body(lift(keypoints[k][list(MIRROR)]))


def test_nonsense_gives_a_whole_body() -> None:
    rng = np.random.default_rng(8)
    for _ in range(6):
        points = np.concatenate([rng.uniform(0, 200, (18, 2)), np.ones((18, 1))], 1)
        _whole_body(lift(points), stretch=0.25)
    line = np.stack([np.full(18, 40.0), np.linspace(0, 200, 18), np.ones(18)], 1)
    _whole_body(lift(line), stretch=0.25)


def test_a_child_keeps_its_proportions(samples: Samples, keypoints: np.ndarray, usable: np.ndarray) -> None:
    rows = usable[samples.height[usable] < 1.5][:4]
    assert len(rows)
    for k in rows:
        body = lift(keypoints[k], noise=EXACT)
        _whole_body(body)
        scale = np.ptp(body.keypoints[:, 1]) / np.ptp(samples.joints[k, :, 1])
        assert scale == pytest.approx(1, abs=0.15)


def test_fewest_joints_make_a_body(whole: np.ndarray) -> None:
    few = np.zeros((18, 3))
    rows = [JOINTS.index(n) for n in ("nose", "right_shoulder", "left_shoulder", "right_hip", "left_hip")]
    assert len(rows) == FEWEST
    few[rows] = whole[rows]
    _whole_body(lift(few))


def test_weights_that_are_missing_or_of_something_else(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_lifter(tmp_path / "nowhere.safetensors")
    write_tensors(tmp_path / "other.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(CheckpointError, match="something else"):
        load_lifter(tmp_path / "other.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(b"abc")
    with pytest.raises(CheckpointError, match="damaged"):
        load_lifter(tmp_path / "cut.safetensors")


def test_a_detector_is_believed_about_left_and_right() -> None:
    points = np.ones((18, 3))  # a woman from behind, her hands before her, by MoveNet
    points[:, :2] = [
        (471, 54), (465, 107), (512, 114), (513, 187), (483, 197), (419, 100),
        (400, 169), (423, 138), (482, 227), (475, 322), (475, 362), (429, 225),
        (424, 321), (431, 335), (479, 44), (464, 41), (493, 57), (452, 51),
    ]  # fmt: skip
    body = lift(points, noise=NOISE)
    assert body.reading == "as named"
    assert abs(yaw_of(body.turns[0])) > 150, "she shows her back"
    front = lift(points[list(MIRROR)], noise=NOISE)
    assert front.reading == "as named", "somebody who faces the camera with the same outline is as likely"
    assert abs(yaw_of(front.turns[0])) < 30


def test_exchanged_names_are_read_as_such(keypoints: np.ndarray, usable: np.ndarray) -> None:
    legs = [0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 8, 9, 10, 14, 15, 16, 17]
    full = usable[(keypoints[usable][:, :, 2] > 0).sum(1) >= 16]
    wanted = {"as named": (list(range(18)), 0.9), "left and right exchanged": (list(MIRROR), 0.4)}
    wanted["legs exchanged"] = (legs, 0.6)
    for reading, (order, least) in wanted.items():
        bodies = lift_batch(keypoints[full][:, order], noise=EXACT)
        assert np.mean([body.reading == reading for body in bodies]) >= least, reading
        back = lift_batch(keypoints[full], noise=EXACT)
        for one, two in zip(bodies, back, strict=True):
            if one.reading == reading and two.reading == "as named":
                assert np.abs(one.joints - two.joints).max() < 1e-2
                missed = np.abs(one.miss[np.argsort(order)] - two.miss)
                assert np.nanmax(missed) < 0.5
