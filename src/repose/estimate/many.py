"""Fields of many photographs, written into a folder: in this process, in several, or on a Ray cluster.

>>> for outcome in estimate_folder(["a.jpg", "b.jpg"], ["mask", "iuv"], "fields"):  # doctest: +SKIP
...     print(outcome.photograph, outcome.state, outcome.reason)

What the folder has already is not estimated again: `repose.estimate.field_files` says what it holds.
"""

from __future__ import annotations

import functools
import secrets
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from torch import Tensor

from repose.cores import cores
from repose.estimate.base import Estimator, Image, KeypointEstimator, choose
from repose.estimate.completing import complete
from repose.estimate.field_files import Estimate, FieldFolder, Record, digest_of, names_of
from repose.estimate.table import CONTRACTS, ESTIMATORS, estimator
from repose.estimate.workers import Killed, run_in_processes
from repose.images import load_image, stem_of
from repose.names import nearest, resolve
from repose.person import Person
from repose.represent.canvas import from_uint8
from repose.represent.choosing import Which

BATCH: Final = 8
"""Photographs that a process is given at a time."""

_BROKEN: Final = (ValueError, OSError, RuntimeError, MemoryError)
"""What one photograph may raise without an end to the run."""


@dataclass(frozen=True)
class Outcome:
    """What became of one photograph.

    Attributes:
        photograph: its path, or FILE#FRAME, as given. name: its name in the folder; "" if it has none.
        state: "estimated"; "kept", everything was there already; or "skipped".
        reason: why it was skipped. notes: warnings about it.
        record: what the folder has of it; None if it was skipped.
    """

    photograph: str
    name: str
    state: Literal["estimated", "kept", "skipped"]
    reason: str = ""
    notes: tuple[str, ...] = ()
    record: Record | None = None


@dataclass(frozen=True)
class Job:
    """What is done with each photograph; picklable.

    Attributes:
        folder: where the fields go. estimators: field -> "module:Class", the joints first.
        which: of several people. run: names this run. again: estimate what other runs have written, too.
        base: the folder that relative paths begin at; "" is the current one.
    """

    folder: str
    estimators: dict[str, str]
    which: Which = "largest"
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    again: bool = False
    base: str = ""


Photograph = tuple[str, str]
"""A photograph's path, and its name in the folder."""


def estimate_folder(
    photographs: Sequence[Path | str],
    fields: Iterable[str],
    folder: Path | str,
    *,
    using: Mapping[str, str] | None = None,
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
    job = Job(str(place), estimator_paths(fields, using or {}), which, again=again)
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


class FieldWorker:
    """Estimates the fields of one photograph after another, and writes them.

    Args:
        job: see `Job`. Its estimators are built here.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.folder = FieldFolder(Path(job.base, job.folder))
        self.estimators = {name: _built(path) for name, path in job.estimators.items()}
        self._names = {name: network.name for name, network in self.estimators.items()}

    def __call__(self, photograph: Photograph) -> Outcome:
        """Estimate what is lacking of a photograph; whatever is wrong with it is in the outcome."""
        path, name = photograph
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome = self._estimated(path, name)
            except _BROKEN as error:
                text = str(error) or type(error).__name__
                text = text.replace(f"{self.job.base}/", "") if self.job.base else text
                outcome = Outcome(path, name, "skipped", text)
        notes = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
        return replace(outcome, notes=tuple(dict.fromkeys(notes)))

    def _estimated(self, path: str, name: str) -> Outcome:
        place = Path(self.job.base, path)
        digest = digest_of(place) if place.exists() or "#" in path else ""  # `load_image` says what is wrong
        known = self._known(name, Path(path).name, digest)
        lacking = [one for one in self._names if known is None or one not in known.estimates]
        if known is not None and not lacking:
            return Outcome(path, name, "kept", record=known)
        image = load_image(place)
        keypoints, record = self._joints(image, known, Path(path).name, digest)
        estimates = dict(record.estimates)
        lacking = [one for one in self._names if one not in estimates]
        if lacking:
            person = Person(image=from_uint8(image), keypoints=keypoints)
            person, _ = complete(person, lacking, {one: self.estimators[one] for one in lacking})
            for one in lacking:
                value = cast(Tensor, getattr(person, one))
                estimates[one] = self.folder.write(name, one, value, self._names[one])
        record = replace(record, estimates=estimates, run=self.job.run)
        self.folder.write_record(name, record)
        return Outcome(path, name, "estimated", record=record)

    def _known(self, name: str, photograph: str, digest: str) -> Record | None:
        """What the folder has of the photograph and this run would give as well; None if it has no such joints."""
        record = self.folder.record(name)
        if record is None or (self.job.again and record.run != self.job.run):
            return None
        if (record.photograph, record.sha256, record.which) != (photograph, digest, self.job.which):
            return None
        if names_of(record).get("keypoints") != self._names["keypoints"]:
            return None
        kept = {
            one: estimate
            for one, estimate in record.estimates.items()
            if estimate.estimator == self._names.get(one, estimate.estimator) and self.folder.complete(estimate)
        }
        return replace(record, estimates=kept)

    def _joints(self, image: Image, known: Record | None, photograph: str, digest: str) -> tuple[Tensor, Record]:
        """The joints of the chosen person, and the record so far."""
        if known is not None:
            keypoints = self.folder.keypoints(known)
            return keypoints, known
        network = cast(KeypointEstimator, self.estimators["keypoints"])
        people = network.people(image)
        chosen = choose(people, self.job.which, image.shape[1])
        place = next(k for k, one in enumerate(people) if one is chosen)
        height, width = image.shape[:2]
        score = round(float(chosen.score), 4)
        estimates = {"keypoints": Estimate(self._names["keypoints"], values=chosen.keypoints.tolist())}
        record = Record(
            photograph, digest, height, width, self.job.which, len(people), place, score, self.job.run, estimates
        )
        return chosen.keypoints, record


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
        network = _built(path)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"the estimator {path} of {field} cannot be imported: {error}") from error
    if not isinstance(network, CONTRACTS[field]):
        raise ValueError(f"{path} is no estimator of {field}; see repose.estimate.base")


@functools.cache
def _built(path: str) -> Estimator:
    network: Any = resolve(path)()
    return cast(Estimator, network)


__all__ = ["BATCH", "FieldWorker", "Job", "Outcome", "Photograph", "estimate_folder", "estimator_paths"]
