"""Recipes of the multi-scale network: official code, paper, ablation, and a small one for the CPU."""

from __future__ import annotations

from dataclasses import replace

from repose.models.multiscale.network import Links, MultiScaleConfig
from repose.models.multiscale.objective import MultiScaleObjectiveConfig
from repose.recipes import DataConfig, OptimiserConfig, Recipe, ScheduleConfig

_ADAM = OptimiserConfig(lr=1e-3, beta1=0.5, beta2=0.999)


def official() -> Recipe:
    """What the released code does: least squares, batch-rescaled VGG19 features, 270,000 steps of 8."""
    return Recipe(
        name="multiscale-fashion",
        model="multiscale",
        canvas="fashion-square",
        network=MultiScaleConfig(),
        objective=MultiScaleObjectiveConfig(),
        data=DataConfig(batch=8),
        generator_optimiser=_ADAM,
        discriminator_optimiser=_ADAM,
        images=270_000 * 8,
        tick=40_000,
        notes="Roy et al., section 3.4, and the released code; DeepFashion 176x256 on white 256x256",
    )


def paper() -> Recipe:
    """What the text says: as `official`, but cross-entropy, ImageNet's statistics, and seen joints alone."""
    objective = MultiScaleObjectiveConfig(adversarial="bce", rescale="imagenet")
    network = MultiScaleConfig(occluded="left_out")
    return replace(
        official(), name="multiscale-paper", network=network, objective=objective, notes="Roy et al., section 3"
    )  # fmt: skip


def ablation(links: Links) -> Recipe:
    """A row of Table 3: `official` for 125,000 steps of 8, with these links ("full" is the row FULL)."""
    names = {"none": "a0", "lowest": "a1-lr", "highest": "a1-hr", "full": "full"}
    return replace(
        official(),
        name=f"multiscale-{names[links]}",
        network=MultiScaleConfig(links=links),
        images=125_000 * 8,
        notes="Roy et al., section 4.3, Table 3",
    )


def full() -> Recipe:
    """Ablation FULL: links at every level; `official` at the length of the other rows."""
    return ablation("full")


def a0() -> Recipe:
    """Ablation A0: no attention links."""
    return ablation("none")


def a1_lr() -> Recipe:
    """Ablation A1-LR: one link, at the lowest resolution."""
    return ablation("lowest")


def a1_hr() -> Recipe:
    """Ablation A1-HR: one link, at the highest resolution."""
    return ablation("highest")


def small() -> Recipe:
    """The same network small enough for a CPU, at 128x64: folded stem, fewer features, no adversarial term.

    Four pairs in both directions are the paper's batch of 8: with few images to go, the number of steps counts.
    """
    return Recipe(
        name="multiscale-s",
        model="multiscale",
        network=MultiScaleConfig(width=16, cap=160, fold=True, pose="gaussian", sigma=4.0),
        objective=MultiScaleObjectiveConfig(
            gan=0.0,  # gan=0.1 adds the discriminator in the last half of the run
            perceptual=0.5,
            backbone="mobilenet_v2",
            rescale="imagenet",
            adversarial_from=0.5,
            discriminator_width=16,
        ),
        data=DataConfig(batch=4, flip="mirror", both_directions=True),
        generator_optimiser=OptimiserConfig(lr=1e-3, beta1=0.9, beta2=0.99),
        discriminator_optimiser=OptimiserConfig(lr=2e-4),
        schedule=ScheduleConfig("cosine", warmup=1_000),
        images=60_000,
        ema=10_000,
        clip=1.0,
        tick=5_000,
        notes="ours: Roy et al. cut down for the CPU",
    )


def parsing() -> Recipe:
    """Conditional semantic reconstruction (section 4.5.1): label maps in place of joints, 65,000 steps of 8."""
    return replace(
        official(),
        name="multiscale-parsing-fashion",
        network=MultiScaleConfig(pose="parsing"),
        images=65_000 * 8,
        notes="Roy et al., section 4.5.1, and the released code's settings",
    )


def parsing_small() -> Recipe:
    """The same, small enough for a CPU, at 128x88 on white 128x96.

    `small` with label maps and a first picture of mean colours, which the picture's encoder reads, too (`guided`). In
    the published network all colours pass the smallest maps and meet the label maps at the links alone: to learn
    that takes more pictures than one core shows in an hour.
    """
    run = small()
    return replace(
        run,
        name="multiscale-parsing-s",
        canvas="fashion-half",
        network=replace(run.network, pose="parsing", guided=True),
        data=replace(run.data, batch=2),
        images=20_000,
        ema=2_000,
        precision="bf16-everywhere",
        tick=2_000,
        notes="ours: Roy et al., section 4.5.1, cut down for the CPU",
    )
