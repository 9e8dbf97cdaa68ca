"""The multi-scale network of Roy et al. with skeletons of characters in place of heatmaps (section 4.5.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from repose.apps.fonts.glyphs import LETTERS
from repose.models.multiscale.network import Encoder, MultiScale, MultiScaleConfig, initialise

NAME: Final = "font-s"
"""The kind in the header of the weight file, and the name of its folder."""

Guide = Literal["skeleton", "letters"]
Colour = Literal["apart", "learned"]
CHANNELS: Final[Mapping[Guide, int]] = {"skeleton": 2, "letters": 2 * len(LETTERS)}


@dataclass(frozen=True)
class CharacterConfig:
    """Sizes of the network.

    Attributes:
        width, levels, tail, cap, norm: as in `MultiScaleConfig`, folded, with links at every level; the paper's network
            has 64, 4, 4, no cap and batch norm, at 256x256.
        guide: what tells the letters: "skeleton", one picture each for source and target; or "letters", without any
            skeleton: two planes that are 1 all over, of 26 each.
        colour: "learned", as in the paper: the network sees and draws colours. "apart": the ink is made black before
            the network, and what it draws gets the ink's colour again: a short training goes into shapes alone.
    """

    width: int = 12
    levels: int = 4
    tail: int = 2
    cap: int = 96
    norm: Literal["batch", "none"] = "batch"
    colour: Colour = "apart"
    guide: Guide = "skeleton"

    def network(self) -> MultiScaleConfig:
        """Of the network inside."""
        return MultiScaleConfig(
            width=self.width, levels=self.levels, tail=self.tail, cap=self.cap, fold=True, norm=self.norm
        )


class CharacterNetwork(nn.Module):
    """One character, the skeletons of source and target -> the target in the style of the source.

    The encoder of poses has one channel for a skeleton where people have 18 heatmaps; all else is `MultiScale`.
    """

    def __init__(self, config: CharacterConfig | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else CharacterConfig()
        inner = self.config.network()
        self.network = MultiScale(inner)
        self.network.pose_encoder = Encoder(inner, CHANNELS[self.config.guide], inner.levels)
        initialise(self.network)

    def forward(self, source: Tensor, skeletons: Tensor, letters: Tensor) -> Tensor:
        """Draw characters.

        Args:
            source: (B, 3, H, W) in [-1, 1]. skeletons: (B, 2, H, W), 0 or 1, source and target.
            letters: int64 (B, 2), 0 is A; read by the guide "letters" alone.

        Returns:
            (B, 3, H, W) in [-1, 1].
        """
        if self.config.guide == "letters":
            codes = F.one_hot(letters, len(LETTERS)).flatten(1).to(source.dtype)  # (B, 52)
            guide = codes[:, :, None, None].expand(-1, -1, *source.shape[-2:])
        else:
            guide = skeletons
        if self.config.colour == "learned":
            return self.network.synthesise(source, guide).image
        missing = 1 - ink_of(source)  # (B, 3, 1, 1): what the ink takes away from white, 0 to 2
        covered = ((1 - source) * missing).sum(1, keepdim=True) / missing.square().sum(1, keepdim=True)
        image = self.network.synthesise((1 - 2 * covered.clamp(0, 1)).expand_as(source), guide).image
        return 1 - (1 - image.mean(1, keepdim=True)) / 2 * missing


def ink_of(source: Tensor) -> Tensor:
    """The colour of the ink: of the pixel that differs most from white. (B, 3, H, W) in [-1, 1] -> (B, 3, 1, 1)."""
    place = (1 - source).square().sum(1).flatten(1).argmax(1)  # (B,)
    ink = source.flatten(2).gather(2, place[:, None, None].expand(-1, 3, 1))
    return ink[..., None].clamp(max=0.9)  # white on white would divide by 0


def as_header(config: CharacterConfig) -> dict[str, str]:
    """The header of a weight file."""
    return {"kind": NAME, "config": json.dumps(asdict(config))}


def built(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> CharacterNetwork:
    """The network of a weight file, in evaluation mode."""
    network = CharacterNetwork(CharacterConfig(**json.loads(header["config"])))
    network.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
    )
    return network.eval()
