"""A sheet of samples of a store, to see at once what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import torch

from repose.data.store import Store
from repose.draw.sheet import sheet
from repose.images import save_image
from repose.represent.canvas import to_uint8
from repose.represent.keypoints import draw_skeleton

COUNT: Final = 12


def save_samples(store: Store) -> Path:
    """Write samples.png into a store: pictures from its whole length, and their joints below. Returns its path."""
    chosen = torch.linspace(0, len(store) - 1, COUNT).long()
    people = store.person(chosen, ("image", "keypoints"))
    assert people.image is not None
    assert people.keypoints is not None
    pictures = list(to_uint8(people.image))
    poses = [draw_skeleton(keypoints, *store.size) for keypoints in people.keypoints]
    path = store.folder / "samples.png"
    save_image(path, np.asarray(sheet([pictures, poses])))
    return path
