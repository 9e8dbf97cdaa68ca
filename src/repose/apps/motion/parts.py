"""What a run has finished, in OUT.parts/: a killed run goes on from there, and its result is that of one in one go."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from repose.apps.motion.placing import Placed
from repose.files import replacing

SEGMENT: Final = 100
"""Frames of a segment. Its borders are the same in every run, as the packets at them depend on it."""

_SCHEMA: Final = 1


class Parts:
    """The folder of unfinished work beside a result.

    It is emptied where it is of another work: another photograph, clip, model, or other settings.
    """

    def __init__(self, out: Path, work: dict[str, Any]) -> None:
        """The folder of the result `out`. `work` says what it is of, as JSON can hold it.

        Raises:
            ValueError: a folder of that name holds something else, which is not removed.
        """
        self.folder = out.with_name(f"{out.name}.parts")
        self.resumed = False
        told = json.dumps({"schema": _SCHEMA, **work}, sort_keys=True, default=str)
        known = self.folder / "work.json"
        if known.is_file() and known.read_text(encoding="utf-8") == told:
            self.resumed = True
        else:
            if self.folder.exists():
                if not known.is_file() and any(not path.name.startswith(".") for path in self.folder.iterdir()):
                    raise ValueError(
                        f"{self.folder} is where unfinished work on {out.name} goes, and holds other files: choose "
                        "another result, or move them"
                    )
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True)
            with replacing(known) as partial:
                partial.write_text(told, encoding="utf-8")

    @property
    def detections(self) -> Path:
        """The folder of joints that an estimator has found already."""
        return self.folder / "detections"

    def segment(self, number: int) -> Path:
        """The file of a segment."""
        return self.folder / f"{number:05d}.nut"

    def picture(self, number: int) -> Path:
        """The file of a frame, of a result that is a folder."""
        return self.folder / "pictures" / f"{number:06d}.png"

    def read_joints(self) -> tuple[Placed, np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
        """The figure of every frame, their times and how long each lasts; None where the run did not come so far."""
        place = self.folder / "joints.npz"
        if not place.is_file():
            return None
        with np.load(place) as arrays:
            placed = Placed(torch.from_numpy(arrays["joints"]), arrays["contacts"])
            return placed, arrays["times"], arrays["lasts"]

    def write_joints(self, placed: Placed, times: np.ndarray[Any, Any], lasts: np.ndarray[Any, Any]) -> None:
        """Keep what `read_joints` gives."""
        with replacing(self.folder / "joints.npz") as partial, partial.open("wb") as file:
            np.savez(file, joints=placed.joints.numpy(), contacts=placed.contacts, times=times, lasts=lasts)

    def remove(self) -> None:
        """The result is written: nothing of this is needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)


def file_key(path: Path) -> list[Any]:
    """What tells a file from another one at the same place: size, time of change, and its first megabyte."""
    if path.is_dir():
        return [file_key(one) for one in sorted(path.iterdir()) if one.is_file()]
    known = path.stat()
    with path.open("rb") as file:
        head = hashlib.sha256(file.read(1 << 20)).hexdigest()
    return [path.name, known.st_size, known.st_mtime_ns, head]
