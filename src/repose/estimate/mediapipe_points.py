"""MediaPipe's networks for the points of hands and feet: palms, 21 points of a hand, and BlazePose's heels and toes.

The person's own joints say where to look, and which hand or foot is left. The palm detector's boxes are decoded as in
MediaPipe's `palm_detection_cpu` (anchors of SSD), and a hand's square is laid as in `palm_detection_detection_to_roi`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.estimate.base import Image
from repose.estimate.kernels import kernels_of
from repose.estimate.tflite import load_outputs
from repose.estimate.turned_squares import TurnedSquare
from repose.hub.files import FILES
from repose.person import EXTRA_POINTS, FOOT_POINTS, HAND_POINTS, JOINTS
from repose.represent.retarget import person_size

Floats = npt.NDArray[np.float32]

Network = Callable[[Floats], list[Floats]]
"""float32 (1, side, side, 3) in [0, 1] -> the network's outputs."""

PALM, HAND, BODY = "palm_detection_full.tflite", "hand_landmark_full.tflite", "pose_landmark_full.tflite"

_PALM_SIDE: Final = 192
_HAND_SIDE: Final = 224
_BODY_SIDE: Final = 256
_TRUST: Final = 0.5
"""A hand, a palm or a body with a lower score is missing."""

_LOOK: Final = 0.45
"""The side of the square in which a palm is looked for, in units of trunk + thigh + shin."""

_NEAR: Final = 0.12
"""A hand's wrist is no further from the joint, the same unit."""

_FOREARM: Final = 0.19
"""The length of a forearm, about; a hand is three quarters of it. The same unit."""

_SMALLEST: Final = 16.0
"""Pixels of a hand's length by the size of the person, at least: of a smaller one the network invents the fingers."""

_PALM_SCALE, _PALM_SHIFT = 2.6, 0.5  # of the hand's square, MediaPipe's numbers
_BODY_SCALE: Final = 1.25  # MediaPipe's number
_BEYOND: Final = 1.15  # crown and soles are so much further from the hips than the joints are

_HEELS: Final = (29, 30)  # BlazePose's left and right
_TOES: Final = (31, 32)
_ANKLES: Final = (27, 28)


@dataclass(frozen=True)
class Networks:
    """The three, see `Network`.

    Attributes:
        palm: 192 -> boxes (1, 2016, 18), scores (1, 2016, 1), logits.
        hand: 224 -> points (1, 63) in its pixels, trust (1, 1) in [0, 1].
        body: 256 -> points (1, 195) in its pixels: x, y, z, visibility and presence, logits; trust (1, 1) in [0, 1].
    """

    palm: Network
    hand: Network
    body: Network


def load_networks(threads: int = 1) -> Networks:
    """The published ones. ImportError and FileNotFoundError as of `MediaPipePoints`."""

    def load(name: str, side: int, gives: list[tuple[int, ...]], what: str) -> Network:
        return load_outputs(FILES[name], (1, side, side, 3), gives, f"MediaPipe's {what}", threads)

    return Networks(
        load(PALM, _PALM_SIDE, [(1, 2016, 18), (1, 2016, 1)], "palm detection"),
        load(HAND, _HAND_SIDE, [(1, 63), (1, 1)], "hand landmarks"),
        load(BODY, _BODY_SIDE, [(1, 195), (1, 1)], "pose landmarks"),
    )


