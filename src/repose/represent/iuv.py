"""DensePose's part, u and v as a bridge between two pictures of one person: where a point of one lies in the other."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

PARTS: Final = 24
"""DensePose's body parts, numbered from 1; 0 is no person."""

BINS: Final = (32, 16)
"""Cells of a part along u and v: the finest first, a coarser one where the finest saw no pixel of the source."""


def correspondence(source: Tensor, target: Tensor, bins: tuple[int, ...] = BINS) -> tuple[Tensor, Tensor]:
    """Where the surface point under each pixel of the target lies in the source picture, and whether it is seen there.

    The (u, v) square of every part is cut into cells, and a cell holds the mean place of the source's pixels in it. A
    target pixel takes the finest cell that is not empty, so it is right to a cell: about a pixel of a person 128 high.

    Args:
        source, target: float (B, 3, H, W): part 0 to 24, u and v in [0, 1], as `Person.iuv`. Sizes may differ.
        bins: cells of a part along u and v, finest first.

    Returns:
        place: float32 (B, 2, H, W), x and y in the source's pixel index units; 0 where not seen.
        seen: bool (B, 1, H, W): the point is on the target's person and visible in the source.

    Raises:
        ValueError: shapes that do not go together.
    """
    _check(source, target)
    batch, _, height, width = source.shape
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=torch.float32, device=source.device),
        torch.arange(width, dtype=torch.float32, device=source.device),
        indexing="ij",
    )
    there = (source[:, 0] > 0).float().flatten(1)  # (B, N)
    place = torch.stack([columns, rows], -1).flatten(0, 1)  # (N, 2)
    sums = torch.cat([place.expand(batch, -1, -1), torch.ones_like(place[:, :1]).expand(batch, -1, -1)], -1)
    sums = sums * there[..., None]  # (B, N, 3)
    matched = target.new_zeros(batch, target.shape[2] * target.shape[3], 2)
    seen = torch.zeros(matched.shape[:2], dtype=torch.bool, device=matched.device)
    person = (target[:, 0] > 0).flatten(1)
    for count in bins:
        cells = sums.new_zeros(batch, (PARTS + 1) * count * count, 3)
        cells.scatter_add_(1, _cell(source, count)[..., None].expand(-1, -1, 3), sums)
        here = cells.gather(1, _cell(target, count)[..., None].expand(-1, -1, 3))  # (B, M, 3)
        new = person & ~seen & (here[..., 2] > 0)
        matched = torch.where(new[..., None], here[..., :2] / here[..., 2:].clamp_min(1), matched)
        seen |= new
    size = target.shape[-2:]
    return matched.movedim(-1, 1).reshape(batch, 2, *size), seen.reshape(batch, 1, *size)


def _cell(iuv: Tensor, count: int) -> Tensor:
    """The cell of every pixel, int64 (B, H W)."""
    return _cells(iuv.movedim(1, -1), count).flatten(1)


def _check(source: Tensor, target: Tensor) -> None:
    if (
        source.ndim != 4
        or target.ndim != 4
        or not source.shape[1] == target.shape[1] == 3
        or len(source) != len(target)
    ):
        raise ValueError(
            f"correspondence: IUV (B, 3, H, W) of both people, got {tuple(source.shape)} and {tuple(target.shape)}"
        )


# -- finer than a cell ----------------------------------------------------------------------------------------------

_ROUND: Final = (3, 6)
"""First and last part whose u runs round the whole limb: hands and feet."""

_STILL: Final = 1.5e-3
"""Damping of a step: error of u and v (a store holds steps of 1/255) over the pixels that a step is likely to go."""

_LONGEST: Final = 2.0
"""Pixels along x and y that a step may go."""

_ONE_SURFACE: Final = 0.25
"""Neighbours whose u or v differ by more belong to another piece of surface of the same part."""


