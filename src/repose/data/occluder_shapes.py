"""Shapes that stand before a person (`occluders.py`): ball, box, pole and bag, with their colours and shade."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from repose.data.draws import Numbers
from repose.person import JOINTS

Array = npt.NDArray[np.float32]
Window = tuple[slice, slice]

_HELD: Final = [number for number, name in enumerate(JOINTS) if name.endswith(("hip", "wrist"))]
_NECK: Final = JOINTS.index("neck")
_BORDER: Final = (1.0, 2.0)
"""Width in pixels of the ramp at a thing's border, least and most."""


@dataclass(frozen=True)
class Place:
    """Where the person is.

    Attributes:
        top, left, bottom, right: the box around the person, pixels; the last row and column are beyond it.
        person: float (H, W), 1 on the person; None where only the box is known.
        joints: (18, 3), or None.
        size: (H, W).
    """

    top: int
    left: int
    bottom: int
    right: int
    person: Array | None
    joints: Array | None
    size: tuple[int, int]

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def area(self) -> int:
        return self.height * self.width


@dataclass(frozen=True)
class Thing:
    """Something in a picture.

    Attributes:
        window: rows and columns of the picture.
        alpha: (h, w) how much of each pixel it covers.
        image: (3, h, w) in [-1, 1].
        shade: (h, w) factor on what is behind it, or None.
    """

    window: Window
    alpha: Array
    image: Array
    shade: Array | None = None


def covered(thing: Thing, place: Place) -> float:
    """Pixels of the box around the person that a thing covers."""
    rows, columns = thing.window
    top, left = max(place.top - rows.start, 0), max(place.left - columns.start, 0)
    part = thing.alpha[top : max(place.bottom - rows.start, 0), left : max(place.right - columns.start, 0)]
    return float(part.sum())


def _on_person(place: Place, numbers: Numbers) -> tuple[float, float]:
    """x and y of a pixel of the person, of all rows alike; without a silhouette, of the box."""
    row, across = place.top + numbers.below(place.height), numbers.uniform()
    columns = np.arange(place.left, place.right) if place.person is None else np.flatnonzero(place.person[row] > 0.5)
    if not len(columns):  # a row between two parts
        columns = np.arange(place.left, place.right)
    return float(columns[int(across * len(columns))]), float(row)


def ball(place: Place, area: float, numbers: Numbers) -> Thing:
    """A disc or an ellipse."""
    aspect = 1.0 if numbers.uniform() < 0.5 else math.exp(numbers.uniform(-0.6, 0.6))
    radius = math.sqrt(area / math.pi)
    a, b = max(radius * aspect**0.5, 1.5), max(radius / aspect**0.5, 1.5)

    def distance(x: Array, y: Array) -> Array:
        near = np.sqrt((x / a) ** 2 + (y / b) ** 2)
        slope = np.sqrt((x / a**2) ** 2 + (y / b**2) ** 2)
        # to first order; the small numbers keep the very centre, 0 / 0, inside
        signed: Array = (near - 1) * (near + 1e-6) / (slope + 1e-6 / min(a, b))
        return signed

    return _shape(place, _on_person(place, numbers), numbers.uniform(0, math.pi), (a, b), distance, numbers)


def box(place: Place, area: float, numbers: Numbers) -> Thing:
    """A rounded rectangle, mostly nearly upright: boxes, benches, signs."""
    aspect = math.exp(numbers.uniform(-1.4, 1.4))
    half = max(math.sqrt(area * aspect) / 2, 1.5), max(math.sqrt(area / aspect) / 2, 1.5)
    angle = numbers.uniform(-0.1, 0.1) if numbers.uniform() < 0.6 else numbers.uniform(0, math.pi)
    distance = _rounded(*half, numbers.uniform(0, 0.5) * min(half))
    return _shape(place, _on_person(place, numbers), angle, half, distance, numbers)


