"""What one estimator sees on real pictures, kept between evaluations: the yardstick of PCKh does not change."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from repose.estimate.base import KeypointEstimator
from repose.represent.canvas import to_uint8


def estimate(estimator: KeypointEstimator, images: Tensor) -> Tensor:
    """The joints (B, 18, 3) on pictures (B, 3, H, W), uint8 or in [-1, 1]."""
    pixels = images.movedim(1, -1).cpu().numpy() if images.dtype == torch.uint8 else to_uint8(images)  # (B, H, W, 3)
    return estimator.crops([np.ascontiguousarray(picture) for picture in pixels])


class EstimatedJoints:
    """The estimator's joints on the real pictures of one store, by index; in a file if a folder is given.

    Args:
        estimator: run on every picture that is asked for and not known yet.
        data: what the pictures are: the store's checksum and the canvas they lie on.
        count: pictures in the store.
        folder: where the file lives; None keeps the joints in memory only.

    The file is keyed by `data` and `estimator.name`. One that is damaged is made anew.
    """

    def __init__(self, estimator: KeypointEstimator, data: str, count: int, folder: Path | str | None = None) -> None:
        self.estimator = estimator
        self._key = {"data": data, "estimator": estimator.name}
        self._keypoints = torch.zeros(count, 18, 3)
        self._known = torch.zeros(count, dtype=torch.bool)
        self._new = False
        self._path: Path | None = None
        if folder is not None:
            digest = hashlib.sha256(json.dumps(self._key).encode()).hexdigest()[:12]
            words = re.sub(r"[^A-Za-z0-9]+", "-", estimator.name).strip("-")
            self._path = Path(folder) / f"joints-{words}-{digest}.safetensors"
            self._read(self._path)

    def __call__(self, indices: Tensor, images: Callable[[Tensor], Tensor]) -> Tensor:
        """The joints (B, 18, 3) of pictures (B,); `images(indices)` gives those that are not known, (b, 3, H, W)."""
        new = torch.tensor(sorted(set(indices[~self._known[indices]].tolist())), dtype=torch.int64)
        if len(new):
            self._keypoints[new] = estimate(self.estimator, images(new))
            self._known[new] = self._new = True
        return self._keypoints[indices]

    def save(self) -> None:
        """Write what is known to the file, if there is one and something is new."""
        if self._path is None or not self._new:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.partial")
        try:
            save_file({"keypoints": self._keypoints, "known": self._known}, partial, metadata=self._key)
            partial.replace(self._path)
        finally:
            partial.unlink(missing_ok=True)
        self._new = False

    def _read(self, path: Path) -> None:
        if not path.is_file():
            return
        try:
            with safe_open(path, "pt") as file:
                keypoints, known = file.get_tensor("keypoints"), file.get_tensor("known")
                if file.metadata() == self._key and len(known) == len(self._known):
                    self._keypoints, self._known = keypoints, known
        except (SafetensorError, OSError):
            return
