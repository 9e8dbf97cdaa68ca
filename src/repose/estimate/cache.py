"""Estimates kept on the disk, under a hash of the pixels, the joints that were given, the estimator's name and kernels.

Entries written before the kernels were part of the hash are read where the kernels are of the kind that computed all
of them (`kernels.as_before`); under others they are not, and stay where they are.

Joints are JSON, masks, labels and IUV are PNG files. A file is whole or absent; one that cannot be read is estimated
anew; a disk that refuses costs time, not the result.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch import Tensor

from repose.estimate.base import (
    Detection,
    Estimator,
    ExtraKeypointEstimator,
    Image,
    IUVEstimator,
    KeypointEstimator,
    MaskEstimator,
    ParsingEstimator,
)
from repose.estimate.kernels import as_before, kernels_of
from repose.files import cache_folder, replacing
from repose.images import write_picture
from repose.picture_files import open_picture

E = TypeVar("E", bound=Estimator)


class _Remembering(Generic[E]):
    """What the classes share.

    Args:
        estimator: does the work; its name and its kernels are part of the key.
        folder: where the files lie; None is `estimates` in the cache of `repose.hub`.
    """

    def __init__(self, estimator: E, folder: Path | None = None) -> None:
        self.estimator = estimator
        self.folder = folder or cache_folder() / "estimates"

    @property
    def name(self) -> str:
        """The estimator's own name: remembered or not, the result is the same."""
        return self.estimator.name

    def _places(self, kind: str, image: Image, ending: str = ".png", keypoints: Tensor | None = None) -> list[Path]:
        """Where the estimate of these pixels, and of these joints if they matter, lies; an earlier entry's place last.

        New entries go to the first place.
        """
        digest = hashlib.sha256(f"{self.name} {kind} {image.shape} ".encode())
        digest.update(image.tobytes())
        if keypoints is not None:
            digest.update(keypoints.detach().float().cpu().contiguous().numpy().tobytes())
        keys, kernels = [digest.hexdigest()], kernels_of(self.estimator)
        if kernels:
            digest.update(f" {kernels}".encode())
            keys = [digest.hexdigest(), *keys] if as_before(kernels) else [digest.hexdigest()]
        return [self.folder / key[:2] / f"{key[2:]}{ending}" for key in keys]

    def _map(self, kind: str, image: Image, keypoints: Tensor, estimate: Callable[[], Tensor]) -> Tensor:
        """uint8 (H, W) or (H, W, 3) from the file, or from `estimate`, which is then written."""
        places = self._places(kind, image, keypoints=keypoints)
        known = next((one for place in places if (one := _read_png(place, image.shape[:2])) is not None), None)
        if known is None:
            known = np.ascontiguousarray(estimate().round().to(torch.uint8).cpu().numpy())
            _write_png(places[0], known)
        return torch.from_numpy(known)


class Cached(_Remembering[KeypointEstimator]):
    """An estimator of joints that remembers: the same pixels are estimated once."""

    def people(self, image: Image) -> list[Detection]:
        """As the estimator's `people`."""
        # MoveNet's search for people has a version of its own, so that the name of its joints on crops stays
        places = self._places(f"people{getattr(self.estimator, 'search', '')}", image, ".json")
        known = _read_json(places)
        if known is not None:
            return [Detection(torch.tensor(one["keypoints"]), tuple(one["box"]), one["score"]) for one in known]
        people = self.estimator.people(image)
        _write_json(places[0], [{"keypoints": p.keypoints.tolist(), "box": p.box, "score": p.score} for p in people])
        return people

    def crops(self, images: Sequence[Image]) -> Tensor:
        """As the estimator's `crops`."""
        places = [self._places("crop", image, ".json") for image in images]
        known = [_read_json(one) for one in places]
        new = [index for index, one in enumerate(known) if one is None]
        if new:
            for index, keypoints in zip(new, self.estimator.crops([images[i] for i in new]), strict=True):
                known[index] = keypoints.tolist()
                _write_json(places[index][0], known[index])
        return torch.tensor(known, dtype=torch.float32).reshape(-1, 18, 3)


class CachedMask(_Remembering[MaskEstimator]):
    """An estimator of masks that remembers: the same pixels and joints are estimated once."""

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        """As the estimator's `mask`."""
        known = self._map("mask", image, keypoints, lambda: self.estimator.mask(image, keypoints)[0] * 255)
        return known[None].float() / 255


class CachedParsing(_Remembering[ParsingEstimator]):
    """An estimator of label maps that remembers: the same pixels and joints are estimated once."""

    def parsing(self, image: Image, keypoints: Tensor) -> Tensor:
        """As the estimator's `parsing`."""
        return self._map("parsing", image, keypoints, lambda: self.estimator.parsing(image, keypoints).float()).long()


class CachedIUV(_Remembering[IUVEstimator]):
    """An estimator of IUV that remembers: the same pixels and joints are estimated once."""

    def iuv(self, image: Image, keypoints: Tensor) -> Tensor:
        """As the estimator's `iuv`."""
        steps = torch.tensor([1.0, 255.0, 255.0])
        known = self._map(
            "iuv", image, keypoints, lambda: self.estimator.iuv(image, keypoints).cpu().movedim(0, -1) * steps
        )
        return (known.float() / steps).movedim(-1, 0).contiguous()


class CachedExtraKeypoints(_Remembering[ExtraKeypointEstimator]):
    """An estimator of points of feet and hands that remembers: the same pixels and joints are estimated once."""

    def extra_keypoints(self, image: Image, keypoints: Tensor) -> Tensor:
        """As the estimator's `extra_keypoints`."""
        places = self._places("extra_keypoints", image, ".json", keypoints)
        known = _read_json(places)
        if known is None:
            known = self.estimator.extra_keypoints(image, keypoints).tolist()
            _write_json(places[0], known)
        return torch.tensor(known, dtype=torch.float32).reshape(-1, 3)


# -- inside ---------------------------------------------------------------------------------------------------------


def _read_png(path: Path, size: tuple[int, ...]) -> npt.NDArray[np.uint8] | None:
    """The map of a file; None if there is none of this (H, W) that can be read."""
    try:
        with open_picture(path) as file:
            values: npt.NDArray[np.uint8] = np.array(file)
    except (OSError, ValueError, SyntaxError):  # what Pillow raises of a broken one
        return None
    return values if values.shape[:2] == size else None


def _write_png(path: Path, values: npt.NDArray[np.uint8]) -> None:
    with contextlib.suppress(OSError):  # a full or read-only disk costs time, not the result
        write_picture(path, PIL.Image.fromarray(values))


def _read_json(places: Sequence[Path]) -> Any:
    """The value of the first of the files that can be read; None if there is none."""
    for path in places:
        with contextlib.suppress(OSError, ValueError):  # not there, or cut off: estimated anew
            return json.loads(path.read_text())
    return None


def _write_json(path: Path, value: Any) -> None:
    with contextlib.suppress(OSError), replacing(path) as part:  # a full or read-only disk costs time, not the result
        part.write_text(json.dumps(value))
