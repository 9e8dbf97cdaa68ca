"""Reading and writing pictures: a path, PIL image, array or tensor -> uint8 (H, W, 3), and back to that kind."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor

from repose.files import replacing
from repose.represent.canvas import from_uint8, to_uint8

ImageLike = str | Path | PIL.Image.Image | npt.NDArray[np.generic] | Tensor
"""What Repose accepts as a picture: a path, a PIL image, an array, a tensor (see `load_image`)."""

MAX_PIXELS: Final = 64_000_000
"""A larger JPEG is read at a half, a quarter or an eighth of its size; anything else larger is refused."""

MIN_SIDE: Final = 16
"""A picture with a shorter side cannot show a person."""

LARGE: Final = 12_000_000
"""Bytes of pixels from which a PNG is compressed at zlib's level 1, not 6: a photograph of 5120x2880 takes a quarter of
the time, and its file is as large; a smooth picture's is a third larger."""

FORMATS: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
"""The suffixes that `save_image` writes."""

PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""The suffixes, in small letters, by which a file in a folder counts as a picture; `load_image` reads more."""


class ImageError(ValueError):
    """Something given as a picture cannot be used; the text says what it is, what is wrong and what to do."""


def load_image(source: ImageLike, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Any picture -> uint8 (H, W, 3), RGB, upright.

    Args:
        source: one of
            a path: any format of Pillow; the EXIF orientation is applied, transparency is laid over white, grey,
            palette, CMYK and 16-bit pictures become RGB of 8 bits; of an animation the first frame;
            a PIL image: likewise;
            an array (H, W), (H, W, 1), (H, W, 3), (H, W, 4): uint8, uint16 or bool;
            a tensor (3, H, W): float in [-1, 1] as everywhere in Repose, or uint8.
        max_pixels: see `MAX_PIXELS`.

    Raises:
        ImageError: no such file, not a picture, a broken one, too large, too small, or values out of range.
    """
    if isinstance(source, str | Path):
        return _from_path(Path(source), max_pixels)
    if isinstance(source, PIL.Image.Image):
        return _from_pil(source, _name(source), max_pixels)
    if isinstance(source, np.ndarray):
        return _from_array(source, max_pixels)
    if isinstance(source, Tensor):
        return _from_tensor(source, max_pixels)
    raise ImageError(
        f"a picture was wanted, got {type(source).__name__}: give a path, a PIL image, a NumPy array or a tensor"
    )


def same_kind(result: npt.NDArray[np.uint8], like: ImageLike) -> PIL.Image.Image | npt.NDArray[np.uint8] | Tensor:
    """A result, uint8 (H, W, 3), as the kind of thing that went in.

    A path or PIL image gives a PIL image; an array gives the array; a uint8 tensor gives uint8 (3, H, W); a float
    tensor gives (3, H, W) in [-1, 1] of its dtype, on its device.
    """
    if isinstance(like, Tensor):
        if like.dtype == torch.uint8:
            return torch.from_numpy(result).movedim(-1, 0).contiguous().to(like.device)
        return from_uint8(result).to(like.device, like.dtype)
    if isinstance(like, np.ndarray):
        return result
    return PIL.Image.fromarray(result)


def save_image(path: str | Path, image: npt.NDArray[np.uint8]) -> Path:
    """Write uint8 (H, W, 3) as PNG or JPEG (quality 95), as the suffix says; a missing folder is created.

    The file appears complete or not at all: it is written under a temporary name and renamed.

    Raises:
        ImageError: another suffix, or another shape or type than uint8 (H, W, 3).
    """
    path = Path(path)
    format = FORMATS.get(path.suffix.lower())
    if format is None:
        known = ", ".join(FORMATS)
        raise ImageError(f"{path}: pictures are written as {known}, not '{path.suffix}'; choose one of these suffixes")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"{path}: uint8 (H, W, 3) is wanted, got {image.dtype} {image.shape}")
    with replacing(path) as part:
        level = 6 if image.size < LARGE else 1
        PIL.Image.fromarray(image).save(part, format, quality=95, compress_level=level)
    return path


# -- kinds ----------------------------------------------------------------------------------------------------------


def _from_path(path: Path, max_pixels: int) -> npt.NDArray[np.uint8]:
    if path.is_dir():
        raise ImageError(f"{path} is a folder, not a picture; name a file in it")
    if not path.exists():
        raise ImageError(f"{path}: there is no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)  # max_pixels decides below
            with PIL.Image.open(path) as image:
                return _from_pil(image, str(path), max_pixels)
    except ImageError:
        raise
    except PIL.UnidentifiedImageError as error:
        raise ImageError(f"{path} is not a picture: {_glance(path)}. Give a JPEG, PNG or the like") from error
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(f"{path} is too large ({error}); reduce it first") from error
    except PermissionError as error:
        raise ImageError(f"{path} may not be read: {error.strerror}") from error
    except Exception as error:  # Pillow's readers of broken files raise nearly every type
        raise ImageError(f"{path} is a broken or cut off picture ({error}); get the file again") from error


def _from_pil(image: PIL.Image.Image, name: str, max_pixels: int) -> npt.NDArray[np.uint8]:
    _check_size(name, image.width, image.height)
    if image.width * image.height > max_pixels:
        for factor in (2, 4, 8):  # a JPEG can be decoded at these scales without ever holding the whole
            if -(-image.width // factor) * -(-image.height // factor) <= max_pixels:
                image.draft(None, (image.width // factor, image.height // factor))
                break
    if image.width * image.height > max_pixels:
        raise ImageError(
            f"{name} has {image.width}x{image.height} = {image.width * image.height / 1e6:.0f} million pixels, "
            f"the limit is {max_pixels / 1e6:g} million; reduce it first, or raise max_pixels"
        )
    try:
        image.load()
    except Exception as error:  # as above
        raise ImageError(f"{name} is a broken or cut off picture ({error}); get the file again") from error
    image = PIL.ImageOps.exif_transpose(image)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _grey(np.asarray(image), name)
    if image.has_transparency_data:  # an alpha channel, or a palette or colour with transparency
        over = image.convert("RGBA")
        white = PIL.Image.new("RGBA", over.size, "white")
        image = PIL.Image.alpha_composite(white, over)
    return np.array(image.convert("RGB"))


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
    return _from_pil(PIL.Image.fromarray(np.ascontiguousarray(array)), name, max_pixels)


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
    """Grey of more than 8 bits -> RGB. Integers above 255 mean 16 bits; floats lie in 0..1 or 0..255."""
    numbers = values.astype(np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    if values.dtype.kind == "f":
        white = 1.0 if high <= 1 else 255.0
    else:
        white = 65535.0 if high > 255 or values.dtype == np.uint16 else 255.0
    if not (low >= 0 and high <= white):
        raise ImageError(f"{name} has grey values from {low:.3g} to {high:.3g}; save it with 8 bits a channel")
    grey = np.round(numbers * (255 / white)).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


# -- inside ---------------------------------------------------------------------------------------------------------


def _check_size(name: str, width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"{name} has {width}x{height} pixels (width x height), too small to show a person; "
            f"at least {MIN_SIDE} on each side are needed, and 64x128 are better"
        )


def _name(image: PIL.Image.Image) -> str:
    return str(getattr(image, "filename", "") or f"the PIL image ({image.mode}, {image.width}x{image.height})")


def _glance(path: Path) -> str:
    """What a file that is not a picture seems to be."""
    with path.open("rb") as stream:
        head = stream.read(64)
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
