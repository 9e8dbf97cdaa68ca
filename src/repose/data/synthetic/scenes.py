"""What is around a person: places, studios, their light, and the pictures of them.

A place is a ring of wall around the spot the person stands on, a ground of one or two materials with lines on it, and
things that stand there. Every picture looks at it with its own camera, so two pictures of one place agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from . import props
from .props import SPRITES, VARIANTS, Floats

Color = tuple[float, float, float]


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


@dataclass(frozen=True)
class Camera:
    """A camera's faults. Lengths are shares of the picture's height.

    Attributes:
        exposure, balance: deviation of the brightness and of the white balance from picture to picture.
        contrast: exponent-like strength of the S curve, 0 none. black: lifted black.
        detail: share of its pixels a picture was taken with. blur: sigma. halo: strength of sharpening.
        noise: deviation at mid grey, chroma: share of it that is coloured and coarse. vignette: loss in the corners.
        quality: least and greatest JPEG quality, 0 none. shake: how often motion blur comes.
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
    shake: float = 0.0


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
        sky, haze: colours; fog: share of haze at the wall. dirt: contrast of stains.
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
class Scene:
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


# --- sampling --------------------------------------------------------------------------------------------------------


def sample_scene(rng: np.random.Generator, style: str = "mixed") -> Scene:
    """The random surroundings of one person. style: "street", "fashion", "plain" or anything else for a mix."""
    if style == "plain":
        grey = (0.6, 0.6, 0.6)
        studio = Studio(grey, grey, 0.1, 0.9, (0.5, 0.4), 1.0, 0.0, 0.0)
        lights = Lights((0.8, 0.8, 0.8), (0.5, 0.5, 0.5), (Lamp(180, 50, (0.3, 0.3, 0.3)),), 1.0, False)
        return Scene(style, True, (), studio, (lights,), 0.0, Camera())
    place_like = rng.random() < {"street": 1.0, "fashion": 0.25}.get(style, 0.65)
    if not place_like:
        studio = _sample_studio(rng)
        return Scene(style, True, (), studio, (_studio_lights(rng, studio),), 0.0, _studio_camera(rng))
    same = bool(rng.random() < (0.45 if style == "street" else 0.8))
    indoor = 0.0 if style == "street" else 0.4
    places, lights_of = [], []
    for _ in range(1 if same else 3):
        place = _sample_room(rng) if rng.random() < indoor else _sample_street(rng)
        places.append(place)
        lights_of.append(_room_lights(rng) if place.indoor else _sun_lights(rng, style))
    if style == "street" or (style != "fashion" and rng.random() < 0.6):
        return Scene(
            style, same, tuple(places), None, tuple(lights_of), float(rng.uniform(0, 0.006)), _street_camera(rng)
        )
    aperture = float(rng.choice([rng.uniform(0.002, 0.008), rng.uniform(0.01, 0.03)]))
    return Scene(style, same, tuple(places), None, tuple(lights_of), aperture, _studio_camera(rng))


def _tone(rng: np.random.Generator, low: float, high: float, hue: float = 0.02, warm: float = 0.0) -> Color:
    """A random colour of low saturation; `hue` the deviation of its channels, `warm` pushes red over blue."""
    # real greys lean to warm or cold, hardly ever to green or purple
    cast = rng.normal(0, hue) * np.array([1.0, 0.1, -1.0]) + rng.normal(0, 0.3 * hue, 3)
    color = rng.uniform(low, high) + cast + np.array([warm, 0, -warm])
    return (*(float(v) for v in np.clip(color, 0.02, 0.99)),)  # type: ignore[return-value]


def _sample_studio(rng: np.random.Generator) -> Studio:
    kind = rng.random()
    if kind < 0.55:
        color = _tone(rng, 0.92, 1.0, 0.004)
    elif kind < 0.88:
        color = _tone(rng, 0.68, 0.92, 0.012)
    else:
        color = _tone(rng, 0.4, 0.85, 0.07)
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


