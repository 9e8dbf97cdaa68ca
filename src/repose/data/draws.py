"""Random numbers from raw bits of Philox, which are the same in every version of NumPy."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Bits = npt.NDArray[np.uint64]


class Draws:
    """Random numbers of B pairs from raw bits (B, N), handed out in order."""

    def __init__(self, raw: Bits) -> None:
        self._unit = torch.from_numpy((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)
        self._next = 0

    def uniform(self, *shape: int) -> Tensor:
        """float32 (B, *shape) in [0, 1)."""
        start, self._next = self._next, self._next + math.prod(shape)
        numbers = self._unit[:, start : self._next].reshape(len(self._unit), *shape)
        return numbers.float().clamp(max=1 - 2**-24)  # what is nearly 1 must not become 1

    def sided(self, *shape: int) -> Tensor:
        """float32 (B, *shape) in [-1, 1)."""
        return 2 * self.uniform(*shape) - 1

    def normal(self, *shape: int) -> Tensor:
        """float32 (B, *shape), standard normal (Box and Muller)."""
        return torch.sqrt(-2 * torch.log1p(-self.uniform(*shape))) * torch.cos(2 * math.pi * self.uniform(*shape))


def mixed(common: Tensor, own: Tensor, apart: float) -> Tensor:
    """Mean of draws that a pair shares, (B, N), and draws of its pictures, (B, 2, N), weighed by `apart`: (2B, N)."""
    return ((1 - apart) * common[:, None] + apart * own).transpose(0, 1).flatten(0, 1)


class Numbers:
    """Random numbers of one pair, in order.

    None of them is among those of `Philox(key)`, from which the table of `augment` and its noise come.

    Args:
        key: the pair's 64 bits.
    """

    def __init__(self, key: int) -> None:
        self._stream = np.random.Philox(key=key, counter=1 << 128)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """In [low, high)."""
        return low + (high - low) * (int(self._stream.random_raw()) >> 11) * 2.0**-53

    def below(self, count: int) -> int:
        """0 to count - 1."""
        return int(self.uniform() * count)

    def side(self) -> int:
        """-1 or 1."""
        return 1 if self.uniform() < 0.5 else -1

    def plane(self, height: int, width: int) -> npt.NDArray[np.float32]:
        """(height, width) in [-1, 1], 256 levels."""
        count = height * width
        raw = self._stream.random_raw(-(-count // 8)).view(np.uint8)[:count]
        return raw.reshape(height, width).astype(np.float32) / np.float32(127.5) - np.float32(1)
