"""What the workers of the tests do: at the top of a module, so that a new process can import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Doubling:
    """Doubles numbers; raises at one, dies at another, and is slower with even ones."""

    raises_at: int = -1
    dies_at: int = -1
    seconds: float = 0.0

    def __call__(self) -> Callable[[int], int]:
        return self.double

    def double(self, number: int) -> int:
        if number == self.raises_at:
            raise ArithmeticError(f"{number} cannot be doubled")
        if number == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.seconds * (1 - number % 2))
        return 2 * number


class NoStart:
    def __call__(self) -> Callable[[int], int]:
        raise OSError("no renderer here")


@dataclass(frozen=True)
class FakeStart:
    """Pictures without a renderer: every pixel holds the number of the person, modulo 200, plus that of the picture."""

    height: int
    width: int
    dies_at: int = -1

    def __call__(self) -> Callable[[Any], list[Any]]:
        return self.pictures

    def pictures(self, task: Any) -> list[Any]:
        from repose.render.people import Picture

        if task.number == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        pictures = []
        for k in range(task.pictures):
            image = np.full((self.height, self.width, 3), task.number % 200 + k, np.uint8)
            keypoints = np.full((18, 3), 1.0, np.float32)
            labels = {"parsing": image[..., 0] % 20, "mask": np.full_like(image[..., 0], 255)}
            later = {"iuv": image % 25, "depth": np.full(image.shape[:2], 3, np.float16)}
            labels |= {name: value for name, value in later.items() if name in Picture.__dataclass_fields__}
            person = f"p{task.number:06d}"
            pictures.append(Picture(f"{person}_{k:02d}", person, image, keypoints, **labels))
        return pictures
