"""PATN's discriminator of appearance and of shape (section 3.4), which APATN and PINet train against too.

Each place where the text and the released code differ is an option of `DiscriminatorConfig`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from repose.models.patn.network import Norm, ResidualBlock, make_norm


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Sizes and variants of both discriminators; the defaults are the released DeepFashion ones.

    Attributes:
        width: channels at the size of the picture; two downsamplings double them twice.
        blocks: residual blocks after them.
        norm: as in `PATNConfig`.
        slope: of LeakyReLU; 0 is the ReLU of the released code, 0.2 the text.
        dropout: rate inside the residual blocks.
        head: end in a 1x1 convolution to one score a place (the text's score); the released code scores every one
            of the last 256 channels.
    """

    width: int = 64
    blocks: int = 3
    norm: Norm = "instance"
    slope: float = 0.0
    dropout: float = 0.5
    head: bool = False


class Discriminator(nn.Module):
    """A picture beside its source (appearance) or its pose (shape) -> raw scores at a quarter of the size (3.4)."""

    def __init__(self, channels: int, config: DiscriminatorConfig = DiscriminatorConfig()) -> None:
        super().__init__()
        bias = config.norm == "instance"
        self.activation = nn.LeakyReLU(config.slope) if config.slope else nn.ReLU()
        widths = [config.width, 2 * config.width, 4 * config.width]
        self.stem = nn.Conv2d(channels, widths[0], 7, padding=3, bias=bias, padding_mode="reflect")
        self.stem_norm = make_norm(config.norm, widths[0])
        self.downs = nn.ModuleList(
            nn.Conv2d(widths[i], widths[i + 1], 3, stride=2, padding=1, bias=bias) for i in range(2)
        )
        self.down_norms = nn.ModuleList(make_norm(config.norm, widths[i + 1]) for i in range(2))
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(widths[2], config.norm, config.dropout, "reflect", config.slope)
                for _ in range(config.blocks)
            )
        )
        self.head = nn.Conv2d(widths[2], 1, 1) if config.head else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, 6 or 21, H, W) -> (B, 256, H/4, W/4), or (B, 1, H/4, W/4) with a head; no sigmoid."""
        x = self.activation(self.stem_norm(self.stem(x)))  # (B, 64, H, W)
        for conv, norm in zip(self.downs, self.down_norms, strict=True):
            x = self.activation(norm(conv(x)))  # (B, 256, H/4, W/4) at the end
        x = self.blocks(x)
        out: Tensor = self.head(x)
        return out
