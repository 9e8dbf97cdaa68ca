"""Pictures that a model is compared with when people turn: the truth blurred, and in another person's cloth."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from repose.metrics.functional.regions import CLOTHES, blurred

BLUR: Final = 1 / 32
"""Sigma of the blur, a share of the height."""


def blur_pictures(pictures: Tensor) -> Tensor:
    """uint8 (N, 3, H, W) under a Gaussian in which stripes are gone."""
    sigma = BLUR * pictures.shape[-2]
    whole = blurred(torch.ones(1, 1, *pictures.shape[-2:], dtype=torch.float64), sigma)
    return (blurred(pictures.double(), sigma) / whole).round().clamp(0, 255).to(torch.uint8)


def exchange_cloth(pictures: Tensor, parsing: Tensor) -> Tensor:
    """Each person in the next one's cloth, the last one in the first one's: the same places, another pattern.

    Each garment is filled from the next person's of the same label, or from their largest, moved so that the middles of
    the two meet; beyond its edges the nearest pixel is repeated.

    Args:
        pictures: uint8 (N, 3, H, W). parsing: labels (N, H, W).

    Returns:
        uint8 (N, 3, H, W); a garment stays as it is where the next person wears none.
    """
    from scipy.ndimage import distance_transform_edt

    out = pictures.clone()
    for k, labels in enumerate(parsing):
        donor = (k + 1) % len(parsing)
        worn = {label: int((parsing[donor] == label).sum()) for label in CLOTHES}
        for label in CLOTHES:
            place = (labels == label).nonzero()  # (P, 2)
            given = label if worn[label] else max(worn, key=lambda one: worn[one])
            if not len(place) or not worn[given]:
                continue
            cloth = parsing[donor] == given
            indices = distance_transform_edt(~cloth.numpy(), return_distances=False, return_indices=True)
            nearest = torch.from_numpy(indices.astype(np.int64))  # (2, H, W)
            moved = place + (_middle(cloth.nonzero()) - _middle(place))
            rows, columns = (moved[:, axis].clamp(0, cloth.shape[axis] - 1) for axis in (0, 1))
            rows, columns = nearest[:, rows, columns]
            out[k, :, place[:, 0], place[:, 1]] = pictures[donor, :, rows, columns]
    return out


def _middle(places: Tensor) -> Tensor:
    """The middle of the box around pixels (P, 2)."""
    return (places.amin(0) + places.amax(0)) // 2
