"""RTMPose through rtmlib: a detector finds the people on a photograph, and a network the joints of each one."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.estimate.base import Detection, Image
from repose.estimate.kernels import onnxruntime_kernels
from repose.extras import how_to_install
from repose.represent.keypoints import from_skeleton
from repose.represent.pose_files.settings import MIN_SCORE

Mode = Literal["lightweight", "balanced", "performance"]

WHOLE_BODY: Final = 133
"""Keypoints of COCO-WholeBody: the 17 of the body, then feet, face and hands."""

_BODY: Final = 17


class Solution(Protocol):
    """`rtmlib.Body` or `rtmlib.Wholebody`: pictures are uint8 (H, W, 3), blue first, as OpenCV reads them.

    Attributes:
        det_model: picture -> boxes (N, 4): left, top, right, bottom in pixels; N may be 0.
        pose_model: picture, bboxes=boxes -> keypoints (N, K, 2), x and y in pixels, and scores (N, K); K is 17 or 133.
            Without a box it takes the whole picture for a person.
    """

    det_model: Any
    pose_model: Any


class RTMPose:
    """RTMPose by rtmlib (the extra `rtmpose`), in ONNX Runtime; rtmlib is Apache-2.0.

    rtmlib fetches the networks of a mode from OpenMMLab at the first use and keeps them in its own cache; a copy of the
    cache is enough where there is no network. Repose adds nothing to what rtmlib says: COCO's 17 joints, and the neck
    is the middle of the shoulders.

    Args:
        mode: the size of both networks, as rtmlib calls it.
        whole_body: the network of 133 keypoints, of which the body's are taken.
        threshold: a joint with a lower score is missing. Scores are heights of the network's maxima and may pass 1.
        network: in place of rtmlib's, for tests and for networks of your own.

    Raises:
        ImportError: rtmlib, or what it needs, is not installed.
        FileNotFoundError: the networks are not here and cannot be fetched.
    """

    def __init__(
        self,
        mode: Mode = "balanced",
        whole_body: bool = False,
        threshold: float = MIN_SCORE,
        network: Solution | None = None,
    ) -> None:
        self.mode, self.whole_body, self.threshold = mode, whole_body, threshold
        self._network = network or _loaded(mode, whole_body)
        self.kernels = "" if network else onnxruntime_kernels()
        """What computes the networks, see `repose.estimate.kernels`; empty for a solution that was given."""

    @property
    def name(self) -> str:
        """Names the network, the version of how it is used, and the settings."""
        return f"rtmpose-1-{'wholebody-' if self.whole_body else ''}{self.mode}-{self.threshold:g}"

    def people(self, image: Image) -> list[Detection]:
        """Everybody in a picture, uint8 (H, W, 3), the largest first; empty where there is nobody."""
        picture = np.ascontiguousarray(image[..., ::-1])
        boxes = np.zeros((0, 4))
        with contextlib.suppress(UnboundLocalError):  # rtmlib 0.0.13 raises it where some detectors find nothing
            boxes = np.asarray(self._network.det_model(picture), np.float64).reshape(-1, 4)
        if not len(boxes):
            return []
        pairs = zip(self._points(picture, boxes), boxes, strict=True)
        people = [_detection(points, box, self.threshold, image.shape[:2]) for points, box in pairs]
        located = [person for person in people if bool((person.keypoints[:, 2] > 0).any())]
        return sorted(located, key=lambda person: -person.area)

    def crops(self, images: Sequence[Image]) -> Tensor:
        """Pictures cropped to one person, each uint8 (H, W, 3) -> float32 (N, 18, 3), each in its own pixels."""
        joints = [torch.zeros(0, 18, 3)]
        for image in images:
            height, width = image.shape[:2]
            whole = np.array([[0.0, 0.0, width, height]])
            points = self._points(np.ascontiguousarray(image[..., ::-1]), whole)
            joints.append(_joints(points, self.threshold, (height, width)))
        return torch.cat(joints)

    def _points(self, picture: Image, boxes: npt.NDArray[np.float64]) -> Tensor:
        """What the network says of the people in boxes (N, 4): float32 (N, 17, 3), x, y, score."""
        keypoints, scores = self._network.pose_model(picture, bboxes=boxes)
        keypoints, scores = np.asarray(keypoints), np.asarray(scores)
        count = keypoints.shape[1] if keypoints.ndim == 3 else 0
        if keypoints.shape != (len(boxes), count, 2) or scores.shape != (len(boxes), count):
            raise ValueError(
                f"rtmlib gave keypoints {keypoints.shape} and scores {scores.shape} for {len(boxes)} people"
            )
        if count not in (_BODY, WHOLE_BODY):
            raise ValueError(
                f"the network gives {count} keypoints a person, not COCO's {_BODY} or COCO-WholeBody's {WHOLE_BODY}"
            )
        points = np.concatenate([keypoints, scores[..., None]], -1)[:, :_BODY]
        return torch.from_numpy(points.astype(np.float32))


# -- inside ---------------------------------------------------------------------------------------------------------


def _loaded(mode: Mode, whole_body: bool) -> Solution:
    try:
        import rtmlib
    except ImportError as error:
        raise ImportError(
            f"RTMPose runs on rtmlib, which cannot be imported ({error}): {how_to_install('rtmpose')}"
        ) from error
    kind = rtmlib.Wholebody if whole_body else rtmlib.Body
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it prints the names of its files
            network: Solution = kind(mode=mode, backend="onnxruntime", device="cpu")
    except OSError as error:
        raise FileNotFoundError(
            f"the networks of RTMPose ({mode}) are not here, and rtmlib cannot fetch them from OpenMMLab ({error}). "
            "Run it once where there is a network, and copy the folder ~/.cache/rtmlib; or use --pose movenet"
        ) from error
    return network


def _joints(points: Tensor, threshold: float, size: tuple[int, int]) -> Tensor:
    """(N, 17, 3) with scores -> (N, 18, 3); joints outside the picture (H, W) are missing."""
    joints = from_skeleton(points, "coco17", threshold=threshold)
    x, y = joints[..., 0], joints[..., 1]
    inside = (x > -0.5) & (y > -0.5) & (x < size[1] - 0.5) & (y < size[0] - 0.5)
    return joints * inside[..., None]


def _detection(points: Tensor, box: npt.NDArray[np.float64], threshold: float, size: tuple[int, int]) -> Detection:
    keypoints = _joints(points[None], threshold, size)[0]
    scores = points[points[:, 2] >= threshold, 2]
    score = float(scores.mean().clamp(0, 1)) if len(scores) else 0.0
    left, top, right, bottom = (float(side) for side in box)
    return Detection(keypoints, (left, top, right, bottom), score)


__all__ = ["WHOLE_BODY", "RTMPose"]
