"""Dense Pose Transfer's warping stream: a picture onto the body's surface, the unseen surface inpainted, and back.

Neverova, Guler and Kokkinos, "Dense Pose Transfer" (ECCV 2018), section 3.2 and appendix A. No code was released; the
card beside this file lists what the text leaves open.

A texture is (B, 24, C, S, S): the atlas of DensePose's parts 1 to 24, a column for u and a row for v, texel k over
[k/S, (k+1)/S]. Pictures and IUV are those of `Person`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.represent.iuv import PARTS

REACH: Final = 0.25
"""Neighbouring pixels further apart than this in u or v are not joined: the chart wraps round, or the body hides
itself. It also bounds how far `to_atlas` may fill."""

ARRANGEMENT: Final = (
    (23, 24, 2, 1, 3, 4, 6, 5),  # head right and left, torso front and back, hands, feet
    (16, 15, 18, 17, 20, 19, 22, 21),  # upper arms front and back, lower arms front and back; right before left
    (9, 10, 7, 8, 13, 14, 11, 12),  # upper legs front and back, lower legs front and back
)
"""Rows of `atlas_picture`."""

_SEEN: Final = 1e-3  # the least weight of a texel that counts as observed


# -- the two spatial transformers -----------------------------------------------------------------------------------


def to_atlas(image: Tensor, iuv: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The first transformer: the observed pixels on the surface, by scattered interpolation of their u and v.

    Every pixel is spread over the four texels round its (u, v), and a texel is the weighted mean of what it got. Where
    the pixels lie further apart than the texels, holes remain. They are filled from coarser atlases, each of half the
    side, into which a pixel goes only while the texels are finer than its own distance to its neighbours in the
    picture. So a hole between neighbours closes, and nothing grows further than two such distances beyond them.

    Args:
        image: (B, C, H, W). iuv: (B, 3, H, W): part 0 to 24, u and v in [0, 1]. side: S, a power of two.

    Returns:
        texture: (B, 24, C, S, S), 0 where not seen; differentiable in `image`.
        seen: (B, 24, 1, S, S), 1 where observed or interpolated, else 0.

    Raises:
        ValueError: `side` is not a power of two.
    """
    if side < 1 or side & (side - 1):
        raise ValueError(f"to_atlas: the atlas is halved again and again, so its side is a power of two, not {side}")
    part, u, v = _surface(iuv)  # (B, H, W) each
    values = torch.cat([image, torch.ones_like(image[:, :1])], 1).flatten(2)  # (B, C + 1, N)
    spacing = _spacing(part, u, v) * side  # in texels
    levels = max(1, (int(REACH * side) - 1).bit_length())  # the coarsest one's texels are half of REACH
    filled: Tensor | None = None  # (B, 24, C + 1, s, s): the mean colour where seen, else 0; then seen
    for level in reversed(range(levels)):
        size = side >> level
        weight = (part > 0) & (spacing > 2**level) if level else part > 0
        sums = _splat(values, part, u, v, weight, size)  # (B, 24, C + 1, s, s), the last one the weights
        own = (sums[:, :, -1:] > _SEEN).to(image.dtype)
        mean = own * sums / sums[:, :, -1:].clamp_min(_SEEN)
        filled = mean if filled is None else mean + (1 - own) * _double(filled)
    assert filled is not None
    return filled[:, :, :-1], filled[:, :, -1:]


def from_atlas(texture: Tensor, iuv: Tensor) -> tuple[Tensor, Tensor]:
    """The second transformer: the picture of a textured body, by bilinear reading inside each pixel's own part.

    Beyond the outermost texel centres of a part the border texel holds, so that parts do not run into one another.

    Args:
        texture: (B, 24, C, S, S). iuv: (B, 3, H, W): part 0 to 24, u and v in [0, 1].

    Returns:
        image: (B, C, H, W), 0 off the body; differentiable in `texture`.
        body: (B, 1, H, W), 1 on the body, else 0.
    """
    channels, side = texture.shape[2], texture.shape[-1]
    part, u, v = _surface(iuv)  # (B, H, W) each
    flat = texture.flatten(1)  # (B, 24 C S S)
    planes = torch.arange(channels, device=texture.device)[:, None, None]  # (C, 1, 1)
    start = (((part - 1).clamp_min(0)[:, None] * channels) + planes) * (side * side)  # (B, C, H, W)
    left, right, x = (value[:, None] for value in _between(u, side))
    top, bottom, y = (value[:, None] for value in _between(v, side))

    def read(row: Tensor, column: Tensor) -> Tensor:
        return flat.gather(1, (start + row * side + column).flatten(1)).reshape(start.shape)

    x, y = x.to(texture.dtype), y.to(texture.dtype)
    above = read(top, left)
    above = above + x * (read(top, right) - above)
    below = read(bottom, left)
    below = below + x * (read(bottom, right) - below)
    body = (part > 0)[:, None].to(texture.dtype)
    return body * (above + y * (below - above)), body


