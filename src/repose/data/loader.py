"""Endless training pairs: which ones (`PairSampler`), their tensors (`load_pairs`), loaded ahead (`Loader`).

What step t sees depends on the seed and t alone, so a run that is resumed at t sees what the unbroken run saw.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields as dataclass_fields
from types import TracebackType
from typing import Final, Literal, Self, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.data.augment import AugmentConfig, Bits, augment
from repose.data.store import Store
from repose.person import Pair, Person
from repose.represent.canvas import Canvas

Flip = Literal["none", "mirror", "patn"]
FLIPS: Final[tuple[str, ...]] = get_args(Flip)

_PAIRS, _COINS, _BITS, _BITS_BACK, _VIEWS = range(5)  # the streams of random numbers of a step


class PairSampler:
    """Draws the pairs of every step uniformly, with replacement.

    They come from the split's list where it has one, else from all ordered pairs of one person: a person with n
    pictures is drawn in proportion to n (n - 1), as a walk over the field's list of training pairs would.

    Args:
        store: the data set.
        split: "train" as a rule.
        batch: pairs a step, of all processes together.
        seed: of the whole run.
        rank, world: process `rank` of `world` gets its contiguous slice of each batch.

    Raises:
        ValueError: the batch does not divide by `world`, or the split has no pair.
    """

    def __init__(self, store: Store, split: str, batch: int, seed: int, rank: int = 0, world: int = 1) -> None:
        if batch < 1 or batch % world or not 0 <= rank < world:
            raise ValueError(f"PairSampler: batch {batch} does not divide among {world} processes (rank {rank})")
        if seed < 0:
            raise ValueError(f"PairSampler: the seed must not be negative, got {seed}")
        self.batch, self.seed = batch, seed
        self._others = _Others(store, split)
        self._slice = slice(rank * batch // world, (rank + 1) * batch // world)
        self._list: npt.NDArray[np.int64] | None = None
        if store.listed(split):
            self._list = store.pairs(split).numpy()
            self.total = len(self._list)
        else:
            indices, counts = (tensor.numpy() for tensor in store.groups(split))
            self._indices, self._counts = indices, counts
            self._first = np.cumsum(counts) - counts  # (P,) where a person's pictures begin
            self._ends = np.cumsum(counts * (counts - 1))  # (P,) where a person's pairs end
            self.total = int(self._ends[-1])
        if self.total == 0:
            raise ValueError(f"{store.folder}: split {split!r} has no pair: every person has one picture only")

    def batch_at(self, step: int) -> Tensor:
        """Source and target indices of this process at a step, int64 (batch / world, 2)."""
        number = (self._random(step, _PAIRS) % np.uint64(self.total)).astype(np.int64)  # (B,) which of all the pairs
        if self._list is not None:
            return torch.from_numpy(self._list[number])
        person = np.searchsorted(self._ends, number, side="right")
        others = self._counts[person] - 1
        within = number - (self._ends[person] - self._counts[person] * others)
        source, target = np.divmod(within, others)
        target += target >= source  # no picture is paired with itself
        table = self._first[person][:, None] + np.stack([source, target], axis=1)
        return torch.from_numpy(self._indices[table])  # (B, 2)

    def views_at(self, step: int, count: int) -> Tensor:
        """`count` further pictures of the person of each pair at a step, drawn with replacement, int64 (B, count).

        They may be the source or the target again: of a person with two pictures there are no others.
        """
        bits = self._random(step, _VIEWS, count).reshape(-1, count)
        return torch.from_numpy(self._others.drawn(self.batch_at(step)[:, 0].numpy(), bits))

    def flips_at(self, step: int) -> Tensor:
        """Which pairs of this process to mirror at a step, bool (batch / world,), half of them on average."""
        return torch.from_numpy(self._random(step, _COINS) >> np.uint64(63) == 1)

    def bits_at(self, step: int, both_directions: bool = False) -> Bits:
        """What decides how pairs are augmented (`augment`): uint64 (batch / world,).

        With `both_directions` twice as many, those of the pairs from target to source behind.
        """
        bits = self._random(step, _BITS)
        return np.concatenate([bits, self._random(step, _BITS_BACK)]) if both_directions else bits

    def _random(self, step: int, stream: int, each: int = 1) -> npt.NDArray[np.uint64]:
        """64 random bits, `each` times for every pair of this process. Raw Philox is the same in every NumPy."""
        counter = (stream << 128) | (step << 64)  # the low 64 bits count the numbers within a step
        raw = np.random.Philox(key=self.seed, counter=counter).random_raw(self.batch * each)
        return raw.reshape(self.batch, each)[self._slice].reshape(-1)


class _Others:
    """All pictures of a split of the person of a picture; the table is computed when it is first used."""

    def __init__(self, store: Store, split: str) -> None:
        self._store, self._split = store, split
        self._table: tuple[npt.NDArray[np.int64], ...] | None = None

    def drawn(self, indices: npt.NDArray[np.int64], bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Pictures of the person of each index (B,), by random bits (B, V): indices (B, V)."""
        if self._table is None:
            ordered, counts = (tensor.numpy() for tensor in self._store.groups(self._split))
            group = np.full(len(self._store), -1)
            group[ordered] = np.repeat(np.arange(len(counts)), counts)
            self._table = ordered, counts, np.cumsum(counts) - counts, group
        ordered, counts, first, group = self._table
        person = group[indices][:, None]
        if (person < 0).any():
            name = self._store.names[indices[int((person[:, 0] < 0).argmax())]]
            raise ValueError(
                f"{self._store.folder}: the pairs of split {self._split!r} name {name!r}, which is in another split, "
                "so there are no further views of its person; list pairs of the split's own pictures"
            )
        drawn: npt.NDArray[np.int64] = ordered[
            first[person] + (bits % counts[person].astype(np.uint64)).astype(np.int64)
        ]
        return drawn


