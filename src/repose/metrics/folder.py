"""Measure pictures that somebody else generated: any folder of PNG files with the names of their pairs."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from repose.data.store import Store
from repose.estimate.base import KeypointEstimator
from repose.images import PICTURES
from repose.metrics.evaluate import Evaluation, Progress, Reading, _run, filed, pairs_of
from repose.metrics.protocols import Protocol, protocol
from repose.person import Pair
from repose.represent.canvas import canvas

_PICTURES: Final = {*PICTURES, ".gif"}
_JPEG: Final = (".jpg", ".jpeg")
_HALVES: Final = ("fake_B", "fake_A")
"""Roy's folders of the given and of the other direction."""

logger = logging.getLogger(__name__)


class FolderError(ValueError):
    """A folder of pictures cannot be measured as it is; `problems` names every file and what is wrong with it."""

    def __init__(self, folder: Path, problems: dict[str, list[str]]) -> None:
        self.problems = problems
        parts = [f"{len(names)} {kind}: {_some(names)}" for kind, names in problems.items()]
        super().__init__(f"{folder} cannot be measured; " + "; ".join(parts))


def file_names(source: str, target: str, counted: Sequence[tuple[int, bool]] = ()) -> tuple[str, ...]:
    """The names that the picture of a pair may have, in its folder.

    Ours; GFLA's, DPTN's (JPEG), NTED's and PIDM's (PNG); PATN's with and without the files' endings; Roy's,
    which count the list of pairs and have a folder for each direction.

    Args:
        source, target: names of the store.
        counted: for Roy's names the places of the pair in the list, from 0, and whether it stands there as it is (True)
            or the other way round.
    """
    from_, to = Path(source), Path(target)
    names = [f"{from_.stem}_2_{to.stem}.png"]
    for ending in ("png", "jpg"):
        names += [
            f"{from_.stem}_2_{to.stem}_vis.{ending}",
            f"{from_.name}___{to.name}_vis.{ending}",
            f"{from_.stem}___{to.stem}_vis.{ending}",
            *(f"{_HALVES[0 if forth else 1]}/{number}@{to.stem}.{ending}" for number, forth in counted),
        ]
    return tuple(names)


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
    keep: Path | str | None = None,
    strips: bool = False,
    also: Sequence[str] = (),
    reading: Reading | None = None,
) -> Evaluation:
    """Measure the pictures of a folder: `evaluate` with files in place of a generator.

    A picture is named `{source}_2_{target}.png` after the stems of the pair's names, or as another project's test code
    does (`file_names`), and is one picture, RGB, of the canvas's size. Every file is looked at before anything is
    measured, and nothing is measured unless every pair has its picture. JPEG files are measured as they are, also by a
    protocol of JPEG files; where it has PNG files, the table and the log say so.

    Args:
        strips: the files are PATN's strips of five pictures side by side, of which the last one is the generated.

    Raises:
        FolderError: pictures that are missing, belong to no pair, come twice, cannot be read or have a wrong size or
            mode. All of them are in `problems`.
        FileNotFoundError: there is no such folder.
        ValueError, KeyError: as `evaluate`.
    """
    made = protocol(protocol_) if isinstance(protocol_, str) else protocol_
    folder = Path(folder)
    files = _check(made, store, folder, split or made.split, limit, strips)
    lossy = sum(file.suffix.lower() in _JPEG for file in files.values())
    if lossy and made.file != "jpeg":
        logger.warning(
            "%s: %d of %d pictures are JPEG files, whose losses move every number; save PNG", folder, lossy, len(files)
        )

    def pictures(pairs: Tensor, _: Pair) -> Tensor:
        chosen = [files[pair] for pair in _tuples(pairs)]
        images = _read(chosen, strips)
        fresh = torch.tensor([file.suffix.lower() not in _JPEG for file in chosen])
        if fresh.any():  # a JPEG file has lost already what the protocol's file loses
            images[fresh] = filed(made, images[fresh])
        return images

    return _run(
        made,
        store,
        pictures,
        facts={
            "model": model or folder.name,
            "recipe": recipe,
            "weights": weights,
            **({"files": "jpeg"} if lossy else {}),
            **({"strips": True} if strips else {}),
        },
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
        keep=None if keep is None else Path(keep),
        origin=_origin(list(files.values()), strips),
        also=also,
        reading=reading,
    )


def read_pictures(store: Store, folder: Path, pairs: Tensor, split: str, strips: bool = False) -> Tensor:
    """The pictures of pairs (B, 2) in a folder that `evaluate_folder` took: uint8 (B, 3, H, W)."""
    places = places_of(store, split)
    files = []
    for pair in _tuples(pairs):
        names = names_of(store, pair, places)
        files.append(next((folder / name for name in names if (folder / name).is_file()), folder / names[0]))
    return _read(files, strips)


