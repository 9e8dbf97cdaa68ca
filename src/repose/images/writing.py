"""Writing pictures: uint8 arrays into files that appear complete or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch import Tensor

from repose.files import replacing
from repose.images.errors import ImageError
from repose.images.metadata import LONGEST_EXIF, Metadata
from repose.images.reading import ImageLike
from repose.images.results import marking
from repose.names import nearest
from repose.represent.canvas import from_uint8

FORMATS: Final = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"
}  # fmt: skip
"""The suffixes that pictures are written with -> Pillow's names of the formats."""

QUALITY: Final = 95
"""Of JPEG and WebP. JPEG keeps the colours of every pixel (4:4:4); more than 95 costs space and shows nothing."""

_NOTHING: Final = Metadata()

LEVEL: Final = 2
"""zlib's level of a PNG: a third of the time of level 6, its default, for files 5 % larger (docs/latency.md)."""

LARGE: Final = 4_000_000
"""Pixels from which a PNG is compressed at zlib's level 1: a photograph of 5120x2880 takes a quarter of the
time, and its file is as large; a smooth picture's is a third larger."""

_STRIP: Final = 64
"""Rows that are computed at a time, for memory."""

LONGEST_SIDE: Final = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels along a side that a format can hold."""


def format_of(path: Path) -> str:
    """Pillow's name of the format that a file is to have.

    Raises:
        ImageError: another suffix than `FORMATS`; the text names them, and the nearest.
    """
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        near = nearest(path.suffix.lower(), FORMATS)
        hint = near if near.startswith("did") and path.suffix else "choose one of these suffixes"
        raise ImageError(f"{path}: pictures are written as {', '.join(FORMATS)}, not '{path.suffix}'; {hint}")
    return format


def same_kind(result: npt.NDArray[np.uint8], like: ImageLike) -> PIL.Image.Image | npt.NDArray[np.uint8] | Tensor:
    """A result, uint8 (H, W, 3) or (H, W, 4), as the kind of thing that went in.

    A path or PIL image gives a PIL image; an array gives the array; a uint8 tensor gives uint8 (3, H, W) or
    (4, H, W); a float tensor gives the same in [-1, 1] of its dtype, on its device.
    """
    if isinstance(like, Tensor):
        if like.dtype == torch.uint8:
            return torch.from_numpy(result).movedim(-1, 0).contiguous().to(like.device)
        layers = [
            from_uint8(result[..., :3]),
            *(from_uint8(result[..., [k] * 3])[:1] for k in range(3, result.shape[2])),
        ]
        return torch.cat(layers).to(like.device, like.dtype)
    if isinstance(like, np.ndarray):
        return result
    return PIL.Image.fromarray(result)


def on_white(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """uint8 (H, W, 4) on white, (H, W, 3); (H, W, 3) as it is."""
    if image.shape[2] == 3:
        return image
    laid = np.empty((*image.shape[:2], 3), np.uint8)
    for top in range(0, len(image), _STRIP):  # the floats of a whole photograph would take gigabytes
        part = image[top : top + _STRIP]
        share = part[..., 3:].astype(np.float32) / 255
        laid[top : top + _STRIP] = np.rint(part[..., :3] * share + 255 * (1 - share)).astype(np.uint8)
    return laid


def save_image(
    path: str | Path, image: npt.NDArray[np.uint8], quality: int | None = None, result: bool = False
) -> Path:
    """Write uint8 (H, W, 3), or (H, W, 4) with an alpha channel, as the suffix says; a missing folder is created.

    The file appears complete or not at all: it is written under a temporary name and renamed.

    Args:
        path: with a suffix of `FORMATS`.
        image: in sRGB.
        quality: of JPEG and WebP, 1 to 100; `QUALITY` by default.
        result: it was computed of photographs: it is marked as such (`repose.images.results`).

    Raises:
        ImageError: another suffix, another shape or type, transparency in a JPEG, or more pixels than a WebP or JPEG
            holds along a side.
    """
    path = Path(path)
    format_of(path)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise ImageError(f"{path}: uint8 (H, W, 3) or (H, W, 4) is wanted, got {image.dtype} {image.shape}")
    return write(path, PIL.Image.fromarray(image), quality=quality, result=result)


def write(
    path: Path,
    picture: PIL.Image.Image,
    profile: bytes | None = None,
    metadata: Metadata = _NOTHING,
    quality: int | None = None,
    result: bool = False,
) -> Path:
    """Write a picture of mode L, RGB or RGBA with a colour profile that fits it, and metadata.

    A TIFF is not compressed: Pillow's way to compressed ones loses EXIF.

    Raises:
        ImageError: see `save_image`.
    """
    format = format_of(path)
    if picture.mode == "RGBA" and format == "JPEG":
        raise ImageError(f"{path}: a JPEG cannot be transparent; write a .png, .webp or .tif")
    longest = LONGEST_SIDE.get(format)
    if longest is not None and max(picture.size) > longest:
        raise ImageError(
            f"{path}: a {format} holds {longest} pixels along a side, this picture has {picture.width}x"
            f"{picture.height}; write a .png or .tif, or a smaller one"
        )
    options: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if metadata.exif and not (format == "JPEG" and len(metadata.exif) > LONGEST_EXIF):
        options["exif"] = metadata.for_tiff if format == "TIFF" else metadata.marked
    if metadata.dpi:
        options["dpi"] = metadata.dpi
    if format == "PNG":
        options["compress_level"] = 1 if picture.width * picture.height > LARGE else LEVEL
    if format in ("JPEG", "WEBP"):
        options["quality"] = QUALITY if quality is None else quality
    if format == "JPEG":
        options["subsampling"] = "4:4:4"
    if metadata.xmp:
        options |= _xmp(format, metadata.xmp)
    if result:
        options |= marking(format, metadata.for_tiff, metadata.xmp)
    bare = picture.copy() if picture.info else picture
    bare.info = {}  # what is written stands in the arguments
    return write_picture(path, bare, **options)


def write_picture(path: Path, picture: PIL.Image.Image, **options: Any) -> Path:
    """Write any picture of Pillow, palettes and 16 bits among them, whole or not at all; its folder is created.

    The one place where pictures become files: `PIL.Image.Image.save` leaves half a file on a full disk, or one that
    lacks its end, without an error (`_Unnumbered`).

    Args:
        path: with a suffix of `FORMATS`.
        picture: of a mode that the format holds. options: of Pillow's encoder, such as quality=85.

    Raises:
        ImageError: another suffix. DiskFullError, OSError: see `repose.files.replacing`.
    """
    format = format_of(path)
    with replacing(path) as part, _Unnumbered(io.FileIO(part, "w")) as file:
        picture.save(file, format, **options)
    return path


class _Unnumbered(io.BufferedWriter):
    """A file that keeps its number from Pillow, whose encoders of JPEG and TIFF write to the number themselves.

    They take a write that a full disk cut short for a whole one: the picture would lack its end, without an error.
    """

    def fileno(self) -> int:
        raise io.UnsupportedOperation


def _xmp(format: str, packet: bytes) -> dict[str, Any]:
    """How a format of Pillow takes XMP. A JPEG holds 64 kB of it in one piece; more is left out."""
    if format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet.decode(errors="replace"))
        return {"pnginfo": text}
    if format == "TIFF" or (format == "JPEG" and len(packet) > 65_000):
        return {}
    return {"xmp": packet}