def load_pairs(
    store: Store,
    indices: Tensor,
    fields: Sequence[str] = ("image", "keypoints"),
    flip: Flip = "none",
    flips: Tensor | None = None,
    canvas: Canvas | None = None,
    both_directions: bool = False,
    change: AugmentConfig | None = None,
    bits: Bits | None = None,
) -> Pair:
    """The tensors of pairs.

    Args:
        store: the data set.
        indices: int64 (B, 2 + V): source, target and V further views.
        fields: of both people.
        flip: "none"; "mirror": `Person.flip`; "patn": `Person.flip_patn`, which knows image and keypoints only.
        flips: bool (B,), the pairs that are mirrored, both pictures together.
        canvas: put onto this one (`Canvas.frame`) at the end; None leaves them as they are.
        both_directions: twice as many pairs, those from target to source behind (`Pair.both`), before they are changed.
        change: how they are augmented, after the flip; None: not.
        bits: uint64 (B,), or (2B,) with both directions, that decide how.

    Raises:
        ValueError: an unknown flip, "patn" with other fields, a flip without `flips`, augmentation without `bits` or of
            pairs with further views, or a canvas of another size.
    """
    if flip not in FLIPS:
        raise ValueError(f"flip is one of {FLIPS}, got {flip!r}")
    people = store.person(indices.T.reshape(-1), fields)  # all sources, then all targets, then all views of a number
    if flip != "none":
        if flips is None:
            raise ValueError(f"load_pairs: flip={flip!r} needs the pairs to mirror: flips=sampler.flips_at(step)")
        if flip == "patn" and not set(fields) <= {"image", "keypoints"}:
            raise ValueError(f"flip='patn' is defined for image and keypoints only, got {tuple(fields)}")
        _flip_in_place(people, flips.repeat(indices.shape[1]), flip)
    count = len(indices)
    source, target, *views = (people[at : at + count] for at in range(0, count * indices.shape[1], count))
    pair = Pair(source, target, tuple(views))
    if both_directions:
        pair = pair.both()
    if change is not None and not change.off:
        if views:
            raise ValueError(
                "load_pairs: pairs with further views (Objective.views) take no augmentation (data.augment)"
            )
        if bits is None:
            raise ValueError("load_pairs: augmentation needs random bits: bits=sampler.bits_at(step)")
        pair = augment(pair, change, bits)
    return pair if canvas is None else pair.map(canvas.frame)


class Loader(Iterator[tuple[int, Pair]]):
    """Yields (step, Pair) from `start` on, endlessly; a context manager that stops its thread.

    Args:
        store, sampler, fields, flip, canvas, both_directions, change: as `load_pairs` takes them.
        start: the first step, to resume.
        views: how many further pictures of each person come along, in `Pair.views`.
        ahead: how many batches a thread prepares in advance; 0 loads in the caller's thread.

    An error in the thread is raised at the `next` that would have given its batch.
    """

    def __init__(
        self,
        store: Store,
        sampler: PairSampler,
        fields: Sequence[str] = ("image", "keypoints"),
        flip: Flip = "none",
        start: int = 0,
        ahead: int = 2,
        canvas: Canvas | None = None,
        both_directions: bool = False,
        change: AugmentConfig | None = None,
        views: int = 0,
    ) -> None:
        self.store, self.sampler, self.fields, self.flip, self.canvas = store, sampler, tuple(fields), flip, canvas
        self.both_directions, self.change, self.views = both_directions, change, views
        self._step = start
        self._ahead = ahead
        self._stop = threading.Event()
        self._ready: queue.Queue[tuple[int, Pair] | Exception] = queue.Queue(maxsize=max(ahead, 1))
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> tuple[int, Pair]:
        if self._stop.is_set():
            raise StopIteration
        if not self._ahead:
            step, self._step = self._step, self._step + 1
            return step, self._load(step)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, args=(self._step,), name="repose-loader", daemon=True)
            self._thread.start()
        item = self._ready.get()
        if isinstance(item, Exception):
            self.close()
            raise item
        return item

    def close(self) -> None:
        """Stop the thread; a closed loader is at its end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _load(self, step: int) -> Pair:
        flips = None if self.flip == "none" else self.sampler.flips_at(step)
        indices, bits = self.sampler.batch_at(step), self.sampler.bits_at(step, self.both_directions)
        if self.views:
            indices = torch.cat([indices, self.sampler.views_at(step, self.views)], 1)
        return load_pairs(
            self.store, indices, self.fields, self.flip, flips, self.canvas, self.both_directions, self.change, bits
        )

    def _run(self, step: int) -> None:
        while not self._stop.is_set():
            try:
                item: tuple[int, Pair] | Exception = (step, self._load(step))
            except Exception as error:  # the caller's thread raises it
                item = error
            while not self._stop.is_set():
                try:
                    self._ready.put(item, timeout=0.1)  # the timeout lets it see that the loader is closed
                    break
                except queue.Full:
                    continue
            if isinstance(item, Exception):
                return
            step += 1


def _flip_in_place(people: Person, which: Tensor, flip: Flip) -> None:
    """Mirror some of a batch, in place: the caller has just made it."""
    some = people[which]
    some = some.flip_patn() if flip == "patn" else some.flip()
    for field in dataclass_fields(people):
        value, mirrored = getattr(people, field.name), getattr(some, field.name)
        if isinstance(value, Tensor):
            value[which] = mirrored
