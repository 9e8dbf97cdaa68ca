"""Random colours of surroundings and lamps: three channels, sRGB in [0, 1] or linear light."""

from __future__ import annotations

import numpy as np

Color = tuple[float, float, float]


def random_tone(rng: np.random.Generator, low: float, high: float, hue: float = 0.02, warm: float = 0.0) -> Color:
    """A random colour of low saturation; `hue` the deviation of its channels, `warm` pushes red over blue."""
    # real greys lean to warm or cold, hardly ever to green or purple
    cast = rng.normal(0, hue) * np.array([1.0, 0.1, -1.0]) + rng.normal(0, 0.3 * hue, 3)
    color = rng.uniform(low, high) + cast + np.array([warm, 0, -warm])
    return (*(float(v) for v in np.clip(color, 0.02, 0.99)),)  # type: ignore[return-value]


def scaled(level: float, rng: np.random.Generator, hue: float, color: Color = (1.0, 1.0, 1.0)) -> Color:
    """`level` times a colour whose channels differ by about `hue`."""
    out = level * np.array(color) * (1 + rng.normal(0, hue, 3))
    return (float(out[0]), float(out[1]), float(out[2]))
