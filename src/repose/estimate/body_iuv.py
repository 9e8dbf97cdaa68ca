"""IUV of a person from the joints alone: the parametric body that is lifted from them, drawn as DensePose's parts."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.body.lift import LiftError, LifterWeights, body_iuv, load_lifter
from repose.estimate.base import Image


class BodyIUV:
    """The IUV of the naked body of a skeleton (`repose.body.lift`). The pixels are not read.

    It is therefore narrower than a dressed person, has no hair, and does not know what stands in front of them. The
    parts are DensePose's, u and v those of `repose.body.atlas`, as in the stores of rendered people, and not SMPL's.
    docs/body.md gives what was measured.

    Args:
        weights: of `repose.body.lift.load_lifter`; the shipped ones without.

    Raises:
        ImportError: numba is not installed.
        FileNotFoundError: the shipped weights are missing.
    """

    name = "body-lifter-1"

    def __init__(self, weights: LifterWeights | None = None) -> None:
        self._weights = load_lifter() if weights is None else weights

    def iuv(self, image: Image, keypoints: Tensor) -> Tensor:
        """A photograph, uint8 (H, W, 3), and a person's joints (18, 3) -> float32 (3, H, W): part 0 to 24, u and v.

        u and v are in [0, 1] and multiples of 1/255. All of it is 0 where fewer than 5 joints are located, or where
        all of them lie within one pixel: no body can be lifted from those.
        """
        height, width = image.shape[:2]
        try:
            iuv = body_iuv(keypoints.detach().cpu(), height, width, weights=self._weights)
        except LiftError:
            return torch.zeros(3, height, width)
        return torch.cat([iuv[:1], (iuv[1:] * 255).round() / 255])
