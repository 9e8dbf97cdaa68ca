"""One photograph in several poses: time of the first picture and of each further one, and what it goes to.

The parts are timed inside the calls that make a picture: the network; its fine detail at the photograph's size
(`Generator.enlarge`); the background, filled where the old figure stood; the composition of the two. What else a
picture takes, such as the crop and the pose's maps, is the rest.

Beside the clock stands the processor time of all threads, which other work on the machine changes little; on a CPU the
parts are of it, on a GPU of the clock.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from rich.console import Console
from rich.table import Table

from repose.markdown import each_value, grid_table
from repose.person import JOINTS, Person
from repose.pipeline import Model
from repose.record import ResultLine, reading_line
from repose.represent.canvas import to_uint8
from repose.scene import Scene
from repose.scene import scene as scene_module

PARTS: Final = ("network", "detail", "background", "composition", "rest")
"""Of the time of a picture, in the order of tables."""

RAISED: Final = 150.0
"""Degrees by which `raise_arm` turns the arm in the last pose."""


@dataclass(frozen=True)
class PictureTime:
    """What one picture took, in seconds; medians of the rounds.

    Attributes:
        total: by the clock, from photograph and pose to the picture.
        processor: processor time of all threads for it.
        parts: of the processor time, or with a GPU of the clock, by `PARTS`.
    """

    total: float
    processor: float
    parts: dict[str, float]

    def share(self, part: str) -> float:
        """Of the parts together, 0 to 1."""
        return self.parts[part] / sum(self.parts.values())


@dataclass(frozen=True)
class SceneTimes:
    """One photograph in several poses.

    Attributes:
        height, width: of the photograph, pixels. checksum: of its pixels.
        canvas: of the model. device: where its network ran.
        poses: pictures of each round. rounds: of which the medians are; each begins with the photograph.
        first: the first picture of a round. further: each that follows.
        threads: of torch.
        seed: None, nothing of this is random.
    """

    height: int
    width: int
    checksum: str
    canvas: str
    device: str
    poses: int
    rounds: int
    first: PictureTime
    further: PictureTime
    threads: int
    seed: int | None = None

    def line(self) -> ResultLine:
        """The result line, without the model and the stamp.

        "bench" is "scene"; the attributes by their names, "first" and "further" with "total", "processor" and "parts".
        """
        return {"bench": "scene", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> SceneTimes:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            first, further = (
                PictureTime(line[name]["total"], line[name]["processor"], line[name]["parts"])
                for name in ("first", "further")
            )
            return cls(
                line["height"], line["width"], line["checksum"], line["canvas"], line["device"], line["poses"],
                line["rounds"], first, further, line["threads"], line.get("seed"),
            )  # fmt: skip


def raise_arm(person: Person, count: int) -> list[Person]:
    """Poses of a person who raises an arm sideways: the first is their own, in the last it points up.

    Args:
        person: unbatched, with keypoints. count: of the poses, at least 2.

    Returns:
        People of keypoints alone, in the pixels of `person`.

    Raises:
        ValueError: fewer than two poses, or no arm is located from neck to wrist.
    """
    if count < 2:
        raise ValueError(f"raise_arm: at least 2 poses are needed, got {count}")
    assert person.keypoints is not None
    joints, neck = person.keypoints, JOINTS.index("neck")
    for side in ("right", "left"):
        shoulder, *arm = (JOINTS.index(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist"))
        if bool((joints[[neck, shoulder, *arm], 2] > 0).all()):
            break
    else:
        raise ValueError("no arm of the person is located from neck to wrist; take another photograph")
    outwards = 1.0 if joints[shoulder, 0] >= joints[neck, 0] else -1.0
    poses = []
    for step in range(count):
        angle = -outwards * math.radians(RAISED) * step / (count - 1)
        turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        moved = joints.clone()
        moved[arm, :2] = (joints[arm, :2] - joints[shoulder, :2]) @ turn.T + joints[shoulder, :2]
        poses.append(Person(keypoints=moved, size=person.size))
    return poses


def time_scene(
    model: Model, person: Person, poses: Sequence[Person], rounds: int = 3, say: Callable[[str], None] = lambda _: None
) -> SceneTimes:
    """Put a person into several poses, in rounds that each begin with the photograph, after one that does not count.

    Args:
        model: that makes the pictures.
        person: unbatched, on the whole photograph, as `repose.pipeline.read_person` gives them.
        poses: two at least, as `raise_arm` gives them.
        rounds: of which the medians are taken.
        say: called with a line of text at each step.

    Raises:
        ValueError: fewer than two poses, no round, a batch, or a person without a photograph or joints.
    """
    if len(poses) < 2 or rounds < 1:
        raise ValueError(f"at least 2 poses and 1 round are needed, got {len(poses)} and {rounds}")
    if person.image is None or person.size is None:
        raise ValueError("the person has no photograph; repose.read_person gives one")
    times: list[list[PictureTime]] = []
    for turn in range(rounds + 1):
        say(f"round {turn} of {rounds}" if turn else "a round that does not count")
        times.append(_time_round(model, person, poses))
    first = _median([pictures[0] for pictures in times[1:]])
    further = _median([picture for pictures in times[1:] for picture in pictures[1:]])
    height, width = person.size
    pixels = hashlib.sha256(to_uint8(person.image).tobytes()).hexdigest()[:12]
    return SceneTimes(
        height, width, pixels, model.canvas.name, str(model.device), len(poses), rounds, first, further,
        torch.get_num_threads(),
    )  # fmt: skip


def print_scene(times: SceneTimes, model: str, screen: Console) -> None:
    """Print the first and each further picture, with the shares of the parts."""
    title = f"{model}, {times.height}x{times.width}, {times.poses} poses, threads: {times.threads}"
    pictures = _pictures(times)
    table = Table("", *pictures, title=title)
    table.add_row("seconds", *(f"{picture.total:.3f}" for picture in pictures.values()))
    table.add_row("processor seconds", *(f"{picture.processor:.3f}" for picture in pictures.values()))
    for part in PARTS:
        table.add_row(part, *(f"{picture.share(part):.0%}" for picture in pictures.values()))
    screen.print(table)


def scene_table(lines: list[ResultLine]) -> str:
    """The newest times of each model on a photograph of each size.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {
        (line["model"], line["height"], line["width"], line["device"]): line
        for line in lines
        if line.get("bench") == "scene"
    }
    if not newest:
        raise ValueError("results hold no line of `repose bench scene`")
    grid = [["model", "device", "photograph", "picture", "processor seconds", "seconds", *PARTS]]
    for (model, height, width, device), line in newest.items():
        for name, picture in _pictures(SceneTimes.read(line)).items():
            seconds = f"{picture.processor:.2f}", f"{picture.total:.2f}"
            grid.append(
                [
                    f"`{model}`",
                    device,
                    f"{height}x{width}",
                    name,
                    *seconds,
                    *(f"{picture.share(part):.0%}" for part in PARTS),
                ]
            )
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\nPoses: {each_value(stamps, 'poses')}; medians of {each_value(stamps, 'rounds')} rounds; "
        f"threads: {each_value(stamps, 'threads')}; "
        f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}; "
        f"commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


