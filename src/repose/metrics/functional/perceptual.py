"""Distances and likenesses of what a network saw in pictures: one number for each pair."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


def lpips(one: Mapping[str, Tensor], other: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Tensor:
    """LPIPS: squared differences of unit vectors, weighted by channel, mean over the picture, sum over the taps.

    Args:
        one, other: tap -> features after ReLU (B, C, H, W) of the two pictures.
        weights: tap -> learnt weights (C,); they say which taps count.

    Returns:
        float64 (B,), 0 for equal pictures.

    Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", eq. 1; version
    0.1 with its eps of 1e-10 beside the length.
    """
    parts = []
    for tap, weight in weights.items():
        apart = (unit(one[tap]) - unit(other[tap])).square()  # (B, C, H, W)
        parts.append(torch.einsum("bchw,c->bhw", apart, weight.to(apart)).double().mean((1, 2)))
    return torch.stack(parts).sum(0)


def unit(features: Tensor) -> Tensor:
    """(B, C, H, W) with vectors of length 1 along C; a vector of zeros stays."""
    return features / (features.square().sum(1, keepdim=True).sqrt() + 1e-10)


def detection_score(scores: Tensor, floor: float = 0.0) -> Tensor:
    """Detection score: the highest confidence with which a detector finds a person, 0 if it finds none.

    Suppressing overlapping boxes never removes the best one, so the scores of all places are enough.

    Args:
        scores: (B, places), confidence of the class person at every place a detector looks at.
        floor: below it nothing counts as found.

    Returns:
        float64 (B,), 0 to 1.

    Source: Siarohin et al. 2018, "Deformable GANs for Pose-based Human Image Generation" (SSD300-VGG16 trained on
    PASCAL VOC, so PATN and Dense Pose Transfer); Multi-scale Attention Guided Pose Transfer took NVIDIA's SSD300 on
    ResNet-50, trained on COCO. Scores of different detectors do not compare.
    """
    best = scores.double().amax(1)
    return torch.where(best > floor, best, 0.0)


def consistency(one: Tensor, other: Tensor) -> Tensor:
    """Cosine of the features (B, D) of two pictures of a person, or of a garment: float64 (B,), 1 for equal ones.

    0 where one of them is a vector of zeros.
    """
    return torch.cosine_similarity(one.double(), other.double(), dim=1)
