"""Squares of head, hands and feet: by joints, by labels, and the picture within them."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.losses.regions import REGIONS, enlarged, squares
from repose.person import JOINTS, Person

STANDING = torch.tensor([
    [30, 12], [30, 24], [23, 24], [20, 38], [18, 50], [37, 24], [40, 38], [42, 50], [26, 55], [25, 75], [25, 95],
    [34, 55], [35, 75], [35, 95], [28, 10], [32, 10], [26, 11], [34, 11],
]).float()  # fmt: skip
"""A person seen from the front on a picture of 128x64."""


def keypoints(*missing: str) -> Tensor:
    points = torch.cat([STANDING, torch.ones(18, 1)], 1)
    points[[JOINTS.index(name) for name in missing]] = 0
    return points


def test_by_joints() -> None:
    person = Person(keypoints=keypoints()[None], size=(128, 64))
    found = squares(person)[0]
    assert found.shape == (5, 4)
    assert found[:, 3].tolist() == [1] * 5
    assert torch.allclose(found[0, :2], torch.tensor([30.0, 10.8]))  # the mean of nose, eyes and ears
    wrist, elbow = STANDING[4], STANDING[3]
    beyond = found[1, :2] - wrist
    assert float(F.cosine_similarity(beyond, wrist - elbow, dim=0)) == pytest.approx(1)
    assert 2 < float(beyond.norm()) < 8
    for region, joint in ((3, 10), (4, 13)):
        assert float((found[region, :2] - STANDING[joint]).norm()) < 5
    assert (found[:, 2] > 4).all()
    assert (found[:, 2] < 14).all()


def test_a_region_without_its_joint_is_not_seen() -> None:
    face = ("nose", "right_eye", "left_eye", "right_ear", "left_ear")
    people = torch.stack([keypoints("left_wrist"), keypoints(*face), keypoints("right_elbow"), keypoints()])
    people[3, JOINTS.index("left_ankle"), :2] = torch.tensor([80.0, 95])  # beside the picture
    seen = squares(Person(keypoints=people, size=(128, 64)))
    assert [[REGIONS[k] for k in range(5) if one[k, 3] == 0] for one in seen] == [
        ["left_hand"], ["head"], [], ["left_foot"],
    ]  # fmt: skip
    assert torch.equal(seen[2, 1, :2], STANDING[4])  # no elbow says which way the hand points


def test_labels_say_it_better() -> None:
    iuv = torch.zeros(1, 3, 128, 64)
    iuv[0, 0, 40:50, 8:12] = 3  # right hand, 10 rows and 4 columns
    iuv[0, 0, 90:93, 30:33] = 5  # left foot, 9 pixels: too few
    iuv[0, 0, 10:30, 20:30], iuv[0, 0, 10:30, 30:40] = 23, 24
    found = squares(Person(keypoints=keypoints()[None], iuv=iuv))[0]
    assert found[:, 3].tolist() == [1, 1, 0, 0, 0]
    assert found[1].tolist() == pytest.approx([9.5, 44.5, 6.5, 1])
    assert found[0].tolist() == pytest.approx([29.5, 19.5, 11.5, 1])


def test_the_picture_within_a_square() -> None:
    picture = torch.rand(2, 3, 40, 30, generator=torch.Generator().manual_seed(0)).requires_grad_()
    where = torch.tensor([[[9.5, 20.5, 4, 1], [15.5, 15.5, 8, 1]], [[9.5, 20.5, 4, 1], [11.5, 17.5, 4, 1]]])
    same = enlarged(picture, where, 8)
    assert same.shape == (2, 2, 3, 8, 8)
    assert torch.allclose(same[0, 0], picture[0, :, 17:25, 6:14], atol=1e-5)
    assert torch.allclose(same[1, 1], picture[1, :, 14:22, 8:16], atol=1e-5)
    larger = enlarged(picture, where, 16)
    wanted = F.interpolate(picture[:1, :, 16:26, 5:15], scale_factor=2.0, mode="bilinear", align_corners=False)
    assert torch.allclose(larger[0, 0], wanted[0, :, 2:-2, 2:-2], atol=1e-5)
    same[0, 0].sum().backward()
    assert picture.grad is not None
    inside = torch.zeros(40, 30, dtype=torch.bool)
    inside[17:25, 6:14] = True
    assert float(picture.grad[0][:, inside].min()) > 0.99
    assert float(picture.grad[0][:, ~inside].abs().max()) < 1e-5
    assert not picture.grad[1].any()


def test_beyond_the_picture_is_its_edge() -> None:
    picture = torch.arange(30.0).expand(1, 1, 40, 30)
    found = enlarged(picture, torch.tensor([[[0.5, 0.5, 4, 1]]]), 8)[0, 0, 0]
    assert found[0].tolist() == pytest.approx([0, 0, 0, 0, 1, 2, 3, 4], abs=1e-4)
