"""What places are furnished with: noise, ground tiles, sprites of bicycles, cars, trees, people; and pixel kernels.

Everything here is drawn once a process from fixed seeds and kept; a place picks, scales, mirrors and tints. So nothing
in this file depends on the order of calls, and a picture is the same in every process.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

REPEAT: Final = 4.0
"""Metres after which a ground tile repeats."""

TILES: Final = 6
"""How many tiles of every kind of ground there are."""

VARIANTS: Final = 12
"""How many sprites of every kind there are."""


@lru_cache(maxsize=40)
def noise(number: int, size: int = 512, slope: float = 1.0, stretch: float = 1.0) -> Floats:
    """(size, size) float32 periodic noise, mean 0, deviation 1, spectrum 1/f^slope.

    `stretch` > 1 draws it out along x.
    """
    rng = np.random.default_rng([771, number])
    spectrum = np.fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None] * stretch)
    frequency[0, 0] = np.inf
    field = np.fft.irfft2(spectrum / np.maximum(frequency, 1.5 / size) ** slope, (size, size))
    return np.ascontiguousarray((field - field.mean()) / field.std(), np.float32)


# --- ground ----------------------------------------------------------------------------------------------------------


def _cells(
    rng: np.random.Generator, size: int, rows: int, columns: int, shift: float, joint: float
) -> tuple[Floats, Floats, Floats]:
    """A wall of stones: per pixel a random lightness (deviation 1), a random number in [0, 1], 1 on the joints.

    `joint` is half a joint's width in metres; `shift` moves every other row by that share of a stone.
    """
    along = (np.arange(size, dtype=np.float32) + 0.5) / size
    down = along[:, None] * rows
    right = along[None] * columns + (np.floor(down) % 2) * shift
    row, column = np.floor(down).astype(int), np.floor(right).astype(int) % columns
    light, pick = rng.standard_normal((rows, columns)), rng.random((rows, columns))
    edge_y = (0.5 - np.abs(down % 1 - 0.5)) * (REPEAT / rows)
    edge_x = (0.5 - np.abs(right % 1 - 0.5)) * (REPEAT / columns)
    soft = REPEAT / size
    gap = np.clip((joint - np.minimum(edge_x, edge_y)) / soft + 0.5, 0, 1)
    return light[row, column].astype(np.float32), pick[row, column].astype(np.float32), gap.astype(np.float32)


@cache
def ground_tile(kind: str, number: int, size: int) -> Bytes:
    """(size, size, 3) uint8 of one material: factor of lightness times 128, share of joint, of the second colour.

    `number` modulo TILES says which.

    Raises:
        KeyError: no such material.
    """
    number %= TILES
    rng = np.random.default_rng([772, number, list(GROUNDS).index(kind)])
    light, joint, mix = GROUNDS[kind](rng, size, number)
    parts = [np.clip(light, 0.2, 1.99) * 128, np.clip(joint, 0, 1) * 255, np.clip(mix, 0, 1) * 255]
    return np.stack(parts, -1).astype(np.uint8)


Material = tuple[Floats, Floats, Floats]


def _slabs(rng: np.random.Generator, size: int, number: int) -> Material:
    count = int(rng.choice([5, 7, 8, 10, 13]))
    columns = max(2, int(count * rng.choice([1.0, 1.0, 0.5])))
    light, pick, gap = _cells(rng, size, count, columns, float(rng.choice([0.0, 0.5])), rng.uniform(0.006, 0.014))
    return 1 + 0.07 * light + 0.055 * noise(number, size, 0.8), gap * rng.uniform(0.7, 1.0), (pick < 0.3) * pick * 2


def _pavers(rng: np.random.Generator, size: int, number: int) -> Material:
    light, pick, gap = _cells(rng, size, int(rng.choice([26, 32, 38])), int(rng.choice([16, 20])), 0.5, 0.006)
    return 1 + 0.11 * light + 0.06 * noise(number, size, 0.8), gap * 0.8, pick**2


def _setts(rng: np.random.Generator, size: int, number: int) -> Material:
    count = int(rng.choice([30, 36, 40]))
    light, pick, gap = _cells(rng, size, count, count, rng.uniform(0, 0.5), 0.01)
    return 1 + 0.11 * light + 0.045 * noise(number, size, 0.8), gap * 0.6, pick


def _asphalt(rng: np.random.Generator, size: int, number: int) -> Material:
    grain = rng.standard_normal((size, size), dtype=np.float32)
    crack = np.exp(-((noise(number + 3, size, 1.6) / 0.012) ** 2)) * (noise(number + 4, size, 1.8) > 0.9)
    return 1 + 0.07 * grain + 0.05 * noise(number, size, 1.0), crack * 0.4, noise(number + 1, size, 1.4) * 0.2


def _concrete(rng: np.random.Generator, size: int, number: int) -> Material:
    _, _, gap = _cells(rng, size, 2, int(rng.choice([1, 2])), 0.0, 0.007)
    return 1 + 0.06 * noise(number, size, 1.1) + 0.02 * noise(number + 2, size, 0.3), gap * 0.6, gap * 0


def _grass(rng: np.random.Generator, size: int, number: int) -> Material:
    blades = noise(number, size, 0.5) * 0.14 + noise(number + 1, size, 1.2) * 0.1
    return (
        1 + blades,
        np.clip(noise(number + 2, size, 1.1) * 0.3 - 0.35, 0, 0.6),
        0.4 + 0.3 * noise(number + 3, size, 1.3),
    )


def _carpet(rng: np.random.Generator, size: int, number: int) -> Material:
    pile = rng.standard_normal((size, size), dtype=np.float32)
    spots = np.clip(noise(number + 5, size, 1.2) * rng.choice([0.0, 0.9]), 0, 1)
    return 1 + 0.06 * pile + 0.02 * noise(number, size, 1.1), pile * 0, spots


def _planks(rng: np.random.Generator, size: int, number: int) -> Material:
    light, pick, gap = _cells(rng, size, int(rng.choice([20, 26, 34])), 3, 0.37, 0.002)
    grain = noise(number, size, 1.0, 9.0)
    return 1 + 0.08 * light + 0.05 * grain, gap * 0.7, 0.6 * pick


def _tiles(rng: np.random.Generator, size: int, number: int) -> Material:
    count = int(rng.choice([6, 8, 10, 12]))
    light, pick, gap = _cells(rng, size, count, count, 0.0, 0.003)
    spot = np.arange(size) * count // size
    board = ((spot[:, None] + spot[None]) % 2).astype(np.float32) if rng.random() < 0.25 else 0.15 * pick
    return 1 + 0.015 * light + 0.02 * noise(number, size, 1.2), gap * 0.6, board


GROUNDS: Final[dict[str, Callable[[np.random.Generator, int, int], Material]]] = {
    "slabs": _slabs,
    "pavers": _pavers,
    "setts": _setts,
    "asphalt": _asphalt,
    "concrete": _concrete,
    "grass": _grass,
    "carpet": _carpet,
    "planks": _planks,
    "tiles": _tiles,
}


def paint_tile(tile: Bytes, first: Floats, second: Floats, joint: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Colours a ground tile; returns all its mipmaps flat, (N, 3), and (levels, 2) of offset and side."""
    places, offset, side = [], 0, len(tile)
    while side >= 4:
        places.append((offset, side))
        offset += side * side
        side //= 2
    levels = np.array(places, np.int64)
    pixels = np.empty((offset, 3), np.float32)
    _paint(pixels, levels, tile, first, second, joint)
    return pixels, levels


