"""The mask of one person, by two networks and the photograph's own edges; the default of `complete(person, "mask")`.

MediaPipe's selfie segmentation has sharp borders, and takes a ball or a neighbour for part of the person; BodyPix knows
bodies, in cells of 16 pixels. Their logits are added, with what the joints say, and the border is laid on the edges of
the photograph.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.estimate.base import Image
from repose.estimate.bodypix import BodyPix
from repose.estimate.edges import along_edges
from repose.estimate.kernels import kernels_of
from repose.estimate.memo import Memo
from repose.estimate.selfie import Selfie
from repose.nn.blocks import widest
from repose.represent.canvas import Box
from repose.represent.figure import FACE, figure_mask, reach, size_of

_SELFIE, _BODYPIX, _BONES, _CONSTANT = 0.9, 0.4, 1.1, -1.4
"""The weights of a logistic regression on 120 rendered people with exact masks, rounded."""

_SURE: Final = 5.0
"""No network's logit counts for more."""

_BODY: Final = 0.5
"""BodyPix's logit of a body, at least; on a ball before a leg it falls to about 0."""

_SURELY: Final = 3.0  # its logit where it is sure
_COMPACT: Final = 0.025  # half the width of a compact part, in units of trunk + thigh + shin
_HAIR, _SHOE = 0.3, 0.2  # around the joints of the head and around the ankles, the same unit
_LEVELS: Final = 10  # of a channel, in a histogram of colours
_LIKELY: Final = 0.7  # the share of the seeds in a colour, at least
_LARGEST: Final = 0.15  # of the figure

_WINDOW: Final = 3
"""The radius of the guided filter, pixels of a picture of 512."""

_LONGEST: Final = 1024
"""Pixels of the longer side on which the networks' maps are joined, at most: they see 256 and 512."""

_REACH: Final = 1.6
"""Of `repose.represent.figure.reach`: how far from the joints a pixel of the person may be."""


class PersonMask:
    """Where in a photograph one person is, at the photograph's own resolution.

    On 120 rendered pictures of 256x176 with MoveNet's joints, mean intersection over union with the exact mask, and the
    mean difference as a share of the figure: selfie segmentation alone 0.929 and 0.111, BodyPix alone 0.853 and
    0.263, both with the joints and along the photograph's edges 0.940 and 0.074.

    Args:
        selfie, bodypix: the two; None takes the published ones.

    Attributes:
        bodypix: as given.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
        FileNotFoundError: a file is not here and cannot be fetched.
    """

    def __init__(self, selfie: Selfie | None = None, bodypix: BodyPix | None = None) -> None:
        self._selfie, self.bodypix = selfie or Selfie(), bodypix or BodyPix()
        self._last: Memo[Tensor] = Memo(1)

    @property
    def name(self) -> str:
        """Names the networks and the version of how they are joined."""
        return f"person-mask-1({self._selfie.name},{self.bodypix.name})"

    @property
    def kernels(self) -> str:
        """What computes the networks, see `repose.estimate.kernels`; empty for one that was given."""
        return kernels_of(self._selfie, self.bodypix)

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        """A photograph, uint8 (H, W, 3), and a person's joints (18, 3) -> where they are, float32 (1, H, W) in [0, 1].

        The values are multiples of 1/255. Without a located joint all are 0.
        """
        steps = self._last.of(image, lambda: self._mask(image, keypoints).mul_(255).round_().byte(), keypoints)
        return steps.float().div_(255)

    def surroundings(self, image: Image, keypoints: Tensor) -> tuple[Image, Tensor, Box]:
        """The part of a photograph in which the person may be, at most 1024 pixels long, and the joints on it.

        Returns:
            uint8 (h, w, 3), joints (18, 3) in its pixels, and (top, left, rows, columns) of the part in the photograph,
            which are 0 if no joint is near it.
        """
        height, width = image.shape[:2]
        points = keypoints.detach().float().cpu()
        top, left, bottom, right = reach(points, height, width, _REACH)
        box = top, left, max(0, bottom - top), max(0, right - left)
        near = points - torch.tensor([left, top, 0.0]) * (points[:, 2:] > 0)
        if 0 in box[2:]:
            return image[:0, :0], near, (top, left, 0, 0)
        return *reduced(image[top:bottom, left:right], near), box

    def _mask(self, image: Image, keypoints: Tensor) -> Tensor:
        height, width = image.shape[:2]
        points = keypoints.detach().float().cpu()
        whole = torch.zeros(1, height, width)
        if not bool((points[:, 2] > 0).any()):
            return whole
        pixels, near, (top, left, rows, columns) = self.surroundings(image, points)
        if rows < 1 or columns < 1:
            return whole
        part = torch.from_numpy(image)[top : top + rows, left : left + columns]
        rows, columns = pixels.shape[:2]
        share = self._selfie.mask(pixels, near)
        logit = _SELFIE * torch.logit(share, 0.01)
        body = self.bodypix.look(pixels, near).on((rows, columns)).clamp(-_SURE, _SURE)
        logit += _BODYPIX * body
        logit += _BONES * figure_mask(near, rows, columns) + _CONSTANT
        logit = torch.where(things(pixels, logit > 0, body, near) > 0.5, -_SURE, logit)
        edged = whole[:, top : top + len(part), left : left + part.shape[1]]
        along_edges(torch.sigmoid(logit), part, _WINDOW, out=edged)
        edged.mul_(2).sub_(0.5).clamp_(0, 1)  # the filter blurs, and the border is as sharp as the photograph
        edged.mul_(255).round_().div_(255)
        return whole