def _read(files: Sequence[Path], strips: bool) -> Tensor:
    return torch.stack([torch.from_numpy(_pixels(file, strips)) for file in files]).movedim(-1, 1)


def _check(
    made: Protocol, store: Store, folder: Path, split: str, limit: int | None, strips: bool
) -> dict[tuple[int, int], Path]:
    """The file of each pair to be measured; FolderError names all that is wrong with them."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder of pictures")
    there = {
        path.relative_to(folder).as_posix()
        for place in (folder, *(folder / half for half in _HALVES))
        if place.is_dir()
        for path in place.iterdir()
        if path.suffix.lower() in _PICTURES and path.name[0] != "."
    }
    places = places_of(store, split)
    names = {pair: names_of(store, pair, places) for pair in _tuples(pairs_of(made, store, split))}
    owned = owners(names, f"{store.folder}: two pairs of split {split!r}")
    problems: dict[str, list[str]] = {}

    def complain(kind: str, name: str) -> None:
        problems.setdefault(kind, []).append(name)

    files: dict[tuple[int, int], Path] = {}
    for pair in _tuples(pairs_of(made, store, split, limit)):
        found = [name for name in names[pair] if name in there]
        if not found:
            complain("missing", names[pair][0])
        elif several(found):
            complain("twice under two names", " and ".join(found))
        else:
            files[pair] = folder / found[0]
    for name in sorted(there - owned.keys()):
        complain(f"of no pair of split {split!r}", name)
    height, width = canvas(made.canvas).size
    for path in files.values():
        wrong = _fault(path, height, width, strips)
        if wrong:
            complain(wrong, path.relative_to(folder).as_posix())
    if problems:
        raise FolderError(folder, problems)
    return files


def _fault(path: Path, height: int, width: int, strips: bool) -> str | None:
    """What is wrong with a picture, in words; None if it can be measured."""
    try:
        with Image.open(path) as image:
            size, mode = image.size, image.mode
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return "that cannot be read"
    if size == (5 * width, height) and not strips:
        return "strips of five pictures (the generated one alone is measured, or --strips takes the fifth)"
    wanted = (5 * width if strips else width, height)
    if size != wanted:
        return f"of {size[1]}x{size[0]} instead of {wanted[1]}x{wanted[0]} (height x width)"
    return None if mode == "RGB" else f"in mode {mode} instead of RGB"


def _pixels(path: Path, strips: bool) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(path) as image:
        pixels = np.array(image, dtype=np.uint8)  # (H, W, 3)
    return pixels[:, pixels.shape[1] * 4 // 5 :] if strips else pixels


def _origin(files: Sequence[Path], strips: bool) -> str:
    """A checksum of which files these are, and of their sizes and times."""
    found = hashlib.sha256(str(strips).encode())
    for file in files:
        about = file.stat()
        found.update(f"{file.resolve()} {about.st_size} {about.st_mtime_ns}\n".encode())
    return found.hexdigest()


_Pair = tuple[int, int]
_Places = dict[_Pair, list[tuple[int, bool]]]


def places_of(store: Store, split: str) -> _Places:
    """Pair -> its places in the list, as it stands there (True) and the other way round."""
    places: _Places = {}
    for number, (source, target) in enumerate(_tuples(store.pairs(split))):
        places.setdefault((source, target), []).append((number, True))
        places.setdefault((target, source), []).append((number, False))
    return places


def names_of(store: Store, pair: tuple[int, int], places: _Places) -> tuple[str, ...]:
    """The names that a pair's picture may have (`file_names`); `places` are those of its split (`places_of`)."""
    return file_names(store.names[pair[0]], store.names[pair[1]], places.get(pair, ()))


def owners(names: Mapping[_Pair, Sequence[str]], whose: str) -> dict[str, _Pair]:
    """The pair that each name belongs to. ValueError, which begins with `whose`, where two share one."""
    found: dict[str, _Pair] = {}
    for pair, all_ in names.items():
        for name in all_:
            if found.setdefault(name, pair) != pair:
                raise ValueError(f"{whose} share the file name {name}")
    return found


def several(names: Sequence[str]) -> bool:
    """Whether a pair has its picture twice; counted names are one, however often the list has the pair."""
    return len({name for name in names if "/" not in name}) + any("/" in name for name in names) > 1


def _tuples(pairs: Tensor) -> Iterable[tuple[int, int]]:
    return ((source, target) for source, target in pairs.tolist())


def _some(names: list[str], count: int = 5) -> str:
    return ", ".join(names[:count]) + (" ..." if len(names) > count else "")
