"""What a worker keeps of the photographs of its last requests, bounded by number, bytes and time."""

from __future__ import annotations

import dataclasses
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
from torch import Tensor

from repose.scene import Scene

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """Values by key; the one that was not used for longest goes first. Of one thread.

    Attributes:
        hits, misses: questions that were answered from it, and those that were not. bytes: of all values.

    Args:
        number: values that are kept, at most; 0 keeps none, and then nothing is counted. most_bytes: of all values
            together; a value that is larger alone is not kept. seconds: a value goes that was not used for so long.
        size: bytes of a value, now; see `held_bytes`. clock: seconds.
    """

    def __init__(
        self,
        number: int,
        most_bytes: float,
        seconds: float,
        size: Callable[[Value], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._number, self._most_bytes, self._seconds, self._size, self._clock = (
            number,
            most_bytes,
            seconds,
            size,
            clock,
        )
        self._kept: OrderedDict[Hashable, tuple[Value, int, float]] = OrderedDict()  # value, bytes, when it was used
        self.hits = self.misses = self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Value | None:
        """The value of a key, which counts as used now; None where there is none."""
        self.forget_old()
        found = self._kept.get(key)
        if found is None:
            self.misses += self._number > 0
            return None
        self.hits += 1
        self._kept[key] = found[0], found[1], self._clock()
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Value) -> None:
        """Keep a value, or count anew the bytes of one that has grown; what does not fit any more goes."""
        self._drop(key)
        size = self._size(value)
        if self._number < 1 or size > self._most_bytes:
            return
        self._kept[key] = value, size, self._clock()
        self.bytes += size
        while len(self._kept) > self._number or self.bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def forget_old(self) -> float | None:
        """Drop what was not used for too long; seconds until there is more to drop, None where nothing is kept."""
        now = self._clock()
        while self._kept:
            key, (_, _, used) = next(iter(self._kept.items()))
            if now - used < self._seconds:
                return used + self._seconds - now
            self._drop(key)
        return None

    def clear(self) -> None:
        """Drop everything."""
        self._kept.clear()
        self.bytes = 0

    def _drop(self, key: Hashable) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self.bytes -= found[1]


def held_bytes(value: Any) -> int:
    """Bytes of all tensors and arrays in a value, its dataclasses, scenes and collections; what is shared counts once.

    The weights of a network that a scene refers to do not count.
    """
    found: dict[tuple[str, int], int] = {}
    left, seen = [value], set[int]()
    while left:
        one = left.pop()
        if one is None or isinstance(one, str | bytes | int | float | type) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, Tensor):
            storage = one.untyped_storage()
            found[str(one.device), storage.data_ptr()] = storage.nbytes()
        elif isinstance(one, np.ndarray):
            while isinstance(one.base, np.ndarray):
                one = one.base
            found["cpu", one.__array_interface__["data"][0]] = one.nbytes
        elif isinstance(one, Mapping):
            left.extend(one.values())
        elif isinstance(one, list | tuple):
            left.extend(one)
        elif isinstance(one, Scene):
            left.extend(vars(one).values())
        elif dataclasses.is_dataclass(one):
            left.extend(getattr(one, field.name) for field in dataclasses.fields(one))
    return sum(found.values())


__all__ = ["Cache", "held_bytes"]
