"""Distances between two sets of features: Frechet's and the kernel distance."""

from __future__ import annotations

import torch
from torch import Tensor


def frechet(one: Tensor, other: Tensor) -> float:
    """Frechet distance of the two normal distributions with the means and covariances of (N, D) and (M, D).

    |m1 - m2|^2 + tr C1 + tr C2 - 2 tr (C1 C2)^(1/2). With C = R^T R of the QR decomposition of the centred rows, the
    eigenvalues of C1 C2 are the squared singular values of R1 R2^T, so the last trace is their sum: no root of a
    matrix, nothing complex, exact also where there are fewer pictures than features. Float64.
    """
    (mean_one, root_one), (mean_other, root_other) = _moments(one), _moments(other)
    shared = torch.linalg.svdvals(root_one @ root_other.T).sum()
    apart = (mean_one - mean_other).square().sum()
    return float(apart + root_one.square().sum() + root_other.square().sum() - 2 * shared)


def kernel_distance(one: Tensor, other: Tensor) -> float:
    """Unbiased squared MMD of (N, D) and (M, D) with the kernel (x.y / D + 1)^3, as KID has it; may be below 0."""
    one, other = one.double(), other.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: Tensor) -> Tensor:
        table = kernel(x, x)
        return (table.sum() - table.diagonal().sum()) / (len(x) * (len(x) - 1))

    return float(within(one) + within(other) - 2 * kernel(one, other).mean())


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and R (min(N, D), D) with R^T R the covariance."""
    rows = rows.double()
    mean = rows.mean(0)
    centred = (rows - mean) / (len(rows) - 1) ** 0.5
    return mean, torch.linalg.qr(centred, mode="r")[1] if len(rows) > rows.shape[1] else centred
