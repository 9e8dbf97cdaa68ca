"""Local descriptors: where their centres lie, which are left out, and what the windows cut."""

import pytest
import torch
from torch import Tensor

from repose.person import JOINTS, LIMBS
from repose.represent.descriptors import DESCRIPTOR_BONES, corners, crops, descriptors, window

HEIGHT, WIDTH = 64, 48


def joints(batch: int = 2, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    points = torch.rand(batch, 18, 2, generator=random) * torch.tensor([WIDTH - 1.0, HEIGHT - 1.0])
    return torch.cat([points, torch.ones(batch, 18, 1)], -1)


def test_the_bones_are_those_below_the_face() -> None:
    face = {JOINTS.index(name) for name in ("right_eye", "left_eye", "right_ear", "left_ear")}
    assert {limb for limb in LIMBS if not face & set(limb)} == set(DESCRIPTOR_BONES)
    assert len(DESCRIPTOR_BONES) == 13  # 18 + 13 = 31, 18 + 2 x 13 = 44


@pytest.mark.parametrize(
    ("count", "shares"), [(18, ()), (31, (1 / 2,)), (44, (1 / 3, 2 / 3)), (57, (1 / 4, 1 / 2, 3 / 4))]
)
def test_points_divide_the_bones_evenly(count: int, shares: tuple[float, ...]) -> None:
    keypoints = joints()
    centres, present = descriptors(keypoints, HEIGHT, WIDTH, count)
    assert centres.shape == (2, count, 2)
    assert present.all()
    wanted = [keypoints[:, k, :2] for k in range(18)]
    for share in shares:
        for first, second in DESCRIPTOR_BONES:
            wanted.append((1 - share) * keypoints[:, first, :2] + share * keypoints[:, second, :2])
    torch.testing.assert_close(centres, torch.stack(wanted, 1))


def test_a_missing_joint_leaves_its_descriptors_out_and_no_others() -> None:
    keypoints = joints()
    keypoints[1, JOINTS.index("neck")] = 0
    keypoints[1, 4, 2] = 0.5  # occluded is located
    _, present = descriptors(keypoints, HEIGHT, WIDTH, 44)
    assert present[0].all()
    hanging = [1 in bone for bone in DESCRIPTOR_BONES]
    assert sum(hanging) == 5
    assert present[1].tolist() == [k != 1 for k in range(18)] + 2 * [not of for of in hanging]
    assert not descriptors(torch.zeros(1, 18, 3), HEIGHT, WIDTH, 44)[1].any()


def test_points_off_the_picture_are_left_out() -> None:
    keypoints = joints(1)
    keypoints[0, 2, :2], keypoints[0, 3, :2] = torch.tensor([WIDTH - 0.6, 0.0]), torch.tensor([WIDTH - 0.4, 0.0])
    keypoints[0, 9, :2], keypoints[0, 10, :2] = torch.tensor([5.0, HEIGHT - 10.0]), torch.tensor([5.0, HEIGHT + 17.0])
    _, present = descriptors(keypoints, HEIGHT, WIDTH, 44)
    shin = DESCRIPTOR_BONES.index((9, 10))
    assert present[0, [2, 3, 9, 10]].tolist() == [True, False, True, False]
    assert present[0, 18 + shin]  # a third of the way: the last row
    assert not present[0, 18 + 13 + shin]


@pytest.mark.parametrize("count", [0, 17, 19, 30, 45])
def test_other_counts(count: int) -> None:
    with pytest.raises(ValueError, match=rf"count must be 18 \+ 13 k .* got {count}"):
        descriptors(joints(), HEIGHT, WIDTH, count)
    with pytest.raises(ValueError, match=r"keypoints \(B, 18, 3\), got \(18, 3\)"):
        descriptors(joints()[0], HEIGHT, WIDTH, 18)


def test_a_window_is_an_eighth_of_the_picture() -> None:
    assert [window(side, side) for side in (64, 128, 256, 512, 1024)] == [8, 16, 32, 64, 128]
    assert window(128, 88) == 16
    assert window(4, 4) == 1
    assert window(80, 6) == 6


def test_crops_are_the_pixels_themselves() -> None:
    image = torch.rand(2, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))
    centres = torch.tensor([[[20.0, 30.0], [0.0, 0.0], [47.0, 63.0]], [[10.5, 11.5], [10.49, 11.51], [-9.0, 99.0]]])
    windows = crops(image, centres, 8)
    assert windows.shape == (2, 3, 3, 8, 8)
    assert corners(centres, HEIGHT, WIDTH, 8).tolist() == [[[17, 27], [0, 0], [40, 56]], [[7, 8], [7, 8], [0, 56]]]
    for b, person in enumerate(corners(centres, HEIGHT, WIDTH, 8).tolist()):
        for n, (x, y) in enumerate(person):
            assert torch.equal(windows[b, n], image[b, :, y : y + 8, x : x + 8])
    middle = crops(image, centres[:, :1], 5)  # an odd window has its centre on the pixel
    assert torch.equal(middle[0, 0], image[0, :, 28:33, 18:23])


def test_gradients_count_the_windows_over_a_pixel() -> None:
    image = torch.zeros(2, 3, HEIGHT, WIDTH, requires_grad=True)
    centres, _ = descriptors(joints(), HEIGHT, WIDTH, 31)
    crops(image, centres, 8).sum().backward()  # type: ignore[no-untyped-call]
    wanted = torch.zeros(2, HEIGHT, WIDTH)
    for b, person in enumerate(corners(centres, HEIGHT, WIDTH, 8).tolist()):
        for x, y in person:
            wanted[b, y : y + 8, x : x + 8] += 1
    assert wanted.max() > 1
    assert image.grad is not None
    assert torch.equal(image.grad, wanted[:, None].expand(-1, 3, -1, -1))


def test_crops_errors() -> None:
    with pytest.raises(ValueError, match="49 pixels does not lie on a picture of 64x48"):
        crops(torch.zeros(1, 3, HEIGHT, WIDTH), torch.zeros(1, 1, 2), 49)
    with pytest.raises(ValueError, match=r"got \(1, 3, 64, 48\) and \(2, 1, 2\)"):
        crops(torch.zeros(1, 3, HEIGHT, WIDTH), torch.zeros(2, 1, 2), 8)
