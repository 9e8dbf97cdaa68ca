"""Weights before training."""

from __future__ import annotations

from torch import nn


def initialise_kaiming(module: nn.Module) -> None:
    """Convolutions N(0, 2 / inputs of a unit), as He et al. 2015; batch norms as `initialise_normal`; for `apply`.

    Source: the default of the released code of PINet, in which 0.02 belongs to the kind "normal" alone.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, a=0, mode="fan_in")
    else:
        initialise_normal(module)


def initialise_normal(module: nn.Module) -> None:
    """Convolutions N(0, 0.02), gains of batch norms N(1, 0.02), their offsets 0; for `network.apply`.

    Biases of convolutions stay as PyTorch draws them. Source: Radford et al. 2016 (DCGAN), and the released code of
    PATN.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
