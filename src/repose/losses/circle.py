"""Circle loss with labels of classes (Sun et al. 2020, "Circle Loss: A Unified Perspective", eq. 4 and 5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def circle_loss(similarity: Tensor, labels: Tensor, margin: float = 0.25, scale: float = 64.0) -> Tensor:
    """The mean over the batch of log(1 + sum_j exp(g a_n (s_j - m)) exp(-g a_p (s_p - 1 + m))).

    s_p is the similarity to the own class, s_j to the others; a_p = [1 + m - s_p]+ and a_n = [s_j + m]+ are weights
    through which no gradient flows.

    Args:
        similarity: cosines between features and the vectors of the classes, (B, C).
        labels: int64 (B,).
        margin: m. scale: g (gamma).

    Returns:
        A scalar.
    """
    own = F.one_hot(labels, similarity.shape[1]).bool()
    weight = torch.where(own, 1 + margin - similarity, similarity + margin).detach().clamp_min(0)
    logits = scale * weight * (similarity - torch.where(own, 1 - margin, margin))
    return F.cross_entropy(logits, labels)  # with one positive, log(1 + sum exp(l_j - l_p)) is the cross entropy
