"""PATN's runs: as released for both data sets, as the text says, the ablations, and a small one for the CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from repose.models.patn.discriminator import DiscriminatorConfig
from repose.models.patn.network import PATNConfig
from repose.models.patn.objective import PATNObjectiveConfig
from repose.models.small_recipe import small_recipe
from repose.recipes import DataConfig, OptimiserConfig, Recipe, ScheduleConfig

_EPOCH = 4_000  # what the released code calls an epoch: random pairs, not a pass over the data


def official_market() -> Recipe:
    """Released code, Market-1501: 87.5K steps of 32 pairs at 64x128."""
    adam = OptimiserConfig(lr=2e-4, beta1=0.5, beta2=0.999)
    return Recipe(
        name="patn-market",
        model="patn",
        network=PATNConfig(norm="batch", pose="gaussian", sigma=6.0),
        objective=PATNObjectiveConfig(
            adversarial="bce",
            weight_adversarial=5.0,
            weight_l1=10.0,
            weight_perceptual=10.0,
            pool=50,
            pose="gaussian",
            sigma=6.0,
            discriminator=DiscriminatorConfig(norm="batch"),
        ),
        data=DataConfig(batch=32, flip="none"),
        generator_optimiser=adam,
        discriminator_optimiser=adam,
        schedule=ScheduleConfig(kind="linear", hold=500 * _EPOCH),
        images=700 * _EPOCH,
        tick=100_000,
        notes="PATN as released for Market-1501",
    )


def official_fashion() -> Recipe:
    """Released code, DeepFashion: 400K steps of 7 pairs at 176x256."""
    return replace(
        official_market(),
        name="patn-fashion",
        canvas="fashion",
        network=PATNConfig(),
        objective=PATNObjectiveConfig(),
        data=DataConfig(batch=7, flip="none"),
        notes="PATN as released for DeepFashion",
    )


def paper() -> Recipe:
    """The text, with the released batch of 32 where it is silent: 90K steps, falling from the 60,000th."""
    return replace(
        official_market(),
        name="patn-paper",
        network=PATNConfig(decoder="bilinear", pose="gaussian", sigma=6.0),
        objective=PATNObjectiveConfig(
            adversarial="bce",
            combine="product",
            pose="gaussian",
            sigma=6.0,
            discriminator=DiscriminatorConfig(slope=0.2, dropout=0.0, head=True),
        ),
        schedule=ScheduleConfig(kind="linear", hold=60_000 * 32),
        images=90_000 * 32,
        notes="PATN as the text has it, sections 3 and 3.5",
    )


def small() -> Recipe:
    """For two CPU cores at 64x128: a half-size stem and five PATBs.

    Batch norm and a small batch: a run this short is limited by its number of steps, not by the noise of one.
    """
    return small_recipe(
        name="patn-s",
        model="patn",
        network=PATNConfig(
            width=32,
            blocks=5,
            norm="batch",
            dropout=0.0,
            pose="gaussian",
            sigma=6.0,
            stem="half",
            downs=1,
            padding="zeros",
            decoder="bilinear",
        ),
        objective=PATNObjectiveConfig(
            adversarial="lsgan",
            weight_adversarial=0.1,
            weight_l1=1.0,
            weight_perceptual=0.25,
            perceptual="mobilenet_v2",
            perceptual_layers=(),
            adversarial_from=1.0,
            pose="gaussian",
            sigma=6.0,
            discriminator=DiscriminatorConfig(width=16, dropout=0.0),
        ),
        canvas="market",
        notes="ours: PATN cut down for the CPU",
    )


# -- ablations, sections 4.4.1 and 4.4.2, on Market-1501 ------------------------------------------------------------


def blocks_5() -> Recipe:
    """5 PATBs (Table 4)."""
    return _ablation("patn-market-5", blocks=5)


def blocks_13() -> Recipe:
    """13 PATBs (Table 4)."""
    return _ablation("patn-market-13", blocks=13)


def without_add() -> Recipe:
    """PATB without the addition of eq. 3 (Table 5)."""
    return _ablation("patn-market-without-add", block="patb-without-add")


def without_cat() -> Recipe:
    """PATB without the concatenation of eq. 4 (Table 5)."""
    return _ablation("patn-market-without-cat", block="patb-without-cat")


def resnet_5() -> Recipe:
    """ResNet generator, 5 blocks (Table 4)."""
    return _ablation("patn-market-resnet-5", blocks=5, block="resnet")


def resnet_9() -> Recipe:
    """ResNet generator, 9 blocks (Table 4)."""
    return _ablation("patn-market-resnet-9", blocks=9, block="resnet")


def resnet_13() -> Recipe:
    """ResNet generator, 13 blocks (Table 4)."""
    return _ablation("patn-market-resnet-13", blocks=13, block="resnet")


def _ablation(
    name: str,
    blocks: int = 9,
    block: Literal["patb", "patb-without-add", "patb-without-cat", "resnet"] = "patb",
) -> Recipe:
    base = official_market()
    network = replace(base.network, blocks=blocks, block=block)
    return replace(base, name=name, network=network, notes=f"ablation of PATN on Market-1501: {block}, {blocks} blocks")