class MediaPipePoints:
    """`Person.extra_keypoints` by MediaPipe's networks, through `ai-edge-litert` (the extra `estimate`).

    A hand is looked for where its wrist is located, a foot where its ankle is. Of the feet big toe and heel are
    estimated; the networks know no small toe, so it is missing. A hand with a trust below 0.5 is missing, and so is one
    of a person so small that it has fewer than 16 pixels.

    Args:
        networks: None takes the published ones.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
        FileNotFoundError: a file is not here and cannot be fetched.
    """

    def __init__(self, networks: Networks | None = None) -> None:
        self._networks = networks or load_networks()

    @property
    def name(self) -> str:
        """Names the networks and the version of how they are used."""
        return "mediapipe-hands-full-feet-full-1"

    @property
    def kernels(self) -> str:
        """What computes the networks, see `repose.estimate.kernels`; empty for one that was given."""
        return kernels_of(self._networks.palm, self._networks.hand, self._networks.body)

    def extra_keypoints(self, image: Image, keypoints: Tensor) -> Tensor:
        """A photograph, uint8 (H, W, 3), and a person's joints (18, 3) -> float32 (48, 3), as `Person.extra_keypoints`.

        visible is 1 for what is seen, 0.5 for a heel or toe that BlazePose takes for hidden, 0 for what is missing.
        """
        height, width = image.shape[:2]
        points = keypoints.detach().double().cpu().numpy()
        out = np.zeros((len(EXTRA_POINTS), 3))
        size = float(person_size(keypoints.float().cpu()))
        if (points[:, 2] > 0).any():
            out[: len(FOOT_POINTS)] = self._feet(image, points, size)
            hands = [self._hand(image, points, side, size) for side in ("left", "right")]
            _drop_double(hands, points, size)
            out[len(FOOT_POINTS) :] = np.concatenate(hands)
        x, y = out[:, 0], out[:, 1]
        inside = (x >= -0.5) & (x < width - 0.5) & (y >= -0.5) & (y < height - 0.5)
        out[~inside | (out[:, 2] == 0)] = 0
        return torch.from_numpy(out.astype(np.float32))

    def _feet(self, image: Image, points: Any, size: float) -> Any:
        """(6, 3): big toe, small toe and heel of the left foot, then of the right one."""
        out = np.zeros((len(FOOT_POINTS), 3))
        wanted = [JOINTS.index(f"{side}_ankle") for side in ("left", "right")]
        if not (points[wanted, 2] > 0).any():
            return out
        square = body_square(points)
        given, trust = self._networks.body(_input(square.cut(image, _BODY_SIDE)))
        if float(trust.item()) < _TRUST:
            return out
        seen = given.reshape(39, 5)
        places = square.place(seen[:, :2] / _BODY_SIDE)
        away = np.array([[np.hypot(*(places[k] - points[joint, :2])) for k in _ANKLES] for joint in wanted])
        away[points[wanted, 2] == 0] = 0
        crossed = away[0, 1] + away[1, 0] < away[0, 0] + away[1, 1]  # the network has left and right exchanged
        for side in (0, 1):
            own = 1 - side if crossed else side
            if points[wanted[side], 2] == 0 or away[side, own] > _NEAR * size:
                continue
            for at, landmark in ((0, _TOES[own]), (2, _HEELS[own])):
                visibility, presence = 1 / (1 + np.exp(-seen[landmark, 3:5].astype(np.float64)))
                if presence >= _TRUST:
                    out[3 * side + at] = *places[landmark], 1.0 if visibility >= 0.5 else 0.5
        return out

    def _hand(self, image: Image, points: Any, side: str, size: float) -> Any:
        """(21, 3) of the hand at a wrist; zeros where none is seen."""
        out = np.zeros((len(HAND_POINTS), 3))
        wrist, elbow = (points[JOINTS.index(f"{side}_{name}")] for name in ("wrist", "elbow"))
        if wrist[2] == 0 or 0.75 * _FOREARM * size < _SMALLEST:
            return out
        along = wrist[:2] - elbow[:2] if elbow[2] > 0 else np.array([0.0, 1.0])
        along = along / max(float(np.hypot(*along)), 1e-6)
        squares = [forearm_square(wrist[:2], along, size)]
        x, y = wrist[:2] + 0.5 + 0.4 * _FOREARM * size * along
        look = TurnedSquare(float(x), float(y), _LOOK * size)
        boxes, scores = self._networks.palm(_input(look.cut(image, _PALM_SIDE)))
        palm = nearest_palm(boxes, scores, look, wrist[:2], _NEAR * size)
        if palm is not None:
            squares.insert(0, palm)
        for square in squares:
            given, trust = self._networks.hand(_input(square.cut(image, _HAND_SIDE)))
            places = square.place(given.reshape(21, 3)[:, :2] / _HAND_SIDE)
            if float(trust.item()) >= _TRUST and np.hypot(*(places[0] - wrist[:2])) <= _NEAR * size:
                out[:, :2], out[:, 2] = places, 1
                return out
        return out


