"""Estimates kept on the disk, under a hash of the pixels, of the joints that were given, and of the estimator's name.

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
from repose.files import cache_folder, replacing
from repose.picture_files import open_picture

E = TypeVar("E", bound=Estimator)


class _Remembering(Generic[E]):
    """What the classes share.

    Args:
        estimator: does the work; its name is part of the key.
        folder: where the files lie; None is `estimates` in the cache of `repose.hub`.
    """

    def __init__(self, estimator: E, folder: Path | None = None) -> None:
        self.estimator = estimator
        self.folder = folder or cache_folder() / "estimates"

    @property
    def name(self) -> str:
        """The estimator's own name: remembered or not, the result is the same."""
        return self.estimator.name

    def _path(self, kind: str, image: Image, ending: str = ".png", keypoints: Tensor | None = None) -> Path:
        """Where the estimate of these pixels, and of these joints if they matter, lies."""
        digest = hashlib.sha256(f"{self.name} {kind} {image.shape} ".encode())
        digest.update(image.tobytes())
        if keypoints is not None:
            digest.update(keypoints.detach().float().cpu().contiguous().numpy().tobytes())
        key = digest.hexdigest()
        return self.folder / key[:2] / f"{key[2:]}{ending}"

    def _map(self, kind: str, image: Image, keypoints: Tensor, estimate: Callable[[], Tensor]) -> Tensor:
        """uint8 (H, W) or (H, W, 3) from the file, or from `estimate`, which is then written."""
        path = self._path(kind, image, keypoints=keypoints)
        known = _read_png(path, image.shape[:2])
        if known is None:
            known = np.ascontiguousarray(estimate().round().to(torch.uint8).cpu().numpy())
            _write_png(path, known)
        return torch.from_numpy(known)


class Cached(_Remembering[KeypointEstimator]):
    """An estimator of joints that remembers: the same pixels are estimated once."""

    def people(self, image: Image) -> list[Detection]:
        """As the estimator's `people`."""
        # MoveNet's search for people has a version of its own, so that the name of its joints on crops stays
        path = self._path(f"people{getattr(self.estimator, 'search', '')}", image, ".json")
        known = _read_json(path)
        if known is not None:
            return [Detection(torch.tensor(one["keypoints"]), tuple(one["box"]), one["score"]) for one in known]
        people = self.estimator.people(image)
        _write_json(path, [{"keypoints": p.keypoints.tolist(), "box": p.box, "score": p.score} for p in people])
        return people

    def crops(self, images: Sequence[Image]) -> Tensor:
        """As the estimator's `crops`."""
        paths = [self._path("crop", image, ".json") for image in images]
        known = [_read_json(path) for path in paths]
        new = [index for index, one in enumerate(known) if one is None]
        if new:
            for index, keypoints in zip(new, self.estimator.crops([images[i] for i in new]), strict=True):
                known[index] = keypoints.tolist()
                _write_json(paths[index], known[index])
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
        path = self._path("extra_keypoints", image, ".json", keypoints)
        known = _read_json(path)
        if known is None:
            known = self.estimator.extra_keypoints(image, keypoints).tolist()
            _write_json(path, known)
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
    with contextlib.suppress(OSError), replacing(path) as part:  # a full or read-only disk costs time, not the result
        PIL.Image.fromarray(values).save(part, format="PNG")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # not there, or cut off: estimated anew
        return None


def _write_json(path: Path, value: Any) -> None:
    with contextlib.suppress(OSError), replacing(path) as part:  # a full or read-only disk costs time, not the result
        part.write_text(json.dumps(value))