def fine_correspondence(source: Tensor, target: Tensor, bins: tuple[int, ...] = BINS) -> tuple[Tensor, Tensor]:
    """As `correspondence`, with places between the pixels of the source, by a local linear map.

    Near the place of the cell (3x3 pixels) it takes the source's pixel of the same part whose u and v are nearest.
    Over the 3x3 pixels round that one which are of the part too, u and v are fitted as linear functions of x and y
    (least squares), and the step to the target's u and v is solved for, damped where the surface is seen at a graze.
    u of hands and feet (parts 3 to 6) runs round the whole limb, so 0 and 1 are one place there.

    On naked bodies in different poses at 256x176, u and v in steps of 1/255, the places are right to 0.12 pixels
    (median; mean 0.23), those of `correspondence` to 0.80 (mean 0.99).

    Args:
        source, target: float (B, 3, H, W): part 0 to 24, u and v in [0, 1], as `Person.iuv`. Sizes may differ.
        bins: cells of a part along u and v, finest first: they say what is seen, and where to begin.

    Returns:
        place: float32 (B, 2, H, W), x and y in the source's pixel index units; 0 where not seen.
        seen: bool (B, 1, H, W): that of `correspondence`.

    Raises:
        ValueError: shapes that do not go together.
    """
    _check(source, target)
    batch, _, height, width = target.shape
    rows, wanted = _people(target)
    near, seen = _cell_places(source, rows // (height * width), wanted, bins)
    rows, wanted = rows[seen], wanted[seen]
    places = _Surface(source, rows // (height * width), wanted).places(near[seen].round().long())
    place = places.new_zeros(batch * height * width, 2)
    place[rows] = places
    known = torch.zeros(batch * height * width, dtype=torch.bool, device=target.device)
    known[rows] = True
    return place.view(batch, height, width, 2).movedim(-1, 1), known.view(batch, 1, height, width)


def _people(iuv: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels with a part: their numbers in the whole batch, int64 (M,), and part, u and v, float32 (M, 3)."""
    rows = (iuv[:, 0] > 0).flatten().nonzero()[:, 0]
    return rows, iuv.movedim(1, -1).reshape(-1, 3)[rows].float()


def _cell_places(source: Tensor, own: Tensor, wanted: Tensor, bins: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """As `correspondence` for M points: places (M, 2) and whether they are seen (M,).

    Args:
        source: (B, 3, H, W). own: (M,) which of the batch. wanted: (M, 3) part, u and v.
    """
    batch, _, height, width = source.shape
    rows, values = _people(source)
    sums = torch.stack(
        [rows % width, rows.div(width, rounding_mode="floor") % height, torch.ones_like(rows)], -1
    ).float()  # (N, 3)
    whose = rows.div(height * width, rounding_mode="floor")
    places = sums.new_zeros(len(wanted), 2)
    seen = torch.zeros(len(wanted), dtype=torch.bool, device=wanted.device)
    for count in bins:
        size = (PARTS + 1) * count * count
        cells = sums.new_zeros(batch * size, 3)
        cells.index_add_(0, _cells(values, count) + whose * size, sums)
        here = cells[_cells(wanted, count) + own * size]  # (M, 3)
        new = ~seen & (here[:, 2] > 0)
        places = torch.where(new[:, None], here[:, :2] / here[:, 2:].clamp_min(1), places)
        seen |= new
    return places, seen


def _cells(values: Tensor, count: int) -> Tensor:
    """The cell of part, u and v (..., 3), int64 (...)."""
    part = values[..., 0].long().clamp(0, PARTS)
    u, v = ((values[..., k] * count).long().clamp(0, count - 1) for k in (1, 2))
    return (part * count + u) * count + v


class _Surface:
    """The source's surface, as seen by M points that are looked for.

    Args:
        source: (B, 3, H, W). own: (M,) which of the batch. wanted: (M, 3) part, u and v that are looked for.
    """

    def __init__(self, source: Tensor, own: Tensor, wanted: Tensor) -> None:
        padded = F.pad(source.float(), (2, 2, 2, 2))  # part 0 round the picture
        self.part, self.u, self.v = (plane.flatten() for plane in padded.movedim(1, 0).contiguous())
        self.row = padded.shape[-1]
        self.first = own * padded[0, 0].numel() + 2 * (self.row + 1)
        self.wanted = wanted.unbind(-1)
        self.turns = ((self.wanted[0] >= _ROUND[0]) & (self.wanted[0] <= _ROUND[1])).float()

    def places(self, near: Tensor) -> Tensor:
        """Places (M, 2) of the points, near the pixels (M, 2), int64."""
        pixel = self._nearest(self.first + near[:, 1] * self.row + near[:, 0])
        at = pixel - self.first
        corner = 2 * (self.row + 1)  # keeps what is divided from being negative
        x, y = (at + corner) % self.row - 2, (at + corner).div(self.row, rounding_mode="floor") - 2
        return torch.stack([x, y], -1) + self._step(pixel)

    def _off(self, pixel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """u and v of pixels less those looked for, and whether the part is the same."""
        part, u, v = self.wanted
        off = self.u[pixel] - u
        return off - off.round() * self.turns, self.v[pixel] - v, self.part[pixel] == part

    def _nearest(self, middle: Tensor) -> Tensor:
        """Of 3x3 pixels the one of the part whose u and v are nearest; the middle one if none is of the part."""
        best, least = middle, torch.full_like(self.turns, torch.inf)
        for down in (0, -1, 1):
            for right in (0, -1, 1):
                pixel = middle + (down * self.row + right)
                u, v, same = self._off(pixel)
                away = torch.where(same, u * u + v * v, torch.inf)
                closer = away < least
                best, least = torch.where(closer, pixel, best), torch.where(closer, away, least)
        return best

    def _step(self, middle: Tensor) -> Tensor:
        """The step (M, 2) in pixels to where u and v are those looked for, by the linear map of 3x3 pixels."""
        u0, v0, _ = self._off(middle)
        n = sx = sy = sxx = sxy = syy = su = sv = sxu = sxv = syu = syv = torch.zeros_like(u0)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                u, v, same = self._off(middle + (down * self.row + right))
                same = same & ((u - u0).abs() < _ONE_SURFACE) & ((v - v0).abs() < _ONE_SURFACE)
                one = same.float()
                u, v = u * one, v * one
                n, su, sv = n + one, su + u, sv + v
                if right:
                    sx, sxx, sxu, sxv = sx + right * one, sxx + one, sxu + right * u, sxv + right * v
                if down:
                    sy, syy, syu, syv = sy + down * one, syy + one, syu + down * u, syv + down * v
                if down and right:
                    sxy = sxy + down * right * one
        n = n.clamp_min(1)
        mx, my, mu, mv = sx / n, sy / n, su / n, sv / n
        # 0.1: a window of one column tells nothing of x, so the slope along x is 0
        sxx, syy, sxy = sxx - sx * mx + 0.1, syy - sy * my + 0.1, sxy - sx * my
        sxu, sxv, syu, syv = sxu - sx * mu, sxv - sx * mv, syu - sy * mu, syv - sy * mv
        det = sxx * syy - sxy * sxy
        ux, uy = (syy * sxu - sxy * syu) / det, (sxx * syu - sxy * sxu) / det
        vx, vy = (syy * sxv - sxy * syv) / det, (sxx * syv - sxy * sxv) / det
        # Gauss and Newton: (J'J + damping) step = -J'(u, v)
        xx, xy, yy = ux * ux + vx * vx + _STILL**2, ux * uy + vx * vy, uy * uy + vy * vy + _STILL**2
        bx, by = -(ux * mu + vx * mv), -(uy * mu + vy * mv)
        det = xx * yy - xy * xy
        step = torch.stack([(yy * bx - xy * by) / det + mx, (xx * by - xy * bx) / det + my], -1)
        return step.clamp(-_LONGEST, _LONGEST)
