"""Carry's runs: small and base, on rendered people at 256x176, at half of it, and on Market-1501."""

from __future__ import annotations

from dataclasses import replace

from repose.models.carry.network import CarryConfig
from repose.models.carry.objective import CarryObjectiveConfig
from repose.recipes import DataConfig, OptimiserConfig, Recipe, ScheduleConfig


def small() -> Recipe:
    """For two CPU cores, at 128x64 or 128x88: the network works on the picture as it is."""
    return Recipe(
        name="carry-s",
        model="carry",
        network=CarryConfig(),
        objective=CarryObjectiveConfig(structure=0.5),
        data=DataConfig(batch=4, flip="mirror", both_directions=True),
        generator_optimiser=OptimiserConfig(lr=8e-4, beta1=0.9, beta2=0.99, weight_decay=0.01),
        discriminator_optimiser=OptimiserConfig(lr=4e-4, beta1=0.0, beta2=0.99),
        schedule=ScheduleConfig("cosine", warmup=1_000),
        images=60_000,
        ema=5_000,
        clip=1.0,
        tick=5_000,
        notes="ours, for a CPU",
    )


def small_fashion() -> Recipe:
    """The small network at 256x176: it works on half of that and carries the rest along its flow."""
    base = small()
    return replace(
        base,
        name="carry-s-fashion",
        canvas="fashion",
        objective=replace(base.objective, full=0.5),
        notes="ours, for a CPU; begin from weights of carry-s",
    )


def base() -> Recipe:
    """For a GPU, at 256x176 in its own size."""
    base = small()
    return replace(
        base,
        name="carry",
        canvas="fashion",
        network=CarryConfig(width=72, depth=3, match=64, heads=8, height=256),
        objective=replace(base.objective, gan=0.02, focus=2.0),
        data=replace(base.data, batch=16),
        generator_optimiser=replace(base.generator_optimiser, lr=4e-4),
        images=1_000_000,
        ema=20_000,
        tick=50_000,
        precision="bf16-mixed",
        notes="ours, for a GPU; never trained so far",
    )
