"""What a person wears: one `Outfit`, drawn from a random generator, the same in all pictures of the person.

A garment is a region of a surface layer, bounded in the coordinates of the baked body (see `Body.attributes`):
sleeves end along the arm, trousers along the leg, hems and necklines at a height of the mean body at rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Color = NDArray[np.float32]  # (3,) in [0, 1], as stored in a picture (sRGB)

PLAIN, STRIPES, BARS, CHECKS, DOTS, PRINT, LOGO, BLOCKS = range(8)

_SKIN = (
    np.array(
        [
            [255, 224, 196],
            [241, 200, 166],
            [224, 172, 132],
            [198, 140, 98],
            [158, 104, 68],
            [112, 72, 48],
            [78, 50, 36],
        ],
        np.float32,
    )
    / 255
)
_HAIR = np.array(
    [[18, 15, 14], [36, 26, 22], [66, 44, 30], [104, 70, 42], [160, 118, 70], [206, 172, 118], [120, 52, 28],
     [150, 148, 146], [216, 214, 210]], np.float32
) / 255  # fmt: skip
_CLOTH = np.array(
    [[22, 22, 26], [44, 44, 50], [86, 88, 92], [150, 150, 152], [238, 238, 236], [28, 36, 66], [52, 76, 122],
     [120, 156, 200], [150, 30, 38], [206, 60, 60], [232, 130, 150], [70, 40, 92], [36, 84, 60], [110, 128, 76],
     [206, 190, 150], [150, 112, 76], [92, 62, 44], [226, 168, 60], [236, 222, 120], [60, 150, 150]], np.float32
) / 255  # fmt: skip
_CLOTH_ODDS = np.array([5, 3, 3, 3, 6, 4, 3, 2, 2, 2, 1.5, 1, 1.5, 1.5, 2, 1.5, 1, 1, 0.8, 1])
_DENIM = np.array([[34, 44, 72], [58, 78, 116], [104, 130, 166], [30, 30, 36]], np.float32) / 255


@dataclass(frozen=True)
class Cloth:
    """A material: two colours and how they alternate.

    Attributes:
        pattern: PLAIN .. BLOCKS.
        scale: metres of one repeat.
        phase: offset of the pattern, in repeats.
    """

    color: Color
    second: Color
    pattern: int = PLAIN
    scale: float = 0.06
    phase: float = 0.0


@dataclass(frozen=True)
class Outfit:
    """Everything about a person that a change of pose must keep, apart from the body itself.

    Heights are metres of the mean body at rest (0.10 crotch, 0.25 waist, 0.62 shoulders, 0.72 chin); positions along
    an arm are 0 shoulder, 1 elbow, 2 wrist, along a leg 0 hip, 1 knee, 2 ankle. A garment that is absent is None.
    """

    skin: Color
    lips: Color
    eyes: Color
    hair_color: Color
    hair: str  # "bald", "short", "full", "long" or "tail"
    hairline: float
    hair_thickness: float
    fringe: float
    beard: float
    hat: Cloth | None
    top: Cloth
    sleeve: float
    hem: float
    neck_front: float
    neck_slope: float
    top_loose: float
    tucked: bool
    coat: Cloth | None
    coat_sleeve: float
    coat_hem: float
    coat_open: float
    bottom: Cloth | None
    bottom_end: float
    bottom_loose: float
    flare: float
    skirt: Cloth | None
    skirt_end: float
    skirt_wide: float
    dress: bool
    long_coat: bool
    socks: Cloth | None
    sock_end: float
    shoes: Cloth
    shoe_end: float
    sole: Color
    texture: NDArray[np.uint8] = field(repr=False)  # (64, 64, 4): what prints and folds are made of


def sample_color(rng: np.random.Generator) -> Color:
    """A colour that clothes have: mostly the common ones, now and then any. (3,) float32 in [0, 1]."""
    if rng.random() < 0.2:
        hue, saturation, value = rng.random(), rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.95)
        ramp = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
        color = value * (1 - saturation * (1 - ramp))
    else:
        color = _CLOTH[rng.choice(len(_CLOTH), p=_CLOTH_ODDS / _CLOTH_ODDS.sum())] + rng.normal(0, 0.035, 3)
    out: Color = np.clip(color, 0.03, 0.97).astype(np.float32)
    return out


def sample_cloth(rng: np.random.Generator, plain: float) -> Cloth:
    """A material; with probability `plain` of a single colour."""
    color = sample_color(rng)
    second = sample_color(rng)
    while np.abs(second - color).sum() < 0.45:
        second = sample_color(rng)
    if rng.random() < plain:
        return Cloth(color, second)
    pattern = int(
        rng.choice([STRIPES, BARS, CHECKS, DOTS, PRINT, LOGO, BLOCKS], p=[0.24, 0.06, 0.16, 0.1, 0.16, 0.2, 0.08])
    )
    return Cloth(color, second, pattern, float(rng.uniform(0.045, 0.13)), float(rng.random()))


def sample_outfit(rng: np.random.Generator, gender: float, age: float) -> Outfit:
    """A random person's looks.

    Args:
        rng: the person's generator.
        gender: 0 male to 1 female; age: 0.5 teen to 0.95 old. Both only shift the odds.
    """
    female = rng.random() < gender
    tone = rng.uniform(0, len(_SKIN) - 1.001)
    skin = _SKIN[int(tone)] * (1 - tone % 1) + _SKIN[int(tone) + 1] * (tone % 1) + rng.normal(0, 0.012, 3)
    skin = np.clip(skin, 0.05, 0.98).astype(np.float32)
    hair_odds = np.array([4, 5, 2, 2, 1.4, 1.2, 0.5, 0.2, 0.1])
    hair_odds[3:7] *= 1 if tone < 3 else 0.25
    hair_odds[7:] *= 14 if age > 0.85 else 1
    hair_color = _HAIR[rng.choice(len(_HAIR), p=hair_odds / hair_odds.sum())] + rng.normal(0, 0.02, 3)
    styles = ["bald", "short", "full", "long", "tail"]
    hair = str(rng.choice(styles, p=[0.0, 0.1, 0.22, 0.42, 0.26] if female else [0.07, 0.58, 0.27, 0.06, 0.02]))

    skirted = female and rng.random() < 0.38
    dress = skirted and rng.random() < 0.45
    top = sample_cloth(rng, 0.45)
    shorts = not skirted and rng.random() < 0.25
    denim = rng.random() < 0.4
    bottom = None
    if not skirted or rng.random() < 0.25:
        color = _DENIM[rng.integers(len(_DENIM))].copy() if denim else sample_color(rng)
        bottom = Cloth(color, color * 0.7) if denim or rng.random() < 0.75 else sample_cloth(rng, 0.0)
    coated = rng.random() < 0.28
    sleeve = float(rng.choice([0.0, rng.uniform(0.4, 0.85), rng.uniform(1.2, 1.6), rng.uniform(1.85, 2.02)],
                              p=[0.13, 0.45, 0.07, 0.35]))  # fmt: skip
    neck = str(rng.choice(["crew", "scoop", "vee", "high"], p=[0.55, 0.15, 0.2, 0.1]))
    neck_front = {"crew": rng.uniform(0.6, 0.625), "scoop": rng.uniform(0.53, 0.57), "vee": rng.uniform(0.46, 0.52),
                  "high": 0.69}[neck]  # fmt: skip
    shoe = sample_color(rng) if rng.random() < 0.5 else np.array(rng.choice([[0.1] * 3, [0.93] * 3, [0.3, 0.2, 0.14]]))
    return Outfit(
        skin=skin,
        lips=np.clip(skin * [0.92, 0.62, 0.62] if female else skin * [0.9, 0.74, 0.72], 0, 1).astype(np.float32),
        eyes=np.array([[0.18, 0.11, 0.07], [0.25, 0.35, 0.42], [0.2, 0.26, 0.14]], np.float32)[rng.integers(3)],
        hair_color=np.clip(hair_color, 0.03, 0.95).astype(np.float32),
        hair=hair,
        hairline=float(rng.uniform(0.895, 0.92)),
        hair_thickness={"bald": 0.0, "short": rng.uniform(0.008, 0.016)}.get(hair, float(rng.uniform(0.014, 0.026))),
        fringe=float(rng.uniform(0.0, 0.045)) if rng.random() < 0.4 else 0.0,
        beard=0.0 if female or rng.random() < 0.65 or age < 0.6 else float(rng.uniform(0.3, 0.9)),
        hat=sample_cloth(rng, 0.8) if rng.random() < 0.08 else None,
        top=top,
        sleeve=sleeve,
        hem=float(rng.uniform(0.04, 0.17)),
        neck_front=float(neck_front),
        neck_slope=float(rng.uniform(1.6, 2.4)) if neck == "vee" else float(rng.uniform(0.1, 0.5)),
        top_loose=float(rng.uniform(0.002, 0.02)),
        tucked=bool(skirted or rng.random() < 0.2),
        coat=sample_cloth(rng, 0.8) if coated else None,
        coat_sleeve=float(rng.uniform(1.85, 2.1)),
        coat_hem=float(rng.uniform(0.02, 0.16)),
        coat_open=float(rng.choice([0.0, rng.uniform(0.03, 0.09)])),
        bottom=bottom,
        bottom_end=float(rng.uniform(0.45, 0.98)) if shorts else float(rng.uniform(1.75, 2.05)),
        bottom_loose=float(rng.uniform(0.0, 0.016)),
        flare=float(max(0.0, rng.normal(0.006, 0.008))),
        skirt=(top if dress else sample_cloth(rng, 0.6)) if skirted else None,
        skirt_end=float(rng.choice([rng.uniform(-0.22, -0.05), rng.uniform(-0.5, -0.3)], p=[0.65, 0.35])),
        skirt_wide=float(rng.uniform(-0.02, 0.12)),
        dress=dress,
        long_coat=bool(coated and not skirted and rng.random() < 0.3),
        socks=sample_cloth(rng, 0.8) if (shorts or skirted) and rng.random() < 0.5 else None,
        sock_end=float(rng.uniform(1.55, 1.85)),
        shoes=Cloth(np.clip(shoe, 0.03, 0.97).astype(np.float32), sample_color(rng)),
        shoe_end=float(rng.choice([rng.uniform(1.93, 2.0), rng.uniform(1.6, 1.85)], p=[0.8, 0.2])),
        sole=np.float32(rng.choice([0.08, 0.85, 0.35])) * np.ones(3, np.float32),
        texture=_texture(rng),
    )


def _texture(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(64, 64, 4) tiling noise: red and green smooth, blue coarse blots, alpha an 8 x 8 emblem."""
    out = np.empty((64, 64, 4))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    for channel, (low, high) in enumerate([(0.03, 0.12), (0.03, 0.12), (0.02, 0.06)]):
        band = np.exp(-((frequency / high) ** 2)) - np.exp(-((frequency / low) ** 2))
        noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal((64, 64))) * band).real
        out[..., channel] = noise / noise.std() * 45 + 128
    emblem = rng.random((8, 8)) < 0.5
    if rng.random() < 0.5:
        emblem |= emblem[:, ::-1]
    out[..., 3] = np.kron(emblem, np.ones((8, 8))) * 255
    return np.clip(out, 0, 255).astype(np.uint8)
