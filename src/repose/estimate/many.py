"""Fields of many photographs, written into a folder: in this process, in several, or on a Ray cluster.

>>> for outcome in estimate_folder(["a.jpg", "b.jpg"], ["mask", "iuv"], "fields"):  # doctest: +SKIP
...     print(outcome.photograph, outcome.state, outcome.reason)

What the folder has already is not estimated again: `repose.estimate.field_files` says what it holds.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from repose.cores import cores
from repose.estimate.field_files import FieldFolder
from repose.estimate.field_worker import FieldWorker, Job, Outcome, Photograph
from repose.estimate.map_folders import MapFolder
from repose.estimate.table import CONTRACTS, ESTIMATORS, built, estimator
from repose.estimate.workers import Killed, run_in_processes
from repose.images import stem_of
from repose.names import nearest
from repose.represent.choosing import Which

BATCH: Final = 8
"""Photographs that a process is given at a time."""


def estimate_folder(
    photographs: Sequence[Path | str],
    fields: Iterable[str],
    folder: Path | str,
    *,
    using: Mapping[str, str] | None = None,
    files: Mapping[str, Path | str] | None = None,
    labels: str | None = None,
    which: Which = "largest",
    again: bool = False,
    workers: int | None = None,
    ray: str | None = None,
    batch: int = BATCH,
) -> Iterator[Outcome]:
    """Estimate fields of photographs and write them into a folder, a photograph at a time.

    What is there already, of the same file and by the same estimators, stays as it is, so a run that was stopped goes
    on where it was. A photograph that cannot be read, or on which nobody is found, is skipped. If a process is killed,
    its batch is tried again; a photograph that kills its process twice is skipped. The keypoint file is written when
    all photographs are done, of everything that the folder holds.

    Args:
        photographs: files, or FILE#FRAME.
        fields: of `Person`, keys of `ESTIMATORS`. The joints are always among them.
        folder: see `repose.estimate.field_files`. None of the photographs may lie in it.
        using: field -> the name of its estimator, or "module:Class" of your own; the default for any other.
        files: "parsing" or "iuv" -> a folder of files that another tool wrote, one for each photograph, in place of an
            estimator: see `repose.estimate.map_folders`. labels: the table of label maps; None guesses.
        which: of several people, see `repose.represent.choosing.Which`.
        again: estimate anew what the folder has.
        workers: processes, 0 for one a core; 1 computes in this process. None is 1, and 0 with `ray`.
        ray: "local", or the address of a Ray cluster that sees the photographs and the folder at the same paths.
        batch: photographs that a process is given at a time.

    Yields:
        An outcome for each photograph, in any order if there are several processes.

    Raises:
        ValueError: no photographs, an unknown field or estimator, a field without an estimator, or photographs that lie
            in the folder.
        ImportError, FileNotFoundError: a package or the weights of an estimator are not here.
        WorkerError: the processes cannot start.
    """
    if not photographs:
        raise ValueError("no photographs were given")
    place = Path(folder)
    inside = [path for path in photographs if Path(path).parent.resolve() == place.resolve()]
    if inside:
        raise ValueError(
            f"{place} holds the photograph {Path(inside[0]).name}: give another folder, or the maps that are "
            "written would be taken for photographs"
        )
    given = {name: str(there) for name, there in (files or {}).items()}
    for name, there in given.items():
        MapFolder(there, name, labels)  # errors come early
    wanted = [name for name in fields if name not in given]
    job = Job(str(place), estimator_paths(wanted, using or {}), given, labels, which, again=again)
    return _outcomes(job, photographs, workers, ray, batch)


def estimator_paths(fields: Iterable[str], using: Mapping[str, str]) -> dict[str, str]:
    """Field -> "module:Class" of its estimator, the joints first; each is built once, so that errors come early.

    Args:
        fields: keys of `ESTIMATORS`. using: as of `estimate_folder`.

    Raises:
        ValueError, ImportError, FileNotFoundError: as of `estimate_folder`.
    """
    wanted = {"keypoints", *fields}
    for name in using:
        if name not in wanted:
            raise ValueError(
                f"an estimator of {name} is named, but {name} is none of the fields; {nearest(name, wanted)}"
            )
    for name in wanted:
        if name not in ESTIMATORS:
            raise ValueError(f"no field is estimated that is called {name!r}; {nearest(name, ESTIMATORS)}")
    paths = {}
    for name in ESTIMATORS:
        if name not in wanted:
            continue
        chosen = using.get(name)
        if chosen is not None and ":" in chosen:
            _own(name, chosen)
            paths[name] = chosen
        else:
            estimator(chosen, field=name)
            paths[name] = ESTIMATORS[name][chosen or next(iter(ESTIMATORS[name]))]
    return paths


# -- inside ---------------------------------------------------------------------------------------------------------


def _outcomes(
    job: Job, photographs: Sequence[Path | str], workers: int | None, ray: str | None, batch: int
) -> Iterator[Outcome]:
    named: dict[str, Photograph] = {}
    for path in map(str, photographs):
        name = stem_of(path)
        if name in named:
            reason = f"{named[name][0]} is called '{name}', too; rename one of the two"
            yield Outcome(path, "", "skipped", reason)
        else:
            named[name] = (path, name)
    done = 0
    for outcome in _worked(job, list(named.values()), workers, ray, batch):
        done += outcome.state != "skipped"
        yield outcome
    if done:
        FieldFolder(job.folder).write_keypoints()


def _worked(
    job: Job, photographs: Sequence[Photograph], workers: int | None, ray: str | None, batch: int
) -> Iterator[Outcome]:
    if ray is not None:
        from repose.estimate.ray_workers import run_on_ray

        yield from run_on_ray(job, photographs, ray, workers or 0, batch)
        return
    processes = 1 if workers is None else workers or cores()
    if processes == 1:
        yield from map(FieldWorker(job), photographs)
    else:
        start: Callable[[], Callable[[Photograph], Outcome]] = functools.partial(FieldWorker, job)
        for photograph, outcome in run_in_processes(start, photographs, processes, batch):
            if isinstance(outcome, Killed):
                outcome = Outcome(*photograph, "skipped", outcome.reason)
            yield outcome


def _own(field: str, path: str) -> None:
    """Check that "module:Class" is an estimator of a field. ValueError if not."""
    try:
        network = built(path)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"the estimator {path} of {field} cannot be imported: {error}") from error
    if not isinstance(network, CONTRACTS[field]):
        raise ValueError(f"{path} is no estimator of {field}; see repose.estimate.base")


__all__ = ["BATCH", "Outcome", "estimate_folder", "estimator_paths"]
