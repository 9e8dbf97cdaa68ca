"""What is around a person: backgrounds, light and the camera's faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .body import Floats


@dataclass(frozen=True)
class Scene:
    """The family of backgrounds and light of one person; every picture draws its own variation.

    Attributes:
        street: a blurred street (else a plain studio).
        wall, ground: (3,) float32 colours in [0, 1].
        cells: (12, 16, 3) float32, what the street is made of.
        clutter: how strong the street's contrast is. ambient, strength: the usual light.
        tint: (3,) the light's colour. noise: standard deviation of the sensor noise. blur: pixels at height 128.
    """

    street: bool
    wall: Floats
    ground: Floats
    cells: Floats
    clutter: float
    ambient: float
    strength: float
    tint: Floats
    noise: float
    blur: float


def sample_scene(rng: np.random.Generator) -> Scene:
    """The random surroundings of one person."""
    street = bool(rng.random() < 0.65)
    wall = (
        rng.uniform(0.3, 0.75) + rng.normal(0, 0.03, 3) if street else rng.uniform(0.7, 0.97) + rng.normal(0, 0.015, 3)
    )
    ground = rng.uniform(0.3, 0.65) + rng.normal(0, 0.02, 3) if street else wall * rng.uniform(0.82, 1.0)
    cells = rng.normal(0, 1, (12, 16, 1)) * 0.75 + rng.normal(0, 0.18, (12, 16, 3))
    cells += rng.normal(0, 1.2, (1, 16, 1))  # posts, doors and trees stand upright
    return Scene(
        street=street,
        wall=np.clip(wall, 0.08, 0.99).astype(np.float32),
        ground=np.clip(ground, 0.08, 0.99).astype(np.float32),
        cells=cells.astype(np.float32),
        clutter=float(rng.uniform(0.03, 0.11)),
        ambient=float(rng.uniform(0.35, 0.6)),
        strength=float(rng.uniform(0.45, 0.85)),
        tint=(1 + rng.normal(0, 0.04, 3)).astype(np.float32),
        noise=float(rng.uniform(0.004, 0.016)),
        blur=float(rng.choice([0.0, rng.uniform(0.2, 0.7)])),
    )


def background(scene: Scene, rng: np.random.Generator, height: int, width: int, feet: tuple[float, float]) -> Floats:
    """(H, W, 3) float32 in [0, 1]. `feet`: x and y in pixels of the spot the person stands on."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    if scene.street:
        cells = np.roll(scene.cells, int(rng.integers(16)), axis=1)[:, : max(4, 16 * width // height)]
        wall = _smooth(cells * scene.clutter + scene.wall, height, width)
        for _ in range(rng.integers(0, 4)):  # doors, windows, cars, passers-by out of focus
            x, y = rng.uniform(-0.2, 1), rng.uniform(-0.1, 0.7)
            w, h = rng.uniform(0.1, 0.6), rng.uniform(0.1, 0.6)
            columns = slice(int(max(x, 0) * width), int((x + w) * width))
            lines = slice(int(max(y, 0) * height), int((y + h) * height))
            color = np.clip(scene.wall + rng.normal(0, 0.16) + rng.normal(0, 0.05, 3), 0, 1)
            wall[lines, columns] = wall[lines, columns] * 0.35 + 0.65 * color
        coarse = Image.fromarray(_bytes(wall)).reduce(max(2, height // 42))
        wall = _smooth(np.asarray(coarse, np.float32) / 255, height, width)
        horizon: float = min(max(feet[1] / height - rng.uniform(0.06, 0.4), 0.2), 0.98)
        ground = scene.ground + _smooth(rng.normal(0.5, 0.05, (10, 4, 1)).repeat(3, 2), height, width) - 0.5
        ground = ground * (0.85 + 0.3 * rows)
        mix = np.clip((rows - horizon) * height / rng.uniform(2, 8) + 0.5, 0, 1)
        out = wall * (1 - mix) + ground * mix
    else:
        horizon = rng.uniform(0.75, 0.98)
        blend = rng.uniform(0.02, 0.3)
        mix = np.clip((rows - horizon) / blend + 0.5, 0, 1)
        across = np.linspace(-1, 1, width, dtype=np.float32)[:, None]
        fall = 1 - rng.uniform(0, 0.12) * (across - rng.uniform(-0.5, 0.5)) ** 2
        out = (scene.wall * (1 - mix) + scene.ground * mix) * fall
    down, right = np.ogrid[:height, :width]
    spot = ((right - feet[0]) / (0.16 * height)) ** 2 + ((down - feet[1]) / (0.035 * height)) ** 2
    shadow = (1 - rng.uniform(0.15, 0.5) * np.exp(-spot)).astype(np.float32)
    shaded: Floats = np.clip(out * shadow[..., None], 0, 1).astype(np.float32)
    return shaded


def develop(picture: Floats, scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Camera faults: exposure, blur, noise. (H, W, 3) float32 in [0, 1] to uint8."""
    height = len(picture)
    sigma = scene.blur * height / 128
    out = _bytes(picture * (scene.tint * rng.uniform(0.85, 1.12)))
    if sigma > 0.15:
        out = np.asarray(Image.fromarray(out).filter(ImageFilter.GaussianBlur(sigma)))
    grain = rng.standard_normal(picture.shape, dtype=np.float32)
    if height > 200:  # sensor noise of a larger picture is not white after its own scaling
        grain = (grain + np.roll(grain, 1, 1)) * 0.7
    noisy: NDArray[np.uint8] = np.clip(out + grain * (scene.noise * 255) + 0.5, 0, 255).astype(np.uint8)
    return noisy


def _smooth(cells: NDArray[Any], height: int, width: int) -> Floats:
    """(h, w, 3) values around [0, 1] spread smoothly over (H, W, 3)."""
    small = Image.fromarray(_bytes(cells))
    out = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(np.float32)
    out /= 255
    return out


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)
