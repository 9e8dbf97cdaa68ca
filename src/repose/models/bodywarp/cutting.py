"""The cutout of `BodyWarp`, compiled: one pass over the pixels of a picture on the CPU.

It computes what `BodyWarp._cut` computes with tensors, within the rounding of float32, and reads each field once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.body.compiled import jit

Floats = npt.NDArray[np.float32]

JUMP: Final = 0.05
"""Of a flow between neighbouring pixels, where 2 is the whole picture: two that differ by more are not mixed."""

STEEP: Final = 2.0
SURELY: Final = 1.5
"""The outline is generous: a logit less than `SURELY` is rather the background."""

BORDER: Final = 1.0
"""Pixels of the network by which its outline may be wrong."""

SHARP: Final = 13.8
"""A logit of so much is 0 or 1 to six digits."""

NONE: Final = 1e-6
"""A share, or an opacity, of less is none."""

LITTLE: Final = 1 / 1024
"""What has a smaller share of a pixel changes it by a quarter of a grey level at most."""


def cut(
    extra: Mapping[str, Tensor], photograph: Tensor, matte: Tensor, mirrored: bool, everywhere: bool
) -> tuple[Tensor, Tensor]:
    """Figure (1, 3, H, W) and opacity (1, 1, H, W) of one picture, see `Generator.cutout`.

    Args:
        extra: of `BodyWarp.synthesise`, on the CPU. photograph, matte: (1, 3, H, W), (1, 1, H, W).
        mirrored: the network has the mirror image as a candidate.
        everywhere: the figure's colours are wanted also where it hides nothing; else they are grey there, but for some
            pixels around.
    """

    def plane(values: Tensor) -> Floats:
        own: Floats = values[0].detach().float().contiguous().numpy()
        return own

    flow = plane(extra["flow"])
    figure, alpha = (torch.zeros(values.shape, dtype=torch.float32) for values in (photograph, matte))
    rows, height = photograph.shape[-2], flow.shape[1]
    times = max(1.0, rows / height)
    _cut(
        plane(extra["outline"])[0], flow, plane(extra["mirrored"]) if mirrored else flow, mirrored,
        plane(extra["shares"]), plane(extra["painted"]), plane(extra["still"])[0], plane(photograph), plane(matte)[0],
        STEEP * times, max(1, round(BORDER * times)), everywhere, figure[0].numpy(), alpha[0, 0].numpy(),
    )  # fmt: skip
    return figure, alpha


@jit
def _ends(length: int, small: int) -> Any:
    """Of each of `length` pixels that `small` ones are enlarged to: its two neighbours, and the share of the second."""
    low, high, share = np.empty(length, np.int64), np.empty(length, np.int64), np.empty(length, np.float32)
    for k in range(length):
        at = min(max(np.float32((k + 0.5) * small / length - 0.5), np.float32(0)), np.float32(small - 1))
        low[k] = int(at)
        high[k] = min(low[k] + 1, small - 1)
        share[k] = at - low[k]
    return low, high, share


@jit
def _active(outline: Any, matte: Any, least: Any, everywhere: bool) -> Any:
    """Which cells of the outline (h, w) show some of the figure, by the outline or the matte (H, W), or are beside."""
    h, w = outline.shape
    height, width = matte.shape
    there = np.zeros((h, w), np.bool_)
    if everywhere:
        there[:] = True
        return there
    cell = np.empty(width, np.int64)
    for x in range(width):
        cell[x] = x * w // width
    for y in range(height):
        i = y * h // height
        for x in range(width):
            if matte[y, x] > NONE:
                there[i, cell[x]] = True
    for i in range(h):
        for j in range(w):
            if outline[i, j] > least:
                there[i, j] = True
    out = np.zeros((h, w), np.bool_)
    for i in range(h):
        for j in range(w):
            if there[i, j]:
                out[max(0, i - 2) : i + 3, max(0, j - 2) : j + 3] = True
    return out


@jit
def _bounds(there: Any, height: int, width: int) -> Any:
    """The first and last row and column (the last ones excluded), of H x W, of the cells that are there."""
    h, w = there.shape
    top, bottom, first, last = h, 0, w, 0
    for i in range(h):
        for j in range(w):
            if there[i, j]:
                top, bottom = min(top, i), max(bottom, i + 1)
                first, last = min(first, j), max(last, j + 1)
    return top * height // h, -(-bottom * height // h), first * width // w, -(-last * width // w)


@jit
def _sharpened(outline: Any, steep: float, least: Any, rows: Any, columns: Any, top: int, left: int, out: Any) -> None:
    """Part of the outline (h, w) enlarged and made steeper: sigmoid(steep (logit - SURELY)); 0 below `least`."""
    down, up, mix = rows
    low, high, across = columns
    height, width = out.shape
    slope, shift, one = np.float32(steep), np.float32(SURELY), np.float32(1)
    most = one / (one + np.exp(np.float32(-SURELY - SHARP / steep)))
    line = np.empty(outline.shape[1], np.float32)
    for y in range(height):
        a, b, v = down[top + y], up[top + y], mix[top + y]
        for j in range(len(line)):
            line[j] = outline[a, j] * (one - v) + outline[b, j] * v
        for x in range(width):
            u = across[left + x]
            p = line[low[left + x]] * (one - u) + line[high[left + x]] * u
            if p < least:
                out[y, x] = 0
            elif p > most:
                out[y, x] = 1
            else:
                p = min(max(p, np.float32(1e-4)), np.float32(1 - 1e-4))
                out[y, x] = one / (one + np.exp(-slope * (np.log(p / (one - p)) - shift)))


@jit
def _extremes(values: Any, reach: int, least: Any, most: Any) -> None:
    """The smallest and the largest value within `reach` rows and columns, (H, W) each."""
    height, width = values.shape
    low, high = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            low[y, x] = values[y, x]
            high[y, x] = values[y, x]
        for k in range(max(0, y - reach), min(height, y + reach + 1)):
            for x in range(width):
                low[y, x] = min(low[y, x], values[k, x])
                high[y, x] = max(high[y, x], values[k, x])
    for y in range(height):
        for x in range(width):
            least[y, x] = low[y, x]
            most[y, x] = high[y, x]
        for k in range(1, min(reach + 1, width)):
            for x in range(width - k):
                least[y, x] = min(least[y, x], low[y, x + k])
                most[y, x] = max(most[y, x], high[y, x + k])
            for x in range(k, width):
                least[y, x] = min(least[y, x], low[y, x - k])
                most[y, x] = max(most[y, x], high[y, x - k])


@jit
def _mixed(ways: Any, a: int, b: int, i: int, j: int, v: Any, u: Any, out: Any) -> None:
    """A way (2,) between the corners of rows a, b and columns i, j of (2, h, w): bilinear where they are alike.

    Elsewhere only those are mixed that are alike and together weigh the most: half-way between two limbs lies some
    third place.
    """
    one = np.float32(1)
    alike = True
    for c in range(2):
        p, q, r, s = ways[c, a, i], ways[c, a, j], ways[c, b, i], ways[c, b, j]
        alike = alike and max(max(p, q), max(r, s)) - min(min(p, q), min(r, s)) < JUMP
        out[c] = (p * (one - v) + r * v) * (one - u) + (q * (one - v) + s * v) * u
    if alike:
        return
    best = np.float32(-1)
    for k in range(4):
        y, x = (a if k < 2 else b), (i if k % 2 == 0 else j)
        total, right, low = np.float32(0), np.float32(0), np.float32(0)
        for n in range(4):
            f, e = (a if n < 2 else b), (i if n % 2 == 0 else j)
            apart = max(abs(ways[0, f, e] - ways[0, y, x]), abs(ways[1, f, e] - ways[1, y, x]))
            if apart < JUMP:
                weight = ((one - v) if n < 2 else v) * ((one - u) if n % 2 == 0 else u)
                total += weight
                right += weight * ways[0, f, e]
                low += weight * ways[1, f, e]
        if total > best:
            best = total
            share = one / max(total, np.float32(1e-9))
            out[0], out[1] = right * share, low * share


@jit
def _at(place: Any, extent: int) -> Any:
    """A place from -1 to 1, edge to edge, in pixels, inside the picture."""
    one, size = np.float32(1), np.float32(extent)
    return min(max(((place + one) * size - one) * np.float32(0.5), np.float32(0)), size - one)


@jit
def _cut(
    outline: Any, flow: Any, mirrored: Any, has_mirrored: bool, shares: Any, painted: Any, still: Any,
    photograph: Any, matte: Any, steep: float, reach: int, everywhere: bool, figure: Any, alpha: Any,
) -> None:  # fmt: skip
    """Write figure (3, H, W) and alpha (H, W); the fields are (..., h, w)."""
    height, width = alpha.shape
    h, w = outline.shape
    one, none = np.float32(1), np.float32(NONE)
    rows, columns = _ends(height, h), _ends(width, w)
    down, up, mix = rows
    left, right, across = columns
    faint = one / (one + np.exp(np.float32(SHARP / steep - SURELY)))
    there = _active(outline, matte, faint, everywhere)
    top, bottom, first, last = _bounds(there, height, width)
    if top >= bottom:
        return
    size = bottom - top, last - first
    sharp, least, most = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    _sharpened(outline, steep, faint, rows, columns, top, first, sharp)
    _extremes(sharp, reach, least, most)
    little = none if everywhere else np.float32(LITTLE)
    cell, own_column = np.empty(width, np.int64), np.empty(width, np.float32)
    for x in range(width):
        cell[x], own_column[x] = x * w // width, np.float32(x * 2 + 1) / np.float32(width) - one
    ways, back = np.empty((2, h, w), np.float32), np.empty((2, h, w), np.float32)
    for i in range(h):
        own_y = np.float32(i * 2 + 1) / np.float32(h) - one
        for j in range(w):
            own_x = np.float32(j * 2 + 1) / np.float32(w) - one
            ways[0, i, j], ways[1, i, j] = flow[0, i, j] - own_x, flow[1, i, j] - own_y
            back[0, i, j], back[1, i, j] = mirrored[0, i, j] - own_x, mirrored[1, i, j] - own_y
    line = np.empty((7, w), np.float32)  # a row of shares, painted and still
    way = np.empty(2, np.float32)
    own, other = np.empty(4, np.float32), np.empty(3, np.float32)
    for y in range(top, bottom):
        a, b, v = down[y], up[y], mix[y]
        beside = there[y * h // height]
        rest = np.float32(y * 2 + 1) / np.float32(height) - one
        for j in range(w):
            for c in range(3):
                line[c, j] = shares[c, a, j] * (one - v) + shares[c, b, j] * v
                line[3 + c, j] = painted[c, a, j] * (one - v) + painted[c, b, j] * v
            line[6, j] = still[a, j] * (one - v) + still[b, j] * v
        for x in range(first, last):
            if not beside[cell[x]]:
                continue
            i, j, u = left[x], right[x], across[x]
            stays = line[6, i] * (one - u) + line[6, j] * u
            if stays > one - none:
                alpha[y, x] = matte[y, x]
                for c in range(3):
                    figure[c, y, x] = min(max(photograph[c, y, x], -one), one)
                continue
            carried = line[0, i] * (one - u) + line[0, j] * u
            aside = line[1, i] * (one - u) + line[1, j] * u
            paint = line[2, i] * (one - u) + line[2, j] * u
            _mixed(ways, a, b, i, j, v, u, way)
            px = _at(way[0] + own_column[x], width)
            py = _at(way[1] + rest, height)
            q, p = int(px), int(py)
            q1, p1 = min(q + 1, width - 1), min(p + 1, height - 1)
            s, t = px - q, py - p
            w00, w01, w10, w11 = (one - t) * (one - s), (one - t) * s, t * (one - s), t * s
            for c in range(3):
                own[c] = (
                    photograph[c, p, q] * w00
                    + photograph[c, p, q1] * w01
                    + photograph[c, p1, q] * w10
                    + photograph[c, p1, q1] * w11
                )
            own[3] = matte[p, q] * w00 + matte[p, q1] * w01 + matte[p1, q] * w10 + matte[p1, q1] * w11
            for c in range(3):
                other[c] = own[c]
            if has_mirrored and aside > little:
                _mixed(back, a, b, i, j, v, u, way)
                px = _at(way[0] + own_column[x], width)
                py = _at(way[1] + rest, height)
                q, p = int(px), int(py)
                q1, p1 = min(q + 1, width - 1), min(p + 1, height - 1)
                s, t = px - q, py - p
                w00, w01, w10, w11 = (one - t) * (one - s), (one - t) * s, t * (one - s), t * s
                for c in range(3):
                    other[c] = (
                        photograph[c, p, q] * w00
                        + photograph[c, p, q1] * w01
                        + photograph[c, p1, q] * w10
                        + photograph[c, p1, q1] * w11
                    )
            r, k = y - top, x - first
            border = min(max(own[3], least[r, k]), most[r, k])
            hides = carried * border + (one - carried) * sharp[r, k]
            alpha[y, x] = stays * matte[y, x] + (one - stays) * hides
            for c in range(3):
                brush = line[3 + c, i] * (one - u) + line[3 + c, j] * u
                colour = carried * own[c] + aside * other[c] + paint * brush
                colour = stays * photograph[c, y, x] + (one - stays) * colour
                figure[c, y, x] = min(max(colour, -one), one)


__all__ = ["BORDER", "JUMP", "STEEP", "SURELY", "cut"]
