"""Body warp's runs, on rendered people."""

from __future__ import annotations

from dataclasses import replace

from repose.data.augment_config import AugmentConfig
from repose.models.bodywarp.network import BodyWarpConfig
from repose.models.bodywarp.objective import BodyWarpObjectiveConfig
from repose.recipes import DataConfig, OptimiserConfig, Recipe, ScheduleConfig

CHANGES = AugmentConfig(
    jitter=0.012, outlier=0.02, swap=0.01, drop=0.02, drop_limb=0.01, drop_face=0.02,
    scale=0.15, shift=0.04, rotate=4.0, moved=0.3,
    brightness=0.15, contrast=0.15, gamma=0.1, saturation=0.5, hue=180.0, temperature=0.08,
    occlude=0.2, lowres=0.3, lowres_least=0.35, noise=0.1, noise_most=0.03, jpeg=0.2,
)  # fmt: skip
"""Joints with errors such as an estimator makes, other framings, other light, things before the person, and faults."""


def small() -> Recipe:
    """For two CPU cores, at 256x176."""
    return Recipe(
        name="bodywarp-s",
        model="bodywarp",
        canvas="fashion",
        network=BodyWarpConfig(),
        objective=BodyWarpObjectiveConfig(),
        data=DataConfig(batch=2, flip="mirror", both_directions=True, augment=CHANGES),
        generator_optimiser=OptimiserConfig(lr=6e-4, beta1=0.9, beta2=0.99, weight_decay=0.01),
        schedule=ScheduleConfig("cosine", warmup=1_000),
        images=600_000,
        ema=3_000,
        clip=1.0,
        tick=5_000,
        notes="ours, for a CPU",
    )


def base() -> Recipe:
    """For a GPU, at 256x176."""
    run = small()
    return replace(
        run,
        name="bodywarp",
        network=BodyWarpConfig(width=96, depth=3, heads=8),
        data=replace(run.data, batch=16),
        generator_optimiser=replace(run.generator_optimiser, lr=4e-4),
        images=2_000_000,
        ema=20_000,
        tick=50_000,
        precision="bf16-mixed",
        notes="ours, for a GPU; never trained so far",
    )
