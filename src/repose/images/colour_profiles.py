"""Colour profiles: the numbers of a picture to sRGB, and sRGB back to the numbers of a profile.

Both ways are relative colorimetric with black point compensation: colours that both can show stay what they are, white
becomes white, and black becomes black. Without the compensation the shadows of a CMYK or scanner profile, whose black
is lighter than that of sRGB, would be cut off; photo programs and browsers do the same. For the profiles of cameras and
screens, which are a matrix and a curve, it changes nothing.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image

SRGB: Final = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
"""The primaries of sRGB as CIE 1931 x, y: red, green, blue."""

D65: Final = (0.3127, 0.3290)
"""The white of sRGB, Display P3 and Adobe RGB as CIE 1931 x, y."""

_SPACES: Final = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""The colour spaces of ICC -> Pillow's modes of them."""

_D50: Final = np.array([0.9642, 1.0, 0.8249])  # the white of ICC's connection space
_BRADFORD: Final = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_SRGB_GAMMA: Final = 1 / 2.2
_TRANSFORMS: Final = 16
_SRGB_TRANSFER: Final = 13  # ITU-T H.273, table 3
_NO_OTHER_PRIMARIES: Final = (None, 1, 2)  # table 2: those of BT.709 and sRGB; not known


class ProfileError(ValueError):
    """A colour profile cannot be used; the text says why."""


def to_srgb(picture: PIL.Image.Image, profile: bytes) -> PIL.Image.Image:
    """A picture in the numbers of a profile (mode L, RGB, CMYK) -> RGB in sRGB. Its own pixels if it is sRGB already.

    Raises:
        ProfileError: the profile is damaged, or is of other colours than the picture's mode.
    """
    if is_srgb(profile, picture.mode):
        return picture.convert("RGB")
    if picture.mode == "L":
        return PIL.Image.fromarray(_greys(profile)[np.asarray(picture)])
    converted: PIL.Image.Image = _transform(profile, picture.mode, True).apply(picture)
    return converted


def from_srgb(picture: PIL.Image.Image, profile: bytes, mode: str) -> PIL.Image.Image:
    """RGB in sRGB -> the numbers of a profile, of `mode` L or RGB. Colours that it cannot show become the nearest.

    Raises:
        ProfileError: the profile is damaged, of other colours than `mode`, or can only be read (a scanner's).
    """
    if is_srgb(profile, mode):
        return picture.convert(mode)
    converted: PIL.Image.Image = _transform(profile, mode, False).apply(picture)
    return converted


def mode_of(profile: bytes) -> str:
    """The mode of Pillow that a profile is for: RGB, L or CMYK.

    Raises:
        ProfileError: the profile is damaged, or is for other colours than these.
    """
    space = _opened(profile).profile.xcolor_space.strip()
    if space not in _SPACES:
        raise ProfileError(f"it is for {space} pictures")
    return _SPACES[space]


@functools.lru_cache(_TRANSFORMS)
def is_srgb(profile: bytes, mode: str) -> bool:
    """Whether a profile is sRGB: it changes none of 4,913 colours (256 greys) by more than 1 of 255.

    Raises:
        ProfileError: see `to_srgb`.
    """
    if mode == "L":
        return bool(np.abs(_greys(profile).astype(int) - np.arange(256)[:, None]).max() <= 1)
    transform = _transform(profile, mode, True)
    if mode == "CMYK":
        return False
    steps = np.append(np.arange(0, 256, 16), 255).astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    converted = np.asarray(transform.apply(PIL.Image.fromarray(colours))).astype(int)
    return bool(np.abs(converted - colours).max() <= 1)


