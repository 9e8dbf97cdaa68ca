"""HPN's runs: the text's four modes at 1024x1024, one at 256x256, and a small one for the CPU."""

from __future__ import annotations

from dataclasses import replace

from repose.models.hpn.network import HPNConfig
from repose.models.hpn.objective import HPNObjectiveConfig
from repose.models.small_recipe import small_recipe
from repose.recipes import DataConfig, OptimiserConfig, Recipe

_LEVEL = 700_000  # iterations (3.4)


def paper() -> Recipe:
    """LD + PT: grown from 64 to 1024 with local descriptors; a batch of one, for which 24 GB are enough."""
    return Recipe(
        name="hpn",
        model="hpn",
        network=HPNConfig(),
        objective=HPNObjectiveConfig(),
        canvas="fashion-square-1024",
        data=DataConfig(batch=1, flip="none"),
        generator_optimiser=OptimiserConfig(lr=2e-4, beta1=0.9, beta2=0.999, weight_decay=5e-4, decay="l2"),
        images=5 * _LEVEL,
        tick=50_000,
        notes="HPN as the text has it, LD + PT: local descriptors, progressive training",
    )


def progressive() -> Recipe:
    """PT: grown, without local descriptors (Table 1)."""
    base = paper()
    objective = replace(base.objective, descriptors=())
    return replace(base, name="hpn-pt", objective=objective, notes="HPN, progressive training alone (Table 1)")


def local() -> Recipe:
    """LD: 44 local descriptors, the whole network at full size from the start, as long as the others (Table 1)."""
    base = paper()
    return replace(
        base,
        name="hpn-ld",
        network=replace(base.network, trained=1),
        objective=replace(base.objective, shares=(1.0,), descriptors=(44,)),
        notes="HPN, local descriptors alone (Table 1)",
    )


def baseline() -> Recipe:
    """Neither: the whole network at full size from the start, no local descriptors (Table 1)."""
    base = local()
    objective = replace(base.objective, descriptors=())
    return replace(base, name="hpn-baseline", objective=objective, notes="HPN's baseline (Table 1)")


def fashion() -> Recipe:
    """LD + PT at 256x256, three levels: DeepFashion, at the size of the works that the text compares with."""
    base = paper()
    return replace(
        base,
        name="hpn-fashion",
        network=replace(base.network, levels=3, trained=3),
        objective=replace(base.objective, shares=(1.0, 1.0, 1.0), descriptors=(18, 18, 31)),
        canvas="fashion-square",
        data=replace(base.data, batch=8),
        images=3 * _LEVEL * 8,
        tick=200_000,
        notes="HPN up to 256x256",
    )


def small() -> Recipe:
    """For two CPU cores at 128x88, LD + PT: 32, 64 and 128 rows."""
    return small_recipe(
        name="hpn-s",
        model="hpn",
        network=HPNConfig(width=160, levels=3, trained=3, sigma=1.6),
        objective=HPNObjectiveConfig(
            shares=(1.0, 1.0, 1.0),
            descriptors=(18, 31, 44),
            weight_perceptual=0.25,
            weight_pixels=1.0,
            weight_local=0.02,
            perceptual="mobilenet_v2",
        ),
        notes="ours: HPN cut down for the CPU",
    )
