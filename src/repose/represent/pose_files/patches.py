"""The patches of one colour in a drawing of a skeleton."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from repose.represent.pose_files.figures import Floats

HUES: Final = 18
"""How many hues the colours of joints and limbs have, 20 degrees apart."""

DARK: Final = 60
"""A pixel below it, of 255, is background."""


def coloured_pixels(colours: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which pixels (H, W, 3) are neither dark, nor white, nor grey; bool (H, W)."""
    high, low = colours.max(-1), colours.min(-1)
    coloured: npt.NDArray[np.bool_] = (high > DARK) & (high - low > 0.35 * high)
    return coloured


class Patches:
    """The connected patches of one hue and brightness in a picture, and what connects them.

    Attributes:
        hue, bright, area, centre, blob: of each patch: its hue, whether it is as bright as discs on joints are, pixels,
            (x, y), and which connected group of any colours it is part of.
        levels: whether limbs are darker than discs.
    """

    def __init__(self, pixels: npt.NDArray[np.uint8]) -> None:
        colours = pixels.astype(np.int32)
        high = colours.max(-1)
        coloured = coloured_pixels(colours)
        top = float(np.quantile(high[coloured], 0.98)) if coloured.any() else 255.0
        bright = high > 0.8 * top
        dim = coloured & (high > 0.42 * top) & (high < 0.75 * top)
        self.levels = bool(dim.sum() > 0.25 * max(1, coloured.sum()))
        key = np.full(high.shape, -1, np.int32)
        hues = nearest_hues(colours[coloured])
        key[coloured] = hues + HUES * (bright[coloured] & self.levels)
        labels, count = _labelled(key)
        blobs, _ = _labelled(np.where(_grown(coloured), 0, -1).astype(np.int32))
        rows, columns = np.nonzero(labels >= 0)
        self._x, self._y = columns.astype(np.float64), rows.astype(np.float64)
        self._label = labels[rows, columns]
        order = np.argsort(self._label, kind="stable")
        self._x, self._y, self._label = self._x[order], self._y[order], self._label[order]
        self._starts = np.searchsorted(self._label, np.arange(count + 1))
        self.area = np.diff(self._starts)
        total = np.maximum(self.area, 1)
        self.centre = np.column_stack([np.bincount(self._label, axis, count) / total for axis in (self._x, self._y)])
        first = self._starts[:-1]
        at = (self._y[first].astype(int), self._x[first].astype(int)) if count else (np.zeros(0, int), np.zeros(0, int))
        values = key[at]
        self.hue, self.bright = values % HUES, values >= HUES
        self.blob = blobs[at]

    def points(self, patch: int | np.integer) -> Floats:
        """The pixels of a patch, (M, 2): x, y."""
        place = slice(self._starts[patch], self._starts[patch + 1])
        return np.column_stack([self._x[place], self._y[place]])


def nearest_hues(colours: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """(M, 3) -> the nearest of the `HUES`, (M,)."""
    high, low = colours.max(-1), colours.min(-1)
    spread = np.maximum(high - low, 1)
    red, green, blue = colours[:, 0], colours[:, 1], colours[:, 2]
    sixth = np.where(
        high == red,
        (green - blue) / spread,
        np.where(high == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    hues: npt.NDArray[np.int64] = np.rint(sixth * 3).astype(np.int64) % HUES
    return hues


def _grown(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """A mask with all pixels at most two beside it: what is drawn together holds together."""
    wide = np.pad(mask, 2)
    height, width = mask.shape
    out = np.zeros_like(mask)
    for down in range(5):
        for across in range(5):
            out |= wide[down : down + height, across : across + width]
    return out


def _labelled(key: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], int]:
    """Connected pixels of one value -> one number; -1 where the value is -1. Eight neighbours.

    The runs of each row are joined to those of the row above that they touch.
    """
    height, width = key.shape
    change = np.ones((height, width), bool)
    change[:, 1:] = key[:, 1:] != key[:, :-1]
    starts = np.flatnonzero(change)
    ends = np.append(starts[1:], height * width)
    kept = key.reshape(-1)[starts] >= 0
    starts, ends = starts[kept], ends[kept]
    values, rows = key.reshape(-1)[starts].tolist(), (starts // width).tolist()
    left, right = (starts % width).tolist(), (ends - starts + starts % width).tolist()
    parent = list(range(len(starts)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above = 0
    for run in range(len(starts)):
        while above < run and (
            rows[above] < rows[run] - 1 or (rows[above] == rows[run] - 1 and right[above] < left[run])
        ):
            above += 1
        other = above
        while other < run and rows[other] == rows[run] - 1 and left[other] <= right[run]:
            if values[other] == values[run]:
                parent[root(other)] = root(run)
            other += 1
    names, numbers = np.unique([root(run) for run in range(len(starts))], return_inverse=True)
    labels = np.full(height * width, -1, np.int32)
    lengths = ends - starts
    places = np.repeat(starts - np.append(0, np.cumsum(lengths)[:-1]), lengths) + np.arange(lengths.sum())
    labels[places] = np.repeat(numbers, lengths)
    return labels.reshape(height, width), len(names)
