"""A sheet of some frames of a clip, with the poses that they are of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from repose.apps.motion.sources import frames_of
from repose.apps.motion.video import Clip
from repose.draw.sheet import reduced, sheet
from repose.images import load_image, on_white
from repose.represent.keypoints import draw_skeleton

Pixels = npt.NDArray[np.uint8]

_FRAMES: Final = 6
_HEIGHT: Final = 256


def clip_sheet(clip: Clip, source: Path, count: int = _FRAMES) -> Any:
    """The photograph, then frames of the clip at even distances, above them their skeletons.

    Args:
        source: the photograph. count: how many frames.
    """
    numbers = np.unique(np.linspace(0, clip.frames - 1, min(count, clip.frames)).astype(int)).tolist()
    pictures = [reduced(picture, _HEIGHT) for picture in _chosen(clip.path, set(numbers))]
    size = pictures[0].shape[:2]
    scale = size[0] / clip.height
    skeletons = []
    for number in numbers:
        joints = clip.joints[number % len(clip.joints)].clone()
        joints[:, :2] *= scale
        skeletons.append(draw_skeleton(joints, *size))
    rows: list[list[Pixels | None]] = [[None, *skeletons], [reduced(load_image(source), _HEIGHT), *pictures]]
    return sheet(rows, ["photograph", *(f"frame {number}" for number in numbers)])


def _chosen(path: Path, numbers: set[int]) -> Iterator[Pixels]:
    if path.is_dir():
        files = sorted(path.glob("*.png"))
        for number in sorted(numbers):
            yield load_image(files[number])
        return
    for number, frame in enumerate(frames_of(path, 25.0)):
        if number in numbers:
            yield on_white(frame.pixels)
