"""Pictures of a store, spread evenly over the people of one split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.data.store import Store


@dataclass(frozen=True)
class Sample:
    """Pictures of a store.

    Attributes:
        store: that they are of. indices: int64 (N,), of the store. people: int64 (N,), a number for everybody.
    """

    store: Store
    indices: Tensor
    people: Tensor

    def __len__(self) -> int:
        return len(self.indices)

    def images(self, rows: Tensor) -> Tensor:
        """float32 (B, 3, H, W) in [-1, 1] of these rows of the sample."""
        image = self.store.person(self.indices[rows], ("image",)).image
        assert image is not None
        return image

    def keypoints(self, rows: Tensor) -> Tensor:
        """float32 (B, 18, 3) of these rows of the sample."""
        keypoints = self.store.person(self.indices[rows], ("keypoints",)).keypoints
        assert keypoints is not None
        return keypoints

    def take(self, rows: Tensor, count: int) -> Sample:
        """`count` of these rows, spread evenly, as a sample of their own."""
        chosen = rows[torch.from_numpy(_spread(len(rows), count))]
        return Sample(self.store, self.indices[chosen], self.people[chosen])

    def halves(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Rows of two halves with people of their own, int64; of about the same size."""
        every = torch.unique(self.people)
        order = every[torch.from_numpy(np.random.default_rng(seed).permutation(len(every)))]
        first = torch.isin(self.people, order[: len(order) // 2])
        return first.nonzero()[:, 0], (~first).nonzero()[:, 0]


def draw_sample(store: Store, split: str, count: int) -> Sample:
    """Up to `count` pictures of a split, spread evenly over it as ordered by person.

    Raises:
        KeyError: no such split. ValueError: fewer than four pictures or than two people.
    """
    indices, sizes = store.groups(split)
    people = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    chosen = torch.from_numpy(_spread(len(indices), count))
    sample = Sample(store, indices[chosen], people[chosen])
    if len(sample) < 4 or len(torch.unique(sample.people)) < 2:
        raise ValueError(f"{store.folder}: split {split!r} has too few pictures or people to compare")
    return sample


def _spread(length: int, count: int) -> npt.NDArray[np.int64]:
    """`count` of `length` places (all of them where there are fewer), evenly."""
    return np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(np.int64))
