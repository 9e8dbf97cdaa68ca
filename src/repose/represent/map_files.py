"""The numbers in a file of labels or of IUV: a picture, a NumPy array or archive, or tensors of PyTorch.

Whatever is wrong with such a file is one `ValueError` with the file's name. Nothing is unpickled that could run code.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch import Tensor

from repose.files import first_line
from repose.represent.label_colours import Colour

FORMATS: Final = ("PNG", "BMP", "TIFF", "WEBP", "JPEG")
"""Formats of pictures that are opened. JPEG is opened to say that it cannot hold numbers; GIF numbers colours anew."""

MOST_VALUES: Final = 400_000_000
"""Numbers of an array that are read: 3 for each of 133 million pixels."""

PICKLES: Final = (".pkl", ".pickle", ".pk", ".pt", ".pth")
"""Suffixes of files of PyTorch and pickles."""


@dataclass(frozen=True)
class MapFile:
    """What a file holds.

    Attributes:
        values: the numbers of a picture (of a palette its numbers, not its colours) or of an array.
        palette: of a picture with a palette its colours, else empty.
    """

    values: npt.NDArray[Any]
    palette: tuple[Colour, ...] = ()


def read_map_file(path: Path) -> MapFile:
    """The numbers of a picture or of an array (.npy; .npz and .pt with one array).

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be read, is a JPEG, or holds several arrays.
    """
    _require_file(path)
    if path.suffix.lower() in (".npy", ".npz", *PICKLES):
        arrays = read_arrays(path)
        if len(arrays) != 1:
            raise ValueError(f"{path} holds {len(arrays)} arrays: {', '.join(arrays) or 'none'}; one is wanted")
        return MapFile(next(iter(arrays.values())))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of pictures too large to be true, and of broken chunks
            with PIL.Image.open(path, formats=FORMATS) as image:
                if getattr(image, "n_frames", 1) > 1:
                    raise ValueError(f"it holds {image.n_frames} pictures, one is wanted")  # type: ignore[attr-defined]
                lossy = image.format == "JPEG"
                colours = tuple(image.palette.colors) if image.mode == "P" and image.palette else ()
                palette = _palette(image) if colours or image.mode == "P" else ()
                values = np.array(image)
    except Exception as error:  # a broken picture raises whatever its decoder stumbled over
        raise ValueError(f"{path} cannot be read as a picture or an array of labels: {first_line(error)}") from error
    if lossy:
        raise ValueError(
            f"{path} is a JPEG, which changes the numbers of a map a little everywhere; let the tool write PNG or .npy"
        )
    return MapFile(values, palette)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a .npy (named "array"), a .npz, or a file of PyTorch that holds tensors.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it cannot be read, is larger than `MOST_VALUES`, or would have to be unpickled.
    """
    _require_file(path)
    try:
        if path.suffix.lower() in PICKLES:
            arrays = _tensors(path)
        elif path.suffix.lower() == ".npz":
            arrays = _archive(path)
        else:
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            if mapped.size > MOST_VALUES:
                raise ValueError(f"{mapped.size:,} numbers, at most {MOST_VALUES:,} are read")
            arrays = {"array": np.array(mapped)}
    except Exception as error:  # a broken file raises whatever its reader stumbled over
        raise ValueError(f"{path} cannot be read as a picture or an array of labels: {first_line(error)}") from error
    return arrays


def whole_numbers(path: Path, values: npt.NDArray[Any], what: str) -> npt.NDArray[np.int64]:
    """The same values as whole numbers.

    Raises:
        ValueError: text, complex numbers, NaN, fractions or infinite values; the text names the first and its place.
    """
    if values.dtype.kind not in "buif":
        raise ValueError(f"{path} holds {values.dtype}, not numbers; {what} are whole numbers")
    if values.dtype.kind == "f":
        wrong = ~np.isfinite(values) | (values != np.round(values)) | (np.abs(values) > 1e6)
        if wrong.any():
            place = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(
                f"{path} holds {values[place]:g} at {place}; {what} are whole numbers. A map that was resized smoothly "
                "is no map any more: resize by the nearest pixel, or give the file as the tool wrote it"
            )
    return values.astype(np.int64)


def _require_file(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if not path.is_file():
        raise ValueError(f"{path} is a folder; name a file in it")


def _palette(image: PIL.Image.Image) -> tuple[Colour, ...]:
    numbers = image.getpalette("RGB") or []
    return tuple((numbers[k], numbers[k + 1], numbers[k + 2]) for k in range(0, len(numbers) - 2, 3))


def _archive(path: Path) -> dict[str, npt.NDArray[Any]]:
    with zipfile.ZipFile(path) as members:
        size = sum(member.file_size for member in members.infolist())
    if size > 8 * MOST_VALUES:
        raise ValueError(f"it unpacks to {size:,} bytes, at most {8 * MOST_VALUES:,} are read")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of pickles of other protocols before it refuses them
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(loaded, Tensor):
        return {"array": loaded.detach().numpy()}
    if isinstance(loaded, Mapping):
        arrays = {str(name): value.detach().numpy() for name, value in loaded.items() if isinstance(value, Tensor)}
        if arrays:
            return arrays
    raise ValueError("it holds no tensors")