def _studio_lights(rng: np.random.Generator, studio: Studio) -> Lights:
    """Key, fill and perhaps a rim light that keep to the camera, as in a studio; light walls throw light back."""
    side = rng.choice([-1.0, 1.0])
    key = float(rng.uniform(0.45, 0.8))
    fill = key * float(rng.uniform(0.25, 0.7))
    lamps = [
        Lamp(float(180 + side * rng.uniform(15, 60)), float(rng.uniform(20, 50)), _scaled(key, rng, 0.02)),
        Lamp(float(180 - side * rng.uniform(25, 70)), float(rng.uniform(5, 40)), _scaled(fill, rng, 0.02)),
    ]
    if rng.random() < 0.5:
        lamps.append(Lamp(float(side * rng.uniform(20, 60)), float(rng.uniform(20, 60)), _scaled(0.35, rng, 0.03)))
    around = float(np.mean(studio.color)) * rng.uniform(0.35, 0.55)
    return Lights(
        _scaled(around, rng, 0.01), _scaled(around * 0.8, rng, 0.01), tuple(lamps), float(rng.uniform(0.5, 0.95)), False
    )


def _scaled(level: float, rng: np.random.Generator, hue: float, color: Color = (1.0, 1.0, 1.0)) -> Color:
    out = level * np.array(color) * (1 + rng.normal(0, hue, 3))
    return (float(out[0]), float(out[1]), float(out[2]))


def _sun_lights(rng: np.random.Generator, style: str) -> Lights:
    """An overcast sky mostly, as street cameras see it, else the sun with a blue sky."""
    azimuth = float(rng.uniform(0, 360))
    if rng.random() < (0.7 if style == "street" else 0.5):
        sky = _scaled(float(rng.uniform(0.85, 1.1)), rng, 0.02, (0.98, 1.0, 1.03))
        lamp = Lamp(azimuth, float(rng.uniform(50, 80)), _scaled(float(rng.uniform(0.15, 0.35)), rng, 0.02))
        return Lights(sky, _scaled(float(rng.uniform(0.3, 0.45)), rng, 0.03, (1.03, 1.0, 0.95)), (lamp,), 0.9, True)
    sky = _scaled(float(rng.uniform(0.4, 0.58)), rng, 0.03, (0.88, 0.98, 1.15))
    elevation = float(rng.uniform(25, 70))
    warm = 0.12 * (70 - elevation) / 45
    sun = _scaled(float(rng.uniform(0.7, 1.0)), rng, 0.02, (1.04 + warm, 1.0, 0.9 - warm))
    bounce = _scaled(float(rng.uniform(0.18, 0.3)), rng, 0.04, (1.06, 1.0, 0.9))
    return Lights(sky, bounce, (Lamp(azimuth, elevation, sun),), float(rng.uniform(0.05, 0.35)), True)


def _room_lights(rng: np.random.Generator) -> Lights:
    color = [(1.12, 1.0, 0.82), (1.0, 1.0, 1.0), (0.94, 1.0, 1.06)][int(rng.integers(3))]
    lamps = [
        Lamp(
            float(rng.uniform(0, 360)),
            float(rng.uniform(35, 80)),
            _scaled(float(rng.uniform(0.3, 0.6)), rng, 0.04, color),
        )
        for _ in range(int(rng.integers(2, 4)))
    ]
    if rng.random() < 0.5:  # a window
        lamps.insert(
            0, Lamp(float(rng.uniform(0, 360)), float(rng.uniform(8, 30)), _scaled(0.7, rng, 0.03, (0.93, 1.0, 1.1)))
        )
    around = float(rng.uniform(0.4, 0.58))
    return Lights(_scaled(around, rng, 0.02, color), _scaled(around * 0.6, rng, 0.03, color), tuple(lamps), 0.7, True)


