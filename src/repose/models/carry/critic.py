"""The critic of the late adversarial term: whether a patch, with the pose it should show, is of a photograph."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.person import JOINTS, Person
from repose.represent.keypoints import heatmaps


class Critic(nn.Module):
    """Five convolutions without norm (R1 holds them) down to an eighth; the joints' heatmaps join at a quarter.

    Args:
        width: features after the first convolution.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(12, width, 3, 1, 1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.conv3 = nn.Conv2d(2 * width + len(JOINTS), 4 * width, 4, 2, 1)
        self.conv4 = nn.Conv2d(4 * width, 4 * width, 3, 1, 1)
        self.score = nn.Conv2d(4 * width, 1, 3, 1, 1)

    def forward(self, image: Tensor, person: Person) -> Tensor:
        """image (B, 3, H, W) in [-1, 1] in the pose of `person` -> raw scores (B, 1, H/8, W/8)."""
        x = F.leaky_relu(self.conv1(F.pixel_unshuffle(image, 2)), 0.2)  # (B, F, H/2, W/2)
        x = F.leaky_relu(self.conv2(x), 0.2)  # (B, 2F, H/4, W/4)
        joints = person.only("keypoints").resize(x.shape[-2], x.shape[-1]).keypoints
        assert joints is not None
        maps = heatmaps(joints, x.shape[-2], x.shape[-1], "gaussian", sigma=0.04 * x.shape[-2])
        x = F.leaky_relu(self.conv3(torch.cat([x, maps], 1)), 0.2)  # (B, 4F, H/8, W/8)
        x = F.leaky_relu(self.conv4(x), 0.2)  # (B, 4F, H/8, W/8)
        score: Tensor = self.score(x)  # (B, 1, H/8, W/8)
        return score
