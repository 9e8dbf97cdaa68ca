"""A photograph whose result is to be written as the photograph is: in its colours, with its EXIF."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import PIL.Image

from repose.images.colour_profiles import ProfileError, from_srgb, is_srgb
from repose.images.metadata import Metadata
from repose.images.reading import MAX_PIXELS, Decoded, decode_file
from repose.images.writing import format_of, write

_NEAR: Final = 16
"""Levels of sRGB from a photograph's pixel to the result's, at which the result owes nothing more to the pixel."""

_AT_A_TIME: Final = 1_000_000
"""Pixels that are converted at a time."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture file: what `load_image` gives of it, and what is needed to write a result in its place.

    Attributes:
        name: the file, or FILE#frame.
        pixels: uint8 (H, W, 3), sRGB, upright.
        mode: of the results: "L" of a grey photograph, so that a black-and-white one gets no colours, else "RGB".
        profile: the colour profile of the results; None for sRGB without one.
        own: uint8 (H, W) or (H, W, 3), the file's own numbers; None where they are `pixels`.
        metadata: EXIF, XMP and resolution as the file has them.
    """

    name: str
    pixels: npt.NDArray[np.uint8]
    mode: str
    profile: bytes | None
    own: npt.NDArray[np.uint8] | None
    metadata: Metadata

    @classmethod
    def read(cls, file: str | Path, max_pixels: int = MAX_PIXELS) -> Photograph:
        """Read a picture file, or FILE#frame.

        Warns, raises: what `load_image` does; and it warns of a profile that can only be read.
        """
        decoded = decode_file(file, max_pixels)
        pixels = decoded.pixels()
        if decoded.colour.mode == "CMYK":  # photographs are RGB; the ink of one press is of no use for another picture
            return cls(decoded.name, pixels, "RGB", None, None, decoded.metadata)
        mode, profile = decoded.colour.mode, decoded.profile
        if mode == "RGB" and (profile is None or is_srgb(profile, mode)):
            return cls(decoded.name, pixels, mode, profile, None, decoded.metadata)
        own = _own(decoded, pixels)
        if own is None:
            text = f"{decoded.name}: its colour profile can only be read; the result is written in sRGB"
            warnings.warn(text, stacklevel=2)
            mode, profile = "RGB", None
        return cls(decoded.name, pixels, mode, profile, own, decoded.metadata)

    def in_own_colours(
        self, result: npt.NDArray[np.uint8], colours: bool = False
    ) -> tuple[PIL.Image.Image, bytes | None]:
        """A result -> a picture in the photograph's own numbers, and the profile that belongs to them.

        Where the result is the photograph, the numbers are those of the file, also of colours that sRGB cannot show.
        Around a change they go over into the converted result, within `_NEAR` levels, so that no edge appears.

        Args:
            result: uint8 (H, W, 3), or (H, W, 4) with an alpha channel, in sRGB; of any size.
            colours: keep the colours of a result of a grey photograph; it is then RGB in sRGB.
        """
        alpha = PIL.Image.fromarray(result[..., 3]) if result.shape[2] == 4 else None
        rgb = np.ascontiguousarray(result[..., :3])
        mode, profile = (
            ("RGB", None) if self.mode == "L" and (colours or alpha is not None) else (self.mode, self.profile)
        )
        if mode == "RGB" and (profile is None or self.own is None):
            picture = PIL.Image.fromarray(rgb)
        else:
            same = self.own is not None and rgb.shape == self.pixels.shape and mode == self.mode
            step = max(1, _AT_A_TIME // rgb.shape[1])
            parts = [self._part(rgb, slice(top, top + step), same) for top in range(0, len(rgb), step)]
            picture = PIL.Image.fromarray(np.concatenate(parts))
        if alpha is not None:
            picture.putalpha(alpha)
        return picture, profile

    def save(
        self,
        path: str | Path,
        result: npt.NDArray[np.uint8],
        quality: int | None = None,
        size: tuple[int, int] | None = None,
        colours: bool = False,
    ) -> Path:
        """Write a result as the photograph is: its colour profile, EXIF, XMP, resolution.

        The orientation in EXIF is 1, as the result is upright, and a thumbnail of the photograph is left out. The file
        is marked as a result (`repose.images.results`).

        Args:
            path: with a suffix of `repose.images.FORMATS`.
            result: see `in_own_colours`. quality: see `save_image`. colours: see `in_own_colours`.
            size: (height, width) that the result is scaled to.

        Raises:
            ImageError: see `save_image`.
        """
        path = Path(path)
        grey_profile = self.mode == "L" and self.profile is not None
        # WebP has no grey pictures, so that it cannot hold the profile of one
        picture, profile = self.in_own_colours(result, colours or (grey_profile and format_of(path) == "WEBP"))
        if size is not None and size != (picture.height, picture.width):
            picture = picture.resize((size[1], size[0]), PIL.Image.Resampling.LANCZOS)
        return write(path, picture, profile, self.metadata.upright(*picture.size), quality, result=True)

    def _part(self, rgb: npt.NDArray[np.uint8], rows: slice, same: bool) -> npt.NDArray[np.uint8]:
        """Rows of a result in the photograph's own numbers; `same`: it has the photograph's size."""
        if not same:
            return _convert(rgb[rows], self.profile, self.mode)
        assert self.own is not None
        numbers, before, after = self.own[rows], self.pixels[rows], rgb[rows]
        changed = (after != before).any(axis=-1)
        if not changed.any():
            return numbers
        before, after = before[changed][None], after[changed][None]  # (1, N, 3)
        apart = np.abs(after.astype(np.int16) - before).max(axis=-1)
        weight = np.clip(1 - apart.astype(np.float32) / _NEAR, 0, 1)
        lost = numbers[changed].astype(np.float32) - _convert(before, self.profile, self.mode)[0]
        lost *= weight[0] if lost.ndim == 1 else weight[0, :, None]
        lost += _convert(after, self.profile, self.mode)[0]
        numbers = numbers.copy()
        numbers[changed] = np.clip(np.rint(lost), 0, 255).astype(np.uint8)
        return numbers


def _own(decoded: Decoded, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    """The numbers of the file, on white where it is transparent; None if the profile can only be read."""
    colour = np.array(decoded.colour)
    try:
        if decoded.alpha is None:
            _convert(pixels[:1], decoded.profile, decoded.colour.mode)
            return colour
        converted = _convert(pixels, decoded.profile, decoded.colour.mode)
    except ProfileError:
        return None
    solid = np.asarray(decoded.alpha) == 255
    return np.where(solid if colour.ndim == 2 else solid[..., None], colour, converted)


def _convert(rgb: npt.NDArray[np.uint8], profile: bytes | None, mode: str) -> npt.NDArray[np.uint8]:
    picture = PIL.Image.fromarray(rgb)
    converted: npt.NDArray[np.uint8] = np.asarray(
        picture.convert(mode) if profile is None else from_srgb(picture, profile, mode)
    )
    return converted
