"""Heatmaps, limbs, masks and skeletons against plain loops and libraries that share no code with them."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.ndimage import binary_closing, binary_dilation, binary_erosion
from skimage.draw import disk, polygon

from repose.person import JOINTS, LIMBS, MIRROR
from repose.represent.keypoints import (
    BONES,
    MASK_LIMBS,
    SKELETONS,
    bone_frames,
    draw_skeleton,
    from_skeleton,
    heatmaps,
    limb_maps,
    skeleton_mask,
    to_skeleton,
)
from repose.represent.pose_files import read_keypoints


def random_joints(seed: int, batch: int, height: int, width: int, whole: bool = False) -> torch.Tensor:
    """Joints all over the canvas, a quarter missing, with rubbish in the missing ones."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (batch, 18, 3)) * [width - 1, height - 1, 1]
    points = np.rint(points) if whole else points
    points[..., 2] = rng.choice([0, 0.5, 1, 1], (batch, 18))
    points[points[..., 2] == 0] = [math.nan, 5, 0]
    return torch.tensor(points, dtype=torch.float32)


def loops(joints: torch.Tensor, height: int, width: int, value) -> np.ndarray:
    out = np.zeros((len(joints), 18, height, width))
    for b, person in enumerate(joints.double().numpy()):
        for j, (x, y, visible) in enumerate(person):
            if visible > 0:
                for r in range(height):
                    for c in range(width):
                        out[b, j, r, c] = value(x, y, c, r)
    return out


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("options", "value"),
    [
        ({"sigma": 2.5}, lambda x, y, c, r: math.exp(-((x - c) ** 2 + (y - r) ** 2) / (2 * 2.5**2))),
        ({}, lambda x, y, c, r: math.exp(-((x - c) ** 2 + (y - r) ** 2) / (2 * 6**2))),
        ({"kind": "disc", "radius": 3.2}, lambda x, y, c, r: math.dist((x, y), (c, r)) <= 3.2),
        ({"kind": "point"}, lambda x, y, c, r: c - 0.5 <= x < c + 0.5 and r - 0.5 <= y < r + 0.5),
    ],
    ids=["gaussian 2.5", "gaussian 6", "disc", "point"],
)
def test_heatmaps_equal_plain_loops(seed, options, value):
    joints = random_joints(seed, 2, 21, 13)
    output = heatmaps(joints, 21, 13, **options)
    assert output.dtype == torch.float32
    np.testing.assert_allclose(output.numpy(), loops(joints, 21, 13, value), atol=2e-6)
    torch.testing.assert_close(heatmaps(joints[1], 21, 13, **options), output[1])


def test_heatmap_of_a_missing_joint_is_zero_and_the_peak_is_one():
    joints = random_joints(5, 4, 32, 16, whole=True)
    for kind in ("gaussian", "disc", "point"):
        maps = heatmaps(joints, 32, 16, kind)
        assert torch.equal(maps.amax((-1, -2)), (joints[..., 2] > 0).float())


def test_point_is_the_gaussian_cast_to_uint8():
    """PATN's DeepFashion pose, which PAPERS names one single pixel."""
    joints = random_joints(6, 3, 40, 30, whole=True)
    assert torch.equal(heatmaps(joints, 40, 30, "point"), heatmaps(joints, 40, 30).to(torch.uint8).float())


def test_a_joint_outside_the_canvas_leaves_no_point():
    joints = torch.zeros(18, 3)
    joints[0] = torch.tensor([-0.6, 3, 1])
    joints[1] = torch.tensor([-0.4, 3, 1])
    joints[2] = torch.tensor([9.6, 3, 1])
    assert heatmaps(joints, 8, 10, "point").sum((-1, -2))[:3].tolist() == [0, 1, 0]


def test_limbs_equal_quadrilaterals():
    for seed in range(4):
        joints = random_joints(seed, 1, 40, 30)
        output = limb_maps(joints, 40, 30, 3.3)[0]
        for limb, (a, b) in enumerate(LIMBS):
            expected = np.zeros((40, 30))
            if joints[0, a, 2] > 0 and joints[0, b, 2] > 0:
                rows, columns = quadrilateral(joints[0, a], joints[0, b], 3.3, (40, 30))
                expected[rows, columns] = 1
            np.testing.assert_array_equal(output[limb].numpy(), expected, err_msg=f"seed {seed}, limb {limb}")


