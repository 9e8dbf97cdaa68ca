"""The frame loop: a model, a photograph and the figure of every frame in, pictures out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from torch import Tensor

from repose.apps.motion.scene import ClipScene
from repose.person import Person
from repose.pipeline import Model, to_pixels
from repose.scene import Background

Pixels = npt.NDArray[np.uint8]


def frames(
    model: Model, scene: ClipScene, poses: Iterable[tuple[int, Tensor]], background: Background = "keep"
) -> Iterator[Pixels]:
    """The pictures of some frames of a clip, uint8 (H, W, 3), or (H, W, 4) with "transparent".

    Args:
        scene: of this model, by `clip_scene`.
        poses: (number of the frame, joints (18, 3) in the photograph) of each.
        background: see `repose.Scene.compose`.
    """
    for number, joints in poses:
        scene.number = number
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "[0-9.]+% of the new figure")  # said once for the clip
            picture = to_pixels(model.pose(scene, Person(keypoints=joints), background, retarget=False))
        yield picture
