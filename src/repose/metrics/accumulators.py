"""From numbers of single pairs to a score with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Column:
    """One metric over N pairs; the score of all is sum(values) / sum(weights).

    A mean has weights of 1. PCKh has the right joints as values and the counted joints as weights, so a pair whose
    weight is 0 is left out.

    Attributes:
        values, weights: float64 (N,).
    """

    values: Tensor
    weights: Tensor

    @staticmethod
    def mean_of(values: Tensor) -> Column:
        """A column whose score is the plain mean."""
        return Column(values, torch.ones_like(values))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def each(self) -> Tensor:
        """The score of each pair alone, (N,); NaN where its weight is 0."""
        return self.values / self.weights

    @property
    def skipped(self) -> int:
        """How many pairs do not count."""
        return int((self.weights == 0).sum())


class Tally:
    """Columns of `count` pairs that are filled batch by batch.

    In place: kept one by one, the small results of the batches would lie between the large blocks of memory that the
    metrics free, and the process would grow by gigabytes.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.columns: dict[str, Column] = {}

    def put(self, start: int, parts: Mapping[str, Column]) -> None:
        """The columns of the batch that begins at pair `start`."""
        for metric, part in parts.items():
            if metric not in self.columns:
                empty = torch.full((2, self.count), torch.nan, dtype=torch.float64)
                self.columns[metric] = Column(*empty)
            rows = slice(start, start + len(part))
            self.columns[metric].values[rows] = part.values
            self.columns[metric].weights[rows] = part.weights


@dataclass(frozen=True)
class Score:
    """A score over all pairs and its 95 % interval; NaN if not one pair counts.

    Attributes:
        value, low, high: infinite for PSNR where all pairs are of equal pictures.
        skipped: pairs that do not count.
        equal: pairs of equal pictures, whose PSNR is infinite: the score is of the others, if there are any.
    """

    value: float
    low: float
    high: float
    skipped: int = 0
    equal: int = 0


def scores(
    columns: Mapping[str, Column],
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    blocks: Tensor | None = None,
) -> dict[str, Score]:
    """Each column's score with a percentile bootstrap interval over the pairs.

    All columns see the same resamples; a resample in which not one pair counts is left out. Infinite values are left
    out and counted (`Score.equal`), unless all are infinite. Pairs that share a person are drawn as if independent, so
    the interval says how far the choice of pairs moves the score, not how far another set of people would.

    Args:
        columns: all of one length N > 0.
        resamples: how often N pairs are drawn with replacement.
        seed: of the draws.
        level: share of the resamples that the interval holds.
        blocks: int64 (N,), the number of the block that each pair is in, from 0: blocks are drawn, whole, in place of
            pairs, such as a pair and its reverse. None: each pair is its own.

    Raises:
        ValueError: no pairs, or columns of unequal length.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13.
    """
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"scores: columns of one length and at least one pair are needed, got lengths {lengths}")
    count = lengths.pop()
    values = torch.stack([column.values for column in columns.values()])  # (K, N)
    weights = torch.stack([column.weights for column in columns.values()])  # (K, N)
    endless = values.isinf()
    equal = endless.sum(1)
    aside = endless & ((weights > 0) & ~endless).any(1, keepdim=True)  # else there is nothing but infinity to tell
    values, weights = values.masked_fill(aside, 0), weights.masked_fill(aside, 0)
    means = values.sum(1) / weights.sum(1)
    if blocks is not None:
        count = int(blocks.max()) + 1
        empty = values.new_zeros(len(values), count)
        values, weights = empty.index_add(1, blocks, values), empty.index_add(1, blocks, weights)
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    chunk = max(1, 1_000_000 // count)  # bounds the memory of the gathered numbers
    for start in range(0, resamples, chunk):
        picks = torch.randint(count, (min(chunk, resamples - start), count), generator=generator)  # (R, N)
        drawn.append(torch.stack([v[picks].sum(1) / w[picks].sum(1) for v, w in zip(values, weights, strict=True)]))
    ordered = torch.cat(drawn, 1).sort(1).values  # (K, resamples)
    last = (~ordered.isnan()).sum(1).sub(1).clamp(min=0).tolist()  # NaN, of no pair that counts, is sorted to the end
    tails = [round((1 - level) / 2 * end) for end in last]
    return {
        name: Score(
            float(means[k]),
            float(ordered[k, tails[k]]),
            float(ordered[k, last[k] - tails[k]]),
            column.skipped,
            int(equal[k]),
        )
        for k, (name, column) in enumerate(columns.items())
    }
