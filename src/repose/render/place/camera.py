"""What a camera does to a picture: exposure, colour, softness, noise, sharpening, JPEG."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from repose.render.place.surroundings import Camera, Surroundings

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


def develop(picture: Floats, surroundings: Surroundings, rng: np.random.Generator, style: str = "mixed") -> Bytes:
    """What the camera stores of a picture (H, W, 3) float32 sRGB in [0, 1]: (H, W, 3) uint8. "plain": no faults."""
    if style == "plain":
        return _bytes(picture)
    camera = surroundings.camera
    height, width = picture.shape[:2]
    out = _expose(picture, camera, rng)
    small = (max(16, round(width * camera.detail)), max(16, round(height * camera.detail)))
    image = Image.fromarray(_bytes(out))
    if small != (width, height):
        image = image.resize(small, Image.Resampling.BOX if camera.detail < 0.6 else Image.Resampling.BILINEAR)
    image = _lens(image, camera, rng)
    image = Image.fromarray(_bytes(_grain(np.asarray(image, np.float32) / np.float32(255), camera, rng)))
    image = _jpeg(image, camera.quality, rng)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.array(_jpeg(image, camera.stored, rng))


def _expose(picture: Floats, camera: Camera, rng: np.random.Generator) -> Floats:
    """Exposure, white balance, contrast curve, lifted black, vignette."""
    height, width = picture.shape[:2]
    gain = np.exp(rng.normal(0, camera.exposure)) * np.array(camera.cast) * (1 + rng.normal(0, camera.balance, 3))
    out = picture * gain.astype(np.float32)
    if camera.vignette > 0.005:
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None]
        out *= (1 - np.float32(camera.vignette / 2) * (x * x + y * y))[..., None]
    np.clip(out, 0, 1, out=out)
    strength = np.float32(camera.contrast * rng.uniform(0.6, 1.4))
    if strength > 0:
        out += strength * (out * out * (3 - 2 * out) - out)
    lift = np.float32(camera.black)
    lifted: Floats = out * (1 - lift) + lift
    return lifted


def _lens(image: Image.Image, camera: Camera, rng: np.random.Generator) -> Image.Image:
    """Blur of the lens, rarely of motion, and the sharpening a camera does against it."""
    sigma = camera.blur * image.height * float(rng.uniform(0.7, 1.3))
    if sigma > 0.2:
        image = image.filter(ImageFilter.GaussianBlur(sigma))
    if rng.random() < camera.shake:
        image = _smear(image, rng)
    if camera.halo > 0.05:
        radius = 1.0 + image.height / 400
        image = image.filter(ImageFilter.UnsharpMask(radius, int(100 * camera.halo * rng.uniform(0.7, 1.3)), 0))
    return image


def _smear(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Motion blur along a nearly level line."""
    length = image.height * float(rng.uniform(0.006, 0.022))
    angle = float(rng.normal(0, 0.4))
    reach = math.ceil(length / 2)
    height, width = image.height, image.width
    pixels = np.pad(np.asarray(image, np.float32), ((reach, reach), (reach, reach), (0, 0)), "edge")
    total = np.zeros((height, width, 3), np.float32)
    count = max(2, round(length))
    for step in np.linspace(-0.5, 0.5, count):
        y, x = reach + round(step * length * math.sin(angle)), reach + round(step * length * math.cos(angle))
        total += pixels[y : y + height, x : x + width]
    return Image.fromarray((total / count + 0.5).astype(np.uint8))


def _grain(picture: Floats, camera: Camera, rng: np.random.Generator) -> Floats:
    """Sensor noise: stronger in the dark after the tone curve, a part of it in coarse coloured blotches."""
    if camera.noise < 1e-4:
        return picture
    height, width = picture.shape[:2]
    level = np.float32(camera.noise * rng.uniform(0.7, 1.3))
    luma = rng.standard_normal((height, width), dtype=np.float32)
    if height > 200:  # the grain of a larger picture is not white after its own scaling
        luma = (luma + np.roll(luma, 1, 1)) * np.float32(0.72)
    coarse = rng.standard_normal(((height + 2) // 3, (width + 2) // 3, 3), dtype=np.float32)
    coarse = np.repeat(np.repeat(coarse, 3, 0), 3, 1)[:height, :width]
    coarse = (coarse + np.roll(coarse, 1, 0) + np.roll(coarse, 1, 1)) * np.float32(0.55)
    bright = picture[..., 1:2]
    strength = level * (np.float32(1.4) - np.float32(0.9) * bright)
    return picture + strength * (luma[..., None] + np.float32(camera.chroma) * coarse)


def _jpeg(image: Image.Image, quality: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    low, high = quality
    if high <= 0:
        return image
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(low, high + 1)))
    return Image.open(file, formats=("JPEG",)).convert("RGB")


def _bytes(values: Floats) -> Bytes:
    rounded: Bytes = np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)
    return rounded