def quadrilateral(a: torch.Tensor, b: torch.Tensor, half_width: float, shape: tuple[int, int]):
    p, q = (point[:2].double().numpy()[::-1] for point in (a, b))  # (row, column)
    along = (q - p) / np.linalg.norm(q - p)
    aside = half_width * np.array([-along[1], along[0]])
    corners = np.stack([p + aside, p - aside, q - aside, q + aside])
    return polygon(corners[:, 0], corners[:, 1], shape)


def test_a_limb_without_length_is_empty():
    joints = torch.ones(18, 3) * 9
    assert limb_maps(joints, 20, 20).sum() == 0
    assert not torch.isnan(limb_maps(joints, 20, 20)).any()


def plain_mask(joints: torch.Tensor, height: int, width: int) -> np.ndarray:
    """PATN's mask: one shape after the other by scikit-image, closed by SciPy, the outside taking no part.

    scikit-image takes the whole border of a polygon; moved a hair left and up, its right and lower border is out.
    """
    moved = joints.double() - torch.tensor([1e-6, 1e-10, 0], dtype=torch.float64)
    mask = np.zeros((height, width), dtype=bool)
    for a, b in MASK_LIMBS:
        one, two = joints[a], joints[b]
        if one[2] > 0 and two[2] > 0 and not torch.equal(one[:2], two[:2]):
            mask[quadrilateral(moved[a], moved[b], 4, (height, width))] = True
    for x, y, visible in joints.tolist():
        if visible > 0:
            mask[disk((y, x), 4, shape=(height, width))] = True
    square = np.ones((5, 5))
    closed = binary_erosion(binary_dilation(mask, square), square, border_value=1)
    inner = np.s_[4:-4, 4:-4]
    np.testing.assert_array_equal(closed[inner], binary_closing(mask, square)[inner])
    return closed


@pytest.mark.parametrize("seed", range(12))
def test_mask_equals_limbs_discs_and_scipys_closing(seed):
    height, width = 64, 40
    joints = random_joints(seed, 2, height, width, whole=True)
    if seed % 3 == 2:  # horizontal and vertical limbs, and 3-4-5 triangles: the border meets pixels
        joints[..., 1] = (joints[..., 1] / 12).round() * 12
        joints[..., 0] = (joints[..., 0] / 9).round() * 9
    output = skeleton_mask(joints, height, width)
    assert output.shape == (2, 1, height, width)
    for mask, person in zip(output, joints, strict=True):
        np.testing.assert_array_equal(mask[0].numpy(), plain_mask(person, height, width))
        torch.testing.assert_close(skeleton_mask(person, height, width), mask)


def test_mask_of_real_poses_equals_the_official_recipe(shared):
    """Rounding on slanted borders decides fewer than one pixel in ten thousand."""
    poses = list(read_keypoints(shared / "market1501" / "market-annotation-test.csv").values())[::25]
    output = skeleton_mask(torch.stack(poses), 128, 64)[:, 0].numpy()
    expected = np.stack([plain_mask(pose, 128, 64) for pose in poses])
    assert 0.2 < expected.mean() < 0.6
    assert (output != expected).mean() < 1e-4


def test_mask_at_the_border_is_eroded_by_nothing():
    joints = torch.zeros(18, 3)
    joints[0] = torch.tensor([0.0, 0.0, 1.0])
    mask = skeleton_mask(joints, 20, 20)[0]
    disc = np.zeros((20, 20))
    disc[disk((0, 0), 4, shape=(20, 20))] = 1
    assert mask[0, 0] == 1
    assert np.all(mask.numpy() >= disc)


def test_mask_of_nobody_is_empty_and_an_even_square_is_refused():
    assert skeleton_mask(torch.zeros(2, 18, 3), 16, 8).sum() == 0
    with pytest.raises(ValueError, match="must be odd, got 4"):
        skeleton_mask(torch.zeros(18, 3), 16, 8, close=4)


def test_mask_limbs_are_symmetric():
    """A mirrored person has the mirrored mask, so every limb needs its counterpart."""
    for limbs in (LIMBS, MASK_LIMBS):
        assert {frozenset(MIRROR[j] for j in limb) for limb in limbs} == {frozenset(limb) for limb in limbs}


def test_drawing_shows_located_joints_in_colour():
    joints = random_joints(3, 1, 128, 64, whole=True)[0]
    joints[3] = torch.tensor([50.0, 100.0, 1.0])
    picture = draw_skeleton(joints, 128, 64)
    assert picture.shape == (128, 64, 3)
    assert picture.dtype == np.uint8
    for x, y, visible in joints.tolist():
        if visible > 0:
            assert picture[int(y), int(x)].max() >= 100
    assert draw_skeleton(torch.zeros(18, 3), 128, 64).max() == 0
    right, left = torch.zeros(18, 3), torch.zeros(18, 3)
    right[JOINTS.index("right_wrist")] = left[JOINTS.index("left_wrist")] = torch.tensor([30.0, 60.0, 1.0])
    warm, cold = draw_skeleton(right, 128, 64)[60, 30], draw_skeleton(left, 128, 64)[60, 30]
    assert warm[0] > warm[2]
    assert cold[2] > cold[0]
    with pytest.raises(ValueError, match="one person"):
        draw_skeleton(joints[None], 128, 64)


