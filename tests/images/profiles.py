"""Colour profiles for the tests: of primaries, of grey, and broken ones."""

from __future__ import annotations

import io

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


def littlecms_srgb() -> bytes:
    """sRGB as littlecms itself writes it."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def description(profile: bytes) -> str:
    return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
