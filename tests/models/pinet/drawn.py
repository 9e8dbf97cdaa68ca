"""What PINet's tests read: people of noise with labels, and a small store of people of discs whose labels are true."""

from pathlib import Path

import numpy as np
import torch

from repose.data import Store, StoreWriter
from repose.person import LIP_LABELS, Pair, Person
from repose.represent.keypoints import heatmaps


def person(seed: int, batch: int = 2, height: int = 32, width: int = 16) -> Person:
    """Noise, with every LIP label somewhere."""
    random = torch.Generator().manual_seed(seed)
    places = torch.rand(batch, 18, 3, generator=random) * torch.tensor([width - 1, height - 1, 0])
    return Person(
        image=torch.rand(batch, 3, height, width, generator=random) * 2 - 1,
        keypoints=places + torch.tensor([0, 0, 1]),
        parsing=torch.randint(len(LIP_LABELS), (batch, height, width), generator=random),
    )


def pair(seed: int = 0, batch: int = 2, height: int = 32, width: int = 16) -> Pair:
    return Pair(person(2 * seed + 1, batch, height, width), person(2 * seed + 2, batch, height, width))


def store(folder: Path) -> Store:
    """Four people in three pictures of 32x16: a disc at each joint, whose colour and label are those of the joint."""
    random = np.random.default_rng(0)
    labels = random.integers(1, len(LIP_LABELS), 18).astype(np.uint8)
    with StoreWriter(folder, 32, 16, "labelled discs", licence="none") as writer:
        for number in range(4):
            colours = random.integers(0, 256, (18, 3))
            for view in range(3):
                keypoints = np.c_[random.uniform(2, 13, 18), random.uniform(2, 29, 18), np.ones(18)].astype(np.float32)
                maps = heatmaps(torch.from_numpy(keypoints), 32, 16, kind="disc", radius=2.5).numpy()
                nearest, there = maps.argmax(0), maps.max(0) > 0
                image = np.where(there[..., None], colours[nearest], 230).astype(np.uint8)
                parsing = np.where(there, labels[nearest], 0).astype(np.uint8)
                writer.add(f"{number}_{view}", str(number), image, keypoints, parsing=parsing)
    return Store.open(folder)
