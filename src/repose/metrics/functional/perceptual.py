"""Distances and similarities of the features that a network has of two pictures: one number for each pair."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from repose.nn.lpips import distance_maps


def lpips(one: Mapping[str, Tensor], other: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Tensor:
    """LPIPS: squared differences of unit vectors, weighted by channel, mean over the picture, sum over the taps.

    `repose.metrics.network_metric("lpips_alex", ...)` takes pictures in place of features.

    >>> one = {"conv1": torch.tensor([1.0, 0.0]).view(1, 2, 1, 1)}
    >>> other = {"conv1": torch.tensor([0.0, 5.0]).view(1, 2, 1, 1)}
    >>> lpips(one, other, {"conv1": torch.tensor([0.25, 0.5])})
    tensor([0.7500], dtype=torch.float64)

    Args:
        one, other: tap -> features after ReLU (B, C, H, W) of the two pictures.
        weights: tap -> learnt weights (C,), 0 or more; its taps are the ones that are compared.

    Returns:
        float64 (B,), 0 or more, 0 for equal pictures.

    Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", eq. 1; version
    0.1 with its eps of 1e-10 beside the length.
    """
    maps = distance_maps(one, other, weights)
    return torch.stack([apart.double().mean((1, 2)) for apart in maps.values()]).sum(0)


def detection_score(scores: Tensor, floor: float = 0.0) -> Tensor:
    """Detection score: the highest confidence with which a detector finds a person, 0 if it finds none.

    Suppressing overlapping boxes never removes the best one, so the scores of all places are enough.

    >>> detection_score(torch.tensor([[0.1, 0.7, 0.3], [0.005, 0.009, 0.001]]), floor=0.01)
    tensor([0.7000, 0.0000], dtype=torch.float64)

    Args:
        scores: (B, places), confidence of the class person, 0 to 1, at every place where a detector looks.
        floor: a lower confidence counts as no person.

    Returns:
        float64 (B,), 0 to 1.

    Raises:
        ValueError: a confidence lies outside of 0 to 1.

    Source: Siarohin et al. 2018, "Deformable GANs for Pose-based Human Image Generation" (SSD300-VGG16 trained on
    PASCAL VOC, so PATN and Dense Pose Transfer); Multi-scale Attention Guided Pose Transfer took NVIDIA's SSD300 on
    ResNet-50, trained on COCO. Scores of different detectors do not compare.
    """
    if scores.numel() and not (float(scores.min()) >= 0 and float(scores.max()) <= 1):
        raise ValueError(
            f"detection_score: confidences are 0 to 1, got {float(scores.min()):g} to {float(scores.max()):g}; "
            "scores of a network before softmax or sigmoid are none"
        )
    best = scores.double().amax(1)
    return torch.where(best > floor, best, 0.0)


def consistency(one: Tensor, other: Tensor) -> Tensor:
    """Cosine of the features (B, D) of two pictures of a person, or of a garment.

    >>> consistency(torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 1.0]])).round(decimals=6)
    tensor([1., 0.], dtype=torch.float64)

    Returns:
        float64 (B,), -1 to 1; 1 for equal features, 0 where one of them is a vector of zeros.
    """
    return torch.cosine_similarity(one.double(), other.double(), dim=1)
