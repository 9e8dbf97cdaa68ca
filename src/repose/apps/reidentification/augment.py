"""Generated pictures of pairs of a store, kept in a folder: each pair is generated once, whoever asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from repose.data.store import Store
from repose.files import replacing, same_facts
from repose.models.weights import find_weights, weights_checksum
from repose.person import Person
from repose.pipeline import Model, load
from repose.represent.canvas import to_uint8

FACTS: Final = "generated.json"
"""The file in the folder that says what its pictures are of."""

_PAIRS: Final = "pairs.i64"
_PICTURES: Final = "pictures.u8"


class GeneratedPictures:
    """A model's pictures of people of a store in poses of a store.

    The folder grows by whole batches, so whoever is interrupted loses one batch at most.

    Args:
        model: weights by name, or the folder of a run.
        store: of the sources.
        folder: where the pictures are kept; holds those of one model and store only.
        poses: the store of the poses; None: `store`.
        device: of `repose.load`. batch: pairs at a time.

    Raises:
        ValueError: the folder holds pictures of another model, of other weights or of other data; the model cannot work
            at the size of the store; the sizes of both stores differ; no such weights.
    """

    def __init__(
        self,
        model: str | Path,
        store: Store,
        folder: Path,
        poses: Store | None = None,
        device: str = "auto",
        batch: int = 32,
    ) -> None:
        self.name, self.store, self.folder, self.poses = str(model), store, folder, poses or store
        self.device, self.batch = device, batch
        self.checksum = weights_checksum(find_weights(model))
        if self.poses.size != store.size:
            raise ValueError(
                f"{store.folder} has pictures of {store.size[0]}x{store.size[1]}, {self.poses.folder} of "
                f"{self.poses.size[0]}x{self.poses.size[1]}: poses are taken from a store of the same size"
            )
        facts = {
            "weights": self.checksum,
            "data": store.checksum,
            "poses": self.poses.checksum,
            "size": list(store.size),
        }
        _claim(folder, facts)
        self._model: Model | None = None
        self._places = self._read()

    def __len__(self) -> int:
        return len(self._places)

    def missing(self, pairs: Tensor) -> int:
        """How many of these pairs are not generated yet; each counts once."""
        return len({pair for pair in _keys(pairs) if pair not in self._places})

    def generate(self, pairs: Tensor, progress: Callable[[int, int], None] | None = None) -> None:
        """Generate what is missing of these pairs.

        Args:
            pairs: source and pose, indices of the stores, int64 (M, 2).
            progress: called with (pictures generated, pictures that were missing).

        Raises:
            ValueError: a store lacks a field that the model needs, or the model cannot work at this size.
        """
        wanted = [pair for pair in dict.fromkeys(_keys(pairs)) if pair not in self._places]
        for first in range(0, len(wanted), self.batch):
            part = torch.tensor(wanted[first : first + self.batch], dtype=torch.int64)
            pictures = self._pictures(part)
            if (self.folder / _PAIRS).stat().st_size != 16 * len(self._places):
                raise ValueError(f"another process writes into {self.folder}; wait for it, and give the line again")
            with (self.folder / _PICTURES).open("ab") as file:  # pictures first: a pair that is listed has its picture
                file.write(pictures.tobytes())
            with (self.folder / _PAIRS).open("ab") as file:
                file.write(part.numpy().astype("<i8").tobytes())
            for pair in _keys(part):
                self._places[pair] = len(self._places)
            if progress is not None:
                progress(min(first + self.batch, len(wanted)), len(wanted))

    def pictures(self, pairs: Tensor) -> Tensor:
        """The pictures of pairs that are generated.

        Args:
            pairs: source and pose, int64 (M, 2).

        Returns:
            uint8 (M, 3, H, W).

        Raises:
            KeyError: a pair is not generated yet.
        """
        height, width = self.store.size
        places = [self._places[pair] for pair in _keys(pairs)]
        if not places:
            return torch.empty(0, 3, height, width, dtype=torch.uint8)
        file = np.memmap(self.folder / _PICTURES, np.uint8, "r", shape=(len(self._places), 3, height, width))
        return torch.from_numpy(file[places])

    def usable(self, pairs: Tensor) -> Tensor:
        """Which pairs have as many located joints on both sides as the model needs, bool (M,)."""
        least = self._loaded().generator.needs.joints
        enough = []
        for store, rows in ((self.store, pairs[:, 0]), (self.poses, pairs[:, 1])):
            keypoints = store.person(rows, ("keypoints",)).keypoints
            assert keypoints is not None
            enough.append((keypoints[..., 2] > 0).sum(1) >= least)
        return enough[0] & enough[1]

    # -- inside -------------------------------------------------------------------------------------------------------

    def _read(self) -> dict[tuple[int, int], int]:
        """Pair -> place of its picture; what an interrupted run left half written is cut off."""
        height, width = self.store.size
        pairs, pictures = self.folder / _PAIRS, self.folder / _PICTURES
        for path in (pairs, pictures):
            path.touch()
        count = min(pairs.stat().st_size // 16, pictures.stat().st_size // (3 * height * width))
        for path, size in ((pairs, 16), (pictures, 3 * height * width)):
            with path.open("r+b") as file:
                file.truncate(count * size)
        table = np.fromfile(pairs, "<i8").reshape(-1, 2)
        return {(int(source), int(pose)): place for place, (source, pose) in enumerate(table)}

    def _loaded(self) -> Model:
        if self._model is None:
            model, size = load(self.name, self.device), self.store.size
            height, width = model.canvas.window[2:]
            multiple = model.generator.needs.multiple
            fits = size in (model.canvas.size, (height, width))
            if model.generator.any_canvas:
                fits = fits or not (size[0] % multiple or size[1] % multiple)
            if not fits:
                raise ValueError(
                    f"{model.name} works on the canvas '{model.canvas.name}' ({height}x{width}), {self.store.folder} "
                    f"has pictures of {size[0]}x{size[1]}: choose a model that fits, or prepare the store at that size"
                )
            self._model = model
        return self._model

    def _pictures(self, pairs: Tensor) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """uint8 (B, 3, H, W) of the stores' size."""
        model, size = self._loaded(), self.store.size
        needs = model.generator.needs
        source = self.store.person(pairs[:, 0], needs.source)
        target = self.poses.person(pairs[:, 1], needs.target)
        top, left = 0, 0
        if size not in (model.canvas.size, model.canvas.window[2:]):
            images = model(source, target)
        else:
            top, left = (0, 0) if size == model.canvas.size else model.canvas.window[:2]
            images = model(_framed(model, source), _framed(model, target))
        return np.ascontiguousarray(
            np.moveaxis(to_uint8(images[:, :, top : top + size[0], left : left + size[1]]), -1, 1)
        )


def _framed(model: Model, person: Person) -> Person:
    return model.canvas.frame(person)


def _keys(pairs: Tensor) -> list[tuple[int, int]]:
    return [(int(source), int(pose)) for source, pose in pairs.tolist()]


def _claim(folder: Path, facts: dict[str, Any]) -> None:
    """Say in the folder what its pictures are of. ValueError: it holds something else."""
    note = folder / FACTS
    folder.mkdir(parents=True, exist_ok=True)
    if same_facts(note, facts):
        return
    if any(folder.iterdir()):
        raise ValueError(f"{folder} holds files that `repose reid` did not write; choose another folder")
    with replacing(note) as part:
        part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
