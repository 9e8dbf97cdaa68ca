"""Hair that lies on the scalp or stands off it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from repose.body.model import Floats
from repose.render.hair.hair_parts import Part, fringe, hair_cap, layers, parting, tufts, whorl
from repose.render.hair.scalp import Skull, direction, ramp
from repose.render.pieces import Looks


def buzz(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """A few millimetres everywhere."""
    thick = layers(0.004, 0.0025)
    crown = whorl(looks)
    cap = hair_cap(looks, rng, skull, thick, crown, crown, rough=0.12, columns=60, rows=22, ragged=0.003)
    return [replace(cap, run=cap.run * [3, 40])]  # too short for strands: speckles


def balding(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """A fringe of hair round a bare top."""
    thick = layers(0.008, 0.008)
    crown = whorl(looks)
    cap = hair_cap(looks, rng, skull, thick, crown, crown, rough=0.3, columns=64, rows=26, ragged=0.006)
    return [cap, *tufts(looks, rng, skull, thick, crown, 110, 0.022, 0.003, 0.006)]


def short(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Short hair with tufts, and perhaps a fringe."""
    top = 0.010 + float(np.clip(looks.volume, 0, 0.03)) * 0.6
    thick = layers(top, 0.005 + rng.uniform(0, 0.004))
    crown = whorl(looks)
    parts = [hair_cap(looks, rng, skull, thick, crown, crown, rough=0.3)]
    sweep = (0.8 * looks.part, -0.6, 0.0)
    parts += tufts(looks, rng, skull, thick, crown, 240, 0.032, 0.006, sweep=sweep)
    if looks.fringe > 0.35:
        parts.append(fringe(looks, rng, skull, 0.915 - 0.035 * looks.fringe, 20, 0.008))
    return parts


def parted(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Short hair combed over from a parting."""
    front, crown = parting(looks.part)
    side = np.sign(looks.part or 1.0)
    base = layers(0.013 + 0.5 * float(np.clip(looks.volume, 0, 0.03)), 0.006)

    def thick(place: Floats) -> Floats:
        # Hair is combed over to the side away from the parting, where it is thick.
        over = ramp(-side * place[..., 0], -0.05, 0.05)
        out: Floats = base(place) * (0.6 + 0.5 * over)
        return out

    parts = [hair_cap(looks, rng, skull, thick, front, crown, rough=0.22, locks=22)]
    parts += tufts(looks, rng, skull, thick, crown, 130, 0.045, 0.004, sweep=(-1.4 * side, -0.5, 0.0), where=(0.0, 1.2))
    parts += tufts(looks, rng, skull, thick, crown, 110, 0.024, 0.003, 0.007, where=(1.2, 2.4))
    return parts


def quiff(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Short at the sides, combed up and back above the forehead."""
    high = 0.022 + 0.6 * float(np.clip(looks.volume, 0, 0.03))
    base = layers(0.012, 0.0035)

    def thick(place: Floats) -> Floats:
        ahead = ramp(-place[..., 1], 0.02, 0.11) * ramp(place[..., 2], 0.895, 0.93)
        ahead = ahead * ramp(-np.abs(place[..., 0]), -0.062, -0.035)
        out: Floats = base(place) + high * ahead
        return out

    front = direction(np.float32(0.0), np.float32(0.95))
    parts = [hair_cap(looks, rng, skull, thick, front, whorl(looks), rough=0.25, locks=22)]
    back = (0.5 * looks.part, 1.2, 0.6)  # combed up and back
    parts += tufts(looks, rng, skull, thick, front, 150, 0.045, 0.010, 0.011, sweep=back, where=(0.0, 0.95))
    parts += tufts(looks, rng, skull, thick, whorl(looks), 90, 0.015, 0.001, 0.006, where=(1.0, 2.4))
    return parts


def short_curls(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Curls that stand off the head."""
    thick = layers(0.024 + 0.5 * float(np.clip(looks.volume, 0, 0.04)), 0.014)
    crown = whorl(looks)
    cap = hair_cap(looks, rng, skull, thick, crown, crown, rough=0.36, lumps=0.009, columns=84, rows=26, ragged=0.012)
    return [cap, *tufts(looks, rng, skull, thick, crown, 220, 0.026, 0.008, 0.006, curl=1.3, points=5)]


def afro(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """A round cloud of curls."""
    size = 0.028 + 1.2 * float(np.clip(looks.volume, 0, 0.05))
    round_ = layers(size, size * 0.8)
    crown = direction(np.float32(0.0), np.float32(0.0))

    def thick(place: Floats) -> Floats:
        out: Floats = round_(place) * (1 - 0.35 * ramp(-place[..., 1], 0.09, 0.14))
        return out

    cap = hair_cap(looks, rng, skull, thick, crown, crown, rough=0.13, lumps=0.007, columns=90, rows=34, ragged=0.006)
    return [cap, *tufts(looks, rng, skull, thick, crown, 110, 0.018, 0.006, 0.006, curl=1.6)]
