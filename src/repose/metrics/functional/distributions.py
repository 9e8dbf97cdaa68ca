"""Scores of sets of pictures: Inception Score of one set, Frechet and kernel distance of two."""

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
    """Mean and covariance of features (N, D), N of 2 or more.

    With fewer pictures than features the centred rows are a root of the covariance.

    >>> moments(torch.tensor([[0.0, 1.0], [2.0, 1.0]])).mean
    tensor([1., 1.], dtype=torch.float64)
    """
    rows = rows.double()
    mean = rows.mean(0)
    centred = (rows - mean) / (len(rows) - 1) ** 0.5
    return Moments(mean, torch.linalg.qr(centred, mode="r")[1] if len(rows) > rows.shape[1] else centred, len(rows))


def moments_of_sums(count: int, total: Tensor, products: Tensor) -> Moments:
    """`moments` from sums over the pictures, which can be added up batch by batch.

    >>> rows = torch.tensor([[0.0, 1.0], [2.0, 1.0], [1.0, 4.0]], dtype=torch.float64)
    >>> moments_of_sums(3, rows.sum(0), rows.T @ rows).mean
    tensor([1., 2.], dtype=torch.float64)

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
    values of R1 R2^T, so the last trace is the sum of the singular values. That needs no root of a matrix and no
    complex numbers, and is exact with fewer pictures than features, too. Float64.

    >>> one = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]])
    >>> round(frechet(one, one + 3), 6)  # equal covariances: the squared distance of the means
    18.0

    Returns:
        0 or more, but for rounding; 0 for equal distributions, in squared units of the features.

    Source: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule", eq. 6.
    """
    a, b = (each if isinstance(each, Moments) else moments(each) for each in (one, other))
    shared = torch.linalg.svdvals(a.root @ b.root.T).sum()
    apart = (a.mean - b.mean).square().sum()
    return float(apart + a.root.square().sum() + b.root.square().sum() - 2 * shared)


def kernel_distance(one: Tensor, other: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy of features (N, D) and (M, D), with the kernel (x.y / D + 1)^3.

    >>> one = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> kernel_distance(one, one + 1) > 0
    True

    Returns:
        about 0 for equal distributions, more for others; below 0 is possible, as it is unbiased.

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

    >>> one = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> mean, deviation = kid(one, one + 1, subsets=3)  # subsets of all three
    >>> mean > 0, round(deviation, 9)
    (True, 0.0)

    Args:
        one, other: features (N, D), (M, D).
        subsets: how many are drawn.
        size: pictures in a subset, drawn without replacement; at most as many as the smaller set has.
        seed: of the draws.

    Returns:
        mean and standard deviation; the mean is about 0 for equal distributions and may be below.

    Raises:
        ValueError: a set has fewer than two pictures, or there is no subset.

    Source: Binkowski et al. 2018, section 4; 100 subsets of 1,000 in their code.
    """
    size = min(size, len(one), len(other))
    if size < 2 or subsets < 1:
        raise ValueError(
            f"kid: {subsets} subsets of {len(one)} and {len(other)} pictures; it takes at least 1 subset and 2 "
            "pictures in each set"
        )
    generator = torch.Generator().manual_seed(seed)

    def drawn(rows: Tensor) -> Tensor:
        return rows[torch.randperm(len(rows), generator=generator)[:size].to(rows.device)]

    distances = torch.tensor([kernel_distance(drawn(one), drawn(other)) for _ in range(subsets)], dtype=torch.float64)
    return float(distances.mean()), float(distances.std(correction=0))


def inception_score(logits: Tensor, splits: int = 10) -> tuple[float, float]:
    """Inception Score: exp of the mean divergence KL(p(y|x) || p(y)), its mean and deviation over consecutive splits.

    The score depends on the number of pictures: it cannot exceed the number in a split, and is too low where there are
    few. Scores of other numbers of pictures or splits do not compare.

    >>> sure = 200 * torch.eye(10).repeat(7, 1)  # every class as often, without doubt
    >>> round(inception_score(sure, splits=1)[0], 6)
    10.0
    >>> inception_score(sure.softmax(1))
    Traceback (most recent call last):
    ValueError: inception_score: these are probabilities, as every row adds up to 1; it takes the logits before softmax

    Args:
        logits: (N, K) before softmax, in the order of the pictures. Of TensorFlow's network without its bias, as in the
            first published code, PATN's, Deformable GAN's and torch-fidelity.
        splits: 10 in PATN and all that use its script, 1 in Multi-scale Attention Guided Pose Transfer.

    Returns:
        mean and standard deviation over the splits; the mean is 1 to K.

    Raises:
        ValueError: fewer pictures than splits, or probabilities in place of logits.

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", section 4.
    """
    count = len(logits)
    if splits < 1 or count < splits:
        raise ValueError(f"inception_score: {splits} splits of {count} pictures; it takes a picture for each split")
    if logits.ge(0).all() and torch.allclose(logits.sum(1), torch.ones_like(logits[:, 0]), rtol=0, atol=1e-3):
        raise ValueError(
            "inception_score: these are probabilities, as every row adds up to 1; it takes the logits before softmax"
        )
    log_p = logits.double().log_softmax(1)
    scores = []
    for k in range(splits):
        part = log_p[k * count // splits : (k + 1) * count // splits]  # (n, K)
        log_q = part.logsumexp(0) - torch.tensor(len(part), dtype=torch.float64, device=part.device).log()
        scores.append((part.exp() * (part - log_q)).sum(1).mean().exp())
    each = torch.stack(scores)
    return float(each.mean()), float(each.std(correction=0))
