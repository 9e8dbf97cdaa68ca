"""The means of losses between two lines of the log."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class RunningMeans:
    """Sums named scalars on their device, and reads them rarely: every reading makes a GPU wait."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, ...], tuple[Tensor, int]] = {}

    def add(self, names: Sequence[str], values: Tensor) -> None:
        """One observation of each name; values (N,), detached."""
        sums, count = self._sums.get(key := tuple(names), (torch.zeros_like(values), 0))
        self._sums[key] = (sums + values, count + 1)

    def all_finite(self) -> bool:
        """Whether everything since the last reading was finite."""
        return all(bool(torch.isfinite(sums).all()) for sums, _ in self._sums.values())

    def read(self) -> dict[str, float]:
        """The means since the last reading."""
        means = {
            name: value / count
            for names, (sums, count) in self._sums.items()
            for name, value in zip(names, sums.tolist(), strict=True)
        }
        self._sums.clear()
        return means
