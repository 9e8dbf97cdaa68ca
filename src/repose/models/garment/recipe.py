"""Garment's runs: as HPN's section 4.4 has it, and a small one for the CPU."""

from __future__ import annotations

from dataclasses import replace

from repose.models.garment.network import LOWER, GarmentConfig
from repose.models.garment.objective import GarmentObjectiveConfig
from repose.models.small_recipe import small_recipe
from repose.recipes import DataConfig, OptimiserConfig, Recipe


def paper() -> Recipe:
    """The text at 256x176; where section 4.4 is silent, HPN's own optimiser (3.4) and one level's 700K steps, of 8."""
    return Recipe(
        name="garment",
        model="garment",
        canvas="fashion",
        network=GarmentConfig(),
        objective=GarmentObjectiveConfig(),
        data=DataConfig(batch=8, flip="none"),
        generator_optimiser=OptimiserConfig(lr=2e-4, beta1=0.9, beta2=0.999, weight_decay=5e-4),
        images=700_000 * 8,
        tick=100_000,
        notes="the garment flow network of HPN, section 4.4",
    )


def small() -> Recipe:
    """For two CPU cores at 128x88: a half-size stem and MobileNetV2 features."""
    return small_recipe(
        name="garment-s",
        model="garment",
        network=GarmentConfig(width=32, downs=2, stem="half", start="aligned"),
        objective=GarmentObjectiveConfig(perceptual="mobilenet_v2"),
        notes="ours: the garment flow network cut down for the CPU",
    )


def small_clothes() -> Recipe:
    """The small one for shirts, dresses, trousers and skirts, with a smooth flow that stays on the garment."""
    base = small()
    return replace(
        base,
        name="garment-s-clothes",
        network=replace(base.network, width=16, others=LOWER),
        objective=replace(base.objective, weight_l1=1.0, weight_inside=1.0, weight_smooth=0.5),
        images=9_000,
        ema=1_500,
        schedule=replace(base.schedule, warmup=400),
        tick=3_000,
        notes="ours: the garment flow network for a CPU, for clothes of the trunk and of the legs",
    )
