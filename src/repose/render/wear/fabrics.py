"""What clothes are made of: tiles of cloth with a height map, and prints on chest and back.

A pattern is a function `(rng, palette) -> Swatch`, where a palette is (4, 3) sRGB with the ground colour first. Rows
of a tile run down the body, columns round it. Everything repeats without a seam: patterns are made of periodic
functions, periodic noise or shapes that are drawn again where they leave the tile. Noise is the product of small random
grids with fixed spline matrices, which costs far less than a Fourier transform.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from repose.render.pieces import Fabric
from repose.render.wear.prints import ink_on, sample_prints

Floats = NDArray[np.float32]
Rng = np.random.Generator

SIZE: Final = 256
"""Pixels of a tile, both ways."""


@dataclass(frozen=True)
class Swatch:
    """What a pattern yields.

    Attributes:
        color: (256, 256, 3) sRGB, or 1 along an axis where nothing changes. repeat: metres of a tile.
        height: (256, 256) in about [-1, 1]; None for the weave of the material alone.
        light: how much of the height is also painted, as shade.
    """

    color: Floats
    repeat: float
    height: Floats | None = None
    light: float = 0.0


@dataclass(frozen=True)
class Material:
    """How a kind of cloth takes light: name of its weave, strength of the weave, and `Fabric.gloss` and `fold`."""

    weave: str
    rough: float
    gloss: float
    fold: float


MATERIALS: Final[Mapping[str, Material]] = {
    "cotton": Material("jersey", 0.5, 0.03, 0.7),
    "poplin": Material("plain", 0.5, 0.05, 0.8),
    "linen": Material("linen", 1.0, 0.03, 0.9),
    "silk": Material("grain", 0.15, 0.22, 1.0),
    "satin": Material("grain", 0.1, 0.4, 1.0),
    "viscose": Material("grain", 0.3, 0.08, 0.95),
    "fleece": Material("fleece", 0.8, 0.02, 0.55),
    "wool": Material("fleece", 1.0, 0.02, 0.4),
    "knit": Material("stitch", 1.0, 0.02, 0.4),
    "fine knit": Material("jersey", 0.9, 0.03, 0.45),
    "twill": Material("twill", 0.7, 0.04, 0.6),
    "suit": Material("twill", 0.35, 0.06, 0.5),
    "denim": Material("twill", 1.0, 0.03, 0.5),
    "corduroy": Material("cord", 1.0, 0.04, 0.45),
    "leather": Material("hide", 0.8, 0.5, 0.5),
    "suede": Material("fleece", 0.6, 0.03, 0.4),
    "nylon": Material("grain", 0.15, 0.25, 0.8),
    "lycra": Material("grain", 0.15, 0.1, 0.1),
    "canvas": Material("plain", 0.8, 0.03, 0.3),
}


def color(red: int, green: int, blue: int) -> Floats:
    """(3,) float32 sRGB in [0, 1] of bytes."""
    out: Floats = colors([[red, green, blue]])[0]
    return out


def colors(rows: Sequence[Sequence[int]]) -> Floats:
    """(N, 3) float32 sRGB in [0, 1] of rows of bytes."""
    out: Floats = np.array(rows, np.float32) / np.float32(255)
    return out


def luminance(value: Floats) -> float:
    """Perceived lightness of an sRGB colour, 0 to 1."""
    return float(value @ np.array([0.3, 0.59, 0.11], np.float32))


# -- noise -----------------------------------------------------------------------------------------------------------


@cache
def _spline(cells: int) -> Floats:
    """(256, cells) periodic cubic B-spline matrix: row p weighs the nodes round pixel p, variance kept near one."""
    at = (np.arange(SIZE) + 0.5) / SIZE * cells
    base, t = np.floor(at).astype(int), at % 1
    weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
    out = np.zeros((SIZE, cells))
    for k, weight in enumerate(weights):
        np.add.at(out, (np.arange(SIZE), (base + k - 1) % cells), weight / 6)
    scaled: Floats = (out / np.sqrt((out**2).sum(1).mean())).astype(np.float32)
    return scaled


def smooth(rng: Rng, rows: int, columns: int | None = None, channels: int = 1) -> Floats:
    """Smooth periodic noise of about unit variance: (256, 256), or (256, 256, channels).

    Args:
        rows, columns: how many blots fit in a tile; the same both ways if only one is given.
    """
    columns = rows if columns is None else columns
    grid = rng.standard_normal((channels, rows, columns), np.float32)
    planes: NDArray[Any] = _spline(rows) @ grid @ _spline(columns).T
    out: Floats = planes[0] if channels == 1 else np.ascontiguousarray(planes.transpose(1, 2, 0))
    return out


def fractal(rng: Rng, first: int = 3, octaves: int = 5, slope: float = 1.0, channels: int = 1) -> Floats:
    """Noise with power at many scales, unit variance: an octave has `2**-slope` the amplitude of the one before."""
    parts = [smooth(rng, min(first * 2**k, 128), channels=channels) * 2 ** (-slope * k) for k in range(octaves)]
    out: Floats = sum(parts[1:], parts[0])
    out /= np.float32(math.sqrt(sum(4 ** (-slope * k) for k in range(octaves))))
    return out


def _edge(field: Floats, softness: float) -> Floats:
    """0 below zero, 1 above, with a ramp of `softness`."""
    out: Floats = np.clip(field / np.float32(softness) + np.float32(0.5), 0, 1)
    return out


# -- weaves: heights of cloth, made once a process -------------------------------------------------------------------


@cache
def weave(name: str) -> Floats:
    """(256, 256) float32 height of a weave, zero mean, in [-1, 1]; the same for everybody.

    Raises KeyError for an unknown name.
    """
    rng = np.random.default_rng(77)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    if name == "plain":
        out = np.where((x // 2 + y // 2) % 2 == 0, np.abs(np.sin(x * np.pi / 4)), np.abs(np.sin(y * np.pi / 4)))
        out = out + 0.3 * smooth(rng, 16, 128) + 0.3 * smooth(rng, 128, 16)
    elif name == "linen":
        out = smooth(rng, 6, 128) + smooth(rng, 128, 6) + 0.5 * rng.standard_normal((SIZE, SIZE))
    elif name == "jersey":
        out = np.sin(x * np.pi / 2) * 0.6 + np.sin(y * np.pi / 2 + np.abs(x % 4 - 2)) * 0.4
        out = out + 0.5 * rng.standard_normal((SIZE, SIZE))
    elif name == "twill":
        out = np.sin((x + y) * (2 * np.pi / 8)) + 0.35 * smooth(rng, 24, 128) + 0.5 * rng.standard_normal((SIZE, SIZE))
    elif name == "fleece":
        out = fractal(rng, 32, 3, 0.2) + 0.7 * rng.standard_normal((SIZE, SIZE))
    elif name == "stitch":
        out = _stitches(24, 32) + 0.15 * rng.standard_normal((SIZE, SIZE))
    elif name == "cord":
        out = np.abs(np.sin(x * (np.pi / 16))) * 2 + 0.25 * rng.standard_normal((SIZE, SIZE))
    elif name == "hide":
        out = -np.abs(fractal(rng, 24, 3, 0.4)) + 0.2 * rng.standard_normal((SIZE, SIZE))
    elif name == "grain":
        out = rng.standard_normal((SIZE, SIZE))
    else:
        raise KeyError(f"unknown weave {name!r}")
    out = out - out.mean()
    scaled: Floats = np.clip(out / (2 * out.std()), -1, 1).astype(np.float32)
    return scaled


def _stitches(across: int, down: int) -> Floats:
    """Height of plain knitting: columns of V, `across` times `down` stitches a tile."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    leg = np.abs((x * across) % 1 - 0.5) * 2
    rise = 0.5 + 0.5 * np.cos(2 * np.pi * (y * down + 0.75 * leg))
    out: Floats = (rise * np.sin(np.pi * leg) * 2 - 1).astype(np.float32)
    return out


