"""Synthetic people as a data set of `repose prepare`: a named set, or a set of given numbers.

This module needs none of the renderer's packages; `prepare_synthetic` needs them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from repose.cores import cores
from repose.data.datasets import DataSet, ProgressFunction, Setting
from repose.data.store import Report, layout
from repose.render.sets import SETS, SetSpec, find_set, free_set


@dataclass(frozen=True)
class Synthetic:
    """Settings of `prepare_synthetic`: a named set, whole or of fewer people, or a set of given numbers.

    None: the value of the named set, or the default in the help.
    """

    named: Annotated[
        str | None, Setting(f"A set with a name and a fixed content: {', '.join(SETS)}.", flag="--set")
    ] = None
    people: Annotated[int | None, Setting("How many people, by default 200; of --set: only so many.", least=3)] = None
    images: Annotated[int | None, Setting("Pictures of each person, by default 8.", least=2, most=100)] = None
    size: Annotated[tuple[int, int] | None, Setting("Of a picture, by default 128x64.")] = None
    style: Annotated[
        str | None,
        Setting(
            "street (small and cluttered), fashion (as in a catalogue), mixed (both; the default), or plain (single "
            "colours, for comparison)."
        ),
    ] = None
    seed: Annotated[int | None, Setting("Of the people; by default 1, and takes up to 999,999.")] = None
    workers: Annotated[int, Setting("Processes; 0 for one a core.", least=0)] = 0

    def spec(self) -> SetSpec:
        """The set to render.

        Raises:
            ValueError: there is no such set or style, a named set is given other numbers, or a number is out of range.
        """
        numbers = {"--images": self.images, "--size": self.size, "--style": self.style, "--seed": self.seed}
        if self.named is not None:
            if given := sorted(option for option, value in numbers.items() if value is not None):
                options = ", ".join(given)
                raise ValueError(f"{self.named} has a fixed content; leave out {options}, or leave out --set")
            return find_set(self.named, self.people)
        return free_set(
            200 if self.people is None else self.people,
            8 if self.images is None else self.images,
            *(self.size or (128, 64)),
            seed=1 if self.seed is None else self.seed,
            style=self.style or "mixed",
        )


def prepare_synthetic(
    settings: Synthetic, out: Path, progress: ProgressFunction | None = None, fresh: bool = False
) -> Report:
    """Render a set of people and write it as a store; see `prepare.prepare_set`.

    Raises:
        SyntheticUnavailable: a package or OpenGL is missing; the text says what to install.
        ValueError: as `Synthetic.spec`, or the folder holds an interrupted run of other settings.
        WorkerError, FileExistsError, OSError: as `prepare.prepare_set`.
    """
    from repose import render  # its names raise SyntheticUnavailable if a package is missing

    return render.prepare_set(settings.spec(), out, settings.workers, progress, fresh)


def expected(spec: SetSpec, workers: int = 0) -> tuple[float, float]:
    """Roughly how many seconds a set takes on this machine without a GPU, and how many GB it fills."""
    pixels = spec.height * spec.width
    person = 0.13 + spec.pictures * (0.02 + pixels * 1e-6)  # seconds of one core of a laptop
    record = sum(math.prod(shape) * dtype.itemsize for _, shape, dtype in layout(spec.height, spec.width).values())
    return spec.people * person / (workers or cores()), spec.people * spec.pictures * record / 1e9


def announce(settings: Synthetic) -> str:
    """The set to render, its time and its size on the disk, in words. Raises ValueError as `Synthetic.spec`."""
    spec = settings.spec()
    seconds, size = expected(spec, settings.workers)
    time = "some seconds" if seconds < 60 else f"about {seconds / 60:.0f} min"
    return (
        f"{spec.name}: {spec.people:,} people in {spec.pictures} pictures of {spec.height}x{spec.width}; "
        f"{time} without a GPU, {size:.1f} GB"
    )


SYNTHETIC: Final = DataSet(
    Synthetic,
    prepare_synthetic,
    about="Rendered people with exact joints, parsing, DensePose, masks and depth: a set with a name, or one by its "
    "numbers. They are rendered on all cores; after an interruption the same command goes on after the last picture.",
    title=lambda settings: settings.named or "synthetic",
    examples=(
        "synthetic --set people-fashion",
        "synthetic --set people-fashion --people 300 -o data/few",
        "synthetic --people 500 --images 8 --size 256x176 --style street -o data/people",
    ),
    announce=announce,
)
