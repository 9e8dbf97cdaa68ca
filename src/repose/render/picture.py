"""The renderer's result for one picture. This module needs numpy alone, so it can be imported without the renderer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """One rendered picture and its exact labels.

    Attributes:
        name: "p000012_03" for picture 3 of person 12. person: "p000012".
        image: (H, W, 3) uint8 RGB.
        keypoints: (18, 3) float32 in the order of `repose.person.JOINTS`: x, y in pixel index units, and 1 seen,
            0.5 inside the frame but hidden (by the body, clothes or things), 0 outside the frame (then x = y = 0).
        parsing: (H, W) uint8, the 20 labels of LIP. Bare skin of trunk and neck is 13 (face), as in LIP: the rendered
            people do not use the label 20, neck. Bags are 0.
        mask: (H, W) uint8, 255 where the person, with what is worn and carried, covers at least half a pixel, else 0.
        iuv: (H, W, 3) uint8, DensePose part (0 to 24) and u, v times 255 (see `repose.body.atlas`); clothes count as
            the body below.
        depth: (H, W) float16, metres from the camera, 0 beside the person.
        pose: name of the pose. style: of the picture, "street", "fashion" or "plain".
    """

    name: str
    person: str
    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    parsing: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    iuv: NDArray[np.uint8]
    depth: NDArray[np.float16]
    pose: str = ""
    style: str = ""
