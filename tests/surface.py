"""Drawn people with DensePose's part, u and v: a capsule for every limb, and the store of a few of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repose.data import Store, StoreWriter

BONES = (
    (2, 1, (8, 11), 0.16),  # torso, front: from the neck to the middle of the hips
    (9, 8, (9,), 0.07), (13, 9, (10,), 0.05), (10, 11, (12,), 0.07), (14, 12, (13,), 0.05),  # legs, right and left
    (16, 2, (3,), 0.05), (20, 3, (4,), 0.04), (15, 5, (6,), 0.05), (19, 6, (7,), 0.04),  # arms
    (23, 1, (0,), 0.08),  # head
)  # fmt: skip
"""Part, joint where it begins, joints between which it ends, half its width as a share of the body's height."""


def iuv(keypoints: NDArray[np.float32], height: int, width: int) -> NDArray[np.uint8]:
    """Joints (18, 3) -> part, u and v times 255, uint8 (H, W, 3); what a missing joint begins or ends is left out."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    drawn = np.zeros((height, width, 3), np.uint8)
    located = keypoints[keypoints[:, 2] > 0]
    tall = float(np.ptp(located[:, 1])) if len(located) else 0.0
    for part, begin, ends, share in BONES:
        if (keypoints[[begin, *ends], 2] == 0).any():
            continue
        a, b = keypoints[begin, :2], keypoints[list(ends), :2].mean(0)
        along, radius = b - a, max(2.0, share * tall)
        length = float(np.hypot(*along)) + 1e-6
        v = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / length**2
        u = ((x - a[0]) * along[1] - (y - a[1]) * along[0]) / length / radius
        inside = (v >= -0.1) & (v <= 1.1) & (np.abs(u) <= 1)
        drawn[inside, 0] = part
        drawn[inside, 1] = np.round(255 * (u[inside] + 1) / 2)
        drawn[inside, 2] = np.round(255 * ((v[inside] + 0.1) / 1.2).clip(0, 1))
    return drawn


def dressed(surface: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """That body in the clothes of a person: a colour for every part, stripes along v; uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    colours = random.integers(40, 216, (25, 3))
    colours[0] = 230
    stripe = 30 * np.sign(np.sin(surface[..., 2:] / 255 * 12 + random.uniform(0, 6)))
    picture = colours[surface[..., 0]] + np.where(surface[..., :1] > 0, stripe, 0)
    return picture.clip(0, 255).astype(np.uint8)


def joints(random: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A standing person's joints (18, 3) with arms and legs anywhere."""
    middle, top = width * random.uniform(0.45, 0.55), height * 0.08
    unit = height / 10

    def at(dx: float, dy: float) -> list[float]:
        return [float(np.clip(middle + dx * unit, 1, width - 2)), float(np.clip(top + dy * unit, 1, height - 2)), 1]

    swing = random.uniform(-1, 1, 8)
    points = [at(0, 0.3), at(0, 1.5)]
    for side, k in ((-1.0, 0), (1.0, 2)):
        points += [at(side, 1.6), at(1.6 * side + 0.4 * swing[k], 3), at(1.8 * side + swing[k + 1], 4.4)]
    for side, k in ((-0.6, 4), (0.6, 6)):
        points += [at(side, 4.6), at(side + 0.4 * swing[k], 6.6), at(side + 0.6 * swing[k + 1], 8.6)]
    points += [at(-0.2, 0.1), at(0.2, 0.1), at(-0.4, 0.2), at(0.4, 0.2)]
    return np.array(points, np.float32)


def store(folder: Path, people: int = 3, views: int = 3, height: int = 32, width: int = 16) -> Store:
    """People in several pictures each, with joints and IUV, all in the split train."""
    random = np.random.default_rng(0)
    with StoreWriter(folder, height, width, "surfaces", licence="none") as writer:
        for person in range(people):
            for view in range(views):
                keypoints = joints(random, height, width)
                surface = iuv(keypoints, height, width)
                image = dressed(surface, person)
                writer.add(f"{person}_{view}", str(person), image, keypoints, iuv=surface, split="train")
    return Store.open(folder)
