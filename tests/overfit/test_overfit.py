"""Each small recipe learns one rendered pair by heart: data, network, objective and loop hold together.

Where a narrower network learns it too, the model's declaration (`overfit`) says so: it takes half the time.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repose import models
from repose.data import Store, StoreWriter
from repose.demo import spare
from repose.metrics.functional import PATN, ssim
from repose.models import MODELS
from repose.pipeline import load
from repose.recipes import Recipe, override
from repose.represent.canvas import to_uint8
from repose.train.loop import train
from tests import surface

SMALL = [model.small for model in MODELS.values() if model.overfit is not None]
"""One whose picture is not the person has a test of its own."""

LABELS = np.array([0, 5, 5, 15, 14, 18, 19, *[9] * 8, *[14, 15] * 4, 13, 13], np.uint8)
"""The LIP label of a DensePose part."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("pair") / "store"
    with StoreWriter(folder, 128, 64, "one pair") as writer:
        for picture in spare()[:2]:
            writer.add(picture.name, picture.person, picture.image, picture.keypoints, split="train")
    return Store.open(folder)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same pair, each with the IUV, and labels by it, of a body of capsules around its joints."""
    folder = tmp_path_factory.mktemp("mapped") / "store"
    with StoreWriter(folder, 128, 64, "one pair with IUV") as writer:
        for picture in spare()[:2]:
            iuv = surface.iuv(picture.keypoints, 128, 64)
            maps = {"iuv": iuv, "parsing": LABELS[iuv[..., 0]]}
            writer.add(picture.name, picture.person, picture.image, picture.keypoints, split="train", **maps)
    return Store.open(folder)


@pytest.mark.parametrize("name", SMALL)
def test_one_pair_is_learnt_by_heart(name: str, pair: Store, mapped: Store, tmp_path: Path) -> None:
    declaration = MODELS[models.recipe(name).model]
    words = ["canvas=market", *declaration.without_features, *(declaration.overfit or ())]
    recipe: Recipe = override(models.recipe(name), words)
    needed = {*models.build_generator(recipe).needs.fields, *models.build_objective(recipe).requires}
    pair = mapped if needed & {"iuv", "parsing"} else pair
    recipe = replace(
        recipe,
        data=replace(recipe.data, flip="none"),
        schedule=replace(recipe.schedule, kind="constant", warmup=0),
        images=300,
        tick=300,
        ema=0,
    )
    summary = train(recipe, pair, tmp_path, overfit=1, progress=False, accelerator="cpu", channels_last=True)
    assert summary.images == 300
    assert next(value for key, value in summary.losses.items() if key.endswith("/l1")) < 0.1

    model, people = load(tmp_path), pair.person([0, 1])
    generated = to_uint8(model(people, people[[1, 0]]))
    assert people.image is not None
    real = to_uint8(people.image)[::-1]
    Image.fromarray(np.hstack([*generated, *real])).save(tmp_path / "learnt.png")
    copied = score(real[::-1], real)
    assert score(generated, real) > max(0.75, copied + 0.3)


def score(generated: np.ndarray, real: np.ndarray) -> float:
    import torch

    x, y = (torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2) for pictures in (generated, real))
    return float(ssim(x, y, PATN).mean())
