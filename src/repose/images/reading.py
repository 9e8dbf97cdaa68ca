"""Reading pictures: a path, PIL image, array or tensor -> uint8 (H, W, 3), sRGB, upright."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor

from repose.extras import how_to_install_package
from repose.images.colour_profiles import (
    ProfileError,
    adobe_rgb,
    is_srgb,
    mode_of,
    profile_of_heic,
    profile_of_png,
    to_srgb,
)
from repose.images.errors import ImageError
from repose.images.frames import read_video, seek, split_frame
from repose.images.metadata import Metadata, is_adobe_rgb
from repose.picture_files import HEAD, kind_of_bytes, open_picture, register_heif
from repose.represent.canvas import to_uint8

ImageLike = str | Path | PIL.Image.Image | npt.NDArray[np.generic] | Tensor
"""What Repose accepts as a picture: a path, a PIL image, an array, a tensor (see `load_image`)."""

MAX_PIXELS: Final = 64_000_000
"""A larger JPEG is read at a half, a quarter or an eighth of its size; anything else larger is refused."""

MIN_SIDE: Final = 16
"""A picture with a shorter side cannot show a person."""

PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif")
"""The suffixes, in small letters, by which a file in a folder counts as a picture; `load_image` reads more."""

_WHAT_TO_DO: Final = {
    "JPEG XL": "save it as JPEG or PNG",
    "PDF": "save the photograph of it as JPEG or PNG",
    "PostScript": "save it as JPEG or PNG",
    "PSD": "save it as JPEG, PNG or TIFF",
    "SVG": "it is a drawing; save it as PNG",
    "camera raw": "develop it to JPEG, PNG or TIFF",
    "zip": "unpack it and name a picture or the folder",
}


@dataclass(frozen=True)
class Decoded:
    """A picture as its file holds it, upright.

    Attributes:
        name: for errors and warnings.
        colour: of mode L, RGB or CMYK, in the numbers of `profile`.
        alpha: of mode L; None if nothing is transparent.
        profile: the ICC profile, which fits `colour`; None for sRGB without one.
        metadata: what else the file says.
    """

    name: str
    colour: PIL.Image.Image
    alpha: PIL.Image.Image | None
    profile: bytes | None
    metadata: Metadata

    def pixels(self) -> npt.NDArray[np.uint8]:
        """uint8 (H, W, 3), sRGB, on white where it is transparent."""
        picture = self.colour.convert("RGB") if self.profile is None else to_srgb(self.colour, self.profile)
        if self.alpha is not None:
            over = PIL.Image.merge("RGBA", (*picture.split(), self.alpha))
            white = PIL.Image.new("RGBA", over.size, "white")
            picture = PIL.Image.alpha_composite(white, over).convert("RGB")
        return np.array(picture)


def load_image(source: ImageLike, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Any picture -> uint8 (H, W, 3), RGB, upright.

    Args:
        source: one of
            a path: a picture of `repose.picture_files.FORMATS`; its colour profile is applied, so that the numbers are
            sRGB; the EXIF orientation is applied, transparency is laid over white, grey, palette, CMYK and 16-bit
            pictures become RGB of 8 bits. FILE#12 is a frame, from 0, of an animation, a TIFF of several pages or a
            video;
            a PIL image: likewise, with the profile of its `info`; of an animation the frame that it stands at;
            an array (H, W), (H, W, 1), (H, W, 3), (H, W, 4): uint8, uint16 or bool;
            a tensor (3, H, W): float in [-1, 1] as everywhere in Repose, or uint8.
        max_pixels: see `MAX_PIXELS`.

    Warns:
        UserWarning: a colour profile is damaged or of other colours; the numbers are then taken as sRGB.

    Raises:
        ImageError: no such file, not a picture, a broken one, too large, too small, values out of range, several frames
            of which none is named, no frame of that number, or a format whose package is not installed.
    """
    if isinstance(source, str | Path):
        return decode_file(source, max_pixels).pixels()
    if isinstance(source, PIL.Image.Image):
        return _decode(source, _name(source), max_pixels).pixels()
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, Tensor):
        return _from_tensor(source, max_pixels)
    raise ImageError(
        f"a picture was wanted, got {type(source).__name__}: give a path, a PIL image, a NumPy array or a tensor"
    )


