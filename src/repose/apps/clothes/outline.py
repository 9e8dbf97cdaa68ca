"""Where a garment is on a photograph: a parser's labels, its small errors mended by colour.

A parser gives patches of a shirt to a coat or a jumpsuit, and leaves holes. A patch that touches the garment, is much
smaller, carries a label that the garment is taken for and has its colours, is part of the garment.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from repose.apps.garments import PARTS, Garment, label_mask
from repose.metrics.functional.regions import lab
from repose.person import Person

_SMALLER: Final = 0.4
"""A patch is at most so large, a share of the garment."""

_HOLE: Final = 0.05
"""A hole of any label likewise."""

_ALIKE: Final = 22.0
"""Two mean colours are one cloth's up to so far apart in CIELAB, with its light and shade."""


def garment_outline(person: Person, garment: Garment) -> Tensor:
    """Where a garment is, bool (H, W).

    Args:
        person: unbatched, with image and parsing.
        garment: that they wear.
    """
    from scipy import ndimage

    assert person.image is not None
    assert person.parsing is not None
    whole = _joined(garment.mask(person.parsing), label_mask(person.parsing, garment.labels))
    if not bool(whole.any()):
        return whole
    rows, columns = (torch.nonzero(whole.any(axis))[:, 0] for axis in (1, 0))
    room = 2 + (int(rows[-1]) - int(rows[0])) // 4
    top, left = max(0, int(rows[0]) - room), max(0, int(columns[0]) - room)
    box = (slice(top, int(rows[-1]) + 1 + room), slice(left, int(columns[-1]) + 1 + room))
    labels, worn = person.parsing[box], whole[box].numpy()
    colours = lab(((person.image[:, *box] + 1) * 127.5)[None])[0].numpy()  # (3, h, w)
    area = int(worn.sum())
    others = {label for part in PARTS if part & set(garment.labels) for label in part} - set(garment.labels)
    found = worn.copy()
    for label in sorted(others):
        patches, count = ndimage.label(label_mask(labels, [label]).numpy())
        touched = set(np.unique(patches[ndimage.binary_dilation(worn, iterations=2)]).tolist()) - {0}
        for number in sorted(touched & set(range(1, count + 1))):
            patch = patches == number
            if patch.sum() <= _SMALLER * area and _alike(colours, worn, patch):
                found |= patch
    holes, count = ndimage.label(ndimage.binary_fill_holes(found) & ~found)
    for number in range(1, count + 1):
        hole = holes == number
        if hole.sum() <= _HOLE * area and _alike(colours, found, hole):
            found |= hole
    out = whole.clone()
    out[box] = torch.from_numpy(found)
    return out


def _joined(whole: Tensor, own: Tensor) -> Tensor:
    """A garment without patches of labels that only count as its own, and hang together with none of its pixels."""
    from scipy import ndimage

    if torch.equal(whole, own):
        return whole
    patches, count = ndimage.label(whole.numpy())
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    kept = set(np.unique(patches[own.numpy()]).tolist()) | {int(sizes[1:].argmax()) + 1}
    return torch.from_numpy(np.isin(patches, sorted(kept)))


def _alike(colours: np.ndarray, worn: np.ndarray, patch: np.ndarray) -> bool:
    """Whether a patch has the colours of the garment: of its mean, or of what is next to the patch."""
    from scipy import ndimage

    own = colours[:, patch].mean(1)
    reach = max(2, int(np.sqrt(patch.sum()) / 4))
    beside = ndimage.binary_dilation(patch, iterations=reach) & worn
    means = [colours[:, place].mean(1) for place in (worn, beside) if place.any()]
    return bool(min(np.linalg.norm(own - mean) for mean in means) <= _ALIKE)


__all__ = ["garment_outline"]
