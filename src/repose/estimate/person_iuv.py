"""IUV of a dressed person: the body lifted from the joints, fitted into the person's mask, joined with BodyPix's parts.

The default of `complete(person, "iuv")`. The mask says where the person is, the body which point of the surface is
there, and BodyPix which limb where two of them meet.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Final, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.body.dressed import PART_GROUPS, dressed_iuv
from repose.body.lift import LiftError, LifterWeights, lift, load_lifter
from repose.callers import callers_level
from repose.estimate.base import Image
from repose.estimate.body_iuv import BodyIUV
from repose.estimate.bodypix import PARTS, BodyParts
from repose.estimate.kernels import kernels_of
from repose.estimate.person_mask import PersonMask, reduced
from repose.estimate.table import estimator
from repose.files import first_line

_TRUST: Final = 0.4
"""What a logarithm of BodyPix's chances counts: its cells are coarse."""

_LONGEST: Final = 512
"""Pixels of the longer side on which the body is drawn, at most; u and v change slowly."""

_NAMES: Final = (
    "torso", "right hand", "left hand", "left foot", "right foot", "right upper leg", "left upper leg",
    "right lower leg", "left lower leg", "left upper arm", "right upper arm", "left lower arm", "right lower arm",
    "face",
)  # fmt: skip
"""`PART_GROUPS` in the words of BodyPix's `PARTS`."""

_MEMBERS: Final = tuple([k for k, part in enumerate(PARTS) if name in part] for name in _NAMES)
assert len(_MEMBERS) == len(PART_GROUPS)
assert sum(map(len, _MEMBERS)) == len(PARTS)


class PersonIUV:
    """The IUV of a dressed person: every pixel of their mask has a part, u and v, also on loose clothes and hair.

    The parts are DensePose's. u and v are those of `repose.body.atlas`, as in stores of rendered people, not SMPL's.
    docs/body.md gives what was measured, and where it fails.

    Where the networks cannot be had, it is the IUV of the naked body, as of `repose.estimate.body_iuv.BodyIUV`, and
    `name` is that estimator's.

    Args:
        mask: the mask's estimator with the BodyPix that it uses; None takes the published ones, and they are those of
            `repose.estimate.estimator("person", field="mask")`: where both fields are wanted, each network runs once.
        weights: of `repose.body.lift.load_lifter`; the shipped ones without.

    Warns:
        UserWarning: the networks cannot be had; the text says what is missing.

    Raises:
        ImportError: numba is not installed.
        FileNotFoundError: the shipped weights of the body are missing.
    """

    def __init__(self, mask: PersonMask | None = None, weights: LifterWeights | None = None) -> None:
        self._weights = load_lifter() if weights is None else weights
        self._mask = mask
        if mask is None:
            try:
                self._mask = cast(PersonMask, estimator("person", field="mask"))
            except (ImportError, FileNotFoundError) as error:
                reason = first_line(error, None)
                warnings.warn(
                    f"the IUV is that of the naked body alone, without clothes: {reason}", stacklevel=callers_level()
                )

    @property
    def name(self) -> str:
        """Names the networks and the version of how they are joined; that of `BodyIUV` without networks."""
        return BodyIUV.name if self._mask is None else f"person-iuv-1({BodyIUV.name},{self._mask.name})"

    @property
    def kernels(self) -> str:
        """What computes the networks of the mask, see `repose.estimate.kernels`; empty for one that was given."""
        return kernels_of(self._mask)

    def iuv(self, image: Image, keypoints: Tensor) -> Tensor:
        """A photograph, uint8 (H, W, 3), and a person's joints (18, 3) -> float32 (3, H, W): part 0 to 24, u and v.

        u and v are in [0, 1] and multiples of 1/255. All of it is 0 where fewer than 5 joints are located, or where
        all of them lie within one pixel: no body can be lifted from those.
        """
        if self._mask is None:
            return BodyIUV(self._weights).iuv(image, keypoints)
        whole = torch.zeros(3, *image.shape[:2])
        pixels, near, (top, left, rows, columns) = self._mask.surroundings(image, keypoints)
        if rows < 1 or columns < 1:
            return whole
        small, points = reduced(pixels, near, _LONGEST)
        try:
            body = lift(points, weights=self._weights)
        except LiftError:
            return whole
        mask = self._mask.mask(image, keypoints)[:, top : top + rows, left : left + columns]
        size = small.shape[0], small.shape[1]
        evidence = _TRUST * chances_of_groups(_resized(self._mask.bodypix.look(pixels, near), pixels, size), size)
        figure = F.interpolate(mask[None], size, mode="area")[0, 0] >= 0.5
        iuv = torch.from_numpy(dressed_iuv(body, figure.numpy(), evidence.numpy()))
        iuv[1:] = (iuv[1:] * 255).round() / 255
        iuv = F.interpolate(iuv[None], (rows, columns), mode="nearest-exact")[0]
        whole[:, top : top + rows, left : left + columns] = iuv * (mask >= 0.5)
        return whole


def _resized(parts: BodyParts, image: Image, size: tuple[int, int]) -> BodyParts:
    """What BodyPix sees in an image, for the image resized to (H, W)."""
    times = [new / old for new, old in zip(size, image.shape, strict=False)] * 2
    top, left, rows, columns = (round(a * b) for a, b in zip(parts.box, times, strict=True))
    return replace(parts, box=(top, left, max(1, min(rows, size[0] - top)), max(1, min(columns, size[1] - left))))


def chances_of_groups(parts: BodyParts, size: tuple[int, int]) -> Tensor:
    """What BodyPix says of each of `PART_GROUPS`: logarithms of chances, float32 (14, H, W), whose sum is 1."""
    scores = parts.scores(size).log_softmax(0)
    return torch.stack([scores[rows].logsumexp(0) for rows in _MEMBERS])


__all__ = ["PersonIUV", "chances_of_groups"]