def decode_file(file: str | Path, max_pixels: int = MAX_PIXELS) -> Decoded:
    """A picture file, or FILE#frame, as it is, upright.

    Raises:
        ImageError: see `load_image`.
    """
    path, frame = split_frame(file)
    if path.is_dir():
        raise ImageError(f"{path} is a folder, not a picture; name a file in it")
    if not path.exists():
        raise ImageError(f"{path}: there is no such file")
    try:
        with path.open("rb") as stream:  # once: what is checked is what is read
            head = stream.read(HEAD)
            stream.seek(0)
            return _decode_stream(stream, head, path, frame, str(file), max_pixels)
    except ImageError:
        raise
    except PIL.Image.DecompressionBombError as error:
        most = 2 * (PIL.Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise ImageError(f"{path} is too large: it has more than {most} million pixels; reduce it first") from error
    except PermissionError as error:
        raise ImageError(f"{path} may not be read: {error.strerror}") from error
    except Exception as error:  # Pillow's readers of broken files raise nearly every type
        raise ImageError(f"{path} is a broken or cut off picture ({error}); get the file again") from error


# -- kinds ----------------------------------------------------------------------------------------------------------


def _decode_stream(stream: BinaryIO, head: bytes, path: Path, frame: int | None, name: str, max_pixels: int) -> Decoded:
    """The picture in an open file that begins with `head`; `path` is for errors."""
    kind = kind_of_bytes(head)
    if kind == "video":
        return _decode(read_video(path, frame, stream), name, max_pixels)
    if kind in _WHAT_TO_DO:
        raise ImageError(f"{path} is a file of the kind {kind}, which Repose does not read: {_WHAT_TO_DO[kind]}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # max_pixels decides below
            image = open_picture(stream)
    except PIL.UnidentifiedImageError as error:
        raise ImageError(_unidentified(path, head)) from error
    with image:
        seek(image, path, frame)
        return _decode(image, name, max_pixels)


def _decode(image: PIL.Image.Image, name: str, max_pixels: int) -> Decoded:
    _check_size(name, image.width, image.height)
    if image.width * image.height > max_pixels:
        for factor in (2, 4, 8):  # a JPEG can be decoded at these scales without ever holding the whole
            if -(-image.width // factor) * -(-image.height // factor) <= max_pixels:
                image.draft(None, (image.width // factor, image.height // factor))
                break
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"{name} has {image.width}x{image.height} = {image.width * image.height / 1e6:.0f} million pixels, "
            f"the limit is {max_pixels / 1e6:g} million; reduce it first (in Python, load_image takes max_pixels)"
        )
    try:
        image.load()
    except Exception as error:  # as above
        raise ImageError(f"{name} is a broken or cut off picture ({error}); get the file again") from error
    metadata, profile = Metadata.of(image), _profile(image, name)
    image = _upright(image)
    colour, alpha = _parts(image, name)
    if profile is not None:
        colour, profile = _fitting(colour, profile, name)
    return Decoded(name, colour, alpha, profile, metadata)


def _upright(image: PIL.Image.Image) -> PIL.Image.Image:
    """Turned as its EXIF says; as it is, if that is damaged."""
    try:
        return PIL.ImageOps.exif_transpose(image)
    except Exception:  # as above
        return image


def _parts(image: PIL.Image.Image, name: str) -> tuple[PIL.Image.Image, PIL.Image.Image | None]:
    """The colours of a picture, as L, RGB or CMYK, and its alpha channel, if there is one."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return PIL.Image.fromarray(_grey(np.asarray(image), name)), None
    if image.mode == "LAB":
        return _from_lab(image), None
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:  # an alpha channel, or a palette or colour with transparency
        over = image.convert("LA" if grey else "RGBA")
        alpha = over.getchannel("A")
        return (over.getchannel("L") if grey else over.convert("RGB")), alpha
    return image.convert(image.mode if image.mode == "CMYK" else "L" if grey else "RGB"), None


def _profile(image: PIL.Image.Image, name: str) -> bytes | None:
    """The profile of a picture: its ICC profile, or what PNG chunks, a HEIC's colour box or EXIF say instead."""
    profile = image.info.get("icc_profile")
    try:
        if profile:
            mode_of(profile)
            return bytes(profile)
        if image.format == "PNG":
            return profile_of_png(image.info)
        if image.format == "HEIF":
            return profile_of_heic(image.info)
        return adobe_rgb() if image.format in ("JPEG", "MPO") and is_adobe_rgb(image) else None
    except ProfileError as error:
        _warn_of_profile(name, error)
        return None


def _fitting(colour: PIL.Image.Image, profile: bytes, name: str) -> tuple[PIL.Image.Image, bytes | None]:
    """The colours in a mode that their profile is for, and the profile; None if it cannot be used."""
    try:
        if colour.mode == "L" and mode_of(profile) == "RGB":
            if is_srgb(profile, "RGB"):
                return colour, None  # grey is the same in sRGB; no file can hold grey with a profile of colours
            colour = colour.convert("RGB")
        is_srgb(profile, colour.mode)
    except ProfileError as error:
        _warn_of_profile(name, error)
        return colour, None
    return colour, profile


def _warn_of_profile(name: str, error: ProfileError) -> None:
    text = f"{name}: the colour profile is not used, because {error}; the colours are read as sRGB"
    warnings.warn(text, stacklevel=2)


def _from_lab(image: PIL.Image.Image) -> PIL.Image.Image:
    """CIE L*a*b* at D50, as a TIFF holds it -> sRGB."""
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB", 5000), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC)
    converted: PIL.Image.Image = transform.apply(image)
    return converted


def _from_array(array: npt.NDArray[np.generic], max_pixels: int) -> npt.NDArray[np.uint8]:
    name = f"the array {array.dtype} {array.shape}"
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        hint = "; move the channels last" if array.ndim == 3 and array.shape[0] in (1, 3, 4) else ""
        raise ImageError(f"{name} is not a picture: (H, W), (H, W, 3) or (H, W, 4) is wanted{hint}")
    _check_size(name, array.shape[1], array.shape[0])
    if array.shape[0] * array.shape[1] > max_pixels:
        raise ImageError(f"{name} has more than {max_pixels / 1e6:g} million pixels; reduce it, or raise max_pixels")
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * 255
    elif array.dtype == np.uint16:
        array = np.round(array.astype(np.float32) / 257).astype(np.uint8)
    if array.dtype != np.uint8:
        raise ImageError(
            f"{name} must be uint8, because other types do not say which value is white; "
            "convert it, or give a float tensor (3, H, W) in [-1, 1]"
        )
    return _decode(PIL.Image.fromarray(np.ascontiguousarray(array)), name, max_pixels).pixels()


def _from_tensor(tensor: Tensor, max_pixels: int) -> npt.NDArray[np.uint8]:
    name = f"the tensor {str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
    if tensor.ndim != 3 or tensor.shape[0] != 3:
        hint = "; take one of the batch" if tensor.ndim == 4 else ""
        raise ImageError(f"{name} is not a picture: (3, H, W) is wanted{hint}")
    _check_size(name, tensor.shape[2], tensor.shape[1])
    if tensor.shape[1] * tensor.shape[2] > max_pixels:
        raise ImageError(f"{name} has more than {max_pixels / 1e6:g} million pixels; reduce it, or raise max_pixels")
    if tensor.dtype == torch.uint8:
        return np.ascontiguousarray(tensor.movedim(0, -1).cpu().numpy())
    if not tensor.is_floating_point():
        raise ImageError(f"{name}: a tensor must be float in [-1, 1] or uint8; convert it")
    low, high = float(tensor.min()), float(tensor.max())
    if not (low >= -1.001 and high <= 1.001):  # NaN fails, too
        raise ImageError(f"{name} has values from {low:.3g} to {high:.3g}; a float picture lies in [-1, 1]")
    return to_uint8(tensor)


def _grey(values: npt.NDArray[np.generic], name: str) -> npt.NDArray[np.uint8]:
    """Grey of more than 8 bits -> of 8. Integers above 255 mean 16 bits; floats lie in 0..1 or 0..255."""
    numbers = values.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind == "f":
        white = 1.0 if high <= 1 else 255.0
    else:
        white = 65535.0 if high > 255 or values.dtype == np.uint16 else 255.0
    if not (low >= 0 and high <= white):
        raise ImageError(f"{name} has grey values from {low:.3g} to {high:.3g}; save it with 8 bits a channel")
    return np.round(numbers * (255 / white)).astype(np.uint8)


# -- inside ---------------------------------------------------------------------------------------------------------


def _check_size(name: str, width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"{name} has {width}x{height} pixels (width x height), too small to show a person; "
            f"at least {MIN_SIDE} on each side are needed, and 64x128 are better"
        )


def _name(image: PIL.Image.Image) -> str:
    return str(getattr(image, "filename", "") or f"the PIL image ({image.mode}, {image.width}x{image.height})")


def _unidentified(path: Path, head: bytes) -> str:
    """Why a file of no known format, which begins with `head`, is refused."""
    kind = kind_of_bytes(head)
    if kind == "HEIC" and register_heif():
        return f"{path} is a HEIC picture that is broken or cut off; get the file again, or save it as JPEG or PNG"
    if kind == "HEIC":
        return f"{path} is a HEIC picture: save it as JPEG or PNG (or {how_to_install_package('pillow-heif')})"
    if kind == "AVIF":
        return f"{path} is an AVIF picture: save it as JPEG or PNG (or install Pillow 11.3 or later, which reads it)"
    return f"{path} is not a picture: {_glance(head[:64])}. Give a JPEG, PNG or the like"


def _glance(head: bytes) -> str:
    """What a file that is not a picture seems to be by its first 64 bytes."""
    if not head:
        return "it is empty"
    for kind, magic in (("JPEG", b"\xff\xd8\xff"), ("PNG", b"\x89PNG")):
        if head.startswith(magic):
            return f"it begins like a {kind} but is broken or cut off"
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # not merely a letter cut in two
            return f"it begins with the bytes {head[:8].hex(' ')}"
        text = head[: error.start].decode()
    return f"it holds text that begins {text[:40]!r}"
