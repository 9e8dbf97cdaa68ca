"""Several looks of one network at one person: the same names for the same joints, then their mean.

A look is (17, 3) in COCO's order: x and y in sides of the square that is looked at, and the score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Look = npt.NDArray[np.float64]
"""(17, 3): x, y, score in COCO's order."""

MIRROR: Final = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
"""Left and right of COCO's 17 exchanged."""

_EXCHANGED: Final = 0.06  # of the square's side: how far a pair differs between two looks that may name it differently
_PAIRS: Final = [(left, left + 1) for left in range(1, len(MIRROR), 2)]


def mirrored_back(look: Look) -> Look:
    """A look at the mirror image -> that of the square itself, with the person's own left and right."""
    out = look[MIRROR]
    out[:, 0] = 1 - out[:, 0]
    return out


def mean_look(looks: Sequence[Look]) -> Look:
    """The mean of several looks, each joint weighted by its scores; its score is the plain mean."""
    every = np.stack(looks)
    whole = every[..., 2:].sum(0)
    weights = np.where(whole > 0, every[..., 2:] / np.where(whole > 0, whole, 1), 1 / len(every))
    out: Look = (every * weights).sum(0)
    out[:, 2] = every[..., 2].mean(0)
    return out


def named_alike(looks: Sequence[Look]) -> list[Look]:
    """The same looks, with the names of the one that is surest of the whole person.

    A pair of joints is renamed where a look has it the other way round: the mean of both would lie between the two
    joints, once for each of them. Names are taken from one look for all pairs, as a look that takes the front for the
    back errs in all of them: that is better than asking for each pair which look is surer of it.
    """
    surest = max(looks, key=lambda look: float(look[:, 2].mean()))
    return [look if look is surest else renamed(look, differing(surest, look)) for look in looks]


def named_alike_by_pair(a: Look, b: Look) -> list[Look]:
    """Two looks, each pair with the names of the look that is surer of this pair: the way of version 1."""
    pairs = differing(a, b)
    after_a = [pair for pair in pairs if a[list(pair), 2].sum() >= b[list(pair), 2].sum()]
    return [renamed(a, [pair for pair in pairs if pair not in after_a]), renamed(b, after_a)]


def differing(a: Look, b: Look) -> list[tuple[int, int]]:
    """The pairs of joints that two looks name the other way round."""
    found = []
    for left, right in _PAIRS:
        pair, crossed = [left, right], [right, left]
        alike = np.linalg.norm((a[pair] - b[pair])[:, :2], axis=1).sum()
        apart = np.linalg.norm((a[pair] - b[crossed])[:, :2], axis=1).sum()
        if alike > _EXCHANGED and apart < alike / 2:
            found.append((left, right))
    return found


def renamed(look: Look, pairs: Sequence[tuple[int, int]]) -> Look:
    """The same look with the names of some pairs exchanged."""
    out = look.copy()
    for left, right in pairs:
        out[[left, right]] = look[[right, left]]
    return out


__all__ = ["MIRROR", "Look", "differing", "mean_look", "mirrored_back", "named_alike", "named_alike_by_pair", "renamed"]