def things(image: Image, figure: Tensor, body: Tensor, keypoints: Tensor) -> Tensor:
    """What a person holds and what is no body, such as a ball: float (1, H, W), 0 or 1.

    Seeds are compact parts of the figure in which BodyPix sees no body; from them it goes on over pixels whose colours
    are the seeds' and not the body's. Hair and shoes are left alone, what is thinner than a hand (BodyPix's cells are
    coarse), what is coloured as the body is, and what is larger than a large bag: there BodyPix is wrong.

    Args:
        image: uint8 (H, W, 3). figure: bool (1, H, W), with what is held. body: (1, H, W), logits of BodyPix.
        keypoints: (18, 3).
    """
    size = size_of(keypoints)
    height, width = figure.shape[-2:]
    nothing = torch.zeros(1, height, width)
    times = max(1, round(size / 100))  # thin and compact are told apart on a coarse grid
    small = torch.from_numpy(image).movedim(-1, 0)[None].float()
    small = F.avg_pool2d(small, times, ceil_mode=True)[0] if times > 1 else small[0]  # (3, h, w)
    whole = F.avg_pool2d(figure[None].float(), times, ceil_mode=True)[0] > 0.5  # (1, h, w)
    logits = F.avg_pool2d(body[None], times, ceil_mode=True)[0]
    strange = whole & (logits < _BODY) & ~_head_and_feet(keypoints, size, times, whole.shape[-2:])
    reach = max(1, round(_COMPACT * size / times))
    core = -widest(-strange[None].float(), reach)
    if not bool((core > 0).any()):
        return nothing
    seeds = (widest(core, reach)[0] > 0) & strange
    colour = ((small / 256 * _LEVELS).long() * torch.tensor([_LEVELS**2, _LEVELS, 1])[:, None, None]).sum(0)  # (h, w)
    sure = whole & (logits > _SURELY)
    counts = [torch.bincount(colour[part[0]], minlength=_LEVELS**3).float() for part in (seeds, sure)]
    strangers, bodies = (count / count.sum().clamp_min(1) for count in counts)
    likely = (strangers / (strangers + bodies).clamp_min(1e-9))[colour][None]
    likely = F.avg_pool2d(likely[None], 3, 1, 1, count_include_pad=False)[0]
    there = whole & (likely > _LIKELY) & (widest(seeds[None].float(), 7 * reach)[0] > 0)
    reached = seeds & there
    for _ in range(8 * reach):
        reached = (widest(reached[None].float(), 1)[0] > 0) & there
    share = float(reached.sum()) / max(1.0, float(whole.sum()))
    if float(likely[seeds].mean()) < _LIKELY or share > _LARGEST:
        return nothing
    grown = widest(reached[None].float(), 1)
    return F.interpolate(grown, scale_factor=float(times), mode="nearest")[0, :, :height, :width]


def reduced(image: Image, keypoints: Tensor, longest: int = _LONGEST) -> tuple[Image, Tensor]:
    """A photograph of so many pixels along its longer side, at most, and the joints on it."""
    height, width = image.shape[:2]
    share = min(1.0, longest / max(height, width))
    if share == 1:
        return image, keypoints
    size = max(1, round(share * width)), max(1, round(share * height))
    small = PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BILINEAR, reducing_gap=2)
    moved = keypoints.clone()
    moved[:, :2] = (keypoints[:, :2] + 0.5) * torch.tensor([size[0] / width, size[1] / height]) - 0.5
    return np.array(small), moved * (keypoints[:, 2:] > 0)


def _head_and_feet(keypoints: Tensor, size: float, times: int, shape: torch.Size) -> Tensor:
    """Where hair and shoes are, bool (1, h, w), on a grid of `times` pixels."""
    y, x = (torch.arange(side)[None] * times for side in shape)
    near = torch.zeros(1, *shape, dtype=torch.bool)
    for joints, room in ((FACE, _HAIR), ((1,), _HAIR), ((10, 13), _SHOE)):
        for joint in joints:
            if keypoints[joint, 2] > 0:
                away = (x - keypoints[joint, 0]).square() + (y.T - keypoints[joint, 1]).square()
                near |= away < (room * size) ** 2
    return near


__all__ = ["PersonMask", "reduced", "things"]
