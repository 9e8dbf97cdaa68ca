"""Body warp learns one person in two pictures by heart: the target's person before the source's surroundings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from repose import models
from repose.data import Store, StoreWriter
from repose.data.augment_config import AugmentConfig
from repose.demo import spare
from repose.pipeline import load
from repose.recipes import override
from repose.train.loop import train
from tests import surface


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two pictures with IUV and mask of a body of capsules around the joints."""
    folder = tmp_path_factory.mktemp("pair") / "store"
    with StoreWriter(folder, 128, 64, "one pair with a mask") as writer:
        for picture in spare()[:2]:
            iuv = surface.iuv(picture.keypoints, 128, 64)
            mask = np.where(iuv[..., 0] > 0, 255, 0).astype(np.uint8)
            writer.add(
                picture.name, picture.person, picture.image, picture.keypoints, split="train", iuv=iuv, mask=mask
            )
    return Store.open(folder)


def test_one_pair_is_learnt_by_heart(pair: Store, tmp_path: Path) -> None:
    alone = models.MODELS["bodywarp"].without_features
    words = ["canvas=market", *alone, "data.flip=none", "network.height=128", "generator_optimiser.lr=0.001"]
    recipe = override(models.recipe("bodywarp-s"), words)
    recipe = replace(
        recipe,
        data=replace(recipe.data, augment=AugmentConfig()),
        schedule=replace(recipe.schedule, kind="constant", warmup=0),
        images=300,
        tick=300,
        ema=0,
    )
    summary = train(recipe, pair, tmp_path, overfit=1, progress=False, accelerator="cpu", channels_last=True)
    assert summary.images == 300

    model, people = load(tmp_path), pair.person([0, 1], ("image", "keypoints", "mask"))
    generated = model(people, people[[1, 0]])
    assert people.image is not None
    assert people.mask is not None
    target, figure, old = people.image[[1, 0]], people.mask[[1, 0]], people.mask
    learnt = ((generated - target).abs() * figure).sum() / figure.sum() / 3
    copied = ((people.image - target).abs() * figure).sum() / figure.sum() / 3
    assert float(learnt) < 0.45 * float(copied)

    output = model.generator(people.only("image", "keypoints"), people[[1, 0]].only("keypoints"))
    outline = (output.extra["outline"] > 0.5).float()
    both = float((outline * figure).sum() / (outline + figure).clamp_max(1).sum())
    assert both > 0.8
    beside = (1 - figure) * (1 - old)
    moved = ((generated - people.image).abs() * beside).sum() / beside.sum() / 3
    assert float(moved) < 0.1