# -- patterns of straight lines --------------------------------------------------------------------------------------


def _bands(widths: NDArray[np.float64], which: NDArray[np.int64], palette: Floats) -> Floats:
    """(256, 3) colours of bands one after the other; `widths` relative, `which` indexes the palette. Antialiased."""
    ends = np.cumsum(widths) / widths.sum()
    fine = np.searchsorted(ends, (np.arange(SIZE * 4) + 0.5) / (SIZE * 4))
    out: Floats = palette[which[np.minimum(fine, len(which) - 1)]].reshape(SIZE, 4, 3).mean(1)
    return out


def _line(rng: Rng, palette: Floats, kind: str) -> tuple[Floats, float]:
    """(256, 3) colours across stripes of a kind, and metres of a repeat."""
    if kind == "breton":
        n = int(rng.integers(3, 8))
        line = _bands(np.tile([1, rng.uniform(0.35, 0.8)], n), np.tile([0, 1], n), palette)
        return line, n * float(rng.uniform(0.018, 0.035))
    if kind == "equal":
        n = int(rng.integers(2, 8))
        return _bands(np.ones(2 * n), np.tile([0, 1], n), palette), n * float(rng.uniform(0.012, 0.06))
    if kind == "pin":
        n = int(rng.integers(6, 16))
        return _bands(np.tile([1, 0.09], n), np.tile([0, 1], n), palette), n * float(rng.uniform(0.012, 0.025))
    if kind == "rugby":
        n = int(rng.integers(2, 4))
        widths = np.tile([1, rng.uniform(0.5, 1)], n)
        which = np.tile([0, 1], n)
        which[1] = rng.integers(1, 3)
        return _bands(widths, which, palette), n * float(rng.uniform(0.1, 0.16))
    if kind == "double":
        n = int(rng.integers(2, 6))
        line = _bands(np.tile([1, 0.14, 0.1, 0.14], n), np.tile([0, 1, 0, 2], n), palette)
        return line, n * float(rng.uniform(0.03, 0.07))
    count = int(rng.integers(4, 11))  # "multi"
    which = np.concatenate([[0], rng.integers(0, 4, count)])
    return _bands(rng.uniform(0.2, 1.2, count + 1), which, palette), float(rng.uniform(0.12, 0.4))


def stripes(rng: Rng, palette: Floats) -> Swatch:
    """Stripes round the body: breton, equal, wide, doubled or of several colours."""
    line, repeat = _line(rng, palette, str(rng.choice(["breton", "equal", "rugby", "double", "multi"],
                                                      p=[0.35, 0.2, 0.15, 0.12, 0.18])))  # fmt: skip
    return Swatch(line[:, None], repeat)