def pole(place: Place, area: float, numbers: Numbers) -> Thing:
    """A bar right through the picture: mostly upright, else level or aslant."""
    kind = numbers.uniform()
    lean = numbers.uniform(-0.08, 0.08)
    angle = math.pi / 2 + lean if kind < 0.5 else lean if kind < 0.8 else numbers.uniform(0, math.pi)
    length = math.hypot(*place.size)
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    through = min(place.width / max(cos, 1e-6), place.height / max(sin, 1e-6))  # its length inside the box
    half = min(max(area / through / 2, 1.0), 0.15 * place.size[1])
    return _shape(place, _on_person(place, numbers), angle, (length, half), _rounded(length, half, 0.0), numbers)


def bag(place: Place, area: float, numbers: Numbers) -> Thing:
    """A rounded bag beside a hip or a hand, wider below, in half of the cases on a strap from the neck."""
    area = min(area, 0.08 * place.area)
    aspect = math.exp(numbers.uniform(-0.5, 0.3))  # height by width
    w, h = max(math.sqrt(area / aspect) / 2, 2.0), max(math.sqrt(area * aspect) / 2, 2.0)
    held = [] if place.joints is None else [place.joints[joint] for joint in _HELD if place.joints[joint, 2] > 0]
    aside, strapped = w * numbers.uniform(0, 1.0) * numbers.side(), numbers.uniform() < 0.5
    if held:
        x, y, _ = held[numbers.below(len(held))].tolist()
        centre = (x + aside, y + 0.7 * h)
    else:
        centre = _on_person(place, numbers)
    wider, angle = numbers.uniform(0, 0.25), numbers.uniform(-0.15, 0.15)
    body = _rounded(w, h, numbers.uniform(0.1, 0.6) * min(w, h))
    reach = (w * (1 + wider), h)
    distance: Callable[[Array, Array], Array] = lambda x, y: body(x / (1 + wider * np.clip(y / h, -1, 1)), y)  # noqa: E731
    if place.joints is not None and place.joints[_NECK, 2] > 0 and strapped:
        # to the neck, in the bag's own directions: x along `angle`, y across
        dx, dy = (float(place.joints[_NECK, axis]) - centre[axis] for axis in range(2))
        end = math.cos(angle) * dx + math.sin(angle) * dy, math.cos(angle) * dy - math.sin(angle) * dx
        reach = max(reach[0], abs(end[0]) + 2), max(reach[1], abs(end[1]) + 2)
        alone, thick = distance, max(0.008 * place.height, 0.7)
        square = end[0] ** 2 + end[1] ** 2 + 1e-6

        def distance(x: Array, y: Array) -> Array:
            along = np.clip((x * end[0] + y * end[1]) / square, 0, 1)
            strap: Array = np.minimum(np.hypot(x - along * end[0], y - along * end[1]) - thick, alone(x, y))
            return strap

    return _shape(place, centre, angle, reach, distance, numbers)


SHAPES: Final = (ball, box, pole, bag)


def _rounded(a: float, b: float, radius: float) -> Callable[[Array, Array], Array]:
    """Signed distance in pixels to a rectangle of half sides a and b with rounded corners."""

    def distance(x: Array, y: Array) -> Array:
        p, q = np.abs(x) - (a - radius), np.abs(y) - (b - radius)
        outside = np.hypot(np.maximum(p, 0), np.maximum(q, 0))
        signed: Array = outside + np.minimum(np.maximum(p, q), 0) - np.float32(radius)
        return signed

    return distance


