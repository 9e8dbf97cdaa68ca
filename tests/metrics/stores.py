"""Small stores of drawn figures, and an estimator that reads their joints from the pixels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from repose.data import Store, StoreWriter

POSE = (
    (30, 20), (30, 32), (22, 34), (18, 50), (16, 64), (40, 34), (44, 50), (46, 64), (25, 66), (24, 90), (23, 112),
    (36, 66), (37, 90), (38, 112), (28, 17), (33, 17), (25, 19), (36, 19),
)  # fmt: skip
"""x, y of the 18 joints of a figure on 64x128."""


def figure(seed: int, height: int = 128, width: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A random picture uint8 (H, W, 3) and a shaken pose float32 (18, 3) with a missing joint."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (height // 8, width // 8, 3))
    image = np.kron(coarse, np.ones((8, 8, 1))) * 0.7 + random.integers(0, 70, (height, width, 3))
    keypoints = np.ones((18, 3), np.float32)
    keypoints[:, :2] = np.array(POSE) + random.integers(-3, 4, (18, 2))
    keypoints[:, 0] += (width - 64) / 2
    keypoints[random.integers(2, 14)] = 0
    return image.astype(np.uint8), keypoints


def fill(folder: Path, count: int = 6, height: int = 128, width: int = 64, split: str = "test") -> Store:
    """`count` pictures of one person, paired in a ring: 0 to 1, 1 to 2 ..."""
    with StoreWriter(folder, height, width, "made") as writer:
        for view in range(count):
            image, keypoints = figure(view, height, width)
            writer.add(f"p_{view}.jpg", "p", image, keypoints, split=split)
        writer.finish({split: [(f"p_{view}.jpg", f"p_{(view + 1) % count}.jpg") for view in range(count)]})
    return Store.open(folder)


class Reader:
    """An estimator for tests: its joints depend on the pixels alone, and it counts what it was asked."""

    name = "reader"

    def __init__(self) -> None:
        self.asked = 0

    def people(self, image: np.ndarray) -> list:
        raise AssertionError("metrics ask for crops")

    def crops(self, images: Sequence[np.ndarray]) -> Tensor:
        self.asked += len(images)
        found = []
        for image in images:
            assert image.dtype == np.uint8
            assert image.flags.c_contiguous
            shift = int(image.astype(np.int64).sum()) % 7 - 3
            keypoints = torch.ones(18, 3)
            keypoints[:, :2] = torch.tensor(POSE) + shift
            keypoints[3 + shift] = 0
            found.append(keypoints)
        return torch.stack(found)
