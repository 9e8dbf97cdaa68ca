"""Measure pictures that somebody else generated: any folder of PNG files with the names of their pairs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from repose.data.store import Store
from repose.estimate.base import KeypointEstimator
from repose.metrics.evaluate import Evaluation, Progress, _run, pairs_of
from repose.metrics.protocols import Protocol, protocol
from repose.person import Pair
from repose.represent.canvas import canvas

_PICTURES: Final = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


class FolderError(ValueError):
    """A folder of pictures cannot be measured as it is; `problems` names every file and what is wrong with it."""

    def __init__(self, folder: Path, problems: dict[str, list[str]]) -> None:
        self.problems = problems
        parts = [f"{len(names)} {kind}: {_some(names)}" for kind, names in problems.items()]
        super().__init__(f"{folder} cannot be measured; " + "; ".join(parts))


def file_names(source: str, target: str) -> tuple[str, ...]:
    """The names that the picture of a pair may have: ours, then PATN's with and without the file's ending."""
    from_, to = Path(source), Path(target)
    return f"{from_.stem}_2_{to.stem}.png", f"{from_.name}___{to.name}_vis.png", f"{from_.stem}___{to.stem}_vis.png"


def evaluate_folder(
    protocol_: Protocol | str,
    store: Store,
    folder: Path | str,
    *,
    model: str | None = None,
    recipe: str | None = None,
    weights: str | None = None,
    estimator: KeypointEstimator | None = None,
    joints: Path | str | None = None,
    split: str | None = None,
    limit: int | None = None,
    batch: int = 32,
    device: torch.device | str = "cpu",
    features: bool | str = True,
    seed: int = 0,
    beside: Evaluation | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure the pictures of a folder: `evaluate` with files in place of a generator.

    A picture is named `{source}_2_{target}.png` after the stems of the pair's names, or as PATN's test code does,
    `{source}___{target}_vis.png`, and is one picture, RGB, of the canvas's size. Every file is looked at before
    anything is measured, and nothing is measured unless every pair has its picture.

    Raises:
        FolderError: pictures that are missing, belong to no pair, come twice, cannot be read or have a wrong size or
            mode. All of them are in `problems`.
        FileNotFoundError: there is no such folder.
        ValueError, KeyError: as `evaluate`.
    """
    made = protocol(protocol_) if isinstance(protocol_, str) else protocol_
    folder = Path(folder)
    _check(made, store, folder, split or made.split, limit)

    def pictures(pairs: Tensor, _: Pair) -> Tensor:
        return read_pictures(store, folder, pairs)

    return _run(
        made,
        store,
        pictures,
        facts={"model": model or folder.name, "recipe": recipe, "weights": weights},
        estimator=estimator,
        joints=joints,
        fields=(),
        split=split or made.split,
        limit=limit,
        batch=batch,
        device=torch.device(device),
        features=features,
        seed=seed,
        beside=beside,
        progress=progress,
    )


def read_pictures(store: Store, folder: Path, pairs: Tensor) -> Tensor:
    """The pictures of pairs (B, 2) in a folder that `evaluate_folder` took: uint8 (B, 3, H, W)."""
    read = []
    for pair in _tuples(pairs):
        names = _names(store, pair)
        path = next((folder / name for name in names if (folder / name).is_file()), folder / names[0])
        read.append(torch.from_numpy(_pixels(path)))  # (H, W, 3)
    return torch.stack(read).movedim(-1, 1)


def _check(made: Protocol, store: Store, folder: Path, split: str, limit: int | None) -> None:
    """FolderError names all that is wrong with the pictures of the pairs to be measured."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder of pictures")
    there = {path.name for path in folder.iterdir() if path.suffix.lower() in _PICTURES and path.name[0] != "."}
    owners: dict[str, tuple[int, int]] = {}
    for pair in _tuples(pairs_of(made, store, split)):
        for name in _names(store, pair):
            if owners.setdefault(name, pair) != pair:
                raise ValueError(f"{store.folder}: two pairs of split {split!r} share the file name {name}")
    problems: dict[str, list[str]] = {}

    def complain(kind: str, name: str) -> None:
        problems.setdefault(kind, []).append(name)

    files: list[Path] = []
    for pair in _tuples(pairs_of(made, store, split, limit)):
        found = [name for name in _names(store, pair) if name in there]
        if not found:
            complain("missing", _names(store, pair)[0])
        elif len(found) > 1:
            complain("twice under two names", " and ".join(found))
        else:
            files.append(folder / found[0])
    for name in sorted(there - owners.keys()):
        complain(f"of no pair of split {split!r}", name)
    height, width = canvas(made.canvas).size
    for path in files:
        wrong = _fault(path, height, width)
        if wrong:
            complain(wrong, path.name)
    if problems:
        raise FolderError(folder, problems)


def _fault(path: Path, height: int, width: int) -> str | None:
    """What is wrong with a picture, in words; None if it can be measured."""
    try:
        with Image.open(path) as image:
            size, mode = image.size, image.mode
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "that cannot be read"
    if size == (5 * width, height):
        return "strips of five pictures (save the generated one alone)"
    if size != (width, height):
        return f"of {size[1]}x{size[0]} instead of {height}x{width} (height x width)"
    return None if mode == "RGB" else f"in mode {mode} instead of RGB"


def _pixels(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(path) as image:
        return np.array(image, dtype=np.uint8)  # (H, W, 3)


def _names(store: Store, pair: tuple[int, int]) -> tuple[str, ...]:
    return file_names(store.names[pair[0]], store.names[pair[1]])


def _tuples(pairs: Tensor) -> Iterable[tuple[int, int]]:
    return ((source, target) for source, target in pairs.tolist())


def _some(names: list[str], count: int = 5) -> str:
    return ", ".join(names[:count]) + (" ..." if len(names) > count else "")