def _shape(
    place: Place, centre: tuple[float, float], angle: float, reach: tuple[float, float],
    distance: Callable[[Array, Array], Array], numbers: Numbers,
) -> Thing:  # fmt: skip
    """A thing of one outline.

    Args:
        centre: x and y in pixels.
        angle: of its own x axis.
        reach: half its extent along its own axes, pixels.
        distance: signed distance to the outline, of its own coordinates in pixels.
    """
    height, width = place.size
    cos, sin = math.cos(angle), math.sin(angle)
    border = numbers.uniform(*_BORDER)
    fall = numbers.uniform(0.02, 0.08) * place.height  # how far its shade reaches
    dark = numbers.uniform(0.1, 0.4) if numbers.uniform() < 0.5 else 0.0
    room = border + (fall if dark else 0)
    far_x = abs(cos) * reach[0] + abs(sin) * reach[1] + room
    far_y = abs(sin) * reach[0] + abs(cos) * reach[1] + room
    pixels = window(centre[0] - far_x, centre[1] - far_y, centre[0] + far_x, centre[1] + far_y, (height, width))
    rows, columns = pixels
    dx = (np.arange(columns.start, columns.stop, dtype=np.float32) - np.float32(centre[0]))[None]
    dy = (np.arange(rows.start, rows.stop, dtype=np.float32) - np.float32(centre[1]))[:, None]
    x, y = np.float32(cos) * dx + np.float32(sin) * dy, np.float32(cos) * dy - np.float32(sin) * dx
    away = distance(x, y).astype(np.float32)
    alpha = np.clip(0.5 - away / np.float32(border), 0, 1)
    shade = 1 - np.float32(dark) * np.clip(1 - away / np.float32(fall), 0, 1) if dark else None
    return Thing(pixels, alpha, _coloured(x, y, min(*reach, 0.3 * place.height), numbers), shade)


def window(x0: float, y0: float, x1: float, y1: float, size: tuple[int, int]) -> Window:
    """The pixels of a picture of (H, W) from (x0, y0) to (x1, y1), both included; may be empty."""

    def part(low: float, high: float, length: int) -> slice:
        first = min(max(math.floor(low), 0), length)
        return slice(first, max(first, min(math.ceil(high) + 1, length)))

    return part(y0, y1, size[0]), part(x0, x1, size[1])


def _colour(numbers: Numbers) -> Array:
    """(3, 1, 1) in [-1, 1], in half of the cases nearly grey."""
    colour = np.array([numbers.uniform(-1, 1) for _ in range(3)], np.float32)
    grey = numbers.uniform(0.6, 1.0) if numbers.uniform() < 0.5 else numbers.uniform(0.0, 0.3)
    mixed: Array = (colour + np.float32(grey) * (colour.mean() - colour)).astype(np.float32)
    return mixed[:, None, None]


def _coloured(x: Array, y: Array, extent: float, numbers: Numbers) -> Array:
    """Plain, striped, running from one colour to another, or blotched; (3, h, w) in [-1, 1].

    Args:
        x, y: (h, w) coordinates on the thing, pixels.
        extent: half the thing's shorter side, pixels.
    """
    height, width = x.shape
    one, two, kind = _colour(numbers), _colour(numbers), numbers.below(4)
    angle = numbers.uniform(0, math.pi)
    along = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
    image = np.broadcast_to(one, (3, height, width)).copy()
    if kind == 1:  # stripes; the ramp between them is a pixel wide
        period = max(extent * numbers.uniform(0.25, 1.0), 3.0)
        wave = np.sin(along * np.float32(2 * math.pi / period))
        image += np.clip(0.5 + wave * np.float32(period / (2 * math.pi)), 0, 1) * (two - one)
    elif kind == 2:
        image += np.clip(0.5 + along / np.float32(2 * extent), 0, 1) * (two - one)
    elif kind == 3 and height and width:
        coarse = torch.from_numpy(numbers.plane(6, 6))[None, None]
        blotches = F.interpolate(coarse, (height, width), mode="bilinear")[0, 0].numpy()
        image += (0.5 + 0.5 * blotches) * (two - one)
    round_, grain = numbers.uniform(-0.35, 0.35), numbers.uniform(0, 0.12)
    light = (x * np.float32(0.6) + y) * np.float32(round_ / (1.2 * extent))  # one side is darker than the other
    image += np.clip(light, -0.5, 0.5) + np.float32(grain) * numbers.plane(height, width)
    return np.clip(image, -1, 1, out=image)
