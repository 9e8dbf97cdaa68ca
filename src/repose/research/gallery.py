"""What a model does to unseen people, as sheets: people chosen by lot, and its failures with what was measured of them.

Pictures are shown of rendered people alone. Of photographs of real people there are only numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.data.store import Store
from repose.draw.sheet import captioned, sheet
from repose.pipeline import Model
from repose.represent.canvas import to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.research.failures import Failure, JudgedPairs, framed_people

SHEET_COLUMNS: Final = ("source", "pose", "generated", "target")

_Pixels = npt.NDArray[np.uint8]


def may_show(store: Store) -> bool:
    """Whether all people of a store are rendered, as its provenance says; only those may be shown to anyone."""
    return "renderer" in store.provenance


def draw_lots(store: Store, split: str = "test", people: int = 20, seed: int = 0) -> Tensor:
    """One pair of each of some people of a split, int64 (P, 2), by lot alone; all people where there are fewer.

    Raises:
        ValueError: fewer than one person is asked for. KeyError: no such split.
    """
    if people < 1:
        raise ValueError(f"draw_lots: at least 1 person is needed, got {people}")
    pairs = store.pairs(split)
    of: dict[str, list[int]] = {}
    for row, source in enumerate(pairs[:, 0].tolist()):
        of.setdefault(store.people[source], []).append(row)
    random = np.random.default_rng(seed)
    names = sorted(of)
    chosen = [names[k] for k in random.permutation(len(names))[:people]]
    return pairs[[of[name][int(random.integers(len(of[name])))] for name in chosen]]


def contact_sheet(model: Model, store: Store, pairs: Tensor, across: int = 4, scale: int = 1) -> _Pixels:
    """Source, pose, generated and target of every pair, so many pairs in a row; uint8 (H, W, 3).

    Raises:
        ValueError: the store does not say that its people are rendered.
    """
    strips = _strips(model, store, pairs)
    rows = [[cell for strip in strips[k : k + across] for cell in strip] for k in range(0, len(strips), across)]
    return np.asarray(sheet(rows, SHEET_COLUMNS * min(across, len(strips)), scale))


def failure_sheet(
    model: Model, judged: JudgedPairs, failures: Sequence[Failure], across: int = 2, scale: int = 1
) -> _Pixels:
    """The failures with their captions below them, so many in a row; uint8 (H, W, 3).

    Raises:
        ValueError: there are none, or the store does not say that its people are rendered.
    """
    if not failures:
        raise ValueError("failure_sheet: there are no failures to show")
    strips = _strips(model, judged.store, judged.pairs[[failure.row for failure in failures]])
    cells = [
        np.asarray(captioned(sheet([strip], SHEET_COLUMNS, scale), failure.captions))
        for strip, failure in zip(strips, failures, strict=True)
    ]
    return np.asarray(sheet([cells[k : k + across] for k in range(0, len(cells), across)]))


# -- inside ---------------------------------------------------------------------------------------------------------


def _strips(model: Model, store: Store, pairs: Tensor) -> list[list[_Pixels | None]]:
    """The cells of `SHEET_COLUMNS` of every pair."""
    if not may_show(store):
        raise ValueError(
            f"{store.folder} ({store.dataset}) does not say that its people are rendered; photographs of real people "
            "are not put into sheets"
        )
    source, target = (framed_people(model, store, pairs[:, side]) for side in (0, 1))
    assert source.image is not None
    assert target.image is not None
    assert target.keypoints is not None
    assert target.size is not None
    shown: list[list[_Pixels]] = [
        list(to_uint8(source.image)),
        [draw_skeleton(keypoints, *target.size) for keypoints in target.keypoints],
        [picture for rows in torch.split(torch.arange(len(pairs)), 8)
         for picture in to_uint8(model(source[rows], target[rows]))],
        list(to_uint8(target.image)),
    ]  # fmt: skip
    return [list(strip) for strip in zip(*shown, strict=True)]
