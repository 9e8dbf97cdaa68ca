"""People as coloured boxes, and estimators that see them: exact, fast, and unmoved by the losses of a video."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from repose.estimate import ESTIMATORS, Detection

COLOURS = {"red": (230, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 230), "doubtful": (230, 200, 20)}
"""Of people; the last one is seen without certainty, as a tree is."""

SHARES = (
    (0.5, 0.08), (0.5, 0.2), (0.2, 0.2), (0.1, 0.35), (0.05, 0.5), (0.8, 0.2), (0.9, 0.35), (0.95, 0.5), (0.35, 0.55),
    (0.35, 0.75), (0.35, 0.95), (0.65, 0.55), (0.65, 0.75), (0.65, 0.95), (0.45, 0.05), (0.55, 0.05), (0.4, 0.07),
    (0.6, 0.07),
)  # fmt: skip
"""x and y of the 18 joints in the box."""

Box = tuple[int, int, int]
"""left, top and height; the width is 0.4 of it."""


def draw(height: int, width: int, people: dict[str, Box], background: int = 120) -> np.ndarray:
    """uint8 (height, width, 3): boxes on a grey that gets lighter to the right."""
    image = np.repeat((background + 30 * np.arange(width) / width)[None, :, None], 3, axis=2)
    image = np.repeat(image, height, axis=0).astype(np.uint8)
    for colour, (left, top, tall) in people.items():
        image[top : top + tall, left : left + round(0.4 * tall)] = COLOURS[colour]
    return image


def joints(box: Box) -> Tensor:
    """The (18, 3) joints of a box."""
    left, top, tall = box
    points = torch.ones(18, 3)
    points[:, :2] = torch.tensor(SHARES) * torch.tensor([0.4 * tall, tall]) + torch.tensor([left, top]) - 0.5
    return points


def save(path: Path, people: dict[str, Box], size: tuple[int, int] = (240, 320)) -> None:
    """A PNG or JPEG file of these people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(draw(*size, people)).save(path)


def save_video(path: Path, frames: Sequence[np.ndarray], rate: int = 25) -> None:
    """An mp4 file; skips where PyAV is not installed."""
    av = pytest.importorskip("av")
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.bit_rate = "yuv420p", 8_000_000
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())


def _of_colour(image: np.ndarray, colour: str) -> np.ndarray:
    return (np.abs(image.astype(int) - COLOURS[colour]) < 60).all(-1)


class Markers:
    """Sees the coloured boxes, and counts the pictures that it was asked about."""

    name = "markers-1"
    asked = 0

    def people(self, image: np.ndarray) -> list[Detection]:
        Markers.asked += 1
        found = []
        for colour in COLOURS:
            rows, columns = np.nonzero(_of_colour(image, colour))
            if len(rows) > 200:
                left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
                score = 0.3 if colour == "doubtful" else 0.9
                box = (float(left), float(top), float(right), float(bottom))
                found.append(Detection(joints((int(left), int(top), int(bottom - top))), box, score))
        return sorted(found, key=lambda one: -one.area)

    def crops(self, images: Sequence[np.ndarray]) -> Tensor:
        raise AssertionError("data sets search for people")


class BoxMask:
    """The coloured pixels around the joints."""

    name = "box-mask-1"

    def mask(self, image: np.ndarray, keypoints: Tensor) -> Tensor:
        mask = np.zeros(image.shape[:2], bool)
        for colour in COLOURS:
            mask |= _of_colour(image, colour)
        return torch.from_numpy(mask.astype(np.float32))[None]


def seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    """These estimators are the default ones from now on; undone with the test."""
    Markers.asked = 0
    monkeypatch.setitem(ESTIMATORS, "keypoints", {"movenet": "tests.data.people:Markers"})
    monkeypatch.setitem(ESTIMATORS, "mask", {"person": "tests.data.people:BoxMask"})
