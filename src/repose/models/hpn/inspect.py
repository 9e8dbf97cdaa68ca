"""What HPN looks at, as pictures: the windows of its local descriptors, every level's picture, the pose it is given."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from repose.draw.panels import Panel, Pixels, enlargement, grid, heat, picture
from repose.models.hpn.network import HPN
from repose.person import JOINTS, Person
from repose.represent.descriptors import corners, crops, descriptors, window

_COUNTS: Final = (18, 31, 44)
_JOINT, _BETWEEN, _WINDOW = (40, 90, 255), (255, 220, 0), (60, 200, 80)  # the colours of the paper's Figure 3
_SHOWN: Final = {
    0: "face", 1: "neck", 18 + 6: "chest", 18 + 13 + 6: "belly", 4: "right wrist", 7: "left wrist",
    9: "right knee", 12: "left knee", 10: "right ankle", 13: "left ankle",
}  # fmt: skip
"""Descriptors whose windows are shown large; the two of the trunk lie on the bone from the neck to the right hip."""


def panels(generator: HPN, source: Person, target: Person) -> list[Panel]:
    """The windows on the body, the windows large, the pictures of the levels, and the pose maps.

    Args:
        generator: in eval mode. source, target: batches of one on its canvas; the joints of the source and the
            picture of the target are shown where they are there.

    Raises:
        ValueError: what `forward` raises.
    """
    generated = generator(source, target).image
    inputs = generator.encode(source, target)
    return [
        _coverage(target, generated),
        _windows(source, target, generated),
        _levels(generator, inputs, generated),
        _pose(inputs[1], generated),
    ]


def _coverage(target: Person, generated: Tensor) -> Panel:
    """Figure 3, left: how much of the body 18, 31 and 44 windows cover."""
    assert target.keypoints is not None
    shown = generated if target.image is None else target.image
    row: list[Pixels | None] = [_boxed(shown, target.keypoints, count) for count in _COUNTS]
    caption = (
        "The windows of the local descriptors: blue dots are joints, yellow dots lie between them, a green square is a "
        "window. Training compares the generated with the real picture in each of them; a missing joint has none."
    )
    return Panel("descriptors", caption, grid([row], [f"{count} descriptors" for count in _COUNTS]))


def _windows(source: Person, target: Person, generated: Tensor) -> Panel:
    """Figure 3, right, and the zoomed parts of Figure 5."""
    assert source.image is not None
    assert target.keypoints is not None
    shown = {"source": (source.image, source.keypoints), "generated": (generated, target.keypoints)}
    if target.image is not None:
        shown["target"] = (target.image, target.keypoints)
    height, width = generated.shape[-2:]
    rows: list[list[Pixels | None]] = []
    for image, keypoints in shown.values():
        if keypoints is None:
            rows.append([])
            continue
        centres, present = descriptors(keypoints, height, width, _COUNTS[-1])
        cut = crops(image, centres, window(height, width))[0]
        rows.append([picture(_large(cut[k])) if present[0, k] else None for k in _SHOWN])
    if not any(cell is not None for row in rows for cell in row):  # no joint is on a picture
        rows = [[picture(image[0])] for image, _ in shown.values()]
    caption = "Windows of an eighth of the picture, large, around joints and points between them, each in its own pose."
    names = list(_SHOWN.values())[: max(map(len, rows))]
    return Panel("windows", caption, grid(rows, names, list(shown)))


def _levels(generator: HPN, inputs: tuple[Tensor, ...], generated: Tensor) -> Panel:
    """Figure 4's levels: what the decoder has at each side."""
    size = generated.shape[-2:]
    pictures = generator.pictures(*inputs)
    row: list[Pixels | None] = []
    names = []
    for image in pictures.values():
        names.append("x".join(map(str, image.shape[-2:])))
        row.append(picture(F.interpolate(image, size, mode="nearest-exact")[0]))
    caption = (
        f"The picture of each level of the decoder; the network has grown to level {generator.level} of 0 to "
        f"{generator.top}. The last one is the result. The others pass through projections as their own levels left "
        "them, which the features below have moved away from since."
    )
    return Panel("levels", caption, grid([row], names, scale=enlargement(size[0])))


def _pose(maps: Tensor, generated: Tensor) -> Panel:
    """Eq. 1: the pose as the decoder reads it."""
    size = (int(generated.shape[-2]), int(generated.shape[-1]))
    cells: list[Pixels | None] = [heat(one, size, 0, 1) for one in maps[0]]
    height, width = maps.shape[-2:]
    caption = (
        f"The target's pose as it enters at the bottleneck, {height}x{width} cells: a Gaussian for each joint, nothing "
        "for a missing one. Nothing else tells the network of the pose."
    )
    names = [name.replace("right_", "r. ").replace("left_", "l. ") for name in JOINTS]
    half = len(cells) // 2
    top, bottom = (grid([cells[at : at + half]], names[at : at + half]) for at in (0, half))
    return Panel("pose", caption, np.concatenate([top, bottom]))


def _boxed(image: Tensor, keypoints: Tensor, count: int) -> Pixels:
    """The picture with the windows and centres of its descriptors drawn over it."""
    height, width = image.shape[-2:]
    scale, side = enlargement(height), window(height, width)
    centres, present = descriptors(keypoints, height, width, count)
    corner = corners(centres, height, width, side)
    pixels = picture(image[0]).repeat(scale, 0).repeat(scale, 1)
    page = Image.fromarray(pixels)
    draw = ImageDraw.Draw(page)
    there = [int(k) for k in torch.nonzero(present[0])]
    for k in there:
        left, top = (int(v) * scale for v in corner[0, k])
        draw.rectangle((left, top, left + side * scale - 1, top + side * scale - 1), outline=_WINDOW)
    reach = max(2, height * scale // 128)
    for k in there:
        x, y = ((float(v) + 0.5) * scale for v in centres[0, k])
        colour = _JOINT if k < len(JOINTS) else _BETWEEN
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour, outline=(0, 0, 0))
    return np.asarray(page)


def _large(image: Tensor) -> Tensor:
    """(3, h, w) -> about 96 pixels high, pixel by pixel."""
    return image.repeat_interleave(factor := max(1, 96 // image.shape[-2]), -2).repeat_interleave(factor, -1)