@njit(cache=True)
def _paint(pixels, levels, tile, first, second, joint) -> None:  # type: ignore[no-untyped-def]
    side = levels[0, 1]
    for y in range(side):
        for x in range(side):
            light = np.float32(tile[y, x, 0]) / np.float32(128)
            gap = np.float32(tile[y, x, 1]) / np.float32(255)
            mix = np.float32(tile[y, x, 2]) / np.float32(255)
            for c in range(3):
                value = (first[c] + (second[c] - first[c]) * mix) * light
                pixels[y * side + x, c] = min(max(value * (1 - gap) + joint[c] * gap, np.float32(0)), np.float32(1))
    for level in range(1, levels.shape[0]):
        above, wide = levels[level - 1]
        start, side = levels[level]
        for y in range(side):
            for x in range(side):
                spot = above + 2 * y * wide + 2 * x
                for c in range(3):
                    total = pixels[spot, c] + pixels[spot + 1, c] + pixels[spot + wide, c] + pixels[spot + wide + 1, c]
                    pixels[start + y * side + x, c] = total * np.float32(0.25)


# --- sprites ---------------------------------------------------------------------------------------------------------


def _canvas(width: float, height: float, scale: int = 256) -> tuple[Image.Image, ImageDraw.ImageDraw, int]:
    """An empty sprite of metres, drawn at twice its final resolution. y runs down in it."""
    image = Image.new("RGBA", (int(width * scale), int(height * scale)), (90, 90, 90, 0))
    return image, ImageDraw.Draw(image), scale


def _grey(value: float, warm: float = 0.0) -> tuple[int, int, int]:
    level = value * 255
    return (
        int(np.clip(level * (1 + warm), 0, 255)),
        int(np.clip(level, 0, 255)),
        int(np.clip(level * (1 - warm), 0, 255)),
    )


def _shade(image: Image.Image, number: int, amount: float = 0.08) -> Bytes:
    """Half size, with a texture over it: nothing in nature is flat."""
    small = np.asarray(image.reduce(2)).copy()
    field = noise(number % 7, 512, 1.0)[: small.shape[0], : small.shape[1]]
    if field.shape != small.shape[:2]:
        field = np.resize(field, small.shape[:2])
    small[..., :3] = np.clip(small[..., :3] * (1 + amount * field[..., None]), 0, 255)
    return small


