"""How well a classifier finds people that it was not trained on: the test people of a store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.apps.reidentification.classifier import Classifier
from repose.data.store import Store
from repose.metrics.functional.reidentification import Ranking, market_ranking

_CAMERA: Final = re.compile(r"_c(\d+)s\d+_")


@dataclass(frozen=True)
class Gallery:
    """The pictures among which people are looked for, and which of them ask.

    Attributes:
        rows: of the store, int64 (G,).
        people, cameras: of them, int64 (G,).
        queries: places among `rows`, int64 (Q,): the first picture of every person from every camera.
    """

    rows: Tensor
    people: Tensor
    cameras: Tensor
    queries: Tensor


def camera(name: str) -> int:
    """The camera in a name such as 0002_c1s1_000451_03.jpg. ValueError: it has none."""
    found = _CAMERA.search(name)
    if found is None:
        raise ValueError(f"{name} names no camera; names such as 0002_c1s1_000451_03.jpg are wanted")
    return int(found[1])


def gallery(store: Store, split: str = "test") -> Gallery:
    """All pictures of a split; one of each person and camera asks, as in Market-1501.

    Raises:
        KeyError: no such split. ValueError: a name has no camera.
    """
    rows = store.split(split)
    names = sorted({store.people[row] for row in rows.tolist()})
    number = {name: place for place, name in enumerate(names, start=1)}  # from 1: 0 and -1 have a meaning
    people = torch.tensor([number[store.people[row]] for row in rows.tolist()])
    cameras = torch.tensor([camera(store.names[row]) for row in rows.tolist()])
    first: dict[tuple[int, int], int] = {}
    for place, key in enumerate(zip(people.tolist(), cameras.tolist(), strict=True)):
        first.setdefault(key, place)
    return Gallery(rows, people, cameras, torch.tensor(sorted(first.values())))


@torch.inference_mode()
def measure(
    classifier: Classifier, prepared: Tensor, among: Gallery, device: str | torch.device = "cpu", area: str = "steps"
) -> Ranking:
    """Mean average precision and rank-1, 5 and 10.

    Args:
        classifier: in evaluation mode.
        prepared: what its backbone prepares of the gallery's pictures, (G, ...).
        among: the gallery. area: see `market_ranking`.

    Raises:
        ValueError: nobody was photographed by two cameras.
    """
    backbone = classifier.backbone
    features = torch.cat(
        [classifier.features(backbone.settled(part.to(device))).cpu() for part in torch.split(prepared, 128)]
    )
    unit = F.normalize(features.double())
    queries = among.queries
    return market_ranking(
        unit[queries] @ unit.T, among.people[queries], among.cameras[queries], among.people, among.cameras, area=area
    )
