"""Files of human parsers and of DensePose: label maps and IUV of a photograph, as fields of `Person`.

This package has no human parser and no DensePose; it reads the files that they write for a photograph:

    person = with_maps(repose.read_person("me.jpg"), parsing="me_labels.png", iuv="me_IUV.png")
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import UnidentifiedImageError
from torch import Tensor

from repose.person import LIP_LABELS, Person
from repose.picture_files import open_picture
from repose.represent.iuv import PARTS


def with_maps(person: Person, parsing: str | Path | None = None, iuv: str | Path | None = None) -> Person:
    """The same unbatched person with the label map and the IUV of these files; None leaves a field as it is.

    Raises:
        ValueError: what `read_parsing` and `read_iuv` raise, or a file that is not as large as the person's picture.
    """
    for path, field in ((parsing, "parsing"), (iuv, "iuv")):
        if path is None:
            continue
        value = read_parsing(path) if field == "parsing" else read_iuv(path)
        if person.size is not None and tuple(value.shape[-2:]) != person.size:
            (h, w), (rows, columns) = person.size, value.shape[-2:]
            raise ValueError(
                f"{path} is {rows}x{columns}, the picture that it belongs to {h}x{w} (height x width); "
                "give the file that was made from this picture"
            )
        person = replace(person, parsing=value) if field == "parsing" else replace(person, iuv=value)
    return person


def read_parsing(path: str | Path) -> Tensor:
    """A label map, one LIP label (`repose.person.LIP_LABELS`) a pixel -> int64 (H, W), as `Person.parsing`.

    Args:
        path: a picture of 8 bits, grey or with a palette, as parsers save labels, or a .npy array (H, W); as large as
            its photograph. CIHP's 20 labels may stand in: all but number 10 (torso skin, jumpsuits) mean the same.

    Raises:
        ValueError: a colour picture instead of labels, or a label above 19. FileNotFoundError: no such file.
    """
    values = _values(Path(path))
    if values.ndim != 2:
        raise ValueError(
            f"{path} is a colour picture {values.shape}, not a label map; let the parser save the labels themselves, "
            "one number a pixel"
        )
    if values.min(initial=0) < 0 or values.max(initial=0) >= len(LIP_LABELS):
        raise ValueError(
            f"{path} holds labels up to {values.max()}, but LIP's are 0 to {len(LIP_LABELS) - 1}; "
            "repose.represent.parsing.relabel translates other tables"
        )
    return torch.from_numpy(values.astype(np.int64))


def read_iuv(path: str | Path) -> Tensor:
    """DensePose's part, u and v -> float32 (3, H, W), as `Person.iuv`: part 0 to 24, u and v in [0, 1].

    Args:
        path: a picture of three channels as large as its photograph, part, 255 u and 255 v, in this order or, as
            DensePose's own tools save it, in the reverse one; or such a .npy array, (H, W, 3) or (3, H, W).

    Raises:
        ValueError: other channels, or none of the outer ones holds parts 0 to 24. FileNotFoundError: no such file.
    """
    values = _values(Path(path))
    if values.ndim == 3 and values.shape[0] == 3 and values.shape[2] != 3:
        values = np.moveaxis(values, 0, -1)
    if values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"{path} is {values.shape}, DensePose's part, u and v are three channels (H, W, 3)")
    # beside the person u and v are 0, so the reverse order shows even if all of v is small
    first, last = (_holds_parts(values, k) for k in (0, 2))
    if not first and not last:
        raise ValueError(
            f"{path}: neither the first nor the last channel holds DensePose's parts, 0 to {PARTS} and 0 beside the "
            "person; a picture drawn in colours or a JPEG cannot be used"
        )
    ordered = values if first else values[..., ::-1]
    iuv = torch.from_numpy(np.moveaxis(ordered, -1, 0).astype(np.float32))  # (3, H, W)
    if values.dtype.kind != "f" or iuv[1:].max() > 1:
        iuv[1:] /= 255
    return iuv


def _holds_parts(values: npt.NDArray[Any], channel: int) -> bool:
    """Whether a channel can be the parts: whole numbers up to 24, and the other channels are 0 wherever it is."""
    part = values[..., channel]
    return bool(part.max(initial=0) <= PARTS and (part == np.round(part)).all() and not values[part == 0].any())


def _values(path: Path) -> npt.NDArray[Any]:
    """The numbers of a picture (palettes as their numbers), or of a .npy."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        if path.suffix.lower() == ".npy":
            array: npt.NDArray[Any] = np.load(path, allow_pickle=False)
            return array
        with open_picture(path) as image:
            return np.asarray(image)
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a picture or an array of labels: {error}") from error
