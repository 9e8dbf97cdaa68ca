"""Time of a picture with the joints given, of several models side by side: of new pairs, and of further poses.

A new pair is two skeletons that were never seen before and a photograph on the model's canvas; what a model computes of
joints (bodies, maps) is in its time. A further pose is another picture of one photograph, at the photograph's own size
(`Model.pose`), with what a scene keeps. The models take turns, so that other work on the machine slows all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

import torch
from rich.console import Console
from rich.table import Table

from repose.bench.scene import raise_arm
from repose.markdown import each_value, grid_table
from repose.person import Person
from repose.pipeline import Model
from repose.record import ResultLine, reading_line


@dataclass(frozen=True)
class PictureTimes:
    """Seconds of a picture, medians.

    Attributes:
        model: its name. canvas_height, canvas_width: pixels of its canvas. height, width: of the photograph.
        pair, pair_processor: of a new pair on the canvas: by the clock, and processor time of all threads.
        further, further_processor: of a further pose of the photograph.
        pictures: of each kind. device: where the network ran. threads: of torch. seed: None, nothing is random.
    """

    model: str
    canvas_height: int
    canvas_width: int
    height: int
    width: int
    pair: float
    pair_processor: float
    further: float
    further_processor: float
    pictures: int
    device: str
    threads: int
    seed: int | None = None

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "pictures", and the attributes by their names."""
        return {"bench": "pictures", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> PictureTimes:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            return cls(**{name: line[name] for name in cls.__dataclass_fields__})


def time_pictures(
    models: Sequence[Model], person: Person, pictures: int = 20, say: Callable[[str], None] = lambda _: None
) -> list[PictureTimes]:
    """Time new pairs and further poses, model by model in turns, after one of each that does not count.

    Args:
        models: that make the pictures; they need no more of a target than its joints.
        person: unbatched, on the whole photograph; raises an arm.
        pictures: of each model and kind. say: called with a line of text at each turn.

    Raises:
        ValueError: no model or picture, a model that needs more of a target, or a person without a photograph.
    """
    if not models or pictures < 1:
        raise ValueError(f"at least 1 model and 1 picture are needed, got {len(models)} and {pictures}")
    if person.image is None or person.size is None:
        raise ValueError("the person has no photograph; repose.read_person gives one")
    for model in models:
        if model.generator.needs.target != ("keypoints",):
            raise ValueError(f"{model.name} needs more of a target than its joints: {model.generator.needs.target}")
    poses = raise_arm(person, pictures + 2)[1:]
    scenes = [model.scene(person) for model in models]
    for model, scene in zip(models, scenes, strict=True):
        model.pose(scene, poses[0])  # the first picture of a scene
    times: list[list[tuple[float, float, float, float]]] = [[] for _ in models]
    for turn, pose in enumerate(poses):
        say(f"picture {turn} of {pictures}" if turn else "a picture that does not count")
        for model, scene, own in zip(models, scenes, times, strict=True):
            source, target = (_moved(model.place(one), turn) for one in (person, pose))
            own.append((*_timed(model, source, target), *_timed(model.pose, scene, _moved(pose, turn))))
    out = []
    for model, rows in zip(models, times, strict=True):
        pair, pair_processor, further, further_processor = (
            statistics.median(column) for column in zip(*rows[1:], strict=True)
        )
        out.append(
            PictureTimes(
                model.name, *model.canvas.size, *person.size, pair, pair_processor, further, further_processor,
                pictures, str(model.device), torch.get_num_threads(),
            )
        )  # fmt: skip
    return out


def print_pictures(times: Sequence[PictureTimes], screen: Console) -> None:
    """Print the times of each model."""
    table = Table(*_HEAD, title=f"photograph {times[0].height}x{times[0].width}, threads: {times[0].threads}")
    for one in times:
        table.add_row(one.model, *_cells(one))
    screen.print(table)


def pictures_table(lines: list[ResultLine]) -> str:
    """The newest times of each model and photograph's size, as Markdown.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {
        (line["model"], line["height"], line["width"], line["threads"], line["device"]): line
        for line in lines
        if line.get("bench") == "pictures"
    }
    if not newest:
        raise ValueError("results hold no line of `repose bench pictures`")
    stamps = list(newest.values())
    grid = [list(_HEAD), *([f"`{line['model']}`", *_cells(PictureTimes.read(line))] for line in stamps)]
    return (
        f"{grid_table(grid)}\nMedians of {each_value(stamps, 'pictures')} pictures; threads: "
        f"{each_value(stamps, 'threads')}; {each_value(stamps, 'device')}; {each_value(stamps, 'hardware')}; torch "
        f"{each_value(stamps, 'torch')}; commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------

_HEAD = (
    "model", "canvas", "new pair: ms", "processor ms", "pictures a second", "photograph", "further pose: ms",
    "processor ms",
)  # fmt: skip


def _cells(one: PictureTimes) -> list[str]:
    return [
        f"{one.canvas_height}x{one.canvas_width}", f"{1e3 * one.pair:.1f}", f"{1e3 * one.pair_processor:.1f}",
        f"{1 / one.pair:.1f}", f"{one.height}x{one.width}", f"{1e3 * one.further:.1f}",
        f"{1e3 * one.further_processor:.1f}",
    ]  # fmt: skip


def _moved(person: Person, turn: int) -> Person:
    """The person some hundredths of a pixel further right: other joints, of which nothing is kept yet."""
    assert person.keypoints is not None
    return replace(person, keypoints=person.keypoints + person.keypoints.new_tensor([0.01 * (turn + 1), 0, 0]))


def _timed(make: Callable[..., object], *given: object) -> tuple[float, float]:
    """Seconds by the clock, and of processor time."""
    start, work = time.perf_counter(), time.process_time()
    make(*given)
    return time.perf_counter() - start, time.process_time() - work


__all__ = ["PictureTimes", "pictures_table", "print_pictures", "time_pictures"]
