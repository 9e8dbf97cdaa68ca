"""Colour profiles for the tests: of primaries, of grey, and broken ones."""

from __future__ import annotations

import io
import itertools
import struct

import numpy as np
import PIL.Image
from PIL import ImageCms

from repose.images import colour_profiles
from repose.images.colour_profiles import D65, adobe_rgb, matrix_profile

DISPLAY_P3 = matrix_profile(((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), D65, None, "Display P3")
PROPHOTO = matrix_profile(
    ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 1.8, "ROMM RGB: ISO 22028-2:2013"
)
ADOBE_RGB = adobe_rgb()
WIDE = {"Display P3": DISPLAY_P3, "Adobe RGB": ADOBE_RGB, "ProPhoto": PROPHOTO}


def grey(gamma: float) -> bytes:
    """A profile of grey with this exponent."""
    tags = {
        b"desc": colour_profiles._text("grey"),
        b"cprt": colour_profiles._text("none"),
        b"wtpt": b"XYZ \0\0\0\0" + colour_profiles._fixed(colour_profiles._D50),
        b"kTRC": colour_profiles._curve(gamma),
    }
    data = bytearray(colour_profiles._profile_of_tags(tags))
    data[16:20] = b"GRAY"
    return bytes(data)


def cmyk(black: float = 20.0) -> bytes:
    """A press whose inks multiply, and whose black is no darker than this L*: a table of 2x2x2x2 colours in Lab."""
    corners = []
    for inks in itertools.product((0.0, 1.0), repeat=4):
        light = [(1 - ink) * (1 - inks[3]) for ink in inks[:3]]
        picture = PIL.Image.fromarray(np.round(np.array([[light]]) * 255).astype(np.uint8))
        to_lab = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB", 5000), "RGB", "LAB", 1
        )
        lightness, a, b = np.asarray(to_lab.apply(picture)).view(np.int8)[0, 0].astype(int)
        share = (black + (100 - black) * (lightness % 256) / 255) / 100
        corners.append((round(255 * share), 128 + a, 128 + b))
    straight = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    lut += struct.pack(">9i", *(65536 if k % 4 == 0 else 0 for k in range(9)))
    lut += straight * 4 + bytes(np.array(corners, np.uint8).ravel()) + straight * 3
    tags = {
        b"desc": colour_profiles._text("a press"),
        b"cprt": colour_profiles._text("none"),
        b"wtpt": b"XYZ \0\0\0\0" + colour_profiles._fixed(colour_profiles._D50),
        b"A2B0": lut,
        b"A2B1": lut,
    }
    data = bytearray(colour_profiles._profile_of_tags(tags))
    data[8:12], data[12:16], data[16:20], data[20:24] = bytes.fromhex("02400000"), b"scnr", b"CMYK", b"Lab "
    return bytes(data)


def littlecms_srgb() -> bytes:
    """sRGB as littlecms itself writes it."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def description(profile: bytes) -> str:
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
