"""Clothes of one person on another, by the image generator alone (section 3.5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from repose.models.pinet.network import PINet
from repose.models.pinet.network import labels as one_hot_labels
from repose.names import nearest
from repose.person import Person
from repose.represent.parsing import PINET_LABELS


@torch.no_grad()
def transfer_texture(
    generator: PINet, source: Person, condition: Person, labels: Sequence[str] = ("upper clothes",)
) -> Tensor:
    """The source's picture with the body parts `labels` in the texture that they have in the condition's, eq. 11.

    The guide is the source's true labels, as in the paper's image stage; released weights know generated maps only.

    Args:
        source: batched, with image, keypoints and parsing. condition: with image and parsing; its pose is not read.
        labels: of `PINET_LABELS`.

    Returns:
        (B, 3, H, W) in [-1, 1]; outside the parts it is the source's picture.

    Raises:
        ValueError: an unknown label, a missing field, or a network of one stage.
    """
    for label in labels:
        if label not in PINET_LABELS:
            raise ValueError(f"transfer_texture: no label '{label}'; {nearest(label, PINET_LABELS)}")
    if generator.config.stages == 1:
        raise ValueError("transfer_texture: a PINet of one stage reads no labels; use one with network.stages=2")
    if condition.image is None or condition.parsing is None:
        raise ValueError("transfer_texture needs condition.image and condition.parsing; one is missing")
    generator.check(source, source)
    if condition.size != source.size:
        raise ValueError(f"source {source.size} and condition {condition.size} must share a canvas (H, W)")
    image, _, pose, wanted = generator.encode(source, source)[:4]
    painted = generator.paint(condition.image, one_hot_labels(condition), wanted, pose)  # (B, 3, H, W)
    place = wanted[:, [PINET_LABELS.index(label) for label in labels]].sum(1, keepdim=True)  # (B, 1, H, W)
    return image * (1 - place) + painted * place
