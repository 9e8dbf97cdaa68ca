"""Dense Pose Transfer's runs: as the text says, each row of its Tables 3, 4, 5 and 7, and a small one for the CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from repose.models.densepose.network import DensePoseConfig, Pose
from repose.models.densepose.objective import DensePoseObjectiveConfig
from repose.models.densepose.warping import InpaintingConfig
from repose.models.small_recipe import small_recipe
from repose.recipes import DataConfig, OptimiserConfig, Recipe

_EPOCH = 140_110  # DeepFashion's training pairs in the text


def paper() -> Recipe:
    """The text, DeepFashion: 40 epochs of 140,110 pairs, 8 a step, at 256x256; all four terms."""
    adam = OptimiserConfig(lr=2e-4, beta1=0.5, beta2=0.999)
    return Recipe(
        name="densepose-fashion",
        model="densepose",
        canvas="fashion-square",
        network=DensePoseConfig(),
        objective=DensePoseObjectiveConfig(),
        data=DataConfig(batch=8, flip="none"),
        generator_optimiser=adam,
        discriminator_optimiser=adam,
        images=40 * _EPOCH,
        tick=100_000,
        notes="Dense Pose Transfer as the text has it, sections 3 and 4.1",
    )


def small() -> Recipe:
    """For two CPU cores at 128x88: pixels folded two by two, an atlas of 24 x 32 x 32, all three stages."""
    return small_recipe(
        name="densepose-s",
        model="densepose",
        network=DensePoseConfig(
            width=32,
            downs=1,
            blend_width=32,
            fold=2,
            up="bilinear",
            norm="batch",
            keep_seen=True,
            inpainting=InpaintingConfig(side=32, widths=(8, 16, 24), context=64, norm="none", reads_seen=True),
        ),
        objective=DensePoseObjectiveConfig(
            weight_perceptual=0.25,
            weight_style=0.0,
            features="mobilenet_v2",
            adversarial_from=1.0,
            discriminator=16,
            predictive_until=0.3,
            inpainting_until=0.45,
        ),
        notes="ours: Dense Pose Transfer cut down for the CPU",
    )


# -- Table 3 and Table 7: what a pose is told by, predictive stream alone, L1 alone -----------------------------------


def mask() -> Recipe:
    """Foreground mask (Table 3)."""
    return _told_by("densepose-fashion-mask", "mask", "mask")


def segmentation() -> Recipe:
    """Body part segmentation (Table 3)."""
    return _told_by("densepose-fashion-segmentation", "parts", "parts")


def keypoints() -> Recipe:
    """Body keypoints (Table 3; Table 7, keypoints to keypoints)."""
    return _told_by("densepose-fashion-keypoints", "keypoints", "keypoints")


def onehot() -> Recipe:
    """One-hot I, U, V (Table 3)."""
    return _told_by("densepose-fashion-onehot", "onehot", "onehot")


def keypoints_to_iuv() -> Recipe:
    """Keypoints of the source, DensePose of the target (Table 7)."""
    return _told_by("densepose-fashion-keypoints-iuv", "keypoints", "iuv")


def iuv_to_keypoints() -> Recipe:
    """DensePose of the source, keypoints of the target (Table 7)."""
    return _told_by("densepose-fashion-iuv-keypoints", "iuv", "keypoints")


# -- Table 4: the modules, L1 alone ---------------------------------------------------------------------------------


def predictive() -> Recipe:
    """Predictive module only (Table 4; also I, U, V of Table 3 and DensePose to DensePose of Table 7)."""
    return _module("densepose-fashion-predictive", "predictive")


def blending() -> Recipe:
    """Predictive and blending: self-refinement (Table 4)."""
    return _module("densepose-fashion-blending", "blending")


def warping() -> Recipe:
    """Predictive, warping of what is seen, blending (Table 4)."""
    return _module("densepose-fashion-warping", "warping")


# -- Table 5: the terms of the last stage, full model -----------------------------------------------------------------


def l1() -> Recipe:
    """L1 (Table 5), which is also the full model of Table 4 and "best structure" of Table 1."""
    return _terms("densepose-fashion-l1")


def l1_perceptual() -> Recipe:
    """L1 and perceptual (Table 5)."""
    return _terms("densepose-fashion-l1-perceptual", perceptual=0.5)


def l1_style() -> Recipe:
    """L1 and style (Table 5), "highest realism" of Table 1."""
    return _terms("densepose-fashion-l1-style", style=5e5)


def l1_perceptual_style() -> Recipe:
    """L1, perceptual and style (Table 5)."""
    return _terms("densepose-fashion-l1-perceptual-style", perceptual=0.5, style=5e5)


def l1_gan() -> Recipe:
    """L1 and adversarial (Table 5)."""
    return _terms("densepose-fashion-l1-gan", gan=0.1)


def l1_perceptual_gan() -> Recipe:
    """L1, perceptual and adversarial (Table 5)."""
    return _terms("densepose-fashion-l1-perceptual-gan", perceptual=0.5, gan=0.1)


def l1_style_gan() -> Recipe:
    """L1, style and adversarial (Table 5)."""
    return _terms("densepose-fashion-l1-style-gan", style=5e5, gan=0.1)


def _terms(name: str, perceptual: float = 0.0, style: float = 0.0, gan: float = 0.0) -> Recipe:
    base = paper()
    objective = replace(base.objective, weight_perceptual=perceptual, weight_style=style, weight_adversarial=gan)
    notes = f"Table 5 of Dense Pose Transfer: L1, perceptual {perceptual:g}, style {style:g}, adversarial {gan:g}"
    return replace(base, name=name, objective=objective, notes=notes)


def _module(name: str, modules: Literal["predictive", "blending", "warping"]) -> Recipe:
    base = _terms(name)
    until = 0.0 if modules == "predictive" else base.objective.predictive_until
    ends = {"predictive_until": until, "inpainting_until": until}  # nothing to inpaint, and what is alone need not wait
    return replace(
        base,
        network=replace(base.network, modules=modules),
        objective=replace(base.objective, **ends),
        notes=f"Table 4 of Dense Pose Transfer: up to {modules}, L1 alone",
    )


def _told_by(name: str, source: Pose, target: Pose) -> Recipe:
    base = _module(name, "predictive")
    network = replace(base.network, source_pose=source, target_pose=target)
    notes = f"Tables 3 and 7 of Dense Pose Transfer: {source} to {target}, predictive stream alone, L1 alone"
    return replace(base, network=network, notes=notes)