def bars(rng: Rng, palette: Floats) -> Swatch:
    """Stripes down the body: pinstripes, shirt stripes."""
    line, repeat = _line(rng, palette, str(rng.choice(["pin", "equal", "double", "multi"], p=[0.35, 0.3, 0.25, 0.1])))
    return Swatch(line[None], min(repeat, 0.3))


def pinstripe(rng: Rng, palette: Floats) -> Swatch:
    """Thin lines down the body, close to the ground colour: suits."""
    near = palette.copy()
    near[1] = palette[0] * 0.55 + palette[1] * 0.45
    line, repeat = _line(rng, near, "pin")
    return Swatch(line[None], repeat)


def gingham(rng: Rng, palette: Floats) -> Swatch:
    """Checks of two crossing bands: thread colours mix where they cross."""
    n = int(rng.integers(4, 17))
    band = _bands(np.ones(2 * n), np.tile([0, 1], n), palette)
    return Swatch((band[None] + band[:, None]) * np.float32(0.5), n * float(rng.uniform(0.01, 0.03) if n > 6 else 0.05))


def tartan(rng: Rng, palette: Floats) -> Swatch:
    """The same symmetric sett of threads in both directions, woven as twill."""
    count = int(rng.integers(3, 6))
    half_w, half_k = rng.choice([0.15, 0.3, 0.8, 1.5], count), rng.integers(0, 4, count)
    half_k[0], half_w[0], half_k[1] = 0, 1.5, 1
    widths, which = np.concatenate([half_w, half_w[::-1]]), np.concatenate([half_k, half_k[::-1]])
    n = int(rng.integers(1, 4))
    band = _bands(np.tile(widths, n), np.tile(which, n), palette)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    mix = np.where((x + y) % 8 < 4, np.float32(0.68), np.float32(0.32))[..., None]
    return Swatch(band[None] * mix + band[:, None] * (1 - mix), n * float(rng.uniform(0.07, 0.16)))


def checks(rng: Rng, palette: Floats) -> Swatch:
    """Window panes and grids: thin lines both ways, sometimes two of them."""
    n = int(rng.integers(2, 7))
    thin = float(rng.uniform(0.06, 0.2))
    other = 2 if rng.random() < 0.3 else 1
    band = _bands(np.tile([1, thin, 1, thin], n), np.tile([0, 1, 0, other], n), palette)
    pick = np.abs(band - palette[0]).sum(1) > np.abs(band[:, None] - palette[0]).sum(2).T * 0.999
    lines = np.where(pick.T[..., None] & np.ones((SIZE, SIZE, 1), bool), band[:, None], band[None])
    return Swatch(lines.astype(np.float32), n * float(rng.uniform(0.03, 0.1)))


