"""What a network gave for the last few pictures: several estimators of one photograph ask it for the same."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import numpy as np
from torch import Tensor

from repose.estimate.base import Image

Value = TypeVar("Value")


class Memo(Generic[Value]):
    """Results by the bytes and the size of the picture, and the joints, that they are of; the oldest go first.

    Several threads may ask it. Two that ask for one new picture at a time both compute it.

    Args:
        count: how many results are kept.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"Memo: at least one result is kept, got {count}")
        self._count = count
        self._kept: OrderedDict[bytes, Value] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, picture: Image, compute: Callable[[], Value], keypoints: Tensor | None = None) -> Value:
        """The result of a picture, uint8 (H, W, 3), as it was computed before; by `compute` where it is new.

        With `keypoints` (18, 3) the result is of this person on it.

        The caller must not change what this returns.
        """
        digest = hashlib.blake2b(repr((picture.shape, picture.dtype.str)).encode(), digest_size=20)
        digest.update(np.ascontiguousarray(picture).data)
        if keypoints is not None:
            digest.update(keypoints.detach().float().cpu().contiguous().numpy().tobytes())
        key = digest.digest()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = compute()
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._count:
                self._kept.popitem(last=False)
        return value
