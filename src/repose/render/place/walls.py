"""Walls: facades and the insides of rooms, drawn in metres."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from repose.render.place import props
from repose.render.place.props import VARIANTS


@dataclass(frozen=True)
class Pen:
    """Draws on a stretch of wall in metres: x from its left end, z from the ground."""

    image: Image.Image
    draw: ImageDraw.ImageDraw
    left: float
    base: float
    metre: float
    width: float
    top: float

    def box(self, x: float, z: float, w: float, h: float, color: NDArray[Any]) -> None:
        """A rectangle from its lower left corner."""
        x0, x1 = self.left + x * self.metre, self.left + (x + w) * self.metre
        y0, y1 = self.base - (z + h) * self.metre, self.base - z * self.metre
        if x1 - x0 < 0.3 or y1 - y0 < 0.3:
            return
        if x1 < 0 or y1 < 0 or x0 > self.image.width or y0 > self.image.height:
            return
        self.draw.rectangle([x0, y0, max(x1 - 1, x0), max(y1 - 1, y0)], fill=_ink(color))

    def sprite(self, kind: str, number: int, x: float, z: float, w: float, h: float, tint: float) -> None:
        """A sprite from its lower left corner."""
        x0, y0 = self.left + x * self.metre, self.base - (z + h) * self.metre
        x1, y1 = x0 + w * self.metre, y0 + h * self.metre
        left, top = max(int(x0), 0), max(int(y0), 0)
        right, bottom = min(int(x1), self.image.width), min(int(y1), self.image.height)
        if right <= left or bottom <= top:
            return
        box = ((left - x0) / (x1 - x0), (top - y0) / (y1 - y0), (right - x0) / (x1 - x0), (bottom - y0) / (y1 - y0))
        small = props.cut(kind, number, False, box, (right - left, bottom - top)).astype(np.float32) / np.float32(255)
        below = np.asarray(self.image.crop((left, top, right, bottom)), np.float32)
        mixed = below * (1 - small[..., 3:]) + small[..., :3] * np.float32(255 * tint)
        self.image.paste(Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)), (left, top))

    def joints(
        self, w: float, h: float, thick: float, color: NDArray[Any], shift: float = 0.0, top: float | None = None
    ) -> None:
        """Joints of stones w x h metres, as lines; nothing where they would melt together."""
        top = self.top if top is None else top
        if h * self.metre < 2.2:
            return
        thick = max(thick, 0.8 / self.metre)
        for row in range(int(top / h) + 1):
            self.box(0, row * h, self.width, thick, color)
            start = (row % 2) * shift * w
            for column in range(int(self.width / w) + 2):
                self.box(start + column * w, row * h, thick, min(h, top - row * h), color)


def _ink(color: NDArray[Any]) -> tuple[int, int, int]:
    red, green, blue = (color * 255).tolist()
    return min(max(int(red), 0), 255), min(max(int(green), 0), 255), min(max(int(blue), 0), 255)


def _panels(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    w, h = rng.uniform(0.5, 1.6), rng.uniform(0.35, 1.1)
    for row in range(int(pen.top / h) + 1):
        for column in range(int(pen.width / w) + 1):
            tone = color * (1 + rng.normal(0, 0.03))
            pen.box(column * w, row * h, min(w, pen.width - column * w), h, tone)
    pen.joints(w, h, 0.015, color * rng.uniform(0.55, 1.3))
    pen.box(0, 0, pen.width, rng.uniform(0.1, 0.5), color * 0.7)


def _brick(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    base = color * np.array([1.08, 0.95, 0.86])
    pen.box(0, 0, pen.width, pen.top, base)
    for row in range(int(min(pen.top, 4) / 0.075)):
        if 0.075 * pen.metre < 1.2:
            break
        for _ in range(3):
            pen.box(rng.uniform(0, pen.width), row * 0.075, 0.24, 0.065, base * (1 + rng.normal(0, 0.12)))
    pen.joints(0.25, 0.075, 0.01, np.clip(base * 1.2, 0, 0.75), 0.5)


def _pane(pen: Pen, x: float, z: float, w: float, h: float, rng: np.random.Generator) -> None:
    """Glass: dark, with a slanting reflection of a bright sky in steps, and perhaps a curtain."""
    glass = rng.uniform(0.06, 0.3) * np.array([0.92, 1.0, 1.06])
    pen.box(x, z, w, h, glass)
    shine = rng.uniform(0.0, 0.35)
    for step in range(4):
        pen.box(x, z + h * (0.55 + step * 0.11), w, h * 0.12, glass + shine * step / 4)
    if rng.random() < 0.3:
        pen.box(x, z, w * rng.uniform(0.2, 0.5), h, np.full(3, rng.uniform(0.3, 0.75)))


def _windows(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    w, h, gap, sill = rng.uniform(0.7, 1.5), rng.uniform(1.0, 1.7), rng.uniform(0.4, 1.2), rng.uniform(0.7, 1.1)
    frame = np.full(3, rng.uniform(0.2, 0.9))
    x = gap / 2
    while x + w < pen.width:
        z = sill
        while z + h < pen.top:
            pen.box(x - 0.06, z - 0.06, w + 0.12, h + 0.12, frame)
            _pane(pen, x, z, w / 2 - 0.03, h, rng)
            _pane(pen, x + w / 2 + 0.03, z, w / 2 - 0.03, h, rng)
            pen.box(x - 0.1, z - 0.12, w + 0.2, 0.06, color * 1.15)
            z += h + rng.uniform(1.0, 1.4)
        x += w + gap
    pen.box(0, 0, pen.width, 0.45, color * 0.75)


def _shop(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    inside = rng.uniform(0.1, 0.5) * np.array([1.05, 1.0, 0.92])
    pen.box(0, 0.15, pen.width, 2.5, inside)
    for _ in range(int(4 * pen.width)):  # goods, lamps and people behind the glass
        tone = np.clip(inside + rng.normal(0, 0.16) + rng.normal(0, 0.04, 3), 0.02, 0.98)
        pen.box(rng.uniform(0, pen.width), rng.uniform(0.15, 2.2), rng.uniform(0.05, 0.6), rng.uniform(0.08, 0.7), tone)
    for _ in range(int(pen.width)):
        pen.box(
            rng.uniform(0, pen.width), rng.uniform(2.1, 2.55), rng.uniform(0.1, 0.7), 0.05, np.array([0.98, 0.96, 0.9])
        )
    frame, step = np.full(3, rng.uniform(0.1, 0.75)), rng.uniform(0.8, 1.5)
    for x in np.arange(0, pen.width, step):
        pen.box(float(x), 0.0, 0.07, 2.65, frame)
    pen.box(0, 2.15, pen.width, 0.06, frame)
    sign = np.clip(rng.uniform(0.2, 0.8) + rng.normal(0, 0.25) * np.array([1, -0.3, -0.6]), 0.05, 0.95)
    pen.box(0, 2.65, pen.width, 0.6, sign)
    for x in np.arange(0.3, pen.width, 0.45):
        pen.box(float(x), 2.78, rng.uniform(0.15, 0.35), 0.32, np.full(3, 0.85 if sign.mean() < 0.5 else 0.15))


def _dark(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    """A deep entrance: black inside, a few dim things, pillars and doors."""
    deep = rng.uniform(0.05, 0.16) * (1 + rng.normal(0, 0.08, 3))
    pen.box(0, 0, pen.width, pen.top, color)
    pen.box(0, 0, pen.width, 2.8, deep)
    for _ in range(int(3 * pen.width)):
        pen.box(
            rng.uniform(0, pen.width),
            rng.uniform(0, 2.0),
            rng.uniform(0.04, 0.5),
            rng.uniform(0.2, 1.8),
            deep * rng.uniform(0.5, 2.4),
        )
    for _ in range(int(0.7 * pen.width)):
        pen.box(
            rng.uniform(0, pen.width),
            rng.uniform(1.2, 2.6),
            rng.uniform(0.1, 0.4),
            rng.uniform(0.05, 0.3),
            np.full(3, rng.uniform(0.25, 0.7)),
        )
    step = rng.uniform(1.5, 3)
    for x in np.arange(rng.uniform(0, 1), pen.width, step):
        wide = rng.uniform(0.05, 0.4)
        pen.box(float(x), 0, wide, 2.8, color * 0.8)
        pen.box(float(x), 0, wide * 0.3, 2.8, color * 1.05)
    pen.box(0, 0, pen.width, 0.03, color)


def _shutter(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    step = rng.uniform(0.07, 0.12)
    tone = np.clip(color * rng.uniform(0.8, 1.3), 0, 0.85)
    for row in range(int(2.6 / step)):
        pen.box(0.15, row * step, pen.width - 0.3, step * 0.6, tone)
        pen.box(0.15, (row + 0.6) * step, pen.width - 0.3, step * 0.4, tone * 0.75)


def _greenery(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    """Trees far away in two rows, a hedge and a strip of something red or pale below."""
    top = min(pen.top, rng.uniform(3, 9))
    pen.box(0, 0, pen.width, 0.4 * top, np.array([0.17, 0.19, 0.13]))
    for height, tint in ((top, 0.75), (0.6 * top, 1.0)):
        x = -rng.uniform(0, 3)
        while x < pen.width:
            pen.sprite(
                "canopy",
                int(rng.integers(VARIANTS)),
                x,
                0,
                6.0,
                height * rng.uniform(0.8, 1.1),
                tint * rng.uniform(0.8, 1.05),
            )
            x += 4.5
    if rng.random() < 0.4:
        for number in range(int(pen.width / 2.4) + 1):
            pen.sprite("hedge", int(rng.integers(VARIANTS)), number * 2.4, 0, 2.6, 1.05, 0.95)
    if rng.random() < 0.5:
        pen.box(0, 0, pen.width, rng.uniform(0.1, 0.4), np.array([0.5, 0.36, 0.32]) if rng.random() < 0.5 else color)


def _steps(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    _panels(pen, color, rng)
    rise, count = rng.uniform(0.13, 0.18), int(rng.integers(3, 8))
    for number in range(count):
        pen.box(0, number * rise, pen.width, rise, color * 0.75)
        pen.box(0, number * rise + rise * 0.55, pen.width, rise * 0.45, np.clip(color * 1.2, 0, 0.8))


def _bays(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    """A facade of tall glass between pillars."""
    pen.box(0, 0, pen.width, pen.top, color)
    step = rng.uniform(1.2, 2.6)
    for x in np.arange(0, pen.width, step):
        for z in np.arange(0.25, pen.top, 1.5):
            _pane(pen, float(x) + 0.25, float(z), min(step - 0.25, pen.width - x - 0.25), 1.4, rng)
        pen.box(float(x), 0, 0.08, pen.top, color * 1.15)


def _paint(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    pen.box(0, 0, pen.width, rng.uniform(0.06, 0.14), np.clip(color * rng.uniform(0.8, 1.2), 0, 0.97))


def _pictures(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    _paint(pen, color, rng)
    x = rng.uniform(0.2, 0.6)
    while x < pen.width - 0.6:
        w, h, z = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.9), rng.uniform(1.2, 1.6)
        pen.box(x + 0.02, z - 0.03, w, h, color * 0.75)
        pen.box(x, z, w, h, np.full(3, rng.choice([0.1, 0.9, 0.4])))
        inner = np.clip(rng.uniform(0.2, 0.9) + rng.normal(0, 0.12, 3), 0, 1)
        pen.box(x + 0.05, z + 0.05, w - 0.1, h - 0.1, inner)
        for _ in range(6):
            pen.box(
                x + 0.06 + rng.uniform(0, w * 0.6),
                z + 0.06 + rng.uniform(0, h * 0.6),
                w * 0.25,
                h * 0.2,
                np.clip(inner + rng.normal(0, 0.2, 3), 0, 1),
            )
        x += w + rng.uniform(0.3, 1.2)


def _window(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    _paint(pen, color, rng)
    x, w, z, h = 0.3, max(pen.width - 0.6, 0.5), rng.uniform(0.2, 0.9), rng.uniform(1.2, 1.8)
    pen.box(x - 0.08, z - 0.08, w + 0.16, h + 0.16, np.full(3, 0.9))
    pen.box(x, z, w, h, np.array([0.9, 0.94, 0.98]))
    for step in np.arange(0, w, 1.2):  # trees outside, in a glare
        pen.sprite("canopy", int(rng.integers(VARIANTS)), x + float(step), z, 2.0, h * rng.uniform(0.3, 0.75), 1.5)
    pen.box(x + w + 0.08, z - 0.08, 2.5, h + 0.16, color)
    for bar in np.arange(x, x + w, rng.uniform(0.5, 0.9)):
        pen.box(float(bar), z, 0.05, h, np.full(3, 0.85))


def _curtain(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    tone = np.clip(color + rng.normal(0, 0.06, 3), 0, 1)
    phase, x = 0.0, 0.0
    while x < pen.width:
        wide = 0.035
        pen.box(x, 0, wide + 0.02, pen.top, tone * (0.85 + 0.2 * math.sin(phase)))
        phase += rng.uniform(0.5, 1.3)
        x += wide


def _door(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    _paint(pen, color, rng)
    leaf = np.clip(color * rng.uniform(0.5, 1.2) + rng.normal(0, 0.03, 3), 0, 0.97)
    x = max(pen.width / 2 - 0.5, 0)
    pen.box(x - 0.07, 0, 1.04, 2.1, np.clip(leaf * 1.15, 0, 0.97))
    pen.box(x, 0, 0.9, 2.03, leaf)
    for z in (0.2, 1.1):
        pen.box(x + 0.13, z, 0.64, 0.75, leaf * 0.88)
        pen.box(x + 0.15, z, 0.62, 0.73, leaf * 0.97)
    pen.box(x + 0.8, 1.0, 0.04, 0.12, np.full(3, 0.75))


def _paper(pen: Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    step = rng.uniform(0.08, 0.3)
    other = np.clip(color * rng.uniform(0.85, 1.08) + rng.normal(0, 0.01, 3), 0, 1)
    for x in np.arange(0, pen.width, step):
        pen.box(float(x), 0, step / 2, pen.top, other)
    pen.box(0, 0, pen.width, 0.1, np.clip(color * 1.1, 0, 0.97))


WALLS: Final[dict[str, Callable[[Pen, NDArray[Any], np.random.Generator], None]]] = {
    "panels": _panels,
    "brick": _brick,
    "windows": _windows,
    "shop": _shop,
    "dark": _dark,
    "shutter": _shutter,
    "green": _greenery,
    "steps": _steps,
    "bays": _bays,
    "paint": _paint,
    "pictures": _pictures,
    "window": _window,
    "curtain": _curtain,
    "door": _door,
    "paper": _paper,
}
