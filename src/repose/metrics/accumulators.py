"""From numbers of single pairs, and features of single pictures, to a score of all with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from repose.metrics.functional.distributions import Moments, moments


@dataclass(frozen=True)
class PairScores:
    """One column's numbers of N pairs; the score of all pairs is sum(values) / sum(weights).

    A mean has weights of 1. PCKh has the right joints as values and the counted joints as weights, so a pair whose
    weight is 0 is left out.

    Attributes:
        values, weights: float64 (N,).
    """

    values: Tensor
    weights: Tensor

    @staticmethod
    def mean_of(values: Tensor) -> PairScores:
        """Numbers whose score is the plain mean."""
        return PairScores(values, torch.ones_like(values))

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


@dataclass(frozen=True)
class Score:
    """The score of one column over all pairs and its 95 % interval; NaN if no pair counts.

    Attributes:
        value, low, high: infinite for PSNR where all pairs are of equal pictures.
        skipped: pairs that do not count.
        equal: pairs of equal pictures, whose PSNR is infinite. The score is that of the other pairs, if there are any.
    """

    value: float
    low: float
    high: float
    skipped: int = 0
    equal: int = 0


class ScoreBuffer:
    """The numbers of `count` pairs by column, filled batch by batch.

    Memory is allocated once for all pairs. Small results of many batches would lie between the large blocks of memory
    that the metrics free, and the process would grow by gigabytes.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.columns: dict[str, PairScores] = {}

    def put(self, start: int, parts: Mapping[str, PairScores]) -> None:
        """Fill in the batch that begins at pair `start`."""
        for column, part in parts.items():
            if column not in self.columns:
                empty = torch.full((2, self.count), torch.nan, dtype=torch.float64)
                self.columns[column] = PairScores(*empty)
            batch = slice(start, start + len(part))
            self.columns[column].values[batch] = part.values
            self.columns[column].weights[batch] = part.weights


class FeatureBuffer:
    """Features of `count` pictures of one kind by name, filled batch by batch; scores of sets are made of them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.features: dict[str, Tensor] = {}
        self._moments: dict[str, Moments] = {}

    def put(self, start: int, features: Mapping[str, Tensor]) -> None:
        """Fill in the features (B, D) of the batch that begins at picture `start`."""
        for name, part in features.items():
            if name not in self.features:
                self.features[name] = torch.full((self.count, part.shape[1]), torch.nan)
            self.features[name][start : start + len(part)] = part

    def part(self, indices: Tensor) -> FeatureBuffer:
        """The features of some pictures alone, by their indices (M,)."""
        part = FeatureBuffer(len(indices))
        part.features = {name: features[indices] for name, features in self.features.items()}
        return part

    def moments(self, name: str) -> Moments:
        """Mean and covariance of the features of that name; computed once."""
        if name not in self._moments:
            self._moments[name] = moments(self.features[name])
        return self._moments[name]


@dataclass(frozen=True)
class ReferenceStatistics:
    """Mean and covariance of the features of one set of pictures, by network.

    Attributes:
        count: pictures.
        pictures: sha256 of their shapes and bytes, in order.
        moments: network -> mean and covariance of its features.
    """

    count: int
    pictures: str
    moments: Mapping[str, Moments]

    def of(self, network: str) -> Moments:
        """The statistics under one network.

        Raises:
            ValueError: they were not computed with this network.
        """
        if network not in self.moments:
            raise ValueError(f"the reference set has no statistics of {network}, only of {', '.join(self.moments)}")
        return self.moments[network]


def scores(
    columns: Mapping[str, PairScores],
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    blocks: Tensor | None = None,
) -> dict[str, Score]:
    """Each column's score with a percentile bootstrap interval over the pairs.

    All columns use the same resamples; a resample in which no pair counts is left out. Infinite values are left out
    and counted (`Score.equal`), unless all are infinite. Pairs that share a person are drawn as if independent, so the
    interval tells how far the choice of pairs moves the score, not how far other people would.

    >>> score = scores({"l1": PairScores.mean_of(torch.tensor([0.1, 0.3]).double())}, resamples=100)["l1"]
    >>> round(score.value, 3), round(score.low, 3), round(score.high, 3)
    (0.2, 0.1, 0.3)

    Args:
        columns: all of one length N > 0.
        resamples: how often N pairs are drawn with replacement.
        seed: of the draws.
        level: share of the resamples that the interval holds.
        blocks: int64 (N,), the number of the block that each pair is in, from 0. Whole blocks are drawn in place of
            pairs, such as a pair and its reverse. None: each pair is a block.

    Raises:
        ValueError: there are no pairs, or the columns have different lengths.

    Source: Efron, Tibshirani, "An Introduction to the Bootstrap", 1993, ch. 13.
    """
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"scores: columns of one length and at least one pair are needed, got lengths {lengths}")
    count = lengths.pop()
    values = torch.stack([column.values for column in columns.values()])  # (K, N)
    weights = torch.stack([column.weights for column in columns.values()])  # (K, N)
    infinite = values.isinf()
    equal = infinite.sum(1)
    left_out = infinite & ((weights > 0) & ~infinite).any(1, keepdim=True)  # but not where all are infinite
    values, weights = values.masked_fill(left_out, 0), weights.masked_fill(left_out, 0)
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
    last = (~ordered.isnan()).sum(1).sub(1).clamp(min=0).tolist()  # NaN, where no pair counts, is sorted to the end
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
