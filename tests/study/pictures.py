"""Tiny pictures, stores and studies of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from repose.data import Store, StoreWriter
from repose.study import Study, StudyProtocol, prepare_study

SIZE = (32, 24)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def picture(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def folder(place: Path, names: list[str], seed: int = 0, size: tuple[int, int] = SIZE) -> Path:
    place.mkdir(parents=True)
    for number, name in enumerate(names):
        Image.fromarray(picture(1000 * seed + number, size)).save(place / name)
    return place


def store(place: Path, people: int = 6, each: int = 3) -> Store:
    """A store whose test split has all pairs of each person."""
    with StoreWriter(place, *SIZE, "tiny") as writer:
        for person in range(people):
            for number in range(each):
                joints = np.full((18, 3), 4 + number, np.float32)
                joints[:, 2] = 1
                image = picture(10 * person + number)
                writer.add(f"p{person}_{number}.jpg", f"p{person}", image, joints, split="test")
    return Store.open(place)


def generated(place: Path, given: Store, count: int, seed: int) -> Path:
    """Pictures of the first pairs of a store, as `repose eval` names them."""
    names = [(Path(given.names[s]).stem, Path(given.names[t]).stem) for s, t in given.pairs("test")[:count].tolist()]
    return folder(place, [f"{source}_2_{target}.png" for source, target in names], seed)


def study(place: Path, protocol: StudyProtocol, clock: Clock, methods: tuple[str, ...] = ("ours", "theirs")) -> Study:
    """A study of folders of pictures, as many as the protocol needs."""
    names = [f"{number}.png" for number in range(protocol.pool)]
    real = folder(place / "real", names, 1)
    method_folders = {method: folder(place / method, names, 2 + index) for index, method in enumerate(methods)}
    prepare_study(place / "study.db", protocol, dict(method_folders), real=real)
    return Study(place / "study.db", clock)
