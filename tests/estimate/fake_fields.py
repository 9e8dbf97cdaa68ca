"""Estimators of every field that see a figure of one colour, quickly and exactly; some of them end their process."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from repose.estimate.base import Detection, Image
from repose.represent.keypoints import from_skeleton
from tests.estimate import fakes

PATH = "tests.estimate.fake_fields:"
USING = {"keypoints": f"{PATH}Joints", "mask": f"{PATH}Mask", "parsing": f"{PATH}Parsing", "iuv": f"{PATH}Surface"}
FIELDS = tuple(USING)


def words(*fields: str) -> list[str]:
    """The options of `repose estimate` that take these estimators."""
    using = ",".join(f"{name}={USING[name]}" for name in fields)
    return ["--fields", ",".join(fields), "--estimators", using]


BANDS = ((0.0, 13), (0.14, 5), (0.46, 9), (0.75, 16), (0.9, 18))
"""Share of the figure's height from which a label of LIP begins: face, upper clothes, pants, left leg, left shoe."""

DEADLY = (255, 0, 0)
"""The colour of the first pixel of a photograph that ends the process."""


def photograph(path: Path, x: float = 20, deadly: bool = False, people: int = 1) -> Path:
    """A figure on grey, 100x160 pixels, as a file; without people a plain grey one."""
    image, _ = fakes.figure(100, 160, [fakes.joints(x, 8, 140)] * people)
    image[0, 0] = DEADLY if deadly else image[0, 1]
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(image).save(path)
    return path


def seen(image: Image) -> np.ndarray:
    """Where the figure is, bool (H, W)."""
    return np.asarray((image == np.array(fakes.FIGURE, np.uint8)).all(-1))


class Joints:
    name = "fake-joints-1"

    def people(self, image: Image) -> list[Detection]:
        rows, columns = np.nonzero(seen(image))
        if not len(rows):
            return []
        box = (float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max()))
        points = fakes.joints(box[0], box[1], box[3] - box[1])
        scored = torch.from_numpy(np.concatenate([points, np.ones((17, 1))], 1))
        return [Detection(from_skeleton(scored, "coco17"), box, 0.9)]

    def crops(self, images: Sequence[Image]) -> Tensor:
        return torch.stack([self.people(image)[0].keypoints for image in images])


class Mask:
    name = "fake-mask-1"

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        soft = torch.from_numpy(seen(image)).float()[None]
        return (soft * 200).round() / 255


class OtherMask(Mask):
    name = "fake-mask-2"

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        return 1 - super().mask(image, keypoints)


class Parsing:
    name = "fake-parsing-1"

    def parsing(self, image: Image, keypoints: Tensor) -> Tensor:
        figure = torch.from_numpy(seen(image))
        rows = figure.any(1).nonzero()[:, 0]
        top, tall = int(rows[0]), int(rows[-1] - rows[0]) + 1
        labels = torch.zeros(figure.shape, dtype=torch.int64)
        for begin, label in BANDS:
            labels[top + round(begin * tall) :] = label
        half = torch.arange(figure.shape[1]) < float(keypoints[8, 0] + keypoints[11, 0]) / 2
        labels[(labels > 13) & half] += 1  # the right leg and shoe, on the left of the picture
        return labels * figure


def labels(path: Path) -> Tensor:
    """The labels of a photograph of `photograph`, int64 (H, W)."""
    image = np.array(PIL.Image.open(path))
    return Parsing().parsing(image, Joints().people(image)[0].keypoints)


class Surface:
    name = "fake-iuv-1"

    def iuv(self, image: Image, keypoints: Tensor) -> Tensor:
        figure = torch.from_numpy(seen(image)).float()
        height, width = figure.shape
        part = torch.where(torch.arange(height)[:, None] < height // 2, 2.0, 9.0).expand(height, width)
        u = torch.arange(width)[None].expand(height, width) / (width - 1)
        v = torch.arange(height)[:, None].expand(height, width) / (height - 1)
        return torch.stack([part, (u * 255).round() / 255, (v * 255).round() / 255]) * figure


class DiesOnce(Parsing):
    """Its process is killed in the middle of the first deadly photograph, once."""

    def parsing(self, image: Image, keypoints: Tensor) -> Tensor:
        mark = Path(os.environ["FAKE_DEATHS"])
        if tuple(image[0, 0]) == DEADLY and not mark.exists():
            mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().parsing(image, keypoints)


class Dies(Parsing):
    """Its process is killed in the middle of each deadly photograph."""

    def parsing(self, image: Image, keypoints: Tensor) -> Tensor:
        if tuple(image[0, 0]) == DEADLY:
            with Path(os.environ["FAKE_DEATHS"]).open("a") as file:
                file.write(f"{os.getpid()}\n")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().parsing(image, keypoints)
