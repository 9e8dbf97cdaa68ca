"""What the small presets share: a run for two CPU cores, the same for every system that has no reason to differ."""

from __future__ import annotations

from typing import Any

from repose.recipes import DataConfig, OptimiserConfig, Recipe, ScheduleConfig


def small_recipe(
    name: str, model: str, network: Any, objective: Any, notes: str, canvas: str = "fashion-small"
) -> Recipe:
    """60,000 images in small batches of both directions: a run this short is limited by its number of steps."""
    return Recipe(
        name=name,
        model=model,
        network=network,
        objective=objective,
        canvas=canvas,
        data=DataConfig(batch=4, flip="mirror", both_directions=True),
        generator_optimiser=OptimiserConfig(lr=1e-3, beta1=0.5, beta2=0.99, weight_decay=0.01),
        discriminator_optimiser=OptimiserConfig(lr=2e-4, beta1=0.5, beta2=0.99),
        schedule=ScheduleConfig(kind="cosine", warmup=1_000),
        images=60_000,
        ema=10_000,
        tick=10_000,
        notes=notes,
    )