def matrix_profile(
    primaries: Sequence[tuple[float, float]],
    white: tuple[float, float],
    gamma: float | None,
    description: str,
) -> bytes:
    """An ICC profile (version 4.3) of three primaries, a white and a curve.

    Args:
        primaries: red, green and blue as CIE 1931 x, y. white: likewise.
        gamma: the exponent from numbers to light; None for the curve of sRGB.
        description: the profile's name.

    Raises:
        ProfileError: these are no three colours with such a white.
    """
    points = np.array([[x / y, 1.0, (1 - x - y) / y] if y > 0 else [np.nan] * 3 for x, y in (*primaries, white)])
    columns, light = points[:3].T, points[3]
    if not np.isfinite(points).all() or abs(np.linalg.det(columns)) < 1e-6:
        raise ProfileError("its primaries and its white are no colours")
    adapted = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ _D50) / (_BRADFORD @ light)) @ _BRADFORD
    matrix = adapted @ (columns * np.linalg.solve(columns, light))
    curve = _curve(gamma)
    tags = {
        b"desc": _text(description),
        b"cprt": _text("No rights reserved"),
        b"wtpt": b"XYZ \0\0\0\0" + _fixed(_D50),
        b"chad": b"sf32\0\0\0\0" + _fixed(adapted.ravel()),
        **{name: b"XYZ \0\0\0\0" + _fixed(matrix[:, k]) for k, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _profile_of_tags(tags)


def adobe_rgb() -> bytes:
    """Adobe RGB (1998): its primaries, D65, and 563/256 as exponent."""
    return matrix_profile(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), D65, 563 / 256, "Compatible with Adobe RGB")


def profile_of_png(info: dict[Any, Any]) -> bytes | None:
    """The profile that a PNG without ICC profile describes by its chunks gAMA and cHRM; None for sRGB.

    The chunk sRGB goes before them. cHRM without gAMA says nothing of the curve, and is not used. A gAMA within 5 % of
    1/2.2 is that of sRGB, which libpng takes it for, too.

    Args:
        info: of Pillow's picture.

    Raises:
        ProfileError: the chunks describe no colours.
    """
    gamma, points = info.get("gamma"), info.get("chromaticity")
    if info.get("srgb") is not None or not gamma:
        return None
    if not 0.1 < float(gamma) < 10:
        raise ProfileError(f"its gAMA is {float(gamma):g}")
    white, primaries = D65, SRGB
    if points is not None:
        white, *rest = zip(points[::2], points[1::2], strict=True)
        primaries = (rest[0], rest[1], rest[2])
    plain = abs(float(gamma) / _SRGB_GAMMA - 1) < 0.05
    near = np.abs(np.subtract((*primaries, white), (*SRGB, D65))).max() < 0.005
    if plain and near:
        return None
    return matrix_profile(primaries, white, None if plain else 1 / float(gamma), "Of the chunks gAMA and cHRM")


def profile_of_heic(info: dict[Any, Any]) -> bytes | None:
    """The profile that a HEIC without ICC profile describes by its colour box (nclx of ISO 23008-12); None for sRGB.

    Only the curve of sRGB is read, with any primaries: those of high dynamic range have no place in 8 bits.

    Args:
        info: of Pillow's picture, as pillow-heif fills it.

    Raises:
        ProfileError: the box describes no colours.
    """
    box = info.get("nclx_profile") or {}
    if box.get("transfer_characteristics") != _SRGB_TRANSFER or box.get("color_primaries") in _NO_OTHER_PRIMARIES:
        return None
    names = ("red", "green", "blue", "white")
    points = [tuple(float(box[f"color_primary_{name}_{axis}"]) for axis in "xy") for name in names]
    red, green, blue, white = ((x, y) for x, y in points)
    return matrix_profile((red, green, blue), white, None, "Of the colour box of a HEIC")


# -- inside ---------------------------------------------------------------------------------------------------------


def _opened(profile: bytes) -> Any:
    from PIL import ImageCms

    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        raise ProfileError("it is damaged") from error
    except ImportError as error:
        raise ProfileError("this Pillow was built without littlecms2") from error


@functools.lru_cache(2 * _TRANSFORMS)
def _transform(profile: bytes, mode: str, reading: bool, more: int = 0) -> Any:
    """The transform from a profile to sRGB (`reading`), or from sRGB to the profile; `more` flags of littlecms."""
    from PIL import ImageCms

    own = _opened(profile)
    wanted = mode_of(profile)
    if wanted != mode:
        raise ProfileError(f"it is for {wanted} pictures, and this one is {mode}")
    srgb = ImageCms.createProfile("sRGB")
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags(ImageCms.Flags.BLACKPOINTCOMPENSATION | more)
    try:
        if reading:
            return ImageCms.buildTransform(own, srgb, mode, "RGB", intent, flags)
        return ImageCms.buildTransform(srgb, own, "RGB", mode, intent, flags)
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise ProfileError("it is damaged" if reading else "colours can only be read with it") from error


@functools.lru_cache(_TRANSFORMS)
def _greys(profile: bytes) -> npt.NDArray[np.uint8]:
    """sRGB (256, 3) of every grey of a profile; littlecms's fast way for grey is up to 10 levels wrong in the dark."""
    from PIL import ImageCms

    ramp = PIL.Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    converted = _transform(profile, "L", True, int(ImageCms.Flags.NOOPTIMIZE)).apply(ramp)
    table: npt.NDArray[np.uint8] = np.asarray(converted)[0]
    return table


def _fixed(numbers: npt.NDArray[np.float64]) -> bytes:
    """Numbers as s15Fixed16."""
    return struct.pack(f">{len(numbers)}i", *(round(float(number) * 65536) for number in numbers))


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _curve(gamma: float | None) -> bytes:
    """A parametric curve: y = x^gamma, or that of IEC 61966-2-1 (sRGB)."""
    if gamma is not None:
        return b"para\0\0\0\0" + struct.pack(">HH", 0, 0) + _fixed(np.array([gamma]))
    return (
        b"para\0\0\0\0"
        + struct.pack(">HH", 3, 0)
        + _fixed(np.array([2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]))
    )


def _profile_of_tags(tags: dict[bytes, bytes]) -> bytes:
    """A display profile of RGB (ICC.1:2010, section 7): header, table of the tags, their data."""
    at = 128 + 4 + 12 * len(tags)
    table, body, places = b"", b"", dict[bytes, int]()
    for name, data in tags.items():
        if data not in places:  # the three curves are one
            body += b"\0" * (-len(body) % 4)
            places[data] = at + len(body)
            body += data
        table += struct.pack(">4sII", name, places[data], len(data))
    body += b"\0" * (-len(body) % 4)
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sIIIQI12s4s16s28x",
        at + len(body), b"\0\0\0\0", 0x04300000, b"mntr", b"RGB ", b"XYZ ", 2000, 1, 1, 0, 0, 0, b"acsp", b"\0\0\0\0",
        0, 0, 0, 0, 1, _fixed(_D50), b"\0\0\0\0", b"\0" * 16,
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + body
