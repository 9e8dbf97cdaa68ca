"""What the tests of the whole house share: tiny models, drawn people, and an estimator that sees them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

from repose import models
from repose.data import Store, StoreWriter
from repose.estimate import ESTIMATORS
from repose.estimate.movenet import MoveNet
from repose.models import recipe as registered
from repose.models.base import Generator
from repose.models.weights import save_weights
from repose.person import Person
from repose.recipes import Recipe, override
from tests.estimate import fakes


def words(name: str = "patn-s") -> list[str]:
    """The settings that make a recipe tiny, as its model declares them; a small recipe needs no weight file then."""
    declaration = models.MODELS[registered(name).model]
    return [*declaration.tiny, *(declaration.without_features if name == declaration.small else ())]


def recipe(name: str = "patn-s", *more: str) -> Recipe:
    """A recipe of the registry at tiny size."""
    return override(registered(name), [*words(name), *more])


def people(batch: int, height: int, width: int, seed: int) -> Person:
    """Noise with joints anywhere."""
    random = torch.Generator().manual_seed(seed)
    keypoints = torch.rand(batch, 18, 3, generator=random) * torch.tensor([width - 1, height - 1, 0]) + torch.tensor(
        [0, 0, 1]
    )
    return Person(image=torch.rand(batch, 3, height, width, generator=random) * 2 - 1, keypoints=keypoints)


def generator(made: Recipe) -> Generator:
    """Its generator, with statistics and a last layer that give a picture rather than grey."""
    torch.manual_seed(0)
    network = models.build_generator(made)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        network.train()(people(4, 64, 32, 1), people(4, 64, 32, 2))
        (list(network.parameters())[-1] if made.model == "multiscale" else network.decoder.last.weight).mul_(20)
    return network.eval()


def save(folder: Path, name: str = "patn-s", *words: str) -> Path:
    """A folder of weights as a run leaves it."""
    made = recipe(name, *words)
    save_weights(folder, generator(made), made, {"licence": "none", "data": "noise"})
    return folder


def photograph(
    path: Path | None = None, width: int = 200, height: int = 400, x: float = 30, y: float = 40, tall: float = 320
) -> np.ndarray:
    """A person of dots that `seeing` makes the estimator see; uint8 (H, W, 3)."""
    image = fakes.draw(width, height, [fakes.joints(x, y, tall)])
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(path, quality=100, subsampling=0)
    return image


class Eyes(MoveNet):
    """The real search around the network that sees people of dots."""

    def __init__(self) -> None:
        super().__init__(network=fakes.network, flip=False)


def seeing(monkeypatch: pytest.MonkeyPatch) -> None:
    """`estimator("movenet")` is `Eyes` from now on; undone with the test."""
    monkeypatch.setitem(ESTIMATORS["keypoints"], "movenet", "tests.tiny:Eyes")


def store(folder: Path, count: int = 4) -> Store:
    """Drawn people with every joint, `count` of each of two, in the splits train and test; test has a list of pairs."""
    with StoreWriter(folder, 128, 64, "drawn", licence="none") as writer:
        pairs = []
        for split in ("train", "test"):
            names = [f"{split}_{view}.png" for view in range(count)]
            for view, name in enumerate(names):
                points = fakes.joints(2 + view, 6 + view, 110)
                keypoints = np.ones((18, 3), np.float32)
                keypoints[:17, :2], keypoints[17, :2] = points, points.mean(0)
                writer.add(name, split, fakes.draw(64, 128, [points]), keypoints, split=split)
            pairs = list(itertools.pairwise(names))
        writer.finish({"test": pairs})
    return Store.open(folder)