def body_square(points: Any) -> TurnedSquare:
    """BlazePose's square for joints (18, 3): around the hips, the trunk upright, everybody in it."""
    there = points[:, 2] > 0
    hips, shoulders = ([JOINTS.index(f"{side}_{name}") for side in ("left", "right")] for name in ("hip", "shoulder"))
    located = points[there, :2]
    if not there[hips].all():
        low, high = located.min(0), located.max(0)
        centre, angle = (low + high) / 2, 0.0
    else:
        centre, angle = points[hips, :2].mean(0), 0.0
        if there[shoulders].all():
            up = points[shoulders, :2].mean(0) - centre
            angle = math.atan2(float(up[0]), float(-up[1]))
    radius = max(float(np.hypot(*(located - centre).T).max()) * _BEYOND, 1.0)
    return TurnedSquare(float(centre[0]) + 0.5, float(centre[1]) + 0.5, 2 * radius * _BODY_SCALE, angle)


def forearm_square(wrist: Any, along: Any, size: float) -> TurnedSquare:
    """A hand's square by the forearm alone: fingers up, along the forearm, from wrist (x, y) on."""
    hand = 0.75 * _FOREARM * size
    x, y = wrist + 0.5 + 0.5 * hand * along
    return TurnedSquare(float(x), float(y), 2 * hand, math.atan2(float(along[0]), float(-along[1])))


def palm_anchors() -> Floats:
    """(2016, 2): the centres of the palm detector's anchors, shares of the square: 24x24 by 2, then 12x12 by 6."""
    parts = []
    for cells, times in ((24, 2), (12, 6)):
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / cells
        parts.append(np.repeat(centres, times, axis=0))
    return np.concatenate(parts).astype(np.float32)


def nearest_palm(boxes: Floats, scores: Floats, look: TurnedSquare, wrist: Any, most: float) -> TurnedSquare | None:
    """The square of the hand whose palm was detected nearest to a wrist.

    Args:
        boxes: (1, 2016, 18): centre, width, height, and 7 points, pixels of the square from the anchor's centre.
        scores: (1, 2016, 1), logits. look: the square in which the palm was looked for.
        wrist: (2,) the joint. most: pixels that the palm's wrist may be away from it.

    Returns:
        None if there is no such palm with a score of at least 0.5.
    """
    likely = np.flatnonzero(scores[0, :, 0] >= math.log(_TRUST / (1 - _TRUST)))
    if not len(likely):
        return None
    raw = boxes[0, likely].astype(np.float64) / _PALM_SIDE
    anchors = palm_anchors()[likely]
    centre, extent = raw[:, :2] + anchors, raw[:, 2:4]
    own = raw[:, 4:].reshape(-1, 7, 2) + anchors[:, None]
    wrists = look.place(own[:, 0])
    away = np.hypot(*(wrists - wrist).T)
    best = min(range(len(likely)), key=lambda k: (away[k] > most, -scores[0, likely[k], 0]))
    if away[best] > most:
        return None
    (x, y), (middle_x, middle_y) = look.place(own[best, [0, 2]])
    angle = math.atan2(middle_x - x, y - middle_y)  # from the wrist to the middle finger is up
    side = float(extent[best].max()) * look.side
    centre_x, centre_y = look.place(centre[best : best + 1])[0]
    shift = _PALM_SHIFT * float(extent[best, 1]) * look.side
    x, y = centre_x + 0.5 + shift * math.sin(angle), centre_y + 0.5 - shift * math.cos(angle)
    return TurnedSquare(x, y, _PALM_SCALE * side, angle)


# -- inside -----------------------------------------------------------------------------------------------------------


def _input(pixels: Image) -> Floats:
    return (pixels.astype(np.float32) / np.float32(255))[None]


def _drop_double(hands: list[Any], points: Any, size: float) -> None:
    """Where both wrists have found one hand, the further wrist loses it."""
    left, right = hands
    if not (left[0, 2] and right[0, 2]):
        return
    if float(np.hypot(*(left[:, :2] - right[:, :2]).T).mean()) > 0.03 * size:
        return
    wrists = [points[JOINTS.index(f"{side}_wrist"), :2] for side in ("left", "right")]
    away = [float(np.hypot(*(hand[0, :2] - wrist))) for hand, wrist in zip(hands, wrists, strict=True)]
    hands[int(away[0] <= away[1])][:] = 0


__all__ = ["MediaPipePoints", "Networks", "body_square", "forearm_square", "load_networks", "nearest_palm"]
