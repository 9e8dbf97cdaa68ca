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
        folder: where the file lives; None keeps the joints in memory only.

    The file is keyed by `data` and `estimator.name`. One that is damaged is made anew.
    """

    def __init__(self, estimator: KeypointEstimator, data: str, folder: Path | str | None = None) -> None:
        self.estimator = estimator
        self._key = {"data": data, "estimator": estimator.name}
        self._known: dict[int, Tensor] = {}
        self._path: Path | None = None
        self._dirty = False
        if folder is not None:
            digest = hashlib.sha256(json.dumps(self._key).encode()).hexdigest()[:12]
            words = re.sub(r"[^A-Za-z0-9]+", "-", estimator.name).strip("-")
            self._path = Path(folder) / f"joints-{words}-{digest}.safetensors"
            self._read()

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, indices: Tensor, images: Callable[[Tensor], Tensor]) -> Tensor:
        """The joints (B, 18, 3) of pictures (B,); `images(indices)` gives those that are not known, (b, 3, H, W)."""
        new = torch.tensor(sorted(set(indices.tolist()) - self._known.keys()), dtype=torch.int64)
        if len(new):
            found = estimate(self.estimator, images(new))
            self._known |= {int(index): joints.clone() for index, joints in zip(new, found, strict=True)}
            self._dirty = True
        return torch.stack([self._known[index] for index in indices.tolist()])

    def save(self) -> None:
        """Write what is known to the file, if there is one and something is new."""
        if self._path is None or not self._dirty:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f"{self._path.name}.{os.getpid()}.partial")
        order = sorted(self._known)
        tensors = {"indices": torch.tensor(order), "keypoints": torch.stack([self._known[i] for i in order])}
        try:
            save_file(tensors, partial, metadata=self._key)
            partial.replace(self._path)
        finally:
            partial.unlink(missing_ok=True)
        self._dirty = False

    def _read(self) -> None:
        if self._path is None or not self._path.is_file():
            return
        try:
            with safe_open(self._path, "pt") as file:
                if file.metadata() != self._key:
                    return
                indices, keypoints = file.get_tensor("indices"), file.get_tensor("keypoints")
        except (SafetensorError, OSError):
            return
        self._known = {int(index): joints for index, joints in zip(indices, keypoints, strict=True)}
