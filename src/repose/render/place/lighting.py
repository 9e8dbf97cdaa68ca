"""Light: of a studio, under the sky, in a room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repose.body.model import Floats
from repose.render.place.colors import Color, scaled


@dataclass(frozen=True)
class Lighting:
    """Linear light in one picture, in the camera's upright frame: x right, y away from the camera, z up.

    Attributes:
        sky, bounce: (3,) float32 from above and from below.
        lamps: (direction (3,) unit towards the lamp, color (3,) linear), the one that casts the shadow first.
        softness: 0 a hard shadow, 1 none to speak of.
        exposure: factor of everything.
    """

    sky: Floats
    bounce: Floats
    lamps: tuple[tuple[Floats, Floats], ...]
    softness: float
    exposure: float


@dataclass(frozen=True)
class Lamp:
    """A lamp that stays in its place: degrees clockwise, degrees above the ground, linear colour."""

    azimuth: float
    elevation: float
    color: Color


@dataclass(frozen=True)
class Lights:
    """The light of a place or studio; `turns` is set where the lamps keep to the place and not to the camera."""

    sky: Color
    bounce: Color
    lamps: tuple[Lamp, ...]
    softness: float
    turns: bool


def studio_lights(rng: np.random.Generator, walls: Color) -> Lights:
    """Key, fill and perhaps a rim light that keep to the camera, as in a studio; light walls throw light back."""
    side = rng.choice([-1.0, 1.0])
    key = float(rng.uniform(0.45, 0.8))
    fill = key * float(rng.uniform(0.25, 0.7))
    lamps = [
        Lamp(float(180 + side * rng.uniform(15, 60)), float(rng.uniform(20, 50)), scaled(key, rng, 0.02)),
        Lamp(float(180 - side * rng.uniform(25, 70)), float(rng.uniform(5, 40)), scaled(fill, rng, 0.02)),
    ]
    if rng.random() < 0.5:
        lamps.append(Lamp(float(side * rng.uniform(20, 60)), float(rng.uniform(20, 60)), scaled(0.35, rng, 0.03)))
    around = float(np.mean(walls)) * rng.uniform(0.35, 0.55)
    return Lights(
        scaled(around, rng, 0.01), scaled(around * 0.8, rng, 0.01), tuple(lamps), float(rng.uniform(0.5, 0.95)), False
    )


def sun_lights(rng: np.random.Generator, style: str) -> Lights:
    """An overcast sky mostly, as street cameras see it, else the sun with a blue sky."""
    azimuth = float(rng.uniform(0, 360))
    if rng.random() < (0.7 if style == "street" else 0.5):
        sky = scaled(float(rng.uniform(0.85, 1.1)), rng, 0.02, (0.98, 1.0, 1.03))
        lamp = Lamp(azimuth, float(rng.uniform(50, 80)), scaled(float(rng.uniform(0.15, 0.35)), rng, 0.02))
        return Lights(sky, scaled(float(rng.uniform(0.3, 0.45)), rng, 0.03, (1.03, 1.0, 0.95)), (lamp,), 0.9, True)
    sky = scaled(float(rng.uniform(0.4, 0.58)), rng, 0.03, (0.88, 0.98, 1.15))
    elevation = float(rng.uniform(25, 70))
    warm = 0.12 * (70 - elevation) / 45
    sun = scaled(float(rng.uniform(0.7, 1.0)), rng, 0.02, (1.04 + warm, 1.0, 0.9 - warm))
    bounce = scaled(float(rng.uniform(0.18, 0.3)), rng, 0.04, (1.06, 1.0, 0.9))
    return Lights(sky, bounce, (Lamp(azimuth, elevation, sun),), float(rng.uniform(0.05, 0.35)), True)


def room_lights(rng: np.random.Generator) -> Lights:
    """Two or three lamps overhead, and perhaps a window, that keep to the room."""
    color = [(1.12, 1.0, 0.82), (1.0, 1.0, 1.0), (0.94, 1.0, 1.06)][int(rng.integers(3))]
    lamps = [
        Lamp(
            float(rng.uniform(0, 360)),
            float(rng.uniform(35, 80)),
            scaled(float(rng.uniform(0.3, 0.6)), rng, 0.04, color),
        )
        for _ in range(int(rng.integers(2, 4)))
    ]
    if rng.random() < 0.5:  # a window
        lamps.insert(
            0, Lamp(float(rng.uniform(0, 360)), float(rng.uniform(8, 30)), scaled(0.7, rng, 0.03, (0.93, 1.0, 1.1)))
        )
    around = float(rng.uniform(0.4, 0.58))
    return Lights(scaled(around, rng, 0.02, color), scaled(around * 0.6, rng, 0.03, color), tuple(lamps), 0.7, True)
