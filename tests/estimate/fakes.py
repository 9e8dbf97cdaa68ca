"""People of coloured dots, and a network that sees them: an exact oracle for everything around the real network."""

from __future__ import annotations

import numpy as np

COCO_X = np.array([50, 62, 38, 78, 22, 70, 30, 78, 22, 82, 18, 64, 36, 66, 34, 68, 32], float)
COCO_Y = np.array([20, 4, 4, 8, 8, 36, 36, 55, 55, 80, 80, 90, 90, 130, 130, 170, 170], float)
"""A person who faces us in a box of 100x180: COCO's order, left joints on the picture's right."""

_PAIR = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]
_LEVELS = 25  # between the codes of colours


def joints(x: float, y: float, height: float) -> np.ndarray:
    """(17, 2) of a person whose box begins at (x, y)."""
    return np.stack([x + COCO_X * height / 180, y + COCO_Y * height / 180], axis=1)


def draw(width: int, height: int, people: list[np.ndarray]) -> np.ndarray:
    """uint8 (height, width, 3): red says which pair of joints, green which person; left and right look alike."""
    image = np.zeros((height, width, 3), np.uint8)
    rows, columns = np.mgrid[:height, :width]
    for person, points in enumerate(people):
        radius = (points[:, 1].max() - points[:, 1].min()) / 28
        for joint, (x, y) in enumerate(points):
            disc = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
            image[disc] = (_LEVELS * (1 + _PAIR[joint]), 60 * (1 + person), 255)
    return image


def network(square: np.ndarray) -> np.ndarray:
    """One person as MoveNet would say it, of whom many joints are seen near the centre.

    Of a pair of joints, the right one is left in the picture.
    """
    best, out = 0.0, np.zeros((17, 3), np.float32)
    for person in range(4):
        seen = np.zeros((17, 3), np.float32)
        mine = (np.abs(square[..., 1].astype(int) - 60 * (1 + person)) < 9) & (square[..., 2] > 245)
        for pair in range(9):
            ys, xs = np.nonzero(mine & (np.abs(square[..., 0].astype(int) - _LEVELS * (1 + pair)) < 4))
            slots = [j for j in range(17) if _PAIR[j] == pair]
            if len(xs) == 0 or (len(slots) == 2 and xs.max() - xs.min() < 2):
                continue
            middle = (xs.min() + xs.max()) / 2
            for joint in slots:
                # of COCO's pairs the left comes first: the picture's right side
                side = np.ones(len(xs), bool) if len(slots) == 1 else (xs > middle) == (joint == slots[0])
                if side.any():
                    seen[joint] = ((ys[side].mean() + 0.5) / 192, (xs[side].mean() + 0.5) / 192, 0.9)
        located = seen[seen[:, 2] > 0]
        if len(located) and (worth := len(located) - 20 * np.abs(located[:, 1].mean() - 0.5)) > best:
            best, out = worth, seen
    return out


FIGURE = (0, 220, 0)
"""The colour that `person_network` takes for a person."""


def figure(width: int, height: int, people: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """People as limbs of one colour on grey: uint8 (height, width, 3), and the mask of each, bool (height, width)."""
    image = np.full((height, width, 3), 90, np.uint8)
    rows, columns = np.mgrid[:height, :width]
    masks = []
    for points in people:
        thick = (points[:, 1].max() - points[:, 1].min()) / 14
        mask = np.zeros((height, width), bool)
        for first, second in _LIMBS:
            (ax, ay), (dx, dy) = points[first], points[second] - points[first]
            along = np.clip(((columns - ax) * dx + (rows - ay) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
            mask |= np.hypot(columns - ax - along * dx, rows - ay - along * dy) <= thick
        image[mask] = FIGURE
        masks.append(mask)
    return image, masks


_LIMBS = [(0, 5), (0, 6), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12), (5, 12), (6, 11), (11, 12)]
_LIMBS += [(11, 13), (13, 15), (12, 14), (14, 16), (0, 3), (0, 4)]


def person_network(square: np.ndarray) -> np.ndarray:
    """float32 (256, 256, 3) in [0, 1] -> (256, 256): how much a pixel has the colour of `FIGURE`."""
    away = np.abs(square - np.array(FIGURE, np.float32) / 255).max(-1)
    return np.clip(1 - away / 0.2, 0, 1).astype(np.float32)


CELL = 16


def body_network(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (H, W, 3) -> logits (H / 16 + 1, W / 16 + 1) from -6 to 6, by how much of the 16 pixels around a cell has
    the green of `FIGURE`, and the scores of 24 parts: 1 for the part whose number is a tenth of the red there.

    As with BodyPix, the first and the last cell lie on the picture's borders.
    """
    assert picture.dtype == np.uint8
    assert picture.shape[0] % CELL == picture.shape[1] % CELL == 0
    height, width = picture.shape[0] // CELL + 1, picture.shape[1] // CELL + 1
    wide = np.pad(picture.astype(np.float32), ((CELL // 2,) * 2, (CELL // 2,) * 2, (0, 0)), mode="edge")
    cells = wide.reshape(height, CELL, width, CELL, 3).mean((1, 3))
    share = np.clip((cells[..., 1] - 90) / (FIGURE[1] - 90), 0, 1)
    part = np.clip(np.rint(cells[..., 0] / 10), 0, 23).astype(int)
    return (12 * share - 6).astype(np.float32), np.eye(24, dtype=np.float32)[part]