# -- other skeletons ------------------------------------------------------------------------------------------------


def test_skeletons_have_their_numbers_of_joints_and_left_mirrors_right():
    assert {name: len(joints) for name, joints in SKELETONS.items()} == {
        "openpose18": 18, "body25": 25, "body25b": 25, "coco17": 17, "halpe26": 26, "blazepose33": 33,
    }  # fmt: skip
    for joints in SKELETONS.values():
        assert len(set(joints)) == len(joints)
        swapped = {j.replace("left", "?").replace("right", "left").replace("?", "right") for j in joints}
        assert swapped == set(joints)


def test_known_indices_of_each_skeleton():
    """A few numbers as their documentation prints them."""
    assert SKELETONS["coco17"].index("left_shoulder") == 5
    assert SKELETONS["coco17"].index("right_ankle") == 16
    assert SKELETONS["body25"].index("mid_hip") == 8
    assert SKELETONS["body25"].index("left_ear") == 18
    assert SKELETONS["body25b"].index("left_shoulder") == 5
    assert SKELETONS["body25b"].index("head_top") == 18
    assert SKELETONS["body25b"].index("right_heel") == 24
    assert SKELETONS["halpe26"].index("neck") == 18
    assert SKELETONS["halpe26"].index("right_heel") == 25
    assert SKELETONS["blazepose33"].index("left_shoulder") == 11
    assert SKELETONS["blazepose33"].index("right_knee") == 26
    assert SKELETONS["blazepose33"].index("left_ear") == 7


@pytest.mark.parametrize("skeleton", sorted(SKELETONS))
def test_every_joint_arrives_at_its_name(skeleton):
    names = SKELETONS[skeleton]
    points = torch.tensor([[float(i), 100.0 + i, 1.0] for i in range(len(names))])
    output = from_skeleton(points, skeleton)
    assert output.shape == (18, 3)
    for joint, (x, y, visible) in zip(JOINTS, output.tolist(), strict=True):
        if joint in names:
            assert (x, y, visible) == (names.index(joint), 100 + names.index(joint), 1)
        else:
            assert joint == "neck"
            middle = (names.index("left_shoulder") + names.index("right_shoulder")) / 2
            assert (x, y, visible) == (middle, 100 + middle, 1)
    yx = from_skeleton(points[:, [1, 0, 2]], skeleton, order="yx")
    assert torch.equal(yx, output)
    assert torch.equal(from_skeleton(points.expand(2, 3, -1, -1), skeleton)[1, 2], output)


@pytest.mark.parametrize("skeleton", sorted(SKELETONS))
def test_there_and_back_again(skeleton):
    joints = random_joints(8, 5, 100, 60).nan_to_num(0) * 1.0
    joints[joints[..., 2] == 0] = 0
    back = from_skeleton(to_skeleton(joints, skeleton), skeleton, seen=1.0)
    kept = [j for j, name in enumerate(JOINTS) if name in SKELETONS[skeleton]]
    torch.testing.assert_close(back[:, kept], joints[:, kept])


def test_neck_needs_both_shoulders():
    points = torch.ones(17, 3)
    points[5, 2] = 0
    assert from_skeleton(points, "coco17")[1].tolist() == [0, 0, 0]


def test_scores_and_thresholds():
    points = torch.ones(17, 3) * 7
    points[:, 2] = torch.linspace(0, 1, 17)
    output = from_skeleton(points, "coco17", threshold=0.3, seen=0.6)
    for joint, row in zip(JOINTS, output, strict=True):
        if joint == "neck":
            continue
        score = points[SKELETONS["coco17"].index(joint), 2]
        assert row[2] == (0 if score < 0.3 else 0.5 if score < 0.6 else 1)
        assert row[:2].tolist() == ([7, 7] if row[2] > 0 else [0, 0])
    points[0] = torch.tensor([math.nan, 3, 1])
    assert from_skeleton(points, "coco17")[0].tolist() == [0, 0, 0]


