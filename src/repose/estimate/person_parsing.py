"""The parsing of one person: a network of our own on a crop around the joints; the default of "parsing"."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from repose.callers import callers_level
from repose.estimate.base import Image
from repose.estimate.bodypix import BodyParts, BodyPix
from repose.estimate.kernels import kernels_of
from repose.estimate.parsing_network import BODY_CELL, SIZE, ParsingNetwork, load_parser
from repose.files import first_line
from repose.represent.figure import reach
from repose.represent.sampling import sample

ROOM: Final = 1.25
"""Of `repose.represent.figure.reach`: how much of the photograph around the joints the network sees."""

_ROWS: Final = 256  # of the photograph whose labels are written at a time


@dataclass(frozen=True)
class Crop:
    """The rectangle of a photograph that the network sees, in pixels; it may reach beyond the photograph.

    Attributes:
        left, top: its border, where the photograph's border is 0.
        pixel: pixels of the photograph that a pixel of the crop is wide and high.
    """

    left: float
    top: float
    pixel: float


def crop_around(keypoints: Tensor, height: int, width: int, size: tuple[int, int] = SIZE) -> Crop:
    """The crop around a person with these joints, one located at least; (18, 3) on a photograph of (H, W)."""
    top, left, bottom, right = reach(keypoints, height, width, ROOM)
    pixel = max((bottom - top) / size[0], (right - left) / size[1], 1e-3)
    return Crop((left + right - size[1] * pixel) / 2, (top + bottom - size[0] * pixel) / 2, pixel)


def moved_into(keypoints: Tensor, crop: Crop) -> Tensor:
    """Joints (..., 18, 3) of the photograph in pixels of the crop; missing ones stay zeros."""
    places = (keypoints[..., :2] + 0.5 - keypoints.new_tensor([crop.left, crop.top])) / crop.pixel - 0.5
    return torch.cat([places, keypoints[..., 2:]], -1) * (keypoints[..., 2:] > 0)


def body_channels(seen: BodyParts, crop: Crop, cells: tuple[int, int]) -> Tensor:
    """The chances of a person and of the 24 parts on a crop: float32 (25, *cells) in [0, 1], each cell `BODY_CELL` of
    its pixels wide and high; 0 beside BodyPix's rectangle.
    """
    person = torch.sigmoid(torch.from_numpy(seen.person))[None]
    maps = torch.cat([person, person * torch.sigmoid(torch.from_numpy(seen.parts).movedim(-1, 0))])
    top, left, rows, columns = seen.box
    y = crop.top + (torch.arange(cells[0]) + 0.5) * BODY_CELL * crop.pixel
    x = crop.left + (torch.arange(cells[1]) + 0.5) * BODY_CELL * crop.pixel
    # the first and the last cell of BodyPix lie on the rectangle's borders: align_corners
    grid = torch.stack(torch.meshgrid((y - top) / rows * 2 - 1, (x - left) / columns * 2 - 1, indexing="ij")[::-1], -1)
    inside = (grid.abs() <= 1).all(-1)
    return sample(maps[None], grid[None], corners=True)[0] * inside


class PersonParsing:
    """Which of LIP's 20 labels each pixel of a person shows, at the photograph's own resolution.

    The network was trained on rendered people alone. Its card, weights/person-parser/CARD.md, says which labels are
    weak. docs/parsing-files.md gives what was measured with BodyPix and without.

    Args:
        network: None takes the shipped weights.
        bodypix: None takes the published file, and where that cannot be had does without, and `name` does not name it.
            True takes the published file, False does without.

    Warns:
        UserWarning: BodyPix cannot be had; the text says what is missing.

    Raises:
        ImportError: `ai-edge-litert` is not installed, and `bodypix` is True.
        FileNotFoundError: the shipped weights are not here; or BodyPix is not, and `bodypix` is True.
    """

    def __init__(self, network: ParsingNetwork | None = None, bodypix: BodyPix | bool | None = None) -> None:
        self._network = load_parser() if network is None else network
        self._bodypix = (BodyPix() if bodypix is True else bodypix) or None
        if bodypix is None:
            try:
                self._bodypix = BodyPix()
            except (ImportError, FileNotFoundError) as error:
                reason = first_line(error, None)
                warnings.warn(f"the parsing is estimated without BodyPix: {reason}", stacklevel=callers_level())

    @property
    def name(self) -> str:
        """Names the network, its version, and BodyPix if it is asked."""
        return "person-parser-1" + (f"({self._bodypix.name})" if self._bodypix else "")

    @property
    def kernels(self) -> str:
        """What computes BodyPix, see `repose.estimate.kernels`; empty for one that was given."""
        return kernels_of(self._bodypix)

    def parsing(self, image: Image, keypoints: Tensor) -> Tensor:
        """uint8 (H, W, 3) and joints (18, 3) in its pixels -> int64 (H, W), labels of `repose.person.LIP_LABELS`.

        Everything beside the person, other people too, is 0. Where no joint is located all of it is 0.
        """
        height, width = image.shape[:2]
        points = keypoints.detach().float().cpu()
        labels = torch.zeros(height, width, dtype=torch.int64)
        top, left, bottom, right = reach(points, height, width, ROOM)
        if top >= bottom or left >= right:
            return labels
        crop = crop_around(points, height, width)
        logits = self.logits(image, points, crop)
        _write_labels(labels, logits, crop)
        return labels

    def logits(self, image: Image, keypoints: Tensor, crop: Crop) -> Tensor:
        """What the network says of a crop: float32 (20, 128, 96), a cell for two pixels of the crop either way."""
        pixels = torch.from_numpy(cut(image, crop)).movedim(-1, 0).float() / 127.5 - 1
        body = torch.zeros(26, SIZE[0] // BODY_CELL, SIZE[1] // BODY_CELL)
        if self._bodypix:
            seen = self._bodypix.look(image, keypoints)
            body[:-1] = body_channels(seen, crop, (SIZE[0] // BODY_CELL, SIZE[1] // BODY_CELL))
            body[-1] = 1
        with torch.inference_mode():
            given = pixels[None].contiguous(memory_format=torch.channels_last)
            out: Tensor = self._network(given, moved_into(keypoints, crop)[None], body[None])[0]
        return out.float()


def cut(image: Image, crop: Crop) -> Image:
    """The crop as the network sees it, uint8 (256, 192, 3); grey beyond the photograph."""
    height, width = image.shape[:2]
    rows, columns = SIZE
    # whole pixels of the crop that lie in the photograph
    x0, y0 = (max(0, math.ceil(-side / crop.pixel - 1e-6)) for side in (crop.left, crop.top))
    x1 = min(columns, math.floor((width - crop.left) / crop.pixel + 1e-6))
    y1 = min(rows, math.floor((height - crop.top) / crop.pixel + 1e-6))
    out = np.full((rows, columns, 3), 128, np.uint8)
    if x1 <= x0 or y1 <= y0:
        return out
    box = (
        max(0.0, crop.left + x0 * crop.pixel), max(0.0, crop.top + y0 * crop.pixel),
        min(float(width), crop.left + x1 * crop.pixel), min(float(height), crop.top + y1 * crop.pixel),
    )  # fmt: skip
    part = PIL.Image.fromarray(image).resize((x1 - x0, y1 - y0), PIL.Image.Resampling.BILINEAR, box, reducing_gap=2)
    out[y0:y1, x0:x1] = np.asarray(part)
    return out


# -- inside ---------------------------------------------------------------------------------------------------------


def _write_labels(labels: Tensor, logits: Tensor, crop: Crop) -> None:
    """The likeliest label of every pixel of the photograph that lies in the crop, in place."""
    height, width = labels.shape
    rows, columns = (side * 2 * crop.pixel for side in logits.shape[-2:])  # of the crop, in pixels of the photograph
    y0, y1 = max(0, math.ceil(crop.top - 0.5)), min(height, math.floor(crop.top + rows - 0.5) + 1)
    x0, x1 = max(0, math.ceil(crop.left - 0.5)), min(width, math.floor(crop.left + columns - 0.5) + 1)
    x = (torch.arange(x0, x1) + 0.5 - crop.left) / columns * 2 - 1
    for start in range(y0, y1, _ROWS):  # 20 maps of a large photograph at a time would not fit
        end = min(y1, start + _ROWS)
        y = (torch.arange(start, end) + 0.5 - crop.top) / rows * 2 - 1
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)
        scores = sample(logits[None], grid[None])[0]
        labels[start:end, x0:x1] = scores.argmax(0)


__all__ = ["ROOM", "Crop", "PersonParsing", "body_channels", "crop_around", "cut", "moved_into"]
