"""Whether two pictures show the same person, by a network that re-identifies people: a loss with a gradient."""

from __future__ import annotations

from typing import Final, Literal, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import unset_fake_temporarily

from repose.hub.fetch import locate
from repose.hub.files import FILES
from repose.losses.frozen import FrozenNetworkTerm
from repose.names import nearest
from repose.nn.openvino_graph import OpenVinoGraph

IdentityNetwork = Literal["person-reidentification-retail-0288", "person-reidentification-retail-0277"]

NETWORKS: Final[tuple[str, ...]] = get_args(IdentityNetwork)

LEAST_SHOWN: Final = 0.02
"""The share of a picture that its person must take, at least; others do not count."""


class Identity(FrozenNetworkTerm):
    """1 less the cosine of the vectors of the generated and the true person, mean over the pictures.

    Both people are cut out by the mask of the true one and stand on grey, so nothing but the person counts. Whatever a
    model draws beyond the mask is not seen.

    Args:
        name: "person-reidentification-retail-0288", or "-0277", which is a network of twelve times the weights and the
            one that `repose research photographs` judges by: whoever trains by it reads that column with it in mind.
        network: takes the place of the one of the files: BGR pictures of grey levels, float (B, 3, h, w), -> a
            dictionary whose first entry is (B, D, ...); `input_shape` has h and w.

    Raises:
        ValueError: another name (names the nearest).

    Source: Zhou et al. 2019, "Omni-Scale Feature Learning for Person Re-Identification"; weights of Intel, Open Model
    Zoo 2023.0. Their vectors are compared by the cosine.
    """

    def __init__(
        self, name: IdentityNetwork = "person-reidentification-retail-0288", network: nn.Module | None = None
    ) -> None:
        super().__init__(network)
        if name not in NETWORKS:
            raise ValueError(f"Identity: no network '{name}'; {nearest(name, NETWORKS)}")
        self.name = name

    def forward(self, generated: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """The distance, a scalar in 0 to 2; 0 where no person is large enough. No gradient flows to target and mask.

        Args:
            generated, target: (B, 3, H, W) in [-1, 1]. mask: (B, 1, H, W) in [0, 1], of the true person; a picture
                whose person takes less than `LEAST_SHOWN` of it does not count.

        Raises:
            FileMissingError: a weight file is not here.
            ValueError: shapes that do not go together.
        """
        if generated.shape != target.shape or mask.shape != generated[:, :1].shape:
            raise ValueError(
                "Identity: two pictures (B, 3, H, W) and a mask (B, 1, H, W) are wanted, got "
                f"{tuple(generated.shape)}, {tuple(target.shape)} and {tuple(mask.shape)}"
            )
        mask = mask.detach()
        with torch.no_grad():
            wanted = self.vectors(target * mask)
        apart = 1 - (self.vectors(generated * mask) * wanted).sum(1)  # (B,)
        counts = (mask.mean((1, 2, 3)) >= LEAST_SHOWN).to(apart)
        return (apart * counts).sum() / counts.sum().clamp_min(1)

    def vectors(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> float32 (B, D), of length 1."""
        network = self.network(images.device)
        _, _, height, width = cast("tuple[int, ...]", network.input_shape)
        x = (images.flip(1) + 1) * 127.5  # BGR, grey levels
        if tuple(x.shape[2:]) != (height, width):
            x = F.interpolate(x, size=(height, width), mode="bilinear", align_corners=False, antialias=True)
        vectors = next(iter(network(x).values())).flatten(1)
        return F.normalize(vectors.float(), dim=1)

    def _read(self) -> nn.Module:
        return OpenVinoGraph(*(locate(FILES[f"{self.name}{ending}"]) for ending in (".xml", ".bin")))

    def _unread(self) -> nn.Module:
        with unset_fake_temporarily():  # its layers stand in the file alone: there is none without it
            return self._read()
