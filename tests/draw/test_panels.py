"""Pictures of what a person has."""

import numpy as np
import torch

from repose.draw.panels import skeleton_over


def test_a_skeleton_over_a_photograph_leaves_the_rest_and_shows_hands() -> None:
    image = np.full((60, 40, 3), 90, np.uint8)
    joints, extra = torch.zeros(18, 3), torch.zeros(48, 3)
    joints[1], joints[8] = torch.tensor([20.0, 10.0, 1.0]), torch.tensor([20.0, 40.0, 1.0])
    extra[6], extra[7] = torch.tensor([5.0, 50.0, 1.0]), torch.tensor([5.0, 56.0, 1.0])
    plain, handed = skeleton_over(image, joints), skeleton_over(image, joints, extra)
    assert (image == 90).all()
    assert (plain[25, 20] != 90).any()
    assert (plain[50:, :12] == 90).all()
    assert (handed[53, 5] != 90).any()
    assert np.array_equal(handed[:45], plain[:45])
