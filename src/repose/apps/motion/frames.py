"""The frame loop: a model, a photograph and the figure of every frame in, pictures out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from torch import Tensor

from repose.apps.motion.scene import ClipScene
from repose.pipeline import Model
from repose.scene import Background

Pixels = npt.NDArray[np.uint8]


def frames(
    model: Model, clip: ClipScene, poses: Iterable[tuple[int, Tensor]], background: Background = "keep"
) -> Iterator[Pixels]:
    """The pictures of some frames of a clip, uint8 (H, W, 3), or (H, W, 4) with "transparent".

    Several are computed at once (`repose.pipeline.Model.poses`); few are held at a time.

    Args:
        clip: of this model, by `clip_scene`.
        poses: (number of the frame, joints (18, 3) in the photograph) of each.
        background: see `repose.Scene.compose`.
    """
    return model.poses(clip.scene, (clip.pose(number, joints) for number, joints in poses), background)