def _street_camera(rng: np.random.Generator) -> Camera:
    low = int(rng.integers(45, 80))
    return Camera(
        exposure=0.07,
        balance=0.006,
        cast=_scaled(1.0, rng, 0.012, (1.01, 1.0, 1.01)),
        contrast=float(rng.uniform(0.05, 0.45)),
        black=float(rng.uniform(0.01, 0.07)),
        detail=float(rng.uniform(0.6, 1.0)),
        blur=float(rng.uniform(0.0, 0.0035)),
        halo=float(rng.uniform(0.6, 2.2)),
        noise=float(rng.uniform(0.002, 0.009)),
        chroma=float(rng.uniform(0.2, 0.7)),
        vignette=float(rng.uniform(0, 0.05)),
        quality=(low, min(low + 15, 95)),
        shake=0.06,
    )


def _studio_camera(rng: np.random.Generator) -> Camera:
    low = int(rng.integers(70, 90))
    return Camera(
        exposure=0.05,
        balance=0.004,
        cast=_scaled(1.0, rng, 0.005),
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
    first = _tone(rng, low, high, 0.01, 0.006 + (0.04 if red else 0.0))
    second = _tone(rng, low * 0.85, high, 0.016, 0.006)
    joint = tuple(v * float(rng.uniform(0.5, 0.85)) for v in first)
    return kind, number, first, second, joint  # type: ignore[return-value]


def _sample_street(rng: np.random.Generator) -> Place:
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
        _tone(rng, 0.75, 0.93, 0.01)
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


def _sample_room(rng: np.random.Generator) -> Place:
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
        sky=_tone(rng, 0.75, 0.95, 0.01),
        fog=0.0,
        dirt=float(rng.uniform(0.004, 0.015)),
        walkers=0.0,
        indoor=True,
        light=float(rng.uniform(0.85, 1.05)),
    )


def _sections(
    rng: np.random.Generator, wall: float, kinds: tuple[str, ...], low: float, high: float
) -> tuple[Section, ...]:
    around, start, out = 2 * math.pi * wall, 0.0, []
    color = _tone(rng, low, high, 0.025, 0.01)
    chosen = tuple(rng.choice(kinds, 4))
    while start < around:
        width = float(rng.uniform(1.5, 7.0))
        width = around - start if around - start < width + 1.5 else width
        kind = str(rng.choice(chosen))
        shade = color if rng.random() < 0.6 else _tone(rng, low, high, 0.035, 0.01)
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
        tint = _tone(rng, 0.6, 1.0, 0.04)
        spot = away + float(rng.normal(0, 0.12))
        items.append(Prop(kind, int(rng.integers(VARIANTS)), angle, max(spot, 0.7), wide, height * size, tint, flip))
        angle += math.degrees(step * float(rng.uniform(0.7, 1.6)) / away)


def _scatter(rng: np.random.Generator, items: list[Prop], kind: str, low: float, high: float, count: int) -> None:
    _, width, height = SPRITES[kind]
    for _ in range(count):
        away = max(float(rng.uniform(min(low, high), high)), 0.7)
        size = float(rng.uniform(0.8, 1.25))
        if kind in ("car", "box"):
            tint = _tone(rng, 0.15, 1.0, 0.08 if rng.random() < 0.25 else 0.015)
        else:
            tint = _tone(rng, 0.75, 1.05, 0.03)
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
            color, half, alpha = _tone(rng, 0.65, 0.85), rng.uniform(0.05, 0.1), 0.7
        elif kind < 0.6:
            color, half, alpha = (0.55, 0.36, 0.31), rng.uniform(0.15, 0.6), 0.7
        elif kind < 0.8:
            color, half, alpha = (0.62, 0.55, 0.42), rng.uniform(0.15, 0.3), 0.8
        else:
            color, half, alpha = _tone(rng, 0.2, 0.35), rng.uniform(0.05, 0.2), 0.6
        period = rng.uniform(2.5, 6) if rng.random() < 0.4 else 0.0
        dash = rng.uniform(0.8, 2) if rng.random() < 0.15 else 0.0
        rows.append([math.sin(angle), math.cos(angle), rng.normal(0, 3), half, period, *color, alpha, dash])
    if rng.random() < 0.12:
        rows.append([math.sin(turn), math.cos(turn), 0, 0.25, 1.0, 0.8, 0.8, 0.78, 0.75, 0.0])
    return np.array(rows, np.float32).reshape(-1, 10)


