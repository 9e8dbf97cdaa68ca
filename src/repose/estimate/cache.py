"""Estimates kept on the disk, under a hash of the pixels and the estimator's name."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from repose.estimate.base import Detection, Image, KeypointEstimator
from repose.files import replacing
from repose.hub.fetch import cache_folder


class Cached:
    """An estimator that remembers: the same pixels are estimated once.

    Args:
        estimator: does the work; its name is part of the key.
        folder: where the JSON files lie; None is `estimates` in the cache of `repose.hub`.
    """

    def __init__(self, estimator: KeypointEstimator, folder: Path | None = None) -> None:
        self.estimator = estimator
        self.folder = folder or cache_folder() / "estimates"

    @property
    def name(self) -> str:
        """The estimator's own name: remembered or not, the result is the same."""
        return self.estimator.name

    def people(self, image: Image) -> list[Detection]:
        """As the estimator's `people`."""
        path = self._path("people", image)
        known = _read(path)
        if known is not None:
            return [Detection(torch.tensor(one["keypoints"]), tuple(one["box"]), one["score"]) for one in known]
        found = self.estimator.people(image)
        _write(path, [{"keypoints": p.keypoints.tolist(), "box": p.box, "score": p.score} for p in found])
        return found

    def crops(self, images: Sequence[Image]) -> Tensor:
        """As the estimator's `crops`."""
        paths = [self._path("crop", image) for image in images]
        known = [_read(path) for path in paths]
        new = [index for index, one in enumerate(known) if one is None]
        if new:
            for index, keypoints in zip(new, self.estimator.crops([images[i] for i in new]), strict=True):
                known[index] = keypoints.tolist()
                _write(paths[index], known[index])
        return torch.tensor(known, dtype=torch.float32).reshape(-1, 18, 3)

    def _path(self, kind: str, image: Image) -> Path:
        digest = hashlib.sha256(f"{self.name} {kind} {image.shape} ".encode())
        digest.update(image.tobytes())
        key = digest.hexdigest()
        return self.folder / key[:2] / f"{key[2:]}.json"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):  # not there, or cut off: estimated anew
        return None


def _write(path: Path, value: Any) -> None:
    with contextlib.suppress(OSError), replacing(path) as part:  # a full or read-only disk costs time, not the result
        part.write_text(json.dumps(value))
