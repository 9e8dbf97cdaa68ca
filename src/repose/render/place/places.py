"""Places: streets and rooms, as numbers; `backdrop` paints them.

A place is a ring of wall around the spot the person stands on, a ground of one or two materials with lines on it, and
things that stand there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from repose.body.model import Floats
from repose.render.place.colors import Color, random_tone
from repose.render.place.props import SPRITES, VARIANTS


@dataclass(frozen=True)
class Prop:
    """A sprite in a place: degrees clockwise and metres from the person, its size in metres, factor of its colour."""

    kind: str
    number: int
    angle: float
    away: float
    width: float
    height: float
    tint: Color
    flip: bool


@dataclass(frozen=True)
class Section:
    """A stretch of the wall: metres along it, the drawing, its colour and the seed of its details."""

    start: float
    width: float
    kind: str
    color: Color
    seed: int


@dataclass(frozen=True)
class Place:
    """A place; see the module.

    Attributes:
        wall: metres from the person to the wall. sections: all around it. top: height of the wall, metres.
        materials: kind, number, two colours and the colour of the joints, of one or two grounds.
        border: normal x, z and offset of the line behind which the second material lies. stripes: as in `floor_into`.
        sky: its colour, and that of haze. fog: share of haze at the wall. dirt: contrast of stains.
        walkers: mean number of passers-by. light: factor of all colours.
    """

    wall: float
    top: float
    sections: tuple[Section, ...]
    materials: tuple[tuple[str, int, Color, Color, Color], ...]
    border: Color
    stripes: Floats
    items: tuple[Prop, ...]
    sky: Color
    fog: float
    dirt: float
    walkers: float
    indoor: bool
    light: float


STREET_GROUNDS: Final = ("slabs", "slabs", "pavers", "pavers", "setts", "asphalt", "asphalt", "concrete", "tiles")
STREET_WALLS: Final = (
    "panels",
    "panels",
    "brick",
    "windows",
    "shop",
    "dark",
    "dark",
    "shutter",
    "green",
    "green",
    "steps",
    "bays",
)


def sample_street(rng: np.random.Generator) -> Place:
    """A square or a pavement in front of a building, with what stands there."""
    far = bool(rng.random() < 0.65)  # an open square, else right in front of a building
    wall = float(rng.uniform(8, 30) if far else rng.uniform(0.8, 5))
    first = _material(rng, str(rng.choice(STREET_GROUNDS)), 0.55, 0.68)
    second = _material(rng, str(rng.choice(["grass", "grass", "slabs", "asphalt", "concrete", "pavers"])), 0.42, 0.7)
    turn = rng.uniform(0, 2 * math.pi)
    away = float(rng.uniform(1.2, 8)) if rng.random() < 0.6 else 99.0
    items: list[Prop] = []
    if rng.random() < 0.75:
        _row(rng, items, "bicycle", min(wall * 0.9, float(rng.uniform(2, 12))), 0.45, float(rng.uniform(0.25, 0.9)))
    if rng.random() < 0.4:
        _row(rng, items, "bicycle", min(wall * 0.95, float(rng.uniform(4, 12))), 0.3, float(rng.uniform(0.25, 0.6)))
    for kind, chance, low, high in (
        ("tree", 0.5, 3, 16),
        ("hedge", 0.25, 3.5, 14),
        ("bush", 0.25, 3, 12),
        ("car", 0.35, 4, 12),
        ("railing", 0.45, 1.5, 7),
        ("post", 0.6, 1.5, 10),
        ("bollard", 0.3, 1.2, 6),
        ("box", 0.4, 1.2, 7),
    ):
        if rng.random() < chance:
            _scatter(rng, items, kind, low, min(high, wall * 0.97), int(rng.integers(2, 9)))
    overcast = rng.random() < 0.7
    sky = (
        random_tone(rng, 0.75, 0.93, 0.01)
        if overcast
        else tuple(float(v) for v in np.array([0.5, 0.66, 0.86]) * rng.uniform(0.85, 1.1))
    )
    return Place(
        wall=wall,
        top=float(rng.uniform(3, 14)),
        sections=_sections(rng, wall, STREET_WALLS, 0.22, 0.6),
        materials=(first, second),
        border=(math.sin(turn), math.cos(turn), away),
        stripes=_stripes(rng),
        items=tuple(items),
        sky=sky,  # type: ignore[arg-type]
        fog=float(rng.uniform(0.0, 0.14)),
        dirt=float(rng.uniform(0.01, 0.035)),
        walkers=float(rng.choice([0.0, 1.0, 2.5, 5.0])),
        indoor=False,
        light=float(rng.uniform(0.92, 1.12)),
    )


def sample_room(rng: np.random.Generator) -> Place:
    """A room with furniture along its walls."""
    wall = float(rng.uniform(0.8, 4.5))
    kind = str(rng.choice(["planks", "planks", "carpet", "tiles", "concrete"]))
    items: list[Prop] = []
    for name, chance in (("plant", 0.6), ("sofa", 0.5), ("shelf", 0.5), ("chair", 0.4), ("box", 0.2)):
        if rng.random() < chance:
            _scatter(rng, items, name, wall * 0.75, wall * 0.97, int(rng.integers(1, 4)))
    material = _material(rng, kind, 0.4, 0.8)
    return Place(
        wall=wall,
        top=float(rng.uniform(2.4, 3.6)),
        sections=_sections(rng, wall, ("paint", "paint", "pictures", "window", "curtain", "door", "paper"), 0.45, 0.92),
        materials=(material, material),
        border=(0.0, 1.0, 99.0),
        stripes=np.zeros((0, 10), np.float32),
        items=tuple(items),
        sky=random_tone(rng, 0.75, 0.95, 0.01),
        fog=0.0,
        dirt=float(rng.uniform(0.004, 0.015)),
        walkers=0.0,
        indoor=True,
        light=float(rng.uniform(0.85, 1.05)),
    )


def _material(rng: np.random.Generator, kind: str, low: float, high: float) -> tuple[str, int, Color, Color, Color]:
    number = int(rng.integers(VARIANTS))
    if kind == "grass":
        first = tuple(float(v) for v in np.array([0.36, 0.43, 0.24]) * rng.uniform(0.75, 1.25))
        second = tuple(float(v) for v in np.array([0.47, 0.45, 0.3]) * rng.uniform(0.8, 1.1))
        return kind, number, first, second, (0.25, 0.22, 0.16)  # type: ignore[return-value]
    if kind == "planks":
        wood = np.array([0.62, 0.46, 0.32]) * rng.uniform(0.5, 1.4) + rng.normal(0, 0.02, 3)
        first = tuple(float(v) for v in np.clip(wood, 0.05, 0.95))
        second = tuple(float(v) for v in np.clip(wood * rng.uniform(0.75, 1.2), 0.05, 0.95))
        return kind, number, first, second, tuple(v * 0.35 for v in first)  # type: ignore[return-value]
    red = rng.random() < 0.15
    first = random_tone(rng, low, high, 0.01, 0.006 + (0.04 if red else 0.0))
    second = random_tone(rng, low * 0.85, high, 0.016, 0.006)
    joint = tuple(v * float(rng.uniform(0.5, 0.85)) for v in first)
    return kind, number, first, second, joint  # type: ignore[return-value]


def _sections(
    rng: np.random.Generator, wall: float, kinds: tuple[str, ...], low: float, high: float
) -> tuple[Section, ...]:
    around, start, out = 2 * math.pi * wall, 0.0, []
    color = random_tone(rng, low, high, 0.025, 0.01)
    chosen = tuple(rng.choice(kinds, 4))
    while start < around:
        width = float(rng.uniform(1.5, 7.0))
        width = around - start if around - start < width + 1.5 else width
        kind = str(rng.choice(chosen))
        shade = color if rng.random() < 0.6 else random_tone(rng, low, high, 0.035, 0.01)
        out.append(Section(start, width, kind, shade, int(rng.integers(1 << 31))))
        start += width
    return tuple(out)


def _row(rng: np.random.Generator, items: list[Prop], kind: str, away: float, step: float, squeeze: float) -> None:
    """A row of things beside each other along a part of the circle, as parked bicycles stand."""
    _, width, height = SPRITES[kind]
    angle, end = float(rng.uniform(0, 360)), float(rng.uniform(60, 330))
    flip = bool(rng.random() < 0.5)
    stop = angle + end
    while angle < stop:
        size = float(rng.uniform(0.92, 1.08))
        wide = width * squeeze * float(rng.uniform(0.75, 1.25))
        tint = random_tone(rng, 0.6, 1.0, 0.04)
        spot = away + float(rng.normal(0, 0.12))
        items.append(Prop(kind, int(rng.integers(VARIANTS)), angle, max(spot, 0.7), wide, height * size, tint, flip))
        angle += math.degrees(step * float(rng.uniform(0.7, 1.6)) / away)


def _scatter(rng: np.random.Generator, items: list[Prop], kind: str, low: float, high: float, count: int) -> None:
    _, width, height = SPRITES[kind]
    for _ in range(count):
        away = max(float(rng.uniform(min(low, high), high)), 0.7)
        size = float(rng.uniform(0.8, 1.25))
        if kind in ("car", "box"):
            tint = random_tone(rng, 0.15, 1.0, 0.08 if rng.random() < 0.25 else 0.015)
        else:
            tint = random_tone(rng, 0.75, 1.05, 0.03)
        wide = width * size * float(rng.uniform(0.8, 1.15))
        items.append(
            Prop(
                kind,
                int(rng.integers(VARIANTS)),
                float(rng.uniform(0, 360)),
                away,
                wide,
                height * size,
                tint,
                bool(rng.random() < 0.5),
            )
        )


def _stripes(rng: np.random.Generator) -> Floats:
    """Lines on the ground: rows of paler or red stone, kerbs, road markings, a zebra."""
    rows = []
    turn = rng.uniform(0, math.pi)
    for _ in range(int(rng.integers(0, 4))):
        angle = turn + rng.choice([0.0, 0.0, math.pi / 2])
        kind = rng.random()
        if kind < 0.35:
            color, half, alpha = random_tone(rng, 0.65, 0.85), rng.uniform(0.05, 0.1), 0.7
        elif kind < 0.6:
            color, half, alpha = (0.55, 0.36, 0.31), rng.uniform(0.15, 0.6), 0.7
        elif kind < 0.8:
            color, half, alpha = (0.62, 0.55, 0.42), rng.uniform(0.15, 0.3), 0.8
        else:
            color, half, alpha = random_tone(rng, 0.2, 0.35), rng.uniform(0.05, 0.2), 0.6
        period = rng.uniform(2.5, 6) if rng.random() < 0.4 else 0.0
        dash = rng.uniform(0.8, 2) if rng.random() < 0.15 else 0.0
        rows.append([math.sin(angle), math.cos(angle), rng.normal(0, 3), half, period, *color, alpha, dash])
    if rng.random() < 0.12:
        rows.append([math.sin(turn), math.cos(turn), 0, 0.25, 1.0, 0.8, 0.8, 0.78, 0.75, 0.0])
    return np.array(rows, np.float32).reshape(-1, 10)