# --- drawing ---------------------------------------------------------------------------------------------------------


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


def background(scene: Scene, rng: np.random.Generator, height: int, width: int, ground: Ground) -> Floats:
    """(H, W, 3) float32 sRGB in [0, 1] of what is behind the person; its shadow is left to the caller."""
    if not scene.places:
        assert scene.studio is not None
        return _backdrop(scene.studio, rng, height, width, ground)
    number = scene.place_of(ground.azimuth_deg)
    return _look(scene, number, rng, height, width, ground)


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


def _look(scene: Scene, number: int, rng: np.random.Generator, height: int, width: int, ground: Ground) -> Floats:
    place = scene.places[number]
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
    _floor(scene, number, place, view, out, bottom)
    picture = _furnish(place, view, rng, out)
    # sprites bear a close look badly, so large pictures are never sharp behind the person
    radius = max(scene.aperture, 0.006 if height > 512 else 0.0) * height
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
                pen = _Pen(image, draw, start * metre * scale, base * scale, metre * scale, section.width, place.top)
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


def _floor(scene: Scene, number: int, place: Place, view: _View, out: Floats, bottom: int) -> None:
    if bottom >= view.height:
        return
    size = 256 if view.height <= 160 else 512 if view.height <= 400 else 1024
    key = (number, size)
    if key not in scene.tiles:
        one = _painted(place.materials[0], size)
        scene.tiles[key] = (one, _painted(place.materials[1], size) if place.border[2] < 50 else one)
    (pixels, levels), (pixels2, levels2) = scene.tiles[key]
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
        tint = _tone(rng, 0.7, 1.0, 0.02)
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


# --- walls -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pen:
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


