"""What is behind a person in a picture: the backdrop of a studio, or wall, ground and things of a place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from repose.body.model import Floats
from repose.render.place import props
from repose.render.place.colors import Color, random_tone
from repose.render.place.places import Place, Prop
from repose.render.place.props import VARIANTS
from repose.render.place.surroundings import Studio, Surroundings
from repose.render.place.walls import WALLS, Pen


@dataclass(frozen=True)
class Ground:
    """Where the ground is in a picture.

    Attributes:
        horizon: row of the horizon, pixels; may lie outside of the picture.
        feet: x and y in pixels of the spot the person stands on; may lie outside.
        metre: pixels a metre spans at the feet.
        azimuth_deg: where the camera looks in the place, clockwise from above.
        distance: metres from the camera to the feet along the ground; 0 where it is unknown.
    """

    horizon: float
    feet: tuple[float, float]
    metre: float
    azimuth_deg: float = 0.0
    distance: float = 0.0


@dataclass(frozen=True)
class _View:
    """A camera in a place. Pixels of a picture; the person walks about a little: `x`, `z` metres."""

    height: int
    width: int
    horizon: float
    fx: float
    fy: float
    metre: float
    distance: float
    azimuth: float
    x: float
    z: float

    def project(self, right: float, depth: float) -> tuple[float, float, float]:
        """Column, row of the ground, and pixels a metre there, of a point `depth` metres from the camera."""
        share = self.distance / depth
        return self.fx + right * self.metre * share, self.horizon + (self.fy - self.horizon) * share, self.metre * share


def background(surroundings: Surroundings, rng: np.random.Generator, height: int, width: int, ground: Ground) -> Floats:
    """(H, W, 3) float32 sRGB in [0, 1] of what is behind the person; its shadow is left to the caller."""
    if not surroundings.places:
        assert surroundings.studio is not None
        return _backdrop(surroundings.studio, rng, height, width, ground)
    number = surroundings.place_of(ground.azimuth_deg)
    return _look(surroundings, number, rng, height, width, ground)


def _backdrop(studio: Studio, rng: np.random.Generator, height: int, width: int, ground: Ground) -> Floats:
    shift = rng.normal(0, 0.03, 2).astype(np.float32)
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    columns = ((np.arange(width, dtype=np.float32) + 0.5) / height)[None]
    seam = (ground.feet[1] - studio.seam * 0.35 * ground.metre) / height
    mix = 1 / (1 + np.exp(np.clip(-(rows - seam) / (0.3 * studio.bend), -30, 30)))
    far = (
        (rows - studio.pool[1] - shift[0]) ** 2 + (columns - studio.pool[0] * width / height - shift[1]) ** 2
    ) / studio.radius**2
    light = 1 - studio.fall * far / (0.4 + far)
    if studio.mottle:
        texture = _crop_noise(3, rng, height, width)
        light = light + studio.mottle * texture
    under = np.array(studio.floor, np.float32) - np.array(studio.color, np.float32)
    out = (np.array(studio.color, np.float32) + under * mix[..., None]) * light[..., None]
    clipped: Floats = np.clip(out, 0, 1).astype(np.float32)
    return clipped


def _crop_noise(number: int, rng: np.random.Generator, height: int, width: int) -> Floats:
    """A piece of 1/f noise in the size of a picture, at a random spot."""
    size = 256
    side = int(np.clip(max(height, width), 128, 256))
    row, column = (int(v) for v in rng.integers(0, size, 2))
    field = np.roll(props.noise(number, size, 1.3), (row, column), (0, 1))[:side, :side]
    share = side / max(height, width)
    box = (0, 0, max(1.0, width * share), max(1.0, height * share))
    image = Image.fromarray(field).resize((width, height), Image.Resampling.BILINEAR, box=box)
    return np.asarray(image, np.float32)


def _look(
    surroundings: Surroundings, number: int, rng: np.random.Generator, height: int, width: int, ground: Ground
) -> Floats:
    place = surroundings.places[number]
    distance = ground.distance or (4.0 if place.indoor else 7.0)
    fy = max(ground.feet[1], ground.horizon + 0.1 * ground.metre)
    stroll = (0.0, 0.0) if place.indoor else (float(rng.normal(0, 0.5)), float(rng.normal(0, 0.25)))
    view = _View(
        height,
        width,
        ground.horizon,
        ground.feet[0],
        fy,
        ground.metre,
        distance,
        math.radians(ground.azimuth_deg),
        *stroll,
    )
    out, bottom = _wall(place, view)
    _floor(surroundings, number, place, view, out, bottom)
    picture = _furnish(place, view, rng, out)
    # sprites bear a close look badly, so large pictures are never sharp behind the person
    radius = max(surroundings.aperture, 0.006 if height > 512 else 0.0) * height
    if radius > 0.35:
        rows = np.arange(height, dtype=np.float32) + 0.5
        deep = distance * (fy - ground.horizon) / np.maximum(rows - ground.horizon, 0.25)
        far = np.clip(1 - distance / np.clip(deep, distance, distance + place.wall), 0, 1)
        most = place.wall / (place.wall + distance)
        picture = props.disc_blur(picture, (radius * far / most).astype(np.float32))
    shaded: Floats = np.clip(picture * np.float32(place.light), 0, 1)
    return shaded


def _wall(place: Place, view: _View) -> tuple[Floats, int]:
    """The wall and the sky above it, (H, W, 3), and the row where the ground begins."""
    scale = 2 if view.height <= 300 else 1
    _, base, metre = view.project(0, view.distance + place.wall)
    left = place.wall * view.azimuth + view.x - view.fx / metre
    bottom = int(np.clip(math.ceil(base), 0, view.height))
    if bottom == 0:
        return np.empty((view.height, view.width, 3), np.float32), 0
    sky = tuple(int(v * 255) for v in place.sky)
    image = Image.new("RGB", (view.width * scale, bottom * scale), sky)
    draw = ImageDraw.Draw(image)
    around = 2 * math.pi * place.wall
    lap = math.floor(left / around) * around
    for turn in (lap, lap + around):
        for section in place.sections:
            start = section.start + turn - left
            if start + section.width > 0 and start < view.width / metre:
                pen = Pen(image, draw, start * metre * scale, base * scale, metre * scale, section.width, place.top)
                WALLS[section.kind](pen, np.array(section.color), np.random.default_rng(section.seed))
    small = np.asarray(image.reduce(scale) if scale > 1 else image, np.float32)[:bottom]
    out = np.empty((view.height, view.width, 3), np.float32)
    np.multiply(small, np.float32(1 / 255), out=out[:bottom])
    roof = base - place.top * metre
    if roof > 0:
        _clouds(out[: min(int(roof), bottom)], left)
    props.weather(out, bottom, left, base, metre, props.noise(5, 512, 1.1), 0.07 if not place.indoor else 0.02)
    dark = np.exp(-np.arange(bottom, 0, -1, dtype=np.float32) / max(0.35 * metre, 1)) * np.float32(0.2)
    out[:bottom] *= (1 - dark)[:, None, None]
    if place.fog:
        out[:bottom] += (np.array(place.sky, np.float32) * np.float32(0.75) - out[:bottom]) * np.float32(place.fog)
    return out, bottom


def _clouds(rows: Floats, left: float) -> None:
    if not rows.size:
        return
    height, width = rows.shape[:2]
    start = int(left * 7) % 256
    field = props.noise(9, 512, 1.5)[: max(height // 3, 1) + 1, start : start + max(width // 2, 1) + 1]
    soft = np.asarray(Image.fromarray(np.ascontiguousarray(field)).resize((width, height), Image.Resampling.BILINEAR))
    white = np.clip(soft * 0.35 + 0.25, 0, 1)[..., None]
    inside = np.abs(rows - rows[:1, :1]).max(-1, keepdims=True) < 0.02
    rows += (0.93 - rows) * white * inside * np.float32(0.6)


def _floor(surroundings: Surroundings, number: int, place: Place, view: _View, out: Floats, bottom: int) -> None:
    if bottom >= view.height:
        return
    size = 256 if view.height <= 160 else 512 if view.height <= 400 else 1024
    key = (number, size)
    if key not in surroundings.tiles:
        one = _painted(place.materials[0], size)
        surroundings.tiles[key] = (one, _painted(place.materials[1], size) if place.border[2] < 50 else one)
    (pixels, levels), (pixels2, levels2) = surroundings.tiles[key]
    numbers = (
        view.horizon,
        view.fx,
        view.fy,
        view.metre,
        view.distance,
        math.cos(view.azimuth),
        math.sin(view.azimuth),
        view.x,
        view.z,
    )
    props.floor_into(
        out,
        bottom,
        np.array(numbers, np.float64),
        pixels,
        levels,
        pixels2,
        levels2,
        np.array(place.border, np.float64),
        place.stripes,
        props.noise(6, 512, 1.2),
        np.float32(place.dirt),
    )
    _, base, _metre = view.project(0, view.distance + place.wall)
    reach = max((view.fy - base) * 0.12, 1.0)
    dark = np.exp(-(np.arange(bottom, view.height, dtype=np.float32) - base + 0.5).clip(0) / reach) * np.float32(0.25)
    out[bottom:] *= (1 - dark)[:, None, None]


def _painted(material: tuple[str, int, Color, Color, Color], size: int) -> tuple[Floats, NDArray[np.int64]]:
    kind, number, first, second, joint = material
    tile = props.ground_tile(kind, number, size)
    return props.paint_tile(tile, *(np.array(color, np.float32) for color in (first, second, joint)))


def _furnish(place: Place, view: _View, rng: np.random.Generator, out: Floats) -> Floats:
    """Pastes what stands in the place, the farthest first."""
    items = list(place.items)
    for _ in range(int(rng.poisson(place.walkers)) if place.walkers else 0):
        tint = random_tone(rng, 0.7, 1.0, 0.02)
        angle = math.degrees(view.azimuth) + float(rng.normal(0, 25))
        away = float(rng.uniform(0.8, min(place.wall, 9.0)))
        items.append(
            Prop(
                "walker",
                int(rng.integers(VARIANTS)),
                angle,
                away,
                1.0,
                float(rng.uniform(1.55, 1.85)),
                tint,
                bool(rng.random() < 0.5),
            )
        )
    placed = []
    for item in items:
        angle = math.radians(item.angle) - view.azimuth
        right, depth = item.away * math.sin(angle) - view.x, view.distance + item.away * math.cos(angle)
        if depth > view.distance + 0.5:
            placed.append((depth, right, item))
    for depth, right, item in sorted(placed, key=lambda entry: -entry[0]):
        column, row, metre = view.project(right, depth)
        _paste(out, item, column, row, metre, place.fog * (depth - view.distance) / max(place.wall, 1), place.sky)
    return out


def _paste(out: Floats, item: Prop, column: float, row: float, metre: float, fog: float, haze: Color) -> None:
    """Draws one sprite; `column`, `row` is the middle of its foot."""
    height, width = out.shape[:2]
    w, h = item.width * metre, item.height * metre
    x0, y0 = column - w / 2, row - h
    left, top = max(math.floor(x0), 0), max(math.floor(y0), 0)
    right, bottom = min(math.ceil(x0 + w), width), min(math.ceil(row), height)
    depth = 0.2 if item.kind == "bicycle" else 0.4
    props.dim(out, column, row, max(w * 0.6, 2.0), max(0.16 * metre, 1.5), depth)
    if right - left < 1 or bottom - top < 1 or w < 1.5 or h < 1.5:
        return
    box = ((left - x0) / w, (top - y0) / h, (right - x0) / w, (bottom - y0) / h)
    small = props.cut(item.kind, item.number, item.flip, box, (right - left, bottom - top))
    tint, air = np.array(item.tint, np.float32), np.array(haze, np.float32) * np.float32(0.75)
    props.blend(out, small, left, top, tint, np.float32(min(max(fog, 0.0), 0.3)), air)
