"""The networks of other people that judge photographs: BodyPix, re-identification, AlexNet with LPIPS.

They are not fetched: their files lie in folders that are named by the caller, see `NETWORK_FILES`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from repose.estimate.bodypix import BODYPIX, load_bodypix
from repose.hub.files import FILES
from repose.metrics.functional.perceptual import lpips
from repose.nn.alexnet import TAPS, alexnet
from repose.nn.lpips import lpips_weights
from repose.nn.openvino_graph import OpenVinoGraph
from repose.research.photographs.crops import HEIGHT, WIDTH, Picture

BODY_PARTS: Final = BODYPIX
IDENTITY: Final = "person-reidentification-retail-0277.fp16.xml"
IDENTITY_WEIGHTS: Final = "person-reidentification-retail-0277.fp16.bin"
LPIPS: Final = "alexnet_features_lpips.safetensors"

NETWORK_FILES: Final = {
    BODY_PARTS: "BodyPix, 24 body parts (Apache-2.0): "
    "https://github.com/google-coral/test_data/raw/master/posenet/" + BODY_PARTS,
    IDENTITY: "re-identification (Apache-2.0), Intel Open Model Zoo 2023.0, half precision; also without .fp16: "
    + str(FILES["person-reidentification-retail-0277.xml"].url),
    IDENTITY_WEIGHTS: "its weights, from the same place",
    LPIPS: "torchvision's AlexNet (BSD-3), 'features.N.weight' and '.bias', with LPIPS v0.1 (BSD-2), "
    "'lpips.linK.weight', in one file",
}
"""File -> what it is, and where it is published."""

FOLDER_VARIABLE: Final = "REPOSE_FILES"

Mask = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.float32]

_BODY_SIZE: Final = (512, 352)
"""Height and width that BodyPix sees a picture of 256x176 in."""


class NetworksMissingError(FileNotFoundError):
    """Files of networks are missing; the text says which, what they are, where they were looked for and what to do."""


def find_networks(folder: Path | None) -> dict[str, Path]:
    """The files of `NETWORK_FILES`, each with its path.

    Args:
        folder: that holds them; None looks through the folders of the environment variable REPOSE_FILES.

    Raises:
        NetworksMissingError: some are not there.
    """
    named = os.environ.get(FOLDER_VARIABLE, "").split(os.pathsep)
    folders = [folder] if folder is not None else [Path(one).expanduser() for one in named if one]
    known = {
        name: place / own
        for place in reversed(folders)
        for name in NETWORK_FILES
        for own in (name, name.replace(".fp16", ""))
        if (place / own).is_file()
    }
    missing = [name for name in NETWORK_FILES if name not in known]
    if missing:
        searched = ", ".join(map(str, folders)) or f"no folder was named, and {FOLDER_VARIABLE} is empty"
        lines = [
            f"scoring photographs takes {len(NETWORK_FILES)} files of networks, of which {len(missing)} are missing"
        ]
        lines += [f"  missing   {name}: {NETWORK_FILES[name]}" for name in missing]
        lines += [f"  searched  {searched}", "  to do     put them into one folder, and name it: --networks FOLDER"]
        raise NetworksMissingError("\n".join(lines))
    return known


class BodyParts:
    """BodyPix as a judge: the silhouette and the parts of the person on a picture of 256x176.

    Raises:
        ImportError: `ai-edge-litert` is not installed. ValueError: the file is of another network.
    """

    def __init__(self, file: Path) -> None:
        self._network = load_bodypix(file)

    def __call__(self, picture: Picture) -> tuple[Mask, npt.NDArray[np.int64]]:
        """uint8 (256, 176, 3) -> where the person is, bool (256, 176), and which part is likeliest, 0 to 23."""
        height, width = _BODY_SIZE
        seen = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
        person, parts = self._network(np.asarray(seen))
        return _resized(person[..., None])[..., 0] > 0, _resized(parts).argmax(-1)


def _resized(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Maps (h, w, C) -> (256, 176, C)."""
    size, way = (WIDTH, HEIGHT), Image.Resampling.BILINEAR
    maps = [Image.fromarray(np.ascontiguousarray(values[..., k])) for k in range(values.shape[-1])]
    return np.stack([np.asarray(one.resize(size, way)) for one in maps], -1)


class Identity:
    """Intel's person-reidentification-retail-0277: 256 numbers for a person, to be compared by their cosine.

    Raises:
        ValueError: the files are not of this network.
    """

    def __init__(self, file: Path) -> None:
        self._network = OpenVinoGraph(file).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs
        _, _, self._height, self._width = self._network.input_shape

    @torch.inference_mode()
    def __call__(self, picture: Picture) -> Vector:
        """uint8 (H, W, 3) -> (256,), of length 1."""
        seen = Image.fromarray(picture).resize((self._width, self._height), Image.Resampling.BILINEAR)
        bgr = torch.from_numpy(np.asarray(seen)[..., ::-1].copy()).movedim(-1, 0)[None].float()
        (vector,) = self._network(bgr.contiguous(memory_format=torch.channels_last)).values()
        unit: Vector = vector[0].numpy() / float(vector[0].norm())
        return unit


class Lpips:
    """LPIPS version 0.1 on AlexNet, from one file of both (`LPIPS`).

    Raises:
        ValueError: the file has other entries.
    """

    def __init__(self, file: Path) -> None:
        self._network, self._weights = alexnet(path=file), lpips_weights(file, TAPS)

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Picture], target: Picture) -> list[float]:
        """The distance of each picture, uint8 (H, W, 3), to the target: 0 or more, 0 for equal ones."""
        taps = self._network(_unit([target, *pictures]))
        true = {tap: features[:1] for tap, features in taps.items()}
        distances = lpips({tap: features[1:] for tap, features in taps.items()}, true, self._weights)
        return [float(value) for value in distances]


def _unit(pictures: Sequence[Picture]) -> Tensor:
    """uint8 (H, W, 3) each -> float (B, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.stack(pictures)).movedim(-1, 1).float() / 255