def _bicycle(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(1.8, 1.12)
    r = rng.uniform(0.29, 0.34)
    y, back, front = 1.12 - r - 0.01, 0.38, 1.4
    tyre, metal = _grey(rng.uniform(0.05, 0.16)), _grey(rng.uniform(0.35, 0.75))
    paint = _grey(rng.uniform(0.08, 0.6))
    if rng.random() < 0.3:
        paint = ((150, 40, 35), (40, 70, 130), (40, 95, 70), (170, 140, 60))[int(rng.integers(4))]
    for x in (back, front):
        box = [(x - r) * k, (y - r) * k, (x + r) * k, (y + r) * k]
        draw.ellipse(box, fill=(120, 120, 120, 40), outline=(*tyre, 255), width=int(0.035 * k))
        for turn in np.linspace(0, math.pi, 10, endpoint=False) + rng.uniform(0, 1):
            dx, dy = math.cos(turn) * r, math.sin(turn) * r
            draw.line([(x - dx) * k, (y - dy) * k, (x + dx) * k, (y + dy) * k], fill=(*metal, 150), width=2)
        draw.arc([box[0] - 8, box[1] - 8, box[2] + 8, box[3] + 8], 190, 330, fill=(*metal, 255), width=int(0.025 * k))
    crank, seat, head = (0.8, y + 0.03), (0.68, 0.42), (1.26, 0.32)
    bars = [(crank, seat), (crank, head), (seat, head), ((back, y), crank), ((back, y), (0.7, 0.5)), (head, (front, y))]
    for a, b in bars:
        draw.line([a[0] * k, a[1] * k, b[0] * k, b[1] * k], fill=(*paint, 255), width=int(0.036 * k))
    draw.line([seat[0] * k, seat[1] * k, 0.66 * k, 0.26 * k], fill=(*metal, 255), width=int(0.028 * k))
    draw.ellipse([0.52 * k, 0.2 * k, 0.8 * k, 0.29 * k], fill=(*_grey(0.08), 255))
    draw.line([head[0] * k, head[1] * k, 1.22 * k, 0.12 * k, 1.1 * k, 0.1 * k], fill=(*metal, 255), width=int(0.03 * k))
    draw.ellipse(
        [(crank[0] - 0.09) * k, (crank[1] - 0.09) * k, (crank[0] + 0.09) * k, (crank[1] + 0.09) * k],
        outline=(*metal, 255),
        width=6,
    )
    if rng.random() < 0.6:  # a basket
        draw.rectangle([1.3 * k, 0.2 * k, 1.62 * k, 0.46 * k], fill=(*_grey(0.2), 150), outline=(*metal, 255), width=6)
        for x in np.linspace(1.33, 1.6, 6):
            draw.line([x * k, 0.2 * k, x * k, 0.46 * k], fill=(*metal, 230), width=4)
    if rng.random() < 0.5:  # a carrier
        draw.line([0.15 * k, 0.48 * k, 0.66 * k, 0.48 * k], fill=(*metal, 255), width=int(0.03 * k))
    return _shade(image, number)


def _car(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(4.4, 1.55, 160)
    roof, hood = rng.uniform(0.02, 0.15), rng.uniform(0.6, 0.75)
    body = [
        (0.08, 1.2),
        (0.05, 0.85),
        (0.2, 0.66),
        (0.75, 0.6),
        (1.25, roof + 0.06),
        (1.6, roof),
        (2.7, roof),
        (3.3, 0.58),
    ]
    body += [(4.1, hood), (4.33, 0.88), (4.34, 1.22), (4.0, 1.3), (0.3, 1.3)]
    draw.polygon([(x * k, y * k) for x, y in body], fill=(205, 205, 208, 255))
    draw.polygon([(x * k, y * k) for x, y in body[2:9]], fill=(228, 228, 230, 255))
    glass = [(0.98, 0.6), (1.38, roof + 0.1), (2.62, roof + 0.1), (3.1, 0.6)]
    draw.polygon([(x * k, y * k) for x, y in glass], fill=(45, 52, 58, 255))
    draw.polygon(
        [(1.2 * k, 0.5 * k), (1.5 * k, (roof + 0.12) * k), (1.9 * k, (roof + 0.12) * k), (1.5 * k, 0.55 * k)],
        fill=(100, 110, 118, 255),
    )
    draw.line([2.0 * k, roof * k, 2.0 * k, 0.6 * k], fill=(150, 150, 150, 255), width=10)
    draw.rectangle([0.2 * k, 1.14 * k, 4.25 * k, 1.3 * k], fill=(70, 70, 72, 255))
    for x in (1.05, 2.1):
        draw.line([x * k, 0.62 * k, (x - 0.02) * k, 1.14 * k], fill=(140, 140, 142, 255), width=3)
    draw.line([0.1 * k, 0.86 * k, 4.3 * k, 0.84 * k], fill=(160, 160, 163, 255), width=5)
    for x in (0.85, 3.5):
        draw.ellipse([(x - 0.33) * k, 0.9 * k, (x + 0.33) * k, 1.55 * k], fill=(22, 22, 23, 255))
        draw.ellipse([(x - 0.19) * k, 1.03 * k, (x + 0.19) * k, 1.41 * k], fill=(135, 136, 138, 255))
    draw.ellipse([4.1 * k, 0.78 * k, 4.34 * k, 0.93 * k], fill=(240, 240, 230, 255))
    draw.rectangle([0.06 * k, 0.76 * k, 0.2 * k, 0.95 * k], fill=(160, 30, 25, 255))
    return _shade(image.filter(ImageFilter.GaussianBlur(1)), number, 0.04)


def _walker(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(1.0, 1.8)

    def limb(a: tuple[float, float], b: tuple[float, float], wide: float, color: tuple[int, ...]) -> None:
        draw.line([a[0] * k, a[1] * k, b[0] * k, b[1] * k], fill=color, width=int(wide * k))
        for x, y in (a, b):
            draw.ellipse([(x - wide / 2) * k, (y - wide / 2) * k, (x + wide / 2) * k, (y + wide / 2) * k], fill=color)

    tone = np.array([225, 178, 146]) * rng.uniform(0.5, 1.0)
    skin = (*(int(v) for v in tone), 255)
    grey = rng.uniform(15, 235)
    top = (*(int(v) for v in np.clip(grey + rng.normal(0, 30 if rng.random() < 0.3 else 7, 3), 8, 245)), 255)
    low = (*(int(v) for v in np.clip(rng.uniform(12, 120) + np.array([-8, 0, 14]) * rng.uniform(0, 1.5), 8, 245)), 255)
    bare = rng.random() < 0.35
    stride, swing = rng.uniform(0.02, 0.24), rng.uniform(-0.15, 0.18)
    for side in (-1, 1):
        foot = (0.5 + side * stride, 1.74 - 0.03 * (side < 0))
        knee = (0.5 + side * stride * 0.55 + 0.03, 1.32)
        limb(knee, foot, 0.09, skin if bare else low)
        limb((0.5 + side * 0.06, 0.92), knee, 0.145, low)
        limb(foot, (foot[0] + 0.09, 1.77), 0.055, (30, 28, 28, 255))
    limb((0.37, 0.48), (0.33 - swing, 0.9), 0.085, skin)
    draw.polygon(
        [(x * k, y * k) for x, y in ((0.32, 0.36), (0.42, 0.29), (0.58, 0.29), (0.68, 0.36), (0.64, 1.0), (0.36, 1.0))],
        fill=top,
    )
    limb((0.35, 0.38), (0.33 - swing * 0.5, 0.58), 0.1, top)
    limb((0.65, 0.38), (0.67 + swing * 0.5, 0.58), 0.1, top)
    limb((0.67 + swing * 0.5, 0.6), (0.68 + swing, 0.86), 0.075, skin)
    limb((0.5, 0.2), (0.5, 0.3), 0.1, skin)
    draw.ellipse([0.415 * k, 0.02 * k, 0.585 * k, 0.25 * k], fill=skin)
    hair = tuple(int(v) for v in np.array([38, 30, 26]) * rng.uniform(0.4, 2.2))
    draw.pieslice([0.395 * k, 0.0, 0.605 * k, 0.26 * k], 150 if rng.random() < 0.6 else 60, 390, fill=(*hair, 255))
    if rng.random() < 0.4:
        draw.rounded_rectangle([0.26 * k, 0.4 * k, 0.5 * k, 0.8 * k], 20, fill=(*_grey(rng.uniform(0.05, 0.4)), 255))
    image = image.filter(ImageFilter.GaussianBlur(3))
    out = _shade(image, number, 0.04).astype(np.float32)
    out[..., :3] *= np.linspace(1.12, 0.72, out.shape[1], dtype=np.float32)[None, :, None]
    return np.clip(out, 0, 255).astype(np.uint8)


def _leaves(shape: Floats, rng: np.random.Generator, number: int, green: Floats) -> Bytes:
    """Foliage where `shape` (H, W), > 0 inside, says; clumps of leaves with dark between."""
    height, width = shape.shape
    clumps = np.resize(noise(11 + number % 5, 512, 1.0), (512, 512))[:height, :width]
    fine = noise(17 + number % 5, 512, 0.55)[:height, :width]
    solid = np.clip((shape * 3 + clumps * 0.6 + fine * 0.3) * 4, 0, 1)
    relief = clumps - np.roll(clumps, (5, 3), (0, 1))  # light from above
    light = np.clip(0.8 + 0.3 * relief + 0.07 * fine + 0.17 * clumps, 0.25, 1.5)
    hue = 1 + np.array([0.08, 0.0, -0.12], np.float32) * np.clip(light - 0.8, -0.6, 0.9)[..., None]
    color = green * light[..., None] * hue * 255
    return np.concatenate([np.clip(color, 0, 255), solid[..., None] * 255], -1).astype(np.uint8)


def _green(rng: np.random.Generator) -> Floats:
    base = np.array([0.34, 0.38, 0.26]) * rng.uniform(0.6, 1.25)
    return (base + rng.normal(0, 0.015, 3)).clip(0.05, 0.7).astype(np.float32)


def _tree(rng: np.random.Generator, number: int) -> Bytes:
    y, x = np.mgrid[:480, :400].astype(np.float32)
    shape = np.full((480, 400), -1.0, np.float32)
    for _ in range(9):
        cx, cy, r = rng.uniform(90, 310), rng.uniform(80, 250), rng.uniform(60, 110)
        shape = np.maximum(shape, 1 - np.hypot(x - cx, y - cy) / r)
    crown = _leaves(shape, rng, number, _green(rng))
    trunk = Image.new("RGBA", (400, 480), (80, 80, 60, 0))
    draw = ImageDraw.Draw(trunk)
    wide, bark = rng.uniform(8, 18), _grey(rng.uniform(0.2, 0.4), 0.06)
    draw.polygon(
        [(200 - wide, 479), (200 - wide * 0.6, 200), (200 + wide * 0.6, 200), (200 + wide, 479)], fill=(*bark, 255)
    )
    for dx in (-80, 70, -40):
        draw.line([200, 300, 200 + dx, 180], fill=(*bark, 255), width=int(wide * 0.6))
    both = Image.alpha_composite(trunk, Image.fromarray(crown, "RGBA"))
    return np.asarray(both)


def _hedge(rng: np.random.Generator, number: int) -> Bytes:
    y, x = np.mgrid[:160, :400].astype(np.float32)
    shape = np.minimum(np.minimum(y - 14, 175 - y) / 30, np.minimum(x - 6, 394 - x) / 30)
    return _leaves(np.clip(shape, -1, 1).astype(np.float32), rng, number, _green(rng))


def _canopy(rng: np.random.Generator, number: int) -> Bytes:
    """A stretch of distant trees with an uneven top; the foot is dark."""
    y, x = np.mgrid[:256, :400].astype(np.float32)
    shape = (y - 175) / 80
    for cx in range(-20, 440, 45):
        spot = cx + rng.normal(0, 15), rng.uniform(60, 170), rng.uniform(45, 90)
        shape = np.maximum(shape, 1 - np.hypot(x - spot[0], y - spot[1]) / spot[2])
    out = _leaves(np.clip(shape, -1, 1).astype(np.float32), rng, number, _green(rng)).astype(np.float32)
    out[..., :3] *= np.interp(y, [0, 120, 255], [1.1, 0.85, 0.5])[..., None]
    return np.clip(out, 0, 255).astype(np.uint8)


def _bush(rng: np.random.Generator, number: int) -> Bytes:
    y, x = np.mgrid[:200, :240].astype(np.float32)
    shape = np.full((200, 240), -1.0, np.float32)
    for _ in range(6):
        cx, cy, r = rng.uniform(60, 180), rng.uniform(70, 170), rng.uniform(40, 75)
        shape = np.maximum(shape, 1 - np.hypot(x - cx, y - cy) / r)
    return _leaves(shape, rng, number, _green(rng))


def _plant(rng: np.random.Generator, number: int) -> Bytes:
    image = Image.fromarray(_bush(rng, number), "RGBA").resize((160, 160))
    out = Image.new("RGBA", (160, 240), (90, 90, 90, 0))
    draw = ImageDraw.Draw(out)
    pot = tuple(int(v) for v in rng.uniform(60, 220) + np.array([20, 0, -15]))
    draw.polygon([(45, 170), (115, 170), (105, 239), (55, 239)], fill=(*pot, 255))
    draw.polygon([(92, 170), (115, 170), (105, 239), (90, 239)], fill=(*(int(v * 0.75) for v in pot), 255))
    out.alpha_composite(image, (0, 20))
    return np.asarray(out)


def _railing(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(2.4, 1.1)
    color, lit = _grey(rng.uniform(0.4, 0.75)), _grey(0.85)
    for y in (0.05, 0.4, 0.75)[: int(rng.integers(1, 4))]:
        draw.line([0, y * k, 2.4 * k, y * k], fill=(*color, 255), width=int(0.05 * k))
        draw.line([0, (y - 0.012) * k, 2.4 * k, (y - 0.012) * k], fill=(*lit, 255), width=int(0.012 * k))
    for x in np.arange(0.1, 2.4, rng.choice([0.12, 0.7, 1.1])):
        draw.line([x * k, 0.05 * k, x * k, 1.1 * k], fill=(*color, 255), width=int(0.035 * k))
    return _shade(image, number)


def _post(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(0.16, 3.2)
    color = rng.uniform(0.2, 0.85)
    for i in range(12):  # a round pole
        value = color * (0.6 + 0.5 * math.sin((i + 1) / 13 * math.pi * 0.85))
        draw.rectangle([(0.03 + i * 0.009) * k, 0, (0.03 + (i + 1) * 0.009) * k, 3.2 * k], fill=(*_grey(value), 255))
    return _shade(image, number)


def _bollard(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(0.3, 0.9)
    color = rng.uniform(0.25, 0.8)
    for i in range(20):
        value = color * (0.55 + 0.5 * math.sin((i + 1) / 21 * math.pi * 0.85))
        draw.rectangle([(0.05 + i * 0.01) * k, 0.06 * k, (0.06 + i * 0.01) * k, 0.9 * k], fill=(*_grey(value), 255))
    draw.ellipse([0.05 * k, 0.0, 0.25 * k, 0.14 * k], fill=(*_grey(color), 255))
    return _shade(image, number)


def _box(rng: np.random.Generator, number: int) -> Bytes:
    """Bins, crates, planters, luggage: a shaded block with a lid and a label."""
    image, draw, k = _canvas(1.0, 0.9)
    color = rng.uniform(60, 210) + rng.normal(0, 20) * np.array([1.0, 0.2, -1.0]) + rng.normal(0, 8, 3)
    tone = [tuple(int(v) for v in np.clip(color * f, 5, 250)) for f in (1.0, 0.7, 1.2)]
    draw.rectangle([0.05 * k, 0.12 * k, 0.7 * k, 0.9 * k], fill=(*tone[0], 255))
    draw.polygon(
        [(0.7 * k, 0.12 * k), (0.95 * k, 0.06 * k), (0.95 * k, 0.8 * k), (0.7 * k, 0.9 * k)], fill=(*tone[1], 255)
    )
    draw.polygon(
        [(0.05 * k, 0.12 * k), (0.3 * k, 0.05 * k), (0.95 * k, 0.06 * k), (0.7 * k, 0.12 * k)], fill=(*tone[2], 255)
    )
    if rng.random() < 0.5:
        draw.rectangle([0.2 * k, 0.3 * k, 0.5 * k, 0.55 * k], fill=(*_grey(rng.uniform(0.3, 0.9)), 255))
    return _shade(image, number)


def _sofa(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(2.0, 0.9)
    color = rng.uniform(70, 200) + rng.normal(0, 18) * np.array([1.0, 0.2, -1.0]) + rng.normal(0, 4, 3)
    tone = [(*tuple(int(v) for v in np.clip(color * f, 5, 250)), 255) for f in (0.85, 1.05, 0.75, 0.5)]
    draw.rounded_rectangle([0.1 * k, 0.02 * k, 1.9 * k, 0.6 * k], 40, fill=tone[0])
    for x in (0.2, 1.02):
        draw.rounded_rectangle([x * k, 0.42 * k, (x + 0.78) * k, 0.64 * k], 24, fill=tone[1])
        draw.rectangle([x * k, 0.63 * k, (x + 0.78) * k, 0.82 * k], fill=tone[2])
    for x in (0.0, 1.78):
        draw.rounded_rectangle([x * k, 0.25 * k, (x + 0.22) * k, 0.84 * k], 30, fill=tone[0])
    for x in (0.08, 1.85):
        draw.rectangle([x * k, 0.84 * k, (x + 0.05) * k, 0.9 * k], fill=tone[3])
    return _shade(image.filter(ImageFilter.GaussianBlur(2)), number)


def _shelf(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(1.2, 2.0)
    wood = rng.uniform(0.3, 0.85) * np.array([255, 225, 190])
    board = (*tuple(int(v) for v in wood), 255)
    draw.rectangle([0, 0, 1.2 * k, 2.0 * k], fill=(*tuple(int(v * 0.45) for v in wood), 255))
    for floor in np.linspace(0.4, 1.96, 5):
        x = 0.05
        while x < 1.1:
            wide, tall = rng.uniform(0.02, 0.09), rng.uniform(0.16, 0.32)
            if rng.random() < 0.85:
                book = np.clip(
                    rng.uniform(20, 225) + rng.normal(0, 30) * np.array([1.0, 0.1, -0.9]) + rng.normal(0, 8, 3), 5, 250
                )
                draw.rectangle(
                    [x * k, (floor - tall) * k, (x + wide) * k, floor * k], fill=(*tuple(int(v) for v in book), 255)
                )
            x += wide
        draw.rectangle([0, floor * k, 1.2 * k, (floor + 0.04) * k], fill=board)
    for x in (0.0, 1.16):
        draw.rectangle([x * k, 0, (x + 0.04) * k, 2.0 * k], fill=board)
    return _shade(image, number)


def _chair(rng: np.random.Generator, number: int) -> Bytes:
    image, draw, k = _canvas(0.6, 0.95)
    color = (*tuple(int(v) for v in rng.uniform(30, 200) + np.array([18, 4, -14])), 255)
    for x in (0.08, 0.5):
        draw.line([x * k, 0.05 * k, x * k, 0.93 * k], fill=color, width=int(0.04 * k))
    draw.rectangle([0.06 * k, 0.05 * k, 0.54 * k, 0.25 * k], fill=color)
    draw.polygon([(0.04 * k, 0.46 * k), (0.56 * k, 0.46 * k), (0.6 * k, 0.54 * k), (0.0, 0.54 * k)], fill=color)
    return _shade(image, number)


SPRITES: Final[dict[str, tuple[Callable[[np.random.Generator, int], Bytes], float, float]]] = {
    "bicycle": (_bicycle, 1.8, 1.12),
    "car": (_car, 4.4, 1.55),
    "walker": (_walker, 1.0, 1.8),
    "tree": (_tree, 4.6, 5.5),
    "hedge": (_hedge, 2.6, 1.05),
    "canopy": (_canopy, 6.0, 4.0),
    "bush": (_bush, 1.5, 1.25),
    "plant": (_plant, 0.8, 1.2),
    "railing": (_railing, 2.4, 1.1),
    "post": (_post, 0.16, 3.2),
    "bollard": (_bollard, 0.3, 0.9),
    "box": (_box, 1.0, 0.9),
    "sofa": (_sofa, 2.0, 0.9),
    "shelf": (_shelf, 1.2, 2.0),
    "chair": (_chair, 0.6, 0.95),
}
"""Name -> (drawing, width and height in metres)."""


@cache
def sprite(kind: str, number: int, flip: bool = False, halved: int = 0) -> Image.Image:
    """One object as seen from the side, RGBX holding premultiplied colour and alpha; halved so many times.

    `number` modulo VARIANTS says which. Premultiplied, as pixels without alpha must not bleed in when it is resized.

    Raises:
        KeyError: no such object.
    """
    if halved:
        return sprite(kind, number, flip, halved - 1).reduce(2)
    if flip:
        return sprite(kind, number).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    draw = SPRITES[kind][0]
    number %= VARIANTS
    straight = draw(np.random.default_rng([773, number, list(SPRITES).index(kind)]), number).astype(np.uint16)
    straight[..., :3] = (straight[..., :3] * straight[..., 3:] + 127) // 255
    return Image.frombytes("RGBX", straight.shape[1::-1], straight.astype(np.uint8).tobytes())


def cut(kind: str, number: int, flip: bool, box: tuple[float, float, float, float], size: tuple[int, int]) -> Bytes:
    """(h, w, 4) uint8, premultiplied: the part `box`, as shares of the sprite, resized to `size` (w, h)."""
    number %= VARIANTS
    image = sprite(kind, number, flip)
    density = min((box[2] - box[0]) * image.width / size[0], (box[3] - box[1]) * image.height / size[1])
    halved = min(4, max(0, int(math.log2(max(density, 1.0)) + 0.35)))
    image = sprite(kind, number, flip, halved)
    wide, tall = image.size
    edges = (max(box[0], 0) * wide, max(box[1], 0) * tall, min(box[2], 1) * wide, min(box[3], 1) * tall)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=edges))


# --- kernels ---------------------------------------------------------------------------------------------------------


@njit(cache=True, fastmath=False)
def floor_into(  # type: ignore[no-untyped-def]
    out, top, view, pixels, levels, pixels2, levels2, border, stripes, stains, strength
) -> None:
    """Fills the rows of `out` (H, W, 3) from `top` on with a perspective ground plane.

    view: (9,) horizon, foot x, foot y, pixels per metre at the feet, distance of the camera, cos, sin of the azimuth,
    and the person's place x, z. pixels, levels: of `paint_tile`; the second material lies where border[0] * x +
    border[1] * z > border[2]. stripes: (n, 10) normal x, z, offset, half width, period, colour (3), opacity, dash.
    stains: periodic noise (S, S), `strength` its contrast.
    """
    height, width = out.shape[:2]
    horizon, fx, fy, metre, distance, ca, sa, ox, oz = view
    focal = metre * distance
    side = levels[0, 1]
    spread = stains.shape[0]
    for y in range(top, height):
        drop = max(y + 0.5 - horizon, 0.25)
        depth = distance * (fy - horizon) / drop
        lateral = depth / focal
        deep = min(depth / drop, 30.0)
        taps = int(min(4.0, max(1.0, math.ceil(deep / lateral * 0.7))))
        share = max(lateral, deep / taps) * side / 4.0
        fine = max(0.0, math.log2(share + 1e-9))
        level = min(int(fine + 0.5), levels.shape[0] - 1)
        level2 = min(level, levels2.shape[0] - 1)
        for x in range(width):
            right = (x + 0.5 - fx) * lateral
            away = depth - distance
            px = right * ca + away * sa + ox
            pz = -right * sa + away * ca + oz
            if border[0] * px + border[1] * pz > border[2]:
                start, n, source = levels2[level2, 0], levels2[level2, 1], pixels2
            else:
                start, n, source = levels[level, 0], levels[level, 1], pixels
            mask = n - 1  # sides are powers of two
            texels = n / 4.0
            r = np.float32(0)
            g = np.float32(0)
            b = np.float32(0)
            for tap in range(taps):
                shift = deep * ((tap + 0.5) / taps - 0.5)
                u = (px + shift * sa) * texels
                v = (pz + shift * ca) * texels
                iu = math.floor(u)
                iv = math.floor(v)
                fu = np.float32(u - iu)
                fv = np.float32(v - iv)
                row0 = start + (iv & mask) * n
                row1 = start + ((iv + 1) & mask) * n
                for corner in range(4):
                    wu = fu if corner & 1 else 1 - fu
                    weight = wu * (fv if corner & 2 else 1 - fv)
                    texel = (row1 if corner & 2 else row0) + ((iu + (corner & 1)) & mask)
                    r += source[texel, 0] * weight
                    g += source[texel, 1] * weight
                    b += source[texel, 2] * weight
            r /= taps
            g /= taps
            b /= taps
            for s in range(stripes.shape[0]):
                across = stripes[s, 0] * px + stripes[s, 1] * pz - stripes[s, 2]
                if stripes[s, 9] > 0:
                    along = -stripes[s, 1] * px + stripes[s, 0] * pz
                    if along % (2 * stripes[s, 9]) > stripes[s, 9]:
                        continue
                if stripes[s, 4] > 0:
                    across = (across + stripes[s, 4] / 2) % stripes[s, 4] - stripes[s, 4] / 2
                turn = abs(-stripes[s, 0] * sa - stripes[s, 1] * ca)
                foot = lateral + deep * turn
                cover = (stripes[s, 3] - abs(across)) / foot + 0.5
                cover = min(max(cover, 0.0), min(1.0, 2 * stripes[s, 3] / foot)) * stripes[s, 8]
                r += (stripes[s, 5] - r) * cover
                g += (stripes[s, 6] - g) * cover
                b += (stripes[s, 7] - b) * cover
            i = math.floor(pz * 57.0) % spread
            j = math.floor(px * 57.0) % spread
            i2 = math.floor(pz * 9.0) % spread
            j2 = math.floor(px * 9.0) % spread
            dirt = 1 + strength * (stains[i, j] + stains[j2, i2])
            out[y, x, 0] = r * dirt
            out[y, x, 1] = g * dirt
            out[y, x, 2] = b * dirt


@njit(cache=True)
def blend(out, sprite, left, top, tint, fog, haze) -> None:  # type: ignore[no-untyped-def]
    """Lays a premultiplied sprite (h, w, 4) uint8 over `out` (H, W, 3); `tint`, `haze` (3,), `fog` haze's share."""
    scale = np.float32(1 / 255)
    for y in range(sprite.shape[0]):
        for x in range(sprite.shape[1]):
            if sprite[y, x, 3] == 0:
                continue
            alpha = sprite[y, x, 3] * scale
            for c in range(3):
                color = sprite[y, x, c] * scale * tint[c]
                color += (haze[c] * alpha - color) * fog
                out[top + y, left + x, c] = out[top + y, left + x, c] * (1 - alpha) + color


@njit(cache=True)
def dim(out, column, row, rx, ry, depth) -> None:  # type: ignore[no-untyped-def]
    """Dims a soft ellipse by up to the share `depth`."""
    height, width = out.shape[:2]
    left, right = max(int(column - 2 * rx), 0), min(int(column + 2 * rx) + 1, width)
    for y in range(max(int(row - 2 * ry), 0), min(int(row + 2 * ry) + 1, height)):
        down = depth * math.exp(-(((y - row) / ry) ** 2))
        for x in range(left, right):
            light = np.float32(1 - down * math.exp(-(((x - column) / rx) ** 2)))
            for c in range(3):
                out[y, x, c] *= light


@njit(cache=True)
def weather(out, bottom, left, base, metre, stains, strength) -> None:  # type: ignore[no-untyped-def]
    """Multiplies the rows of a wall above `bottom` with noise at two scales that sticks to the wall.

    left: metres along the wall of column 0; base: row of its foot; metre: pixels a metre spans on it.
    """
    width = out.shape[1]
    size = stains.shape[0]
    for y in range(bottom):
        z = (base - y) / metre
        for x in range(width):
            u = left + x / metre
            a = stains[math.floor(z * 37.0) % size, math.floor(u * 37.0) % size]
            b = stains[math.floor(u * 190.0) % size, math.floor(z * 190.0) % size]
            light = 1 + strength * (a + 0.6 * b)
            for c in range(3):
                out[y, x, c] *= light


@njit(cache=True)
def disc_blur(picture, radius):  # type: ignore[no-untyped-def]
    """(H, W, 3) float32 blurred by a disc whose radius (H,) float32, in pixels, belongs to the row."""
    height, width = picture.shape[:2]
    out = np.empty_like(picture)
    total = np.zeros((height, width + 1, 3), np.float32)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                total[y, x + 1, c] = total[y, x, c] + picture[y, x, c]
    for y in range(height):
        r = radius[y]
        if r < 0.35:
            out[y] = picture[y]
            continue
        reach = int(r + 0.5)
        weight = np.float32(0)
        out[y] = 0
        for dy in range(-reach, reach + 1):
            row = min(max(y + dy, 0), height - 1)
            half = np.float32(math.sqrt(max((r + 0.5) * (r + 0.5) - dy * dy, 0.0)))
            if half < 0.05:
                continue
            weight += 2 * half
            for x in range(width):
                a = x + np.float32(0.5) - half
                b = x + np.float32(0.5) + half
                over = np.float32(0)
                if a < 0:  # the edge pixel goes on outside
                    over = -a
                    a = np.float32(0)
                beyond = np.float32(0)
                if b > width:
                    beyond = b - width
                    b = np.float32(width)
                ia = int(a)
                ib = min(int(b), width - 1)
                fa = a - ia
                fb = b - ib
                for c in range(3):
                    out[y, x, c] += (
                        total[row, ib, c]
                        + fb * picture[row, ib, c]
                        - total[row, ia, c]
                        - fa * picture[row, ia, c]
                        + over * picture[row, 0, c]
                        + beyond * picture[row, width - 1, c]
                    )
        for x in range(width):
            for c in range(3):
                out[y, x, c] /= weight
    return out