def test_normalised_coordinates_span_the_edges_of_the_picture():
    points = torch.zeros(17, 3)
    points[0] = torch.tensor([0.5, 0.5, 1])  # the middle of 4 pixels is between indices 1 and 2
    assert from_skeleton(points, "coco17", order="yx", size=(8, 4))[0].tolist() == [1.5, 3.5, 1]


def test_errors_name_what_is_wrong():
    with pytest.raises(ValueError, match="did you mean 'gaussian'"):
        heatmaps(torch.zeros(18, 3), 8, 8, "gausian")
    with pytest.raises(ValueError, match=r"\(17, 3\).*from_skeleton"):
        heatmaps(torch.zeros(17, 3), 8, 8)
    with pytest.raises(ValueError, match="did you mean 'coco17'"):
        from_skeleton(torch.zeros(17, 3), "coco-17")
    with pytest.raises(ValueError, match=r"coco17 needs points \(..., 17, 3\), got \(18, 3\)"):
        from_skeleton(torch.zeros(18, 3), "coco17")


def test_bone_frames_follow_the_bone() -> None:
    """A point keeps its share along and its distance aside when the bone turns; left and right have opposite signs."""
    height, width, bones = 64, 48, ((6, 7),)  # left elbow to wrist
    down, right = torch.zeros(18, 3), torch.zeros(18, 3)
    down[6], down[7] = torch.tensor([20.0, 10, 1]), torch.tensor([20.0, 30, 1])
    right[6], right[7] = torch.tensor([10.0, 20, 1]), torch.tensor([30.0, 20, 1])
    near, along, aside = bone_frames(down, height, width, bones=bones)
    assert near[20, 20] == pytest.approx(1)
    assert along[20, 20] == pytest.approx(0.5)
    assert along[10, 20] == pytest.approx(0, abs=1e-6)
    assert aside[20, 22] > 0 > aside[20, 18]
    turned = bone_frames(right, height, width, bones=bones)
    # 5 pixels along the bone, 2 to the side that was the picture's right: now upwards
    torch.testing.assert_close(turned[:, 18, 15], torch.stack([near, along, aside])[:, 15, 22])


def test_bone_frames_of_a_missing_joint_are_empty() -> None:
    keypoints = torch.full((2, 18, 3), 9.0)
    keypoints[..., 2] = 1
    keypoints[1, 4] = 0  # the right wrist
    maps = bone_frames(keypoints, 32, 24)
    assert maps.shape == (2, 3 * len(BONES), 32, 24)
    empty = [k for k, bone in enumerate(BONES) if 4 in bone]
    assert all(maps[1, k + j * len(BONES)].abs().max() == 0 for k in empty for j in range(3))
    assert torch.isfinite(maps).all()


@pytest.mark.parametrize("length", [0.0, 0.3, 1.0, 12.0])
def test_a_bone_is_near_its_own_pixels_only(length: float) -> None:
    """However short it is seen: 1 on it, and sigma is a share of the height."""
    keypoints = torch.zeros(18, 3)
    keypoints[2], keypoints[3] = torch.tensor([24.0, 16, 1]), torch.tensor([24.0, 16 + length, 1])
    near = bone_frames(keypoints, 50, 48, reach=0.06, bones=((2, 3),))[0]  # sigma is 3 pixels
    assert near[16, 24] == pytest.approx(1)
    assert near[16, 27] == pytest.approx(np.exp(-0.5), abs=1e-4)
    assert near[13, 24] == pytest.approx(np.exp(-0.5), abs=1e-4)
    assert near[:, 34:].max() < 0.01


def test_the_mask_is_the_union_of_its_maps() -> None:
    """Drawn limb by limb in its box, it is what the whole maps give, pixel by pixel."""
    random = torch.Generator().manual_seed(0)
    joints = torch.rand(60, 18, 3, generator=random) * torch.tensor([90.0, 160.0, 1.0]) - torch.tensor(
        [13.0, 16.0, 0.3]
    )
    joints[:30, :, :2] = joints[:30, :, :2].round()  # a border that meets pixels
    joints[5, 4] = joints[5, 3]  # of no length
    for size, close in ((4.0, 5), (7.5, 9)):
        limbs = limb_maps(joints, 128, 64, size, MASK_LIMBS).amax(1, keepdim=True)
        discs = heatmaps(joints, 128, 64, "disc", radius=size - 1e-3).amax(1, keepdim=True)
        mask = F.max_pool2d(torch.maximum(limbs, discs), close, stride=1, padding=close // 2)
        mask = -F.max_pool2d(-mask, close, stride=1, padding=close // 2)
        assert torch.equal(skeleton_mask(joints, 128, 64, size, size, close), mask)
