"""The rendered pictures that are nearest to a photograph, by the features of MobileNetV2."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.draw.sheet import sheet
from repose.nn.mobilenet import MobileNetV2
from repose.represent.canvas import to_uint8
from repose.research.sample import Sample
from repose.research.views import feature_network, sample_features


def find_neighbours(real: Sample, rendered: Sample, network: MobileNetV2, nearest: int = 5) -> tuple[Tensor, Tensor]:
    """For every real picture the nearest rendered ones by the cosine of their features, each less the real mean.

    Returns:
        Rows of `rendered`, int64 (N, nearest), nearest first, and their cosines, float64 (N, nearest).
    """
    one, other = sample_features(network, real), sample_features(network, rendered)
    middle = one.mean(0)
    cosines = F.normalize(one - middle, dim=1) @ F.normalize(other - middle, dim=1).T
    top = cosines.topk(min(nearest, len(rendered)), dim=1)
    return top.indices, top.values


def draw_neighbours(real: Sample, rendered: Sample, nearest: int = 6) -> npt.NDArray[np.uint8]:
    """A sheet (H, W, 3): each photograph, then the rendered pictures nearest to it. It shows real people."""
    rows, cosines = find_neighbours(real, rendered, feature_network(), nearest)
    first = to_uint8(real.images(torch.arange(len(real))))
    grid = [[photo, *to_uint8(rendered.images(row))] for photo, row in zip(first, rows, strict=True)]
    labels = [f"{value:.2f}" for value in cosines[:, 0].tolist()]
    return np.asarray(sheet(grid, ["photograph", "nearest"], scale=2, labels=labels))