def houndstooth(rng: Rng, palette: Floats) -> Swatch:
    """Four threads dark, four light, both ways, in a 2/2 twill."""
    n = int(rng.choice([2, 4, 8], p=[0.25, 0.45, 0.3]))
    cells = 8 * n
    y, x = np.mgrid[0:cells, 0:cells]
    warp = np.where((x + y) % 4 < 2, x // 4 % 2, y // 4 % 2)
    mask = np.kron(warp, np.ones((SIZE // cells, SIZE // cells), np.int64))
    return Swatch(palette[mask], n * float(rng.choice([0.015, 0.025, 0.05])))


def zigzag(rng: Rng, palette: Floats) -> Swatch:
    """Chevrons in two or more colours."""
    n, m = int(rng.integers(2, 8)), int(rng.integers(2, 6))
    line = _bands(np.ones(m), np.arange(m) % 4 if m < 5 else np.array([0, 1, 0, 2, 3]), palette)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    shift = np.abs((x * n) % SIZE - SIZE // 2)
    return Swatch(line[(y * int(rng.integers(1, 4)) + shift) % SIZE], n * float(rng.uniform(0.04, 0.07)))


def argyle(rng: Rng, palette: Floats) -> Swatch:
    """Diamonds with thin crossing lines, as on sweaters and socks."""
    n = int(rng.integers(2, 5))
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE * n
    reach = np.abs(x % 1 - 0.5) + np.abs(y % 1 - 0.5)
    out = np.where((reach < 0.5)[..., None], palette[1], palette[0])
    out = np.where((np.abs(reach - 0.25) < 0.018)[..., None], palette[2], out)
    return Swatch(out.astype(np.float32), n * float(rng.uniform(0.06, 0.12)))


def blocks(rng: Rng, palette: Floats) -> Swatch:
    """Broad blocks of colour."""
    count = int(rng.integers(2, 5))
    which = np.concatenate([[0], 1 + rng.permutation(3)])[:count]
    band = _bands(rng.uniform(0.5, 1.5, count), which, palette)
    return Swatch(band[:, None], float(rng.uniform(0.4, 0.6)))


def gradient(rng: Rng, palette: Floats) -> Swatch:
    """From one colour to another and, mirrored, back."""
    ramp = 1 - np.abs(np.linspace(-1, 1, SIZE, endpoint=False) + 1 / SIZE)
    ramp = (ramp * ramp * (3 - 2 * ramp))[:, None].astype(np.float32)
    line = palette[0] * (1 - ramp) + palette[1] * ramp
    return Swatch(line[:, None] if rng.random() < 0.75 else line[None], float(rng.uniform(0.45, 0.6)))


# -- patterns of shapes ----------------------------------------------------------------------------------------------


class _Sheet:
    """A tile drawn at twice its size; shapes that leave it come in again on the other side."""

    span = 2 * SIZE

    def __init__(self, ground: Floats) -> None:
        self.image = Image.new("RGB", (self.span, self.span), _bytes(ground))
        self.draw = ImageDraw.Draw(self.image)

    def polygon(self, points: NDArray[np.float64], fill: Floats | None, outline: Floats | None = None) -> None:
        """A closed shape; points (N, 2) pixels of the sheet, x and y."""
        low, high = points.min(0) - 4, points.max(0) + 4
        for dx in (0, self.span, -self.span):
            if high[0] + dx < 0 or low[0] + dx > self.span:
                continue
            for dy in (0, self.span, -self.span):
                if high[1] + dy < 0 or low[1] + dy > self.span:
                    continue
                moved = np.add(points, (dx, dy)).ravel().tolist()
                if fill is not None:
                    self.draw.polygon(moved, _bytes(fill))
                if outline is not None:
                    self.draw.line(moved + moved[:2], _bytes(outline), 3)

    def cloth(self) -> Floats:
        """(256, 256, 3) float32."""
        return np.asarray(self.image.reduce(2), np.float32) / np.float32(255)


def _bytes(value: Floats) -> tuple[int, int, int]:
    red, green, blue = (np.clip(value, 0, 1) * 255).round().astype(int).tolist()
    return red, green, blue


def _scatter(rng: Rng, cells: int, jitter: float) -> NDArray[np.float64]:
    """(cells**2, 2) places on the sheet: a grid with every second row offset, and jittered."""
    y, x = (g.ravel().astype(np.float64) for g in np.mgrid[0:cells, 0:cells])
    x = x + 0.5 * (y % 2) * (cells % 2 == 0)
    places = np.stack([x, y], 1) + rng.uniform(-jitter, jitter, (cells * cells, 2))
    return places[rng.permutation(len(places))] * (_Sheet.span / cells)


_ROUND: Final = np.linspace(0, 2 * np.pi, 14, endpoint=False)


def _oval(length: float, width: float) -> NDArray[np.float64]:
    """(14, 2) a petal that starts at the origin and points along x."""
    return np.stack([length * (0.5 + 0.5 * np.cos(_ROUND)), width * np.sin(_ROUND) * (0.8 + 0.4 * np.cos(_ROUND))], 1)


def _leaf(length: float, width: float) -> NDArray[np.float64]:
    """(14, 2) a pointed leaf that starts at the origin and points along x."""
    return np.stack([length * (0.5 + 0.5 * np.cos(_ROUND)), width * np.sin(_ROUND) * np.abs(np.sin(_ROUND))], 1)


def _turned(shape: NDArray[np.float64], angle: float, place: NDArray[np.float64]) -> NDArray[np.float64]:
    c, s = math.cos(angle), math.sin(angle)
    out: NDArray[np.float64] = shape @ np.array([[c, s], [-s, c]]) + place
    return out


def floral(rng: Rng, palette: Floats) -> Swatch:
    """Scattered flowers of five or six petals with leaves; filled, or drawn in lines."""
    sheet, cells = _Sheet(palette[0]), int(rng.choice([3, 4, 5, 6], p=[0.25, 0.35, 0.25, 0.15]))
    lines = rng.random() < 0.18
    radius = _Sheet.span / cells * float(rng.uniform(0.3, 0.55))
    petals, slim = int(rng.integers(5, 7)), float(rng.uniform(0.25, 0.45))
    green = color(*rng.integers((50, 80, 40), (110, 130, 80)).tolist()) if rng.random() < 0.7 else palette[3]
    green = green * 0.7 + palette[0] * 0.3
    for place in _scatter(rng, cells, 0.3):
        r, turn = radius * rng.uniform(0.55, 1.1), float(rng.uniform(0, 2 * np.pi))
        tint = palette[1] if rng.random() < 0.6 else palette[2]
        for k in range(int(rng.integers(1, 3))):
            leaf = _turned(_leaf(r * 1.7, r * 0.4), turn + k * 2.4 + 0.6, place)
            sheet.polygon(leaf, None if lines else green, palette[1] if lines else None)
        for k in range(petals):
            petal = _turned(_oval(r, r * slim), turn + 2 * np.pi * k / petals, place)
            shade = np.float32(1 - 0.08 * (k % 3))
            sheet.polygon(petal, palette[0] if lines else tint * shade, palette[1] if lines else None)
        sheet.polygon(_turned(_oval(r * 0.4, r * 0.2), turn, place - r * 0.1), palette[1 if lines else 3])
    return Swatch(sheet.cloth(), cells * float(rng.uniform(0.03, 0.075)))


def leopard(rng: Rng, palette: Floats) -> Swatch:
    """Rosettes: a darker heart with two to four dark pieces round it. Colours of its own unless the palette is dark."""
    ground, heart, dark = color(203, 164, 114), color(160, 112, 66), color(38, 28, 24)
    if rng.random() < 0.3:
        ground, heart = color(176, 172, 168), color(128, 124, 122)
    sheet, cells = _Sheet(ground), int(rng.integers(7, 10))
    radius = _Sheet.span / cells * 0.42
    for place in _scatter(rng, cells, 0.24):
        r, turn, count = radius * rng.uniform(0.7, 1.1), float(rng.uniform(0, 6.3)), int(rng.integers(2, 5))
        blob = np.stack([np.cos(_ROUND), np.sin(_ROUND)], 1) * (r * (0.75 + 0.25 * rng.random((14, 1))))
        sheet.polygon(blob + place, heart)
        for k in range(count):
            arc = turn + (k + np.linspace(0.12, 0.86, 7)) * 2 * np.pi / count
            outer = np.stack([np.cos(arc), np.sin(arc)], 1) * (r * rng.uniform(0.95, 1.2, (7, 1)))
            inner = np.stack([np.cos(arc), np.sin(arc)], 1) * (r * rng.uniform(0.5, 0.75, (7, 1)))
            sheet.polygon(np.concatenate([outer, inner[::-1]]) + place, dark)
    return Swatch(sheet.cloth(), float(rng.uniform(0.18, 0.32)))


def paisley(rng: Rng, palette: Floats) -> Swatch:
    """Drops with a bent tip, one inside the other, and beads between them."""
    sheet, cells = _Sheet(palette[0]), int(rng.choice([3, 4, 5]))
    t = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    drop = np.stack([np.cos(t) * (0.55 - 0.25 * np.sin(t)) + 0.35 * np.clip(np.sin(t), 0, 1) ** 3, np.sin(t)], 1)
    radius = _Sheet.span / cells * 0.42
    for place in _scatter(rng, cells, 0.1):
        turn = float(rng.integers(4)) * np.pi / 2 + float(rng.normal(0, 0.2))
        for scale, k in ((1.0, 1), (0.78, 0), (0.66, 2), (0.4, 3), (0.2, 0)):
            sheet.polygon(_turned(drop * radius * scale, turn, place), palette[k])
        for angle in np.arange(0, 2 * np.pi, np.pi / 4):
            bead = _turned(_oval(radius * 0.12, radius * 0.06), 0.0, place + _turned(
                np.array([[radius * 1.25, 0.0]]), angle, np.zeros(2))[0])  # fmt: skip
            sheet.polygon(bead, palette[1])
    return Swatch(sheet.cloth(), cells * float(rng.uniform(0.035, 0.07)))


def geometric(rng: Rng, palette: Floats) -> Swatch:
    """One shape again and again: triangles, squares, crosses, stars, half moons, short dashes."""
    sheet, cells = _Sheet(palette[0]), int(rng.choice([4, 6, 8]))
    sides, spiky = int(rng.choice([3, 4, 5, 6, 2])), bool(rng.random() < 0.3)
    free = rng.random() < 0.5
    angle = np.arange(sides * 2) * np.pi / sides
    reach = np.where(np.arange(sides * 2) % 2 == 0, 1.0, 0.35 if spiky else math.cos(np.pi / sides) + 0.12)
    shape = np.stack([np.cos(angle), np.sin(angle)], 1) * reach[:, None]
    radius = _Sheet.span / cells * float(rng.uniform(0.2, 0.42))
    for place in _scatter(rng, cells, 0.2 if free else 0.0):
        tint = palette[int(rng.integers(1, 4))] if free else palette[1]
        sheet.polygon(_turned(shape * radius, float(rng.uniform(0, 6.3)) if free else -np.pi / 2, place), tint)
    return Swatch(sheet.cloth(), cells * float(rng.uniform(0.018, 0.05)))


def dots(rng: Rng, palette: Floats) -> Swatch:
    """Dots in an offset grid, of one size or of two, in one colour or several."""
    n = int(rng.choice([2, 4, 6, 8, 12]))
    radius = float(rng.uniform(0.12, 0.36))
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) * (n / SIZE)
    row = y.astype(np.int64)
    column = (x + 0.5 * (row % 2)).astype(np.int64)
    away = np.hypot((x + 0.5 * (row % 2)) % 1 - 0.5, y % 1 - 0.5)
    size = radius * np.where((row + column) % 2 == 0, 1, 0.55) if rng.random() < 0.2 else np.float32(radius)
    mask = _edge((size - away).astype(np.float32), 1.4 * n / SIZE)[..., None]
    ink = palette[1]
    if rng.random() < 0.15:
        ink = palette[1:][(column % n * 5 + row * 7) % 3]
    return Swatch(palette[0] * (1 - mask) + ink * mask, n * float(rng.uniform(0.012, 0.04)))


# -- patterns of noise -----------------------------------------------------------------------------------------------


_CAMOUFLAGE: Final = (
    ((112, 112, 80), (72, 82, 54), (150, 138, 104), (44, 42, 36)),
    ((150, 134, 104), (112, 92, 66), (190, 174, 142), (86, 72, 54)),
    ((120, 124, 126), (76, 80, 84), (168, 170, 170), (42, 44, 48)),
    ((64, 76, 70), (40, 52, 46), (96, 100, 78), (26, 28, 28)),
    ((58, 70, 96), (36, 44, 66), (98, 108, 126), (24, 28, 40)),
)


def camouflage(rng: Rng, palette: Floats) -> Swatch:
    """Three or four earth colours in blots that lie across the body; now and then of squares. Its own colours."""
    tones = colors(_CAMOUFLAGE[int(rng.choice(5, p=[0.4, 0.2, 0.15, 0.15, 0.1]))])
    rows = int(rng.integers(7, 11))
    squares = rng.random() < 0.2
    out = np.broadcast_to(tones[0], (SIZE, SIZE, 3))
    for k, level in ((1, 0.15), (2, 0.75), (3, 0.95)):
        field = smooth(rng, rows, rows * 2 // 3) + 0.55 * smooth(rng, rows * 3, rows * 2) + 0.2 * smooth(rng, rows * 6)
        if squares:
            field = np.kron(field[4::8, 4::8], np.ones((8, 8), np.float32))
        mask = _edge(field / 1.16 - np.float32(level), 0.08)[..., None]
        out = out * (1 - mask) + tones[k] * mask
    return Swatch(out.astype(np.float32), float(rng.uniform(0.35, 0.55)))


def brush(rng: Rng, palette: Floats) -> Swatch:
    """Abstract blots and strokes in the palette."""
    out = np.broadcast_to(palette[0], (SIZE, SIZE, 3))
    rows, columns = (int(v) for v in rng.integers(3, 12, 2))
    for k in (1, 2, 3):
        field = smooth(rng, rows, columns) + 0.3 * smooth(rng, rows * 4, columns * 2)
        mask = _edge(field - np.float32(rng.uniform(0.4, 1.2)), float(rng.uniform(0.06, 0.5)))[..., None]
        out = out * (1 - mask) + palette[k] * mask
    return Swatch(out.astype(np.float32), float(rng.uniform(0.25, 0.55)))


def zebra(rng: Rng, palette: Floats) -> Swatch:
    """Bent stripes that swell and end."""
    y = np.arange(SIZE, dtype=np.float32)[:, None] / SIZE
    phase = y * int(rng.integers(7, 12)) + 0.7 * smooth(rng, 3) + 0.12 * smooth(rng, 10)
    mask = _edge(np.sin(2 * np.pi * phase) + 0.35 * smooth(rng, 6), 0.35)[..., None]
    light, dark = palette[0] if luminance(palette[0]) > 0.5 else color(232, 226, 214), color(34, 30, 30)
    return Swatch(light * (1 - mask) + dark * mask, float(rng.uniform(0.25, 0.5)))


def tiedye(rng: Rng, palette: Floats) -> Swatch:
    """Rings of dye round a knot, frayed."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) * (np.pi / SIZE)
    away = np.sqrt(np.sin(x) ** 2 + np.sin(y) ** 2) + 0.09 * fractal(rng, 4, 5, 0.5)
    turns = float(rng.uniform(1.5, 3.5))
    at = away * turns % 1 * 4
    low = at.astype(np.int64)
    share = _edge((at % 1).astype(np.float32) - np.float32(0.5), 0.8)[..., None]
    near = palette * 0.75 + 0.25
    return Swatch(near[low % 4] * (1 - share) + near[(low + 1) % 4] * share, float(rng.uniform(0.4, 0.6)))


def acid(rng: Rng, palette: Floats) -> Swatch:
    """Bleached clouds on one colour."""
    mask = _edge(fractal(rng, 4, 6, 0.6), 2.2)[..., None]
    pale = palette[0] * 0.45 + 0.52
    return Swatch(palette[0] * (1 - mask) + pale * mask, float(rng.uniform(0.35, 0.6)))


def photograph(rng: Rng, palette: Floats) -> Swatch:
    """What a photograph looks like from afar: coloured noise with power at all scales, pulled towards the palette."""
    noise = fractal(rng, 2, 7, float(rng.uniform(0.5, 1.0)), channels=3)
    mix = np.array([[1, 0.35, 0.1], [1, 0.0, -0.2], [1, -0.35, 0.1]], np.float32)
    middle = palette[:3].mean(0)
    out = np.clip(middle + noise @ mix.T * np.float32(rng.uniform(0.1, 0.2)), 0, 1)
    return Swatch(out, float(rng.uniform(0.3, 0.6)))


def scenery(rng: Rng, palette: Floats) -> Swatch:
    """Sky, hills and their reflection, without end."""
    y = np.abs(np.linspace(-1, 1, SIZE, endpoint=False, dtype=np.float32) + 1 / SIZE)[:, None]
    sky = palette[1] * (1 - y[..., None]) + palette[2] * y[..., None]
    out = sky * (1 + 0.1 * smooth(rng, 24, 3)[..., None])
    for k, level in enumerate((0.55, 0.4, 0.25)):
        ridge = smooth(rng, 8, 8)[:1] * 0.1 + smooth(rng, 20, 20)[:1] * 0.03
        mask = _edge(np.float32(level) + ridge - y, 0.015)[..., None]
        tone = (palette[0] * (k + 1) + palette[1] * (2 - k)) / 3 * (1 - 0.18 * k)
        out = out * (1 - mask) + tone * mask
    return Swatch(np.clip(out, 0, 1).astype(np.float32), float(rng.uniform(0.5, 0.6)))


# -- patterns of the cloth itself ------------------------------------------------------------------------------------


def heather(rng: Rng, palette: Floats) -> Swatch:
    """Melange: fibres of a lighter and a darker colour spun together."""
    field = smooth(rng, 128, 48) * 0.6 + rng.standard_normal((SIZE, SIZE), np.float32) * 0.4
    mask = np.clip(0.35 + 0.3 * field, 0, 1)[..., None]
    pale = palette[0] * 0.6 + 0.36 if luminance(palette[0]) < 0.6 else palette[0] * 0.72
    return Swatch(palette[0] * (1 - mask) + pale * mask, float(rng.uniform(0.15, 0.25)))


def tweed(rng: Rng, palette: Floats) -> Swatch:
    """Coarse wool: a herring-bone of two tones with specks of others."""
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    bone = ((np.abs(x % 32 - 16) + y) % 8 < 4).astype(np.float32)
    field = np.clip(0.3 * bone + 0.35 + 0.25 * rng.standard_normal((SIZE, SIZE), np.float32), 0, 1)[..., None]
    out = palette[0] * (1 - field) + (palette[0] * 0.55 + 0.3) * field
    speck = smooth(rng, 128) > 2.0
    out[speck] = palette[2]
    return Swatch(out, float(rng.uniform(0.15, 0.25)))


def knit(rng: Rng, palette: Floats) -> Swatch:
    """Visible stitches."""
    across = int(rng.choice([12, 16, 20, 28]))
    height = _knit_heights(across, 0)
    return Swatch(palette[:1, None], across * float(rng.uniform(0.006, 0.011)), height, 0.3)


def cable(rng: Rng, palette: Floats) -> Swatch:
    """Cables and ribs between them."""
    return Swatch(palette[:1, None], float(rng.uniform(0.16, 0.28)), _knit_heights(24, int(rng.integers(1, 4))), 0.4)


@cache
def _knit_heights(across: int, cables: int) -> Floats:
    """(256, 256) height of knitting, with `cables` plaits down the tile."""
    height = _stitches(across, across * 4 // 3) * (0.75 if cables == 0 else 0.4)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    for k in range(cables):
        off = (x - (k + 0.5) / cables + 0.5) % 1 - 0.5
        wide = 0.22 / cables
        for phase in (0.0, 1 / 3, 2 / 3):
            strand = 0.55 * wide * np.sin(2 * np.pi * (2 * y + phase))
            over = 0.7 + 0.3 * np.cos(2 * np.pi * (2 * y + phase))
            height = np.maximum(height, 1.6 * over * (1 - ((off - strand) / (0.5 * wide)) ** 2) - 0.6)
        height = height - 0.8 * np.exp(-(((np.abs(off) - 1.25 * wide) / (0.2 * wide)) ** 2))
    out: Floats = np.clip(height, -1, 1).astype(np.float32)
    return out


def ribbed(rng: Rng, palette: Floats) -> Swatch:
    """Ribs down the body."""
    n = int(rng.integers(10, 25))
    x = np.arange(SIZE, dtype=np.float32) / SIZE * n
    height = np.broadcast_to(np.abs(np.sin(np.pi * x)) * 1.6 - 1, (SIZE, SIZE)).astype(np.float32)
    return Swatch(palette[:1, None], n * float(rng.uniform(0.006, 0.012)), height, 0.22)


def fairisle(rng: Rng, palette: Floats) -> Swatch:
    """Rows of small symmetric figures, knitted in."""
    cells, half = 32, int(rng.choice([4, 8]))
    rows = np.zeros((cells, 2 * half), np.int64)
    at = 0
    while at < cells:
        tall, ink = int(rng.integers(2, 7)), int(rng.integers(1, 4))
        left = rng.random((tall, half)) < 0.5
        figure = np.concatenate([left, left[:, ::-1]], 1)
        figure = np.concatenate([figure, figure[::-1]])[: cells - at]
        rows[at : at + len(figure)] = figure * ink
        at += 2 * tall + int(rng.integers(1, 4))
    grid = np.kron(np.tile(rows, (1, cells // (2 * half))), np.ones((8, 8), np.int64))
    return Swatch(palette[grid], float(rng.uniform(0.2, 0.35)), _knit_heights(32, 0), 0.15)


def corduroy(rng: Rng, palette: Floats) -> Swatch:
    """Cords down the body, brushed unevenly."""
    return Swatch(palette[:1, None], float(rng.uniform(0.08, 0.18)), weave("cord"), 0.18)


def quilt(rng: Rng, palette: Floats) -> Swatch:
    """Channels of a quilted jacket: soft rolls across the body with stitched seams."""
    n = int(rng.choice([2, 3, 4, 5]))
    y = np.arange(SIZE, dtype=np.float32)[:, None] / SIZE * n
    roll = np.abs(np.sin(np.pi * y)) ** 0.5
    wrinkle = 0.25 * smooth(rng, 6 * n, 24) * (1 - roll)
    seam = np.abs(y % 1 - 0.5) > 0.49
    height = (roll * 2 - 1.1 + wrinkle).astype(np.float32)
    shade = np.where(seam, np.float32(0.6), np.float32(1))[..., None]
    return Swatch(np.broadcast_to(palette[0] * shade, (SIZE, 1, 3)), n * float(rng.uniform(0.05, 0.1)), height, 0.16)


def denim(rng: Rng, palette: Floats) -> Swatch:
    """Twill of dyed warp and pale weft: slubs, washed patches, now and then bleached."""
    thread = 0.5 * smooth(rng, 10, 128) + 0.35 * rng.standard_normal((SIZE, SIZE), np.float32) + 0.4 * weave("twill")
    wash = float(rng.choice([0.03, 0.08, 0.18], p=[0.4, 0.4, 0.2]))
    field = 0.18 + 0.09 * thread + wash * fractal(rng, 2, 3, 0.8)
    mask = np.clip(field, 0, 0.8)[..., None]
    pale = palette[0] * 0.35 + np.array([0.56, 0.58, 0.6], np.float32)
    return Swatch(palette[0] * (1 - mask) + pale * mask, float(rng.uniform(0.25, 0.45)))


FABRIC_BANK: Final[Mapping[str, Callable[[Rng, Floats], Swatch]]] = {
    f.__name__: f
    for f in (stripes, bars, pinstripe, gingham, tartan, checks, houndstooth, zigzag, argyle, blocks, gradient, floral,
              leopard, paisley, geometric, dots, camouflage, brush, zebra, tiedye, acid, photograph, scenery, heather,
              tweed, knit, cable, ribbed, fairisle, corduroy, quilt, denim)
}  # fmt: skip
"""Every pattern by its name."""


# -- fabrics ---------------------------------------------------------------------------------------------------------


def weave_fabric(
    rng: Rng, pattern: str, palette: Floats, material: str, worn: float = 0.0, trim: Floats | None = None
) -> Fabric:
    """A fabric without prints.

    Args:
        pattern: a name of `FABRIC_BANK`, or "plain". palette: (4, 3) sRGB, ground colour first.
        material: a name of `MATERIALS`. worn: 0 new to 1 faded and rubbed.
        trim: colour of collar and cuffs; a shade of the ground colour if not given.

    Raises:
        KeyError: unknown pattern or material.
    """
    stuff = MATERIALS[material]
    cloth = Swatch(palette[:1, None], float(rng.uniform(0.16, 0.3))) if pattern == "plain" else FABRIC_BANK[pattern](
        rng, palette)  # fmt: skip
    repeat = float(np.clip(cloth.repeat, 0.1, 0.6))
    rough = stuff.rough * min(1.0, 0.25 / repeat)
    height = weave(stuff.weave) * np.float32(rough)
    # Cloth is never one colour: dye, dust and pile vary over a hand's breadth, threads over a millimetre.
    shade = 1 + np.float32(0.035) * height + np.float32(0.018) * smooth(rng, 3)
    if cloth.height is not None:
        shade += np.float32(cloth.light) * cloth.height
        height = cloth.height + 0.3 * height
    painted = cloth.color * shade[..., None]
    if worn > 0:
        rubbed = np.clip(worn * (0.16 + 0.06 * fractal(rng, 4, 4, 0.6)), 0, 1)[..., None]
        painted += rubbed * (np.float32(0.62) - painted)
    tile = np.empty((SIZE, SIZE, 4), np.uint8)
    np.multiply(np.clip(painted, 0.012, 0.985, out=painted), 255, out=painted)
    tile[..., :3] = painted
    tile[..., 3] = np.clip(128 + 70 * height, 0, 255)
    if trim is None:
        trim = palette[0] * np.float32(rng.uniform(0.82, 1.0))
    return Fabric(tile, repeat, None, None, stuff.gloss, stuff.fold, np.clip(trim, 0.02, 0.98).astype(np.float32))


def plain_fabric(rng: Rng, color: Floats, material: str = "cotton") -> Fabric:
    """Cloth of one colour, with the weave and the unevenness of the material. `color`: (3,) sRGB."""
    return weave_fabric(rng, "plain", np.tile(color.astype(np.float32), (4, 1)), material)


def flat_fabric(fabric: Fabric) -> Fabric:
    """The same cloth painted in its mean colour alone: no pattern, no relief, no print."""
    tile = np.empty_like(fabric.tile)
    tile[..., :3] = fabric.tile[::4, ::4, :3].reshape(-1, 3).mean(0).round()
    tile[..., 3] = 128
    mean = tile[0, 0, :3].astype(np.float32) / np.float32(255)
    return replace(fabric, tile=tile, front=None, back=None, trim=mean)


def sample_fabric(
    rng: Rng, kind: str, palette: Floats, pattern: str = "plain", material: str = "cotton", printed: bool = False
) -> Fabric:
    """A fabric for a kind of garment, worn or new, with prints if wanted.

    Args:
        kind: of garment: "tshirt", "sweater", "hoodie" or "jersey" choose what is printed; others print as "tshirt".
        palette: (4, 3) sRGB, ground colour first. pattern, material: as for `weave_fabric`.
        printed: whether chest, back or both carry a print.

    Raises:
        KeyError: unknown pattern or material.
    """
    fades = 0.3 if material in ("cotton", "denim", "twill") else 0.1
    old = float(rng.uniform(0.2, 0.9)) if rng.random() < fades else 0.0
    fabric = weave_fabric(rng, pattern, palette, material, old)
    if pattern in ("stripes", "tartan", "floral", "checks", "gingham") and rng.random() < 0.3:
        fabric = replace(fabric, trim=palette[1].astype(np.float32))
    if not printed:
        return fabric
    front, back = sample_prints(rng, kind, ink_on(palette))
    return replace(fabric, front=front, back=back)
