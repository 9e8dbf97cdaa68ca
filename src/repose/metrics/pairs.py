"""The pairs that an evaluation measures, and their real pictures as a protocol's files hold them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from repose.data.store import Store
from repose.metrics.protocols import Protocol
from repose.person import Pair, Person
from repose.represent.canvas import canvas, to_uint8


@dataclass(frozen=True)
class MeasuredPairs:
    """What is measured: pairs of a split of a store, under a protocol.

    Attributes:
        protocol: how they are measured.
        store: the data set.
        split: of the store.
        indices: int64 (N, 2), source and target index in the store.
    """

    protocol: Protocol
    store: Store
    split: str
    indices: Tensor

    @classmethod
    def select(
        cls, protocol: Protocol, store: Store, split: str | None = None, limit: int | None = None
    ) -> MeasuredPairs:
        """The pairs that a protocol measures; each direction is a pair of its own.

        A split without a list has both directions of every pair already, so none is added there.

        Args:
            split: another one than the protocol's.
            limit: so many pairs of the list, evenly spaced; None or more than there are: all.

        Raises:
            ValueError: the split has no pairs, or `limit` is below 1.
            KeyError: the store has no such split.
        """
        split = split or protocol.split
        pairs = store.pairs(split)
        if limit is not None and limit < 1:
            raise ValueError(f"limit is a number of pairs, at least 1, or None for all; got {limit}")
        if limit is not None and limit < len(pairs):
            pairs = pairs[torch.arange(limit) * len(pairs) // limit]
        if not len(pairs):
            raise ValueError(
                f"{store.folder}: split {split!r} has no pairs to measure; choose another of "
                f"{', '.join(dict.fromkeys(store.splits))}"
            )
        chosen = cls(protocol, store, split, pairs.clone())
        if chosen.both:
            return cls(protocol, store, split, torch.stack([pairs, pairs.flip(1)], 1).flatten(0, 1))
        return chosen

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def both(self) -> bool:
        """Whether each pair is followed by its reverse."""
        return self.protocol.directions == "both" and self.store.listed(self.split)

    @property
    def directions(self) -> list[Tensor]:
        """The positions of the pairs of each direction; scores of sets are averaged over the directions."""
        return [torch.arange(len(self))[start :: 1 + self.both] for start in range(1 + self.both)]

    @property
    def blocks(self) -> Tensor | None:
        """The blocks of the bootstrap: pairs of the same two pictures, in either direction. None if no two are."""
        return blocks_of(self.indices)

    def first(self, positions: Tensor) -> Tensor:
        """Those of some positions at which a target comes for the first time, int64."""
        targets = self.indices[positions, 1].tolist()
        at = sorted({target: place for place, target in reversed(list(enumerate(targets)))}.values())
        return positions[torch.tensor(at)]

    def name(self, pair: Tensor) -> str:
        """The names of the two pictures of a pair (2,), for messages."""
        source, target = pair.tolist()
        return f"{self.store.names[source]} -> {self.store.names[target]}"

    def read(self, indices: Tensor, fields: Sequence[str]) -> tuple[Pair, dict[str, Tensor]]:
        """The people of pairs (B, 2) on the protocol's canvas, and their pictures as files hold them.

        Returns:
            the pair, and "target" and "source": uint8 (B, 3, H, W).
        """
        frame = canvas(self.protocol.canvas).frame
        pair = Pair(frame(self.store.person(indices[:, 0], fields)), frame(self.store.person(indices[:, 1], fields)))
        real = {"target": pair.target, "source": pair.source}
        return pair, {kind: as_saved(self.protocol, as_bytes(image_of(person))) for kind, person in real.items()}


def blocks_of(indices: Tensor) -> Tensor | None:
    """The number of the block of each pair (N, 2): pairs of the same two pictures share one. None if no two do."""
    blocks: Tensor = torch.unique(indices.sort(1).values, dim=0, return_inverse=True)[1]
    return blocks if int(blocks.max()) + 1 < len(indices) else None


def as_saved(protocol: Protocol, images: Tensor) -> Tensor:
    """Pictures uint8 (B, 3, H, W) as they are read from a file of the protocol's format."""
    if protocol.file == "png":
        return images
    read = []
    for image in images.movedim(1, -1).contiguous().numpy():
        file = io.BytesIO()
        Image.fromarray(image).save(file, "JPEG", quality=75)
        file.seek(0)
        read.append(torch.from_numpy(np.array(Image.open(file, formats=("JPEG",)))))
    return torch.stack(read).movedim(-1, 1).contiguous()


def as_bytes(images: Tensor) -> Tensor:
    """Images in [-1, 1] as uint8 (B, 3, H, W), as a PNG file of them would hold; uint8 stays as it is."""
    return images if images.dtype == torch.uint8 else torch.from_numpy(to_uint8(images)).movedim(-1, 1).contiguous()


def image_of(person: Person) -> Tensor:
    """The picture of a person. ValueError: there is none."""
    if person.image is None:
        raise ValueError("a picture is needed to measure anything, and this person has none")
    return person.image