def _surface(iuv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Part, int64 0 to 24, and u and v in [0, 1]: (B, H, W) each."""
    part = iuv[:, 0].round().long().clamp(0, PARTS)
    return part, iuv[:, 1].clamp(0, 1), iuv[:, 2].clamp(0, 1)


def _between(place: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """u or v in [0, 1] -> the texels on both sides, int64 0 to side - 1, and how far towards the second, 0 to 1."""
    where = (place * side - 0.5).clamp(0, side - 1)
    low = where.floor()
    first = low.long()
    return first, (first + 1).clamp_max(side - 1), where - low


def _spacing(part: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """How far in u or v the furthest of a pixel's four neighbours in the same part lies, (B, H, W); 0 without one."""
    far = torch.zeros_like(u)
    for axis, pads in ((1, ((0, 0, 1, 0), (0, 0, 0, 1))), (2, ((1, 0), (0, 1)))):
        step = torch.maximum(u.diff(dim=axis).abs(), v.diff(dim=axis).abs())
        step = step * ((part.diff(dim=axis) == 0) & (step <= REACH))
        for pad in pads:  # the step counts for the pixels on both its sides
            far = torch.maximum(far, F.pad(step, pad))
    return far


def _splat(values: Tensor, part: Tensor, u: Tensor, v: Tensor, weight: Tensor, size: int) -> Tensor:
    """Sums of the pixels' values on an atlas, by bilinear weights: (B, C, N) -> (B, 24, C, size, size)."""
    batch, channels = values.shape[:2]
    left, right, x = _between(u, size)
    top, bottom, y = _between(v, size)
    start = (part - 1).clamp_min(0) * (size * size)
    sums = values.new_zeros(batch, channels, PARTS * size * size)
    for row, down in ((top, 1 - y), (bottom, y)):
        for column, across in ((left, 1 - x), (right, x)):
            place = (start + row * size + column).flatten(1)[:, None]  # (B, 1, N)
            share = (weight * down * across).to(values.dtype).flatten(1)[:, None]
            sums = sums.scatter_add(2, place.expand(-1, channels, -1), values * share)
    return sums.reshape(batch, channels, PARTS, size, size).movedim(1, 2)


def _double(filled: Tensor) -> Tensor:
    """A coarser atlas at twice its side, bilinear between the texels that are seen: (B, 24, C + 1, s, s) likewise."""
    near = filled[:, :, -1:].repeat_interleave(2, -1).repeat_interleave(2, -2)  # seen, nearest
    smooth = F.interpolate(filled.flatten(0, 1), scale_factor=2.0, mode="bilinear", align_corners=False)
    smooth = smooth.reshape(*filled.shape[:3], *near.shape[-2:])
    return near * smooth / smooth[:, :, -1:].clamp_min(0.5)  # where seen, at least 9/16


# -- the inpainting autoencoder -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InpaintingConfig:
    """Sizes of the autoencoders; the defaults are Table 6, whose context layer alone has 201,326,592 weights.

    Attributes:
        side: of a part's texture, texels; a power of two.
        widths: channels after each halving of an encoder; the decoder takes them backwards.
        context: entries of the global embedding.
        norm: after every ReLU. "instance" as in the paper; "none" leaves the colours of a part their mean and range.
        reads_seen: the encoders also read where the texture was observed. The paper's do not: their input is 3 x S x S.
    """

    side: int = 256
    widths: tuple[int, ...] = (32, 32, 64, 128)
    context: int = 256
    norm: Literal["instance", "none"] = "instance"
    reads_seen: bool = False

    def __post_init__(self) -> None:
        smallest = self.side >> len(self.widths)
        if self.side & (self.side - 1) or not self.widths or smallest < 2:
            raise ValueError(
                f"InpaintingConfig: side {self.side} must be a power of two that leaves 2 texels or more after "
                f"{len(self.widths)} halvings"
            )


class Inpainting(nn.Module):
    """24 autoencoders, one a part, whose encodings meet in a global embedding that every decoder reads (Table 6).

    The parts are groups of one convolution, so a weight's first axis runs over parts, then channels.
    """

    def __init__(self, config: InpaintingConfig = InpaintingConfig()) -> None:
        super().__init__()
        self.config = config
        widths, side = config.widths, config.side >> len(config.widths)
        self.encoders = nn.ModuleList(
            nn.Conv2d(PARTS * into, PARTS * out, 3, stride=2, padding=1, groups=PARTS)
            for into, out in zip((4 if config.reads_seen else 3, *widths), widths, strict=False)
        )
        self.down_projection = nn.Linear(PARTS * widths[-1] * side * side, config.context)
        self.embedding = nn.Linear(config.context, config.context)
        back = [widths[-1] + config.context, *widths[-2::-1], 3]
        self.decoders = nn.ModuleList(
            nn.ConvTranspose2d(PARTS * into, PARTS * out, 3, stride=2, padding=1, output_padding=1, groups=PARTS)
            for into, out in pairwise(back)
        )

    def forward(self, texture: Tensor, seen: Tensor) -> Tensor:
        """The whole surface from what was observed of it.

        Args:
            texture: (B, 24, 3, S, S) in [-1, 1]. seen: (B, 24, 1, S, S), 1 where observed; the rest is read as 0.

        Returns:
            (B, 24, 3, S, S) in [-1, 1].
        """
        x = texture * seen
        if self.config.reads_seen:
            x = torch.cat([x, seen], dim=2)  # (B, 24, 4, S, S)
        x = x.flatten(1, 2)  # (B, 24 * 3, S, S)
        for encoder in self.encoders:
            x = self._norm(F.relu(encoder(x)))
        code = x.reshape(-1, PARTS, self.config.widths[-1], *x.shape[-2:])  # E_i: (B, 24, 128, 16, 16)
        context = self._norm(F.relu(self.down_projection(x.flatten(1))))  # (B, 256)
        context = self._norm(F.relu(self.embedding(context)))  # G
        spread = context[:, None, :, None, None].expand(-1, PARTS, -1, *x.shape[-2:])
        x = torch.cat([code, spread], dim=2).flatten(1, 2)  # (B, 24 * 384, 16, 16)
        for decoder in self.decoders[:-1]:
            x = self._norm(F.relu(decoder(x)))
        return torch.tanh(self.decoders[-1](x)).reshape(texture.shape)

    def _norm(self, x: Tensor) -> Tensor:
        """Over a channel's places, or over the entries of a vector: a vector is one channel of so many places."""
        if self.config.norm == "none":
            return x
        return F.instance_norm(x) if x.ndim == 4 else F.layer_norm(x, x.shape[-1:])


def multi_view_loss(inpainted: Tensor, views: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """L1 to every view of the person where that view sees the surface (eq. 6), mean over the observed texels.

    Args:
        inpainted: (B, 24, C, S, S).
        views: picture (B, C, H, W) and IUV (B, 3, H, W) of each; the source itself is one of them.

    Returns:
        A scalar; 0 where no view observes anything.
    """
    loss, observed = inpainted.new_zeros(()), inpainted.new_zeros(())
    for image, iuv in views:
        with torch.no_grad():
            texture, seen = to_atlas(image, iuv, inpainted.shape[-1])
        loss = loss + ((inpainted - texture).abs() * seen).sum()
        observed = observed + seen.sum()
    return loss / (observed * inpainted.shape[2]).clamp_min(1)


def atlas_picture(texture: Tensor, seen: Tensor | None = None) -> Tensor:
    """The 24 parts of one texture beside each other, as `ARRANGEMENT` says.

    Args:
        texture: (24, C, S, S). seen: (24, 1, S, S); the rest is drawn as 0, which is grey.

    Returns:
        (C, 3 S, 8 S).
    """
    if seen is not None:
        texture = texture * seen
    rows = [torch.cat([texture[part - 1] for part in row], dim=-1) for row in ARRANGEMENT]
    return torch.cat(rows, dim=-2)
