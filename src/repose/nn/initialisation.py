"""Weights before training."""

from __future__ import annotations

from torch import nn


def initialise_normal(module: nn.Module) -> None:
    """Convolutions N(0, 0.02), gains of batch norms N(1, 0.02), their offsets 0; for `network.apply`.

    Biases of convolutions stay as PyTorch draws them. Source: Radford et al. 2016 (DCGAN), and the released code of
    PATN and PINet.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