def _panels(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    w, h = rng.uniform(0.5, 1.6), rng.uniform(0.35, 1.1)
    for row in range(int(pen.top / h) + 1):
        for column in range(int(pen.width / w) + 1):
            tone = color * (1 + rng.normal(0, 0.03))
            pen.box(column * w, row * h, min(w, pen.width - column * w), h, tone)
    pen.joints(w, h, 0.015, color * rng.uniform(0.55, 1.3))
    pen.box(0, 0, pen.width, rng.uniform(0.1, 0.5), color * 0.7)


def _brick(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    base = color * np.array([1.08, 0.95, 0.86])
    pen.box(0, 0, pen.width, pen.top, base)
    for row in range(int(min(pen.top, 4) / 0.075)):
        if 0.075 * pen.metre < 1.2:
            break
        for _ in range(3):
            pen.box(rng.uniform(0, pen.width), row * 0.075, 0.24, 0.065, base * (1 + rng.normal(0, 0.12)))
    pen.joints(0.25, 0.075, 0.01, np.clip(base * 1.2, 0, 0.75), 0.5)


def _pane(pen: _Pen, x: float, z: float, w: float, h: float, rng: np.random.Generator) -> None:
    """Glass: dark, with a slanting reflection of a bright sky in steps, and perhaps a curtain."""
    glass = rng.uniform(0.06, 0.3) * np.array([0.92, 1.0, 1.06])
    pen.box(x, z, w, h, glass)
    shine = rng.uniform(0.0, 0.35)
    for step in range(4):
        pen.box(x, z + h * (0.55 + step * 0.11), w, h * 0.12, glass + shine * step / 4)
    if rng.random() < 0.3:
        pen.box(x, z, w * rng.uniform(0.2, 0.5), h, np.full(3, rng.uniform(0.3, 0.75)))


def _windows(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
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


def _shop(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
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


def _dark(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
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


def _shutter(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    step = rng.uniform(0.07, 0.12)
    tone = np.clip(color * rng.uniform(0.8, 1.3), 0, 0.85)
    for row in range(int(2.6 / step)):
        pen.box(0.15, row * step, pen.width - 0.3, step * 0.6, tone)
        pen.box(0.15, (row + 0.6) * step, pen.width - 0.3, step * 0.4, tone * 0.75)


def _greenery(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
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


def _steps(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    _panels(pen, color, rng)
    rise, count = rng.uniform(0.13, 0.18), int(rng.integers(3, 8))
    for number in range(count):
        pen.box(0, number * rise, pen.width, rise, color * 0.75)
        pen.box(0, number * rise + rise * 0.55, pen.width, rise * 0.45, np.clip(color * 1.2, 0, 0.8))


def _bays(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    """A facade of tall glass between pillars."""
    pen.box(0, 0, pen.width, pen.top, color)
    step = rng.uniform(1.2, 2.6)
    for x in np.arange(0, pen.width, step):
        for z in np.arange(0.25, pen.top, 1.5):
            _pane(pen, float(x) + 0.25, float(z), min(step - 0.25, pen.width - x - 0.25), 1.4, rng)
        pen.box(float(x), 0, 0.08, pen.top, color * 1.15)


def _paint(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    pen.box(0, 0, pen.width, rng.uniform(0.06, 0.14), np.clip(color * rng.uniform(0.8, 1.2), 0, 0.97))


def _pictures(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
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


def _window(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    _paint(pen, color, rng)
    x, w, z, h = 0.3, max(pen.width - 0.6, 0.5), rng.uniform(0.2, 0.9), rng.uniform(1.2, 1.8)
    pen.box(x - 0.08, z - 0.08, w + 0.16, h + 0.16, np.full(3, 0.9))
    pen.box(x, z, w, h, np.array([0.9, 0.94, 0.98]))
    for step in np.arange(0, w, 1.2):  # trees outside, in a glare
        pen.sprite("canopy", int(rng.integers(VARIANTS)), x + float(step), z, 2.0, h * rng.uniform(0.3, 0.75), 1.5)
    pen.box(x + w + 0.08, z - 0.08, 2.5, h + 0.16, color)
    for bar in np.arange(x, x + w, rng.uniform(0.5, 0.9)):
        pen.box(float(bar), z, 0.05, h, np.full(3, 0.85))


def _curtain(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    tone = np.clip(color + rng.normal(0, 0.06, 3), 0, 1)
    phase, x = 0.0, 0.0
    while x < pen.width:
        wide = 0.035
        pen.box(x, 0, wide + 0.02, pen.top, tone * (0.85 + 0.2 * math.sin(phase)))
        phase += rng.uniform(0.5, 1.3)
        x += wide


def _door(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    _paint(pen, color, rng)
    leaf = np.clip(color * rng.uniform(0.5, 1.2) + rng.normal(0, 0.03, 3), 0, 0.97)
    x = max(pen.width / 2 - 0.5, 0)
    pen.box(x - 0.07, 0, 1.04, 2.1, np.clip(leaf * 1.15, 0, 0.97))
    pen.box(x, 0, 0.9, 2.03, leaf)
    for z in (0.2, 1.1):
        pen.box(x + 0.13, z, 0.64, 0.75, leaf * 0.88)
        pen.box(x + 0.15, z, 0.62, 0.73, leaf * 0.97)
    pen.box(x + 0.8, 1.0, 0.04, 0.12, np.full(3, 0.75))


def _paper(pen: _Pen, color: NDArray[Any], rng: np.random.Generator) -> None:
    pen.box(0, 0, pen.width, pen.top, color)
    step = rng.uniform(0.08, 0.3)
    other = np.clip(color * rng.uniform(0.85, 1.08) + rng.normal(0, 0.01, 3), 0, 1)
    for x in np.arange(0, pen.width, step):
        pen.box(float(x), 0, step / 2, pen.top, other)
    pen.box(0, 0, pen.width, 0.1, np.clip(color * 1.1, 0, 0.97))


WALLS: Final[dict[str, Callable[[_Pen, NDArray[Any], np.random.Generator], None]]] = {
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
