"""The protocol: photographs of people into each other's poses, and into their own, scored.

The folder of a run holds pairs.json, a folder for each model with K_source.png, K_target.png and K_generated.png, and
scores.json, in which numbers are kept by what the pictures are: a picture that did not change is not scored again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repose.estimate import Cached, KeypointEstimator, complete
from repose.files import read_object, replacing
from repose.images import ImageError, load_image, save_image
from repose.models.weights import weights_checksum
from repose.person import Person
from repose.pipeline import Model
from repose.record import commit
from repose.represent.canvas import to_uint8
from repose.research.photographs.columns import SOURCE, VERSION
from repose.research.photographs.crops import (
    HEIGHT,
    WIDTH,
    Crop,
    Picture,
    UnusableError,
    checksum_of,
    people_of,
    read_crop,
    turn_between,
)
from repose.research.photographs.pairs import SEED, draw_pairs, draw_photographs
from repose.research.photographs.scores import PairScorer, Scores

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many of it are done, and how many there are."""


@dataclass(frozen=True, eq=False)
class CropPair:
    """Two photographs of one person; the same one twice if it is to be put into its own pose.

    Attributes:
        number: of the files K_source.png. identity: the person. turn: of the trunk between the two, degrees, 0 to 180.
    """

    number: int
    identity: str
    source: Crop
    target: Crop
    turn: float

    @property
    def own_pose(self) -> bool:
        """Whether the photograph is put into its own pose."""
        return self.source.name == self.target.name


@dataclass(frozen=True, eq=False)
class Drawn:
    """What a run is about.

    Attributes:
        crops: name of the folder. checksum: of the names of its photographs. people: how many there are.
        pairs: drawn from `seed`, those of own poses last. skipped: one line for each photograph that cannot be used.
    """

    crops: str
    checksum: str
    people: int
    seed: int
    pairs: tuple[CropPair, ...]
    skipped: tuple[str, ...]


@dataclass
class Judged:
    """Rows -> scores of each pair that was scored, by the pair's number; `SOURCE` is the first row.

    Attributes:
        drawn: the pairs. rows: row -> number of the pair -> scores. weights: model -> checksum of its weights.
        folder: where the pictures are.
    """

    drawn: Drawn
    folder: Path
    rows: dict[str, dict[int, Scores]] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)


def draw(
    folder: Path,
    pairs: int,
    own_pose: int,
    estimator: KeypointEstimator,
    seed: int = SEED,
    progress: Progress | None = None,
) -> Drawn:
    """Draw pairs of photographs, and photographs for their own pose, from a folder of ID_NN.jpg.

    Args:
        folder: of photographs, see `crops.people_of`. pairs, own_pose: how many, at most.
        estimator: of joints; what it finds is kept in the cache of Repose.

    Raises:
        ValueError: no such folder, nothing in it, or nobody of whom two photographs can be used.
    """
    people = people_of(folder)
    remembering = Cached(estimator)
    crops: dict[Path, Crop | None] = {}
    skipped: list[str] = []

    def usable(file: Path) -> bool:
        if file not in crops:
            try:
                crops[file] = read_crop(file, remembering)
            except UnusableError as error:
                crops[file] = None
                skipped.append(str(error))
            if progress is not None:
                progress("joints", len(crops), sum(map(len, people.values())))
        return crops[file] is not None

    files = draw_pairs(people, pairs, usable, seed) + draw_photographs(people, own_pose, usable, seed)
    if not files:
        example = f"; the first: {skipped[0]}" if skipped else ""
        raise ValueError(
            f"{folder}: no pair could be drawn from {sum(map(len, people.values()))} photographs of {len(people)} "
            f"people. Each person takes two photographs with the whole trunk in sight{example}"
        )
    drawn = []
    for number, (one, other) in enumerate(files):
        source, target = crops[one], crops[other]
        assert source is not None
        assert target is not None
        identity = one.stem.partition("_")[0]
        drawn.append(CropPair(number, identity, source, target, turn_between(source.yaw, target.yaw)))
    return Drawn(folder.resolve().name, checksum_of(people), len(people), seed, tuple(drawn), tuple(skipped))


