"""PINet's runs: as released, as the text says, the ablations of Table 3, and a small one for the CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from repose.models.patn.discriminator import DiscriminatorConfig
from repose.models.pinet.network import PINetConfig
from repose.models.pinet.objective import PINetObjectiveConfig
from repose.models.small_recipe import small_recipe
from repose.recipes import DataConfig, OptimiserConfig, Recipe, ScheduleConfig

_EPOCH: Final = 4_000  # what the released code calls an epoch: random pairs, not a pass over the data
_BATCH: Final = 6
_ALONE: Final = (60 / 210, 120 / 210)  # 60K, 60K and 90K steps (3.4)


def official() -> Recipe:
    """Released code, DeepFashion: one joint run of 467K steps of 6 pairs at 176x256."""
    adam = OptimiserConfig(lr=2e-4, beta1=0.5, beta2=0.999)
    return Recipe(
        name="pinet-fashion",
        model="pinet",
        network=PINetConfig(initialisation="kaiming"),
        objective=PINetObjectiveConfig(first="discriminators"),
        canvas="fashion",
        data=DataConfig(batch=_BATCH, flip="none"),
        generator_optimiser=adam,
        discriminator_optimiser=adam,
        schedule=ScheduleConfig(kind="linear", hold=500 * _EPOCH),
        images=700 * _EPOCH,
        tick=100_000,
        notes="PINet as released for DeepFashion",
    )


def paper() -> Recipe:
    """The text: 60K steps of each generator alone, then 90K of both, falling from their 50,000th."""
    return replace(
        official(),
        name="pinet-paper",
        network=PINetConfig(layout="table", detach=False, pose="gaussian"),
        objective=PINetObjectiveConfig(
            adversarial="bce",
            combine="product",
            weight_perceptual=0.5,
            perceptual_layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
            weight_labels=1.0,
            alone=_ALONE,
            pose="gaussian",
            discriminator=DiscriminatorConfig(head=True),
        ),
        schedule=ScheduleConfig(kind="linear", hold=170_000 * _BATCH),
        images=210_000 * _BATCH,
        notes="PINet as the text has it, sections 3 and 3.4",
    )


def small() -> Recipe:
    """For two CPU cores at 128x88: half-size stems, one downsampling, the three stages."""
    return small_recipe(
        name="pinet-s",
        model="pinet",
        network=PINetConfig(width=32, layout="table", detach=False, pose="gaussian", sigma=6.0, stem="half", downs=1),
        objective=PINetObjectiveConfig(
            weight_adversarial=0.1,
            weight_perceptual=0.25,
            perceptual="mobilenet_v2",
            perceptual_layers=(),
            adversarial_from=1.0,
            weight_labels=1.0,
            alone=_ALONE,
            pose="gaussian",
            sigma=6.0,
            discriminator=DiscriminatorConfig(width=16, dropout=0.0),
        ),
        notes="ours: PINet cut down for the CPU",
    )


# -- ablations, section 4.3, Table 3 --------------------------------------------------------------------------------


def one_vanilla() -> Recipe:
    """One w/ VC: an image generator of plain convolutions, without parsing."""
    return _ablation("pinet-one-vanilla", stages=1, gated=False)


def two_vanilla() -> Recipe:
    """Two w/ VC: both generators, of plain convolutions."""
    return _ablation("pinet-two-vanilla", stages=2, gated=False)


def one_gated() -> Recipe:
    """One w/ GC: an image generator of gated convolutions, without parsing."""
    return _ablation("pinet-one-gated", stages=1, gated=True)


def without_adversarial() -> Recipe:
    """Full w/o adv."""
    base = paper()
    return replace(
        base,
        name="pinet-without-adversarial",
        objective=replace(base.objective, weight_adversarial=0.0),
        notes="ablation of PINet: no adversarial loss",
    )


def _ablation(name: str, stages: Literal[1, 2], gated: bool) -> Recipe:
    base = paper()
    if stages == 1:  # one stage of 150K steps, as many as the full model's image generator has
        schedule, objective = replace(base.schedule, hold=110_000 * _BATCH), replace(base.objective, alone=(0.0, 0.0))
        base = replace(base, images=150_000 * _BATCH, schedule=schedule, objective=objective)
    return replace(
        base,
        name=name,
        network=replace(base.network, stages=stages, gated=gated),
        notes=f"ablation of PINet: {stages} stage{'s' * (stages - 1)}, {'gated' if gated else 'plain'} convolutions",
    )
