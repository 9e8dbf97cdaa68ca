"""Where a figure is in a picture."""

import pytest
import torch

from repose.represent.figure import figure_mask, near_figure, size_of
from repose.represent.retarget import person_size
from tests.scene.people import photograph


def test_a_figure_mask_is_a_person() -> None:
    keypoints = photograph().keypoints
    assert keypoints is not None
    mask, loose = figure_mask(keypoints, 480, 640), figure_mask(keypoints, 480, 640, 1.5)
    assert mask.shape == (1, 480, 640)
    assert (mask <= loose).all()
    assert (mask[0, keypoints[:, 1].long(), keypoints[:, 0].long()] == 1).all()
    size = float(person_size(keypoints))
    assert 0.25 * size**2 < float(mask.sum()) < 0.8 * size**2
    assert float(mask[0, 0].max()) == 0
    assert ((mask > 0) & (mask < 1)).any(), "soft borders"
    assert figure_mask(torch.zeros(18, 3), 20, 30).sum() == 0
    assert torch.isfinite(figure_mask(keypoints - torch.tensor([900.0, 0, 0]), 48, 64)).all()
    one = torch.zeros(18, 3)
    one[0] = torch.tensor([10.0, 10.0, 1.0])
    assert torch.isfinite(figure_mask(one, 20, 30)).all()


def test_the_size_of_known_joints_is_that_of_person_size() -> None:
    random = torch.Generator().manual_seed(3)
    for _ in range(3):
        keypoints = torch.rand(18, 3, generator=random) * torch.tensor([60.0, 120.0, 1.0])
        keypoints[torch.rand(18, generator=random) < 0.3] = 0
        assert size_of(keypoints) == size_of(keypoints.clone()) == float(person_size(keypoints))
        keypoints[:, :2] *= 2
        assert size_of(keypoints) == float(person_size(keypoints)), "joints that were changed are other joints"
    assert size_of(torch.zeros(18, 3)) == 1


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_part_of_a_mask_is_that_part_of_the_whole(scale: float) -> None:
    own = photograph().keypoints
    assert own is not None
    keypoints = own * torch.tensor([scale, scale, 1.0])
    height, width = round(480 * scale), round(640 * scale)
    whole = figure_mask(keypoints, height, width, 1.6)
    part = slice(height // 3, height - 5), slice(0, width // 2)
    assert torch.equal(figure_mask(keypoints, height, width, 1.6, part), whole[:, part[0], part[1]])
    near = near_figure(keypoints, height, width, 1.6, part)
    assert near.any()
    assert not near.all()
    assert torch.equal(near, whole[:, part[0], part[1]] > 0)
    assert not near_figure(torch.zeros(18, 3), height, width, 1.6, part).any()
