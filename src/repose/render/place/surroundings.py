"""What is around a person: places or a studio, their light, and the camera that took the pictures.

Every picture looks at a place with its own camera, so two pictures of one place agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repose.render.place.colors import Color, random_tone, scaled
from repose.render.place.lighting import Lamp, Lighting, Lights, room_lights, studio_lights, sun_lights
from repose.render.place.places import Place, sample_room, sample_street


@dataclass(frozen=True)
class Camera:
    """A camera's faults. Lengths are shares of the picture's height.

    Attributes:
        exposure, balance: deviation of the brightness and of the white balance from picture to picture.
        contrast: exponent-like strength of the S curve, 0 none. black: lifted black.
        detail: share of its pixels a picture was taken with. blur: sigma. halo: strength of sharpening.
        noise: deviation at mid grey, chroma: share of it that is coloured and coarse. vignette: loss in the corners.
        quality: least and greatest JPEG quality, 0 none; stored: that of the finished picture. shake: how often
            motion blur comes.
    """

    exposure: float = 0.0
    balance: float = 0.0
    cast: Color = (1.0, 1.0, 1.0)
    contrast: float = 0.0
    black: float = 0.0
    detail: float = 1.0
    blur: float = 0.0
    halo: float = 0.0
    noise: float = 0.0
    chroma: float = 0.0
    vignette: float = 0.0
    quality: tuple[int, int] = (0, 0)
    stored: tuple[int, int] = (0, 0)
    shake: float = 0.0


@dataclass(frozen=True)
class Studio:
    """A backdrop: colour, colour of the floor, softness of the bend, position, radius, depth of the pool of light."""

    color: Color
    floor: Color
    bend: float
    seam: float
    pool: tuple[float, float]
    radius: float
    fall: float
    mottle: float


@dataclass(frozen=True)
class Surroundings:
    """The surroundings of one person, their light and the camera that took the pictures.

    Attributes:
        style: the style it was sampled for.
        places: those the pictures are taken in, none in a studio. same_place: one for all pictures.
        studio: the backdrop where there is no place. lights: one for each place (or the studio's).
        aperture: radius of the blur of things far behind the person, share of the picture's height.
        camera: the faults `develop` adds.
    """

    style: str
    same_place: bool
    places: tuple[Place, ...]
    studio: Studio | None
    lights: tuple[Lights, ...]
    aperture: float
    camera: Camera
    tiles: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def place_of(self, azimuth_deg: float) -> int:
        """Which of the places a picture taken in this direction shows: the same for light and background."""
        if len(self.places) < 2:
            return 0
        return math.floor(azimuth_deg * 7.31 + 1000) % len(self.places)

    def lighting(self, rng: np.random.Generator, azimuth_deg: float) -> Lighting:
        """The light of a picture whose camera looks at `azimuth_deg`."""
        lights = self.lights[self.place_of(azimuth_deg)]
        turn = azimuth_deg if lights.turns else 0.0
        spread = 3.0 if lights.turns else 10.0
        lamps = []
        for lamp in lights.lamps:
            angle = math.radians(lamp.azimuth - turn + rng.normal(0, spread))
            up = math.radians(lamp.elevation)
            direction = (math.sin(angle) * math.cos(up), math.cos(angle) * math.cos(up), math.sin(up))
            lamps.append((np.array(direction, np.float32), np.array(lamp.color, np.float32)))
        facing = (np.mean(lights.sky) + np.mean(lights.bounce)) / 2
        facing += sum(float(np.mean(color)) * max(0.0, -float(direction[1])) for direction, color in lamps)
        automatic = (0.85 / max(float(facing), 0.1)) ** 0.5  # a camera opens half the way for a person in the shade
        return Lighting(
            sky=np.array(lights.sky, np.float32),
            bounce=np.array(lights.bounce, np.float32),
            lamps=tuple(lamps),
            softness=lights.softness,
            exposure=float(np.exp(rng.normal(0, 0.07 if self.style != "plain" else 0.0)) * automatic),
        )


def sample_surroundings(rng: np.random.Generator, style: str = "mixed") -> Surroundings:
    """The random surroundings of one person. style: "street", "fashion", "plain" or anything else for a mix."""
    if style == "plain":
        grey = (0.6, 0.6, 0.6)
        studio = Studio(grey, grey, 0.1, 0.9, (0.5, 0.4), 1.0, 0.0, 0.0)
        lights = Lights((0.8, 0.8, 0.8), (0.5, 0.5, 0.5), (Lamp(180, 50, (0.3, 0.3, 0.3)),), 1.0, False)
        return Surroundings(style, True, (), studio, (lights,), 0.0, Camera())
    place_like = rng.random() < {"street": 1.0, "fashion": 0.25}.get(style, 0.65)
    if not place_like:
        studio = _sample_studio(rng)
        return Surroundings(style, True, (), studio, (studio_lights(rng, studio.color),), 0.0, _studio_camera(rng))
    same = bool(rng.random() < (0.45 if style == "street" else 0.8))
    indoor = 0.0 if style == "street" else 0.4
    places, lights_of = [], []
    for _ in range(1 if same else 3):
        place = sample_room(rng) if rng.random() < indoor else sample_street(rng)
        places.append(place)
        lights_of.append(room_lights(rng) if place.indoor else sun_lights(rng, style))
    if style == "street" or (style != "fashion" and rng.random() < 0.6):
        return Surroundings(
            style, same, tuple(places), None, tuple(lights_of), float(rng.uniform(0, 0.006)), _street_camera(rng)
        )
    aperture = float(rng.choice([rng.uniform(0.002, 0.008), rng.uniform(0.01, 0.03)]))
    return Surroundings(style, same, tuple(places), None, tuple(lights_of), aperture, _studio_camera(rng))


def _sample_studio(rng: np.random.Generator) -> Studio:
    kind = rng.random()
    if kind < 0.55:
        color = random_tone(rng, 0.92, 1.0, 0.004)
    elif kind < 0.88:
        color = random_tone(rng, 0.68, 0.92, 0.012)
    else:
        color = random_tone(rng, 0.4, 0.85, 0.07)
    floor = np.clip(np.array(color) * rng.uniform(0.86, 1.04), 0, 1)
    return Studio(
        color,
        (float(floor[0]), float(floor[1]), float(floor[2])),
        bend=float(np.exp(rng.uniform(-4.5, -1.0))),
        seam=float(rng.uniform(0.0, 0.9)),
        pool=(float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.1, 0.7))),
        radius=float(rng.uniform(0.5, 1.3)),
        fall=float(rng.choice([rng.uniform(0, 0.06), rng.uniform(0.05, 0.25)])),
        mottle=float(rng.uniform(0.001, 0.008)),
    )


def _street_camera(rng: np.random.Generator) -> Camera:
    low = int(rng.integers(45, 80))
    return Camera(
        exposure=0.07,
        balance=0.006,
        cast=scaled(1.0, rng, 0.012, (1.01, 1.0, 1.01)),
        contrast=float(rng.uniform(0.05, 0.45)),
        black=float(rng.uniform(0.01, 0.07)),
        detail=float(rng.uniform(0.55, 0.92)),
        blur=float(rng.uniform(0.0, 0.0035)),
        halo=float(rng.uniform(0.3, 1.5)),
        noise=float(rng.uniform(0.002, 0.009)),
        chroma=float(rng.uniform(0.2, 0.7)),
        vignette=float(rng.uniform(0, 0.05)),
        quality=(low, min(low + 15, 95)),
        stored=(82, 93),
        shake=0.06,
    )


def _studio_camera(rng: np.random.Generator) -> Camera:
    low = int(rng.integers(70, 90))
    return Camera(
        exposure=0.05,
        balance=0.004,
        cast=scaled(1.0, rng, 0.005),
        contrast=float(rng.uniform(0, 0.25)),
        detail=1.0,
        blur=float(rng.uniform(0, 0.0025)),
        halo=float(rng.uniform(0, 0.5)),
        noise=float(rng.uniform(0.001, 0.006)),
        chroma=float(rng.uniform(0.1, 0.5)),
        vignette=float(rng.uniform(0, 0.1)),
        quality=(low, 95),
        shake=0.01,
    )
