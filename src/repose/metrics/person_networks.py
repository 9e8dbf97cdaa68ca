"""Networks that look at a person: who it is (re-identification) and what the person wears or carries (attributes).

Both are of Intel's Open Model Zoo and run in torch (`repose.nn.openvino_graph`). They look at the whole picture, at the
size that they were trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.nn.openvino_graph import OpenVinoGraph

REIDENTIFICATION: Final = ("person-reidentification-retail-0277.xml", "person-reidentification-retail-0277.bin")
"""The network that compares people: OSNet, 2.1 million weights; 96.2 % rank-1 on Market-1501 as published."""

SMALL_REIDENTIFICATION: Final = (
    "person-reidentification-retail-0288.xml",
    "person-reidentification-retail-0288.bin",
)
"""A smaller one of the same design, 0.18 million weights."""

ATTRIBUTE_FILES: Final = (
    "person-attributes-recognition-crossroad-0230.xml",
    "person-attributes-recognition-crossroad-0230.bin",
)

ATTRIBUTES: Final = ("male", "bag", "backpack", "hat", "long sleeves", "long trousers", "long hair", "coat")
"""What the network of attributes gives a probability of, in its order."""

CLEAR: Final = 0.2
"""An attribute is clear on a picture if its probability is at most this, or at least 1 less this."""


_SEEN: Final[dict[str, dict[tuple[str, bytes], Tensor]]] = {}
"""File and device -> `PersonNetwork.seen`. It is small, and an evaluation loads the network anew for each model."""


class PersonNetwork:
    """A network of people on single pictures, as `repose.metrics.picture_networks.PictureNetwork`.

    Args:
        graph: takes BGR pictures of grey levels, float32 (B, 3, h, w).
        device: where it computes.

    Attributes:
        batch: pictures that are fastest together.
        seen: what it said of real pictures, for whoever keeps it: the same for every network of this file and device.
    """

    def __init__(self, graph: OpenVinoGraph, device: torch.device) -> None:
        moved: OpenVinoGraph = graph.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs
        self.graph, self.device = moved, device
        self.batch = 8 if device.type == "cpu" else 64
        self.seen = _SEEN.setdefault(f"{graph.origin} {device}", {})

    @torch.no_grad()
    def outputs(self, pictures: Tensor) -> Tensor:
        """uint8 (B, 3, H, W), RGB -> the first result of the graph, float32 (B, D), on the CPU."""
        size = self.graph.input_shape[2:]
        x = pictures.to(self.device).float().flip(1)
        if tuple(x.shape[2:]) != tuple(size):
            x = F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
        # always so many pictures: how a matrix product adds up depends on its size, by about 1e-9
        x = F.pad(x, (0, 0, 0, 0, 0, 0, 0, max(0, self.batch - len(x)))).contiguous(memory_format=torch.channels_last)
        results: dict[str, Tensor] = self.graph(x)
        return results[self.graph.outputs[0]].flatten(1)[: len(pictures)].float().cpu()


def person_network(files: Sequence[str], device: torch.device) -> PersonNetwork:
    """The network of an .xml and its .bin. ValueError if they are of another kind of network."""
    return PersonNetwork(OpenVinoGraph(*files), device)


def attributes_kept(picture: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
    """The share of the reference's clear attributes that the picture has too, and which pairs count.

    An attribute is clear if the network gives it at most `CLEAR` or at least 1 - `CLEAR` on the reference. It is kept
    if it lies on the same side of 0.5 on the picture.

    >>> reference = torch.tensor([[0.9, 0.1, 0.5], [0.5, 0.4, 0.6]])
    >>> attributes_kept(torch.tensor([[0.7, 0.8, 0.9], [0.1, 0.1, 0.1]]), reference)
    (tensor([0.5000, 0.0000], dtype=torch.float64), tensor([1., 0.], dtype=torch.float64))

    Args:
        picture, reference: probabilities of the attributes, (B, D), 0 to 1.

    Returns:
        the share, 0 to 1, and 1 where the reference has a clear attribute, else 0; float64 (B,) each.
    """
    clear = (reference - 0.5).abs() >= 0.5 - CLEAR
    kept = clear & ((picture >= 0.5) == (reference >= 0.5))
    count = clear.sum(1).double()
    return kept.sum(1).double() / count.clamp_min(1), (count > 0).double()