class _Stopwatch:
    """Adds up the seconds of parts; what a part spends in another part counts there alone."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._inner: list[float] = []

    def watch(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed as a part."""

        def timed(*args: Any, **options: Any) -> Any:
            start = self.clock()
            self._inner.append(0.0)
            try:
                return function(*args, **options)
            finally:
                taken = self.clock() - start
                self.seconds[part] += taken - self._inner.pop()
                if self._inner:
                    self._inner[-1] += taken

        return timed


def _time_round(model: Model, person: Person, poses: Sequence[Person]) -> list[PictureTime]:
    """Every picture of one round; the first includes understanding the photograph."""
    on_cpu = model.device.type == "cpu"
    times, scene = [], None
    for pose in poses:
        stopwatch = _Stopwatch(time.process_time if on_cpu else time.perf_counter)
        with _watched(model, stopwatch):
            start, work = time.perf_counter(), time.process_time()
            scene = scene or model.scene(person)
            model.pose(scene, pose)
            total, processor = time.perf_counter() - start, time.process_time() - work
        parts = stopwatch.seconds
        rest = (processor if on_cpu else total) - sum(parts.values())
        times.append(PictureTime(total, processor, {**parts, "rest": max(0.0, rest)}))
    return times


@contextlib.contextmanager
def _watched(model: Model, stopwatch: _Stopwatch) -> Iterator[None]:
    """The functions that make a picture are timed, each as its part; on a GPU the network is waited for."""
    generator = model.generator
    forward = generator.forward

    def network(*args: Any) -> Any:
        output = forward(*args)
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        return output

    parts: tuple[tuple[Any, str, str], ...] = (
        (generator, "forward", "network"),
        (generator, "enlarge", "detail"),
        (scene_module, "fill_box", "background"),
        (Scene, "compose", "composition"),
    )
    with contextlib.ExitStack() as stack:
        for owner, name, part in parts:
            function = network if part == "network" else getattr(owner, name)
            stack.enter_context(_replaced(owner, name, stopwatch.watch(part, function)))
        yield


@contextlib.contextmanager
def _replaced(owner: Any, name: str, function: Callable[..., Any]) -> Iterator[None]:
    """Another function under a name of a module or an object."""
    own = vars(owner).get(name)  # None: it is the class's
    setattr(owner, name, function)
    try:
        yield
    finally:
        if own is None:
            delattr(owner, name)
        else:
            setattr(owner, name, own)


def _median(pictures: Sequence[PictureTime]) -> PictureTime:
    parts = {part: statistics.median(picture.parts[part] for picture in pictures) for part in PARTS}
    total = statistics.median(picture.total for picture in pictures)
    return PictureTime(total, statistics.median(picture.processor for picture in pictures), parts)


def _pictures(times: SceneTimes) -> dict[str, PictureTime]:
    return {"first": times.first, "each further": times.further}