def judge(
    drawn: Drawn,
    models: Sequence[tuple[str, Model]],
    scorer: PairScorer,
    out: Path,
    again: bool = False,
    progress: Progress | None = None,
) -> Judged:
    """Make the pictures of every model and score them, and the copied source.

    Args:
        models: each with the name or the folder that it was loaded by.
        scorer: of a pair. out: folder of the run, see the module.
        again: make and score every picture again, also if it is there already.

    Raises:
        ValueError: a model has another canvas, or two models the same name.
    """
    for _, model in models:
        if model.canvas.size != (HEIGHT, WIDTH):
            raise ValueError(
                f"{model.name} makes pictures of {model.canvas.height}x{model.canvas.width}, photographs are scored at "
                f"{HEIGHT}x{WIDTH}; train it on the canvas 'fashion', or leave it out"
            )
    titles = _titles([place for place, _ in models], [model for _, model in models])
    _write_json(out / "pairs.json", [_facts(pair) for pair in drawn.pairs])
    judged = Judged(drawn, out)
    pictures: dict[str, list[Picture]] = {SOURCE: [pair.source.picture for pair in drawn.pairs]}
    for title, (place, model) in zip(titles, models, strict=True):
        judged.weights[title] = weights_checksum(place)
        report = None if progress is None else _named(progress, title)
        pictures[title] = make_pictures(model, judged.weights[title], drawn.pairs, out / title, again, report)
    kept = {} if again else _read_json(out / "scores.json")
    judged.rows = {row: {} for row in pictures}
    for done, pair in enumerate(drawn.pairs):
        of_pair = {row: made[done] for row, made in pictures.items()}
        keys = {row: _key(picture, pair.target.picture) for row, picture in of_pair.items()}
        new = {row: picture for row, picture in of_pair.items() if keys[row] not in kept}
        if new:
            scored = scorer(new, pair.target.picture)
            kept |= {keys[row]: scored.get(row) for row in new}
        for row, key in keys.items():
            if kept[key] is not None:
                judged.rows[row][pair.number] = {name: float(value) for name, value in kept[key].items()}
        if new and done % 20 == 19:
            _write_json(out / "scores.json", kept)
        if progress is not None:
            progress("score", done + 1, len(drawn.pairs))
    _write_json(out / "scores.json", kept)
    return judged


def make_pictures(
    model: Model,
    weights: str,
    pairs: Sequence[CropPair],
    folder: Path,
    again: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Picture]:
    """The person of each pair's source in the pose of its target, written to a folder with both photographs.

    A picture that is there already is read instead, if folder/made.json says that it is of the same photographs,
    weights (their checksum) and commit. Code that is not committed makes every picture again.
    """
    of_pairs: dict[str, str] = {}
    there = _read_json(folder / "made.json")
    keep = not again and there.get("weights") == weights and there.get("commit") == commit() != "unknown"
    known = there.get("pairs", {}) if keep and not commit().endswith("-dirty") else {}
    made = []
    for done, pair in enumerate(pairs, start=1):
        key = _key(pair.source.picture, pair.target.picture)
        of_pairs[f"{pair.number:03d}"] = key
        picture = _read(folder / f"{pair.number:03d}_generated.png") if known.get(f"{pair.number:03d}") == key else None
        if picture is None:
            picture = generated(model, pair.source.person, pair.target.person)
            for kind, pixels in (
                ("source", pair.source.picture), ("target", pair.target.picture), ("generated", picture)
            ):  # fmt: skip
                save_image(folder / f"{pair.number:03d}_{kind}.png", pixels)
        made.append(picture)
        if progress is not None:
            progress(done, len(pairs))
    for file in folder.glob("*_*.png"):  # of an earlier run with more pairs
        if file.name.split("_")[0] not in of_pairs:
            file.unlink()
    _write_json(folder / "made.json", {"weights": weights, "commit": commit(), "pairs": of_pairs})
    return made


@torch.no_grad()
def generated(model: Model, source: Person, target: Person) -> Picture:
    """The picture by `Model.__call__`, uint8 (256, 176, 3); fields that the model needs and that lack are estimated."""
    needs = model.generator.needs
    return to_uint8(model(complete(source, needs.source)[0], complete(target, needs.target)[0]))


# -- inside -----------------------------------------------------------------------------------------------------------


def _titles(places: Sequence[str], models: Sequence[Model]) -> list[str]:
    """What each model is called in tables and folders: its name; two of one name are told apart by their folder's."""
    names = [model.name for model in models]
    titles = [
        name if names.count(name) == 1 else f"{Path(place).resolve().parent.name}-{name}"
        for name, place in zip(names, places, strict=True)
    ]
    if len(set(titles)) < len(titles):
        raise ValueError(f"models: {', '.join(titles)}: two of them are the same; name each once")
    return titles


def _facts(pair: CropPair) -> dict[str, Any]:
    return {
        "number": pair.number, "person": pair.identity, "source": pair.source.name, "target": pair.target.name,
        "turn": round(pair.turn, 1),
    }  # fmt: skip


def _key(*pictures: Picture) -> str:
    """A name for these pixels, and the definitions of the columns."""
    digest = hashlib.sha256(str(VERSION).encode())
    for picture in pictures:
        digest.update(str(picture.shape).encode() + np.ascontiguousarray(picture).tobytes())
    return digest.hexdigest()[:24]


def _named(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(what, done, total)


def _read(path: Path) -> Picture | None:
    """A picture of an earlier run; None if it is not there or broken."""
    try:
        return load_image(path)
    except ImageError:
        return None


def _read_json(path: Path) -> Any:
    """An object of an earlier run; an empty one if it is not there or broken."""
    try:
        return read_object(path)
    except (OSError, ValueError):
        return {}


def _write_json(path: Path, value: Any) -> None:
    with replacing(path) as part:
        part.write_text(json.dumps(value))
