"""Scores of sets: Inception Score of one, Frechet's and the kernel distance of two."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of a set of features.

    Attributes:
        mean: float64 (D,).
        root: float64 (K, D), K at most D, with root^T root the covariance (divided by N - 1).
        count: N.
    """

    mean: Tensor
    root: Tensor
    count: int


def moments(rows: Tensor) -> Moments:
    """Of features (N, D), N of 2 or more. With fewer pictures than features the centred rows themselves are a root."""
    rows = rows.double()
    mean = rows.mean(0)
    centred = (rows - mean) / (len(rows) - 1) ** 0.5
    return Moments(mean, torch.linalg.qr(centred, mode="r")[1] if len(rows) > rows.shape[1] else centred, len(rows))


def moments_of_sums(count: int, total: Tensor, products: Tensor) -> Moments:
    """The same from sums that were gathered piece by piece.

    Args:
        count: N, 2 or more.
        total: sum of the rows, float64 (D,).
        products: sum of the rows' outer products, float64 (D, D).
    """
    mean = total / count
    covariance = (products - count * torch.outer(mean, mean)) / (count - 1)
    values, vectors = torch.linalg.eigh(covariance)
    return Moments(mean, values.clamp(min=0).sqrt()[:, None] * vectors.T, count)


def frechet(one: Tensor | Moments, other: Tensor | Moments) -> float:
    """Frechet distance of two normal distributions, given by features (N, D) and (M, D) or by their moments.

    |m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2). With C = R^T R, the eigenvalues of C1 C2 are the squared singular
    values of R1 R2^T, so the last trace is their sum: no root of a matrix, nothing complex, exact also where there are
    fewer pictures than features. Float64.

    Source: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", eq. 6.
    """
    a, b = (each if isinstance(each, Moments) else moments(each) for each in (one, other))
    shared = torch.linalg.svdvals(a.root @ b.root.T).sum()
    apart = (a.mean - b.mean).square().sum()
    return float(apart + a.root.square().sum() + b.root.square().sum() - 2 * shared)


def kernel_distance(one: Tensor, other: Tensor) -> float:
    """Unbiased squared MMD of (N, D) and (M, D) with the kernel (x.y / D + 1)^3; may be below 0.

    Source: Binkowski et al. 2018, "Demystifying MMD GANs", eq. 4.
    """
    one, other = one.double(), other.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: Tensor) -> Tensor:
        table = kernel(x, x)
        return (table.sum() - table.diagonal().sum()) / (len(x) * (len(x) - 1))

    return float(within(one) + within(other) - 2 * kernel(one, other).mean())


def kid(one: Tensor, other: Tensor, subsets: int = 100, size: int = 1000, seed: int = 0) -> tuple[float, float]:
    """KID: mean and standard deviation of `kernel_distance` over random subsets of both.

    Args:
        one, other: features (N, D), (M, D).
        subsets: how many are drawn.
        size: pictures in a subset, drawn without replacement; of smaller sets as many as the smaller one has.
        seed: of the draws.

    Raises:
        ValueError: fewer than two pictures on a side, or no subset.

    Source: Binkowski et al. 2018, section 4; 100 subsets of 1,000 in their code.
    """
    size = min(size, len(one), len(other))
    if size < 2 or subsets < 1:
        raise ValueError(f"kid: {subsets} subsets of {len(one)} and {len(other)} pictures; 1 and 2 are the least")
    generator = torch.Generator().manual_seed(seed)

    def drawn(rows: Tensor) -> Tensor:
        return rows[torch.randperm(len(rows), generator=generator)[:size].to(rows.device)]

    found = torch.tensor([kernel_distance(drawn(one), drawn(other)) for _ in range(subsets)], dtype=torch.float64)
    return float(found.mean()), float(found.std(correction=0))


def inception_score(logits: Tensor, splits: int = 10) -> tuple[float, float]:
    """Inception Score: exp of the mean divergence KL(p(y|x) || p(y)), its mean and deviation over consecutive splits.

    The number of pictures enters: with few in a split it cannot exceed their number and is too low, so scores of
    other numbers of pictures or splits do not compare.

    Args:
        logits: (N, K) before softmax, in the order of the pictures. TensorFlow's network without its bias: so the
            first published code had it, PATN's, Deformable GAN's and torch-fidelity's too.
        splits: PATN and all that use its script 10, Multi-scale Attention Guided Pose Transfer 1.

    Raises:
        ValueError: fewer pictures than splits.

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", section 4.
    """
    count = len(logits)
    if splits < 1 or count < splits:
        raise ValueError(f"inception_score: {splits} splits of {count} pictures")
    log_p = logits.double().log_softmax(1)
    scores = []
    for k in range(splits):
        part = log_p[k * count // splits : (k + 1) * count // splits]  # (n, K)
        log_q = part.logsumexp(0) - torch.tensor(len(part), dtype=torch.float64, device=part.device).log()
        scores.append((part.exp() * (part - log_q)).sum(1).mean().exp())
    found = torch.stack(scores)
    return float(found.mean()), float(found.std(correction=0))
