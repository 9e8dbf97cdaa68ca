"""What is done with one photograph of many: its fields are estimated and written into a folder."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, cast

from torch import Tensor

from repose.estimate.base import Image, KeypointEstimator, choose
from repose.estimate.completing import complete
from repose.estimate.field_files import Estimate, FieldFolder, Record, digest_of, names_of
from repose.estimate.map_folders import MapFolder
from repose.estimate.table import built
from repose.files import DiskFullError
from repose.images import load_image
from repose.person import Person
from repose.represent.canvas import from_uint8
from repose.represent.choosing import Which

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
        files: field -> folder of files of another tool, in place of an estimator. labels: the table of label maps.
        which: of several people. run: names this run. again: estimate what other runs have written, too.
        base: the folder that relative paths begin at; "" is the current one.
    """

    folder: str
    estimators: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    labels: str | None = None
    which: Which = "largest"
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    again: bool = False
    base: str = ""


Photograph = tuple[str, str]
"""A photograph's path, and its name in the folder."""


class FieldWorker:
    """Estimates the fields of one photograph after another, and writes them.

    Args:
        job: see `Job`. Its estimators are built here.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.folder = FieldFolder(Path(job.base, job.folder))
        self.estimators = {name: built(path) for name, path in job.estimators.items()}
        self.files = {name: MapFolder(Path(job.base, place), name, job.labels) for name, place in job.files.items()}

    def __call__(self, photograph: Photograph) -> Outcome:
        """Estimate what is lacking of a photograph; whatever is wrong with it is in the outcome.

        Raises:
            DiskFullError: there is no room for its maps.
        """
        path, name = photograph
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                outcome = self._estimated(path, name)
            except DiskFullError:  # the next photograph's maps would not fit either
                raise
            except _BROKEN as error:
                text = str(error) or type(error).__name__
                text = text.replace(f"{self.job.base}/", "") if self.job.base else text
                outcome = Outcome(path, name, "skipped", text)
        notes = [str(one.message) for one in caught if issubclass(one.category, UserWarning)]
        return replace(outcome, notes=tuple(dict.fromkeys(notes)))

    def _estimated(self, path: str, name: str) -> Outcome:
        place = Path(self.job.base, path)
        digest = digest_of(place) if place.exists() or "#" in path else ""  # `load_image` says what is wrong
        origins = {one: network.name for one, network in self.estimators.items()}
        origins |= {one: files.origin(name) for one, files in self.files.items()}
        known = self._known(name, Path(path).name, digest, origins)
        if known is not None and set(origins) <= set(known.estimates):
            return Outcome(path, name, "kept", record=known)
        image = load_image(place)
        if known is None:
            known = self._with_joints(image, Path(path).name, digest, origins["keypoints"])
        keypoints, estimates = self.folder.keypoints(known), dict(known.estimates)
        lacking = [one for one in self.estimators if one not in estimates]
        values = {}
        if lacking:
            person = Person(image=from_uint8(image), keypoints=keypoints)
            person, _ = complete(person, lacking, {one: self.estimators[one] for one in lacking})
            values = {one: cast(Tensor, getattr(person, one)) for one in lacking}
        for one, files in self.files.items():
            if one not in estimates:
                values[one] = files.read(name, image.shape[:2], keypoints)
        for one, value in values.items():
            estimates[one] = self.folder.write(name, one, value, origins[one])
        record = replace(known, estimates=estimates, run=self.job.run)
        self.folder.write_record(name, record)
        return Outcome(path, name, "estimated", record=record)

    def _known(self, name: str, photograph: str, digest: str, origins: Mapping[str, str]) -> Record | None:
        """What the folder has of the photograph and this run would give as well; None if it has no such joints."""
        record = self.folder.record(name)
        if record is None or (self.job.again and record.run != self.job.run):
            return None
        if (record.photograph, record.sha256, record.which) != (photograph, digest, self.job.which):
            return None
        if names_of(record).get("keypoints") != origins["keypoints"]:
            return None
        kept = {
            one: estimate
            for one, estimate in record.estimates.items()
            if estimate.estimator == origins.get(one, estimate.estimator) and self.folder.complete(estimate)
        }
        return replace(record, estimates=kept)

    def _with_joints(self, image: Image, photograph: str, digest: str, origin: str) -> Record:
        """A record with the joints of the chosen person."""
        people = cast(KeypointEstimator, self.estimators["keypoints"]).people(image)
        chosen = choose(people, self.job.which, image.shape[1])
        place = next(k for k, one in enumerate(people) if one is chosen)
        height, width = image.shape[:2]
        score = round(float(chosen.score), 4)
        estimates = {"keypoints": Estimate(origin, values=chosen.keypoints.tolist())}
        return Record(
            photograph, digest, height, width, self.job.which, len(people), place, score, self.job.run, estimates
        )


__all__ = ["FieldWorker", "Job", "Outcome", "Photograph"]
