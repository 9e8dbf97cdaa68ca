"""The result of an estimator's last call, so that two fields of one person that need the same network run it once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from torch import Tensor

from repose.estimate.base import Image

T = TypeVar("T")


class LastCall(Generic[T]):
    """Keeps one result, by the pixels and the joints that it was computed from. Several threads may share it."""

    def __init__(self) -> None:
        self._known: tuple[bytes, T] | None = None

    def get(self, image: Image, keypoints: Tensor, compute: Callable[[], T]) -> T:
        """The result for these pixels, uint8 (H, W, 3), and joints (18, 3): the kept one, or a new one that is kept.

        The caller must not change it in place.
        """
        digest = hashlib.blake2b(repr(image.shape).encode())
        digest.update(np.ascontiguousarray(image).data)
        digest.update(keypoints.detach().float().cpu().contiguous().numpy().tobytes())
        key, known = digest.digest(), self._known
        if known is not None and known[0] == key:
            return known[1]
        value = compute()
        self._known = (key, value)
        return value


__all__ = ["LastCall"]
